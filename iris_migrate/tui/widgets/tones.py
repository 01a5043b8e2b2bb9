"""How tones are coloured, for every widget that draws rows: state is told by sign and word, colour repeats it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.widget import Widget

from iris_migrate.redact import clean
from iris_migrate.tui.telling import Row

TONES = ("good", "bad", "warn", "muted", "active", "add", "remove", "code", "head", "label")
COMPONENTS = {f"tone--{tone}" for tone in TONES}
CSS = """
    & > .tone--good, & > .tone--add { color: $success; }
    & > .tone--bad, & > .tone--remove { color: $error; }
    & > .tone--warn { color: $warning; }
    & > .tone--muted { text-style: dim; }
    & > .tone--active { color: $primary; }
    & > .tone--code { color: $foreground 85%; }
    & > .tone--head { text-style: bold; }
    & > .tone--label { color: $primary; text-style: bold; }
"""


def style_of(widget: Widget, tone: str) -> Style:
    """The style of a tone on a widget whose COMPONENT_CLASSES and CSS have these."""
    return widget.get_component_rich_style(f"tone--{tone}", partial=True) if tone else Style.null()


def hanging(row: Row) -> RenderableType:
    """One row whose further lines stand under its text."""
    table = Table.grid(padding=(0, 1, 0, 0), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1, overflow="fold")
    table.add_row(clean(row.label), Text(clean(row.text)))
    return table


def table_of(widget: Widget, rows: Iterable[Row]) -> RenderableType:
    """Rows in two columns; a row without a label that follows another stands under its text."""
    table = Table.grid(padding=(0, 1, 0, 0), expand=True)
    rows = tuple(rows)
    words = any(len(row.label) > 1 for row in rows)  # signs alone need no more than their own cell
    table.add_column(no_wrap=True, min_width=4 if words else 1)
    table.add_column(ratio=1, overflow="fold")
    blocks: list[RenderableType] = []
    used = False
    for row in rows:
        text = Text(clean(row.text).expandtabs(4), style_of(widget, row.tone))
        if not row.label and not used:
            blocks.append(text)
        else:
            table.add_row(Text(clean(row.label), style_of(widget, "label")), text)
            used = True
    from rich.console import Group

    return Group(*blocks, table) if used else Group(*blocks)
