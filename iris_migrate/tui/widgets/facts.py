"""Labels with values in two columns, values wrapped under themselves."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text
from textual.widgets import Static

from iris_migrate.redact import clean

Fact = tuple[str, str] | tuple[str, str, str]  # label, value, and a style for the value


class Facts(Static):
    """Texts from outside are taken as they are: cleaned, never markup."""

    def __init__(self, rows: Iterable[Fact] = (), *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self.rows: list[Fact] = []
        self._first = list(rows)

    def on_mount(self) -> None:
        if self._first:
            self.show(self._first)

    def show(self, rows: Iterable[Fact]) -> None:
        self.rows = list(rows)
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(no_wrap=True)
        table.add_column(ratio=1, overflow="fold")
        for label, value, *style in self.rows:
            table.add_row(Text(label, style="bold"), Text(clean(value), style=style[0] if style else ""))
        self.update(table)
