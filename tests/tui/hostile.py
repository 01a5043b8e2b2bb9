"""A sitting whose files, journal and commands are hostile; run in a pseudo-terminal by test_hostile."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from iris_migrate.connections.host.journal import Line
from iris_migrate.language.checklist import Phase
from tests.tui.sitting import LocalSession, SittingApp, step

ATTACKS = (
    "osc52 \x1b]52;c;SEFDS0VE\x07 seen-a", "title \x1b]0;OWNED\x1b\\ seen-b", "dcs \x1bPq#0HACK\x1b\\ seen-c",
    "paste \x1b[200~rm -rf\x1b[201~ seen-d", "c1 \x9b31mred \x9d0;OWNED\x9c seen-e", "clear \x1b[2J\x1bc seen-f",
    "markup [bold red]loud[/] [link=x]y[/link] [ seen-g", "bell \x07\x08\x7f\r over seen-h",
    "bidi \u202eevil\u202c seen-i",
)  # fmt: skip


class HostileHost:
    """Its journal was written by somebody else; nothing has cleaned it."""

    async def journal(self, unit: str, **options: Any) -> list[Line]:
        return [Line(1_800_000_000.0, unit, 7, 6, attack, "c", f"evil\x1b]0;X\x07{unit}") for attack in ATTACKS]

    async def follow(self, *sources: Any) -> AsyncIterator[list[Line]]:
        yield await self.journal("unit")


def session(folder: Path) -> LocalSession:
    name = folder / "file\x1b]0;OWNED\x07\x9b31m[red]seen-name"
    name.write_text("\n".join(ATTACKS))
    shout = "printf '" + "\\n".join(ATTACKS).replace("\x1b", "\\033").replace("\x07", "\\007") + "\\n'; exit 4"
    return LocalSession(
        folder,
        (
            step("file", "1", "note", with_={"path": str(name), "content": "else"}, journal=("unit",),
                 title="File \x1b]0;OWNED\x07 [bold]title[/]"),
            step("loud", "1", "task", with_={"path": str(folder / "no"), "argv": ("sh", "-c", shout)}),
        ),
        (Phase("1", "Phase \x1b[2J[red]"),),
    )  # fmt: skip


class HostileApp(SittingApp):
    async def _journey(self) -> None:
        begin = self.local.begin

        async def begun(operator: Any) -> LocalSession:
            opened = await begin(operator)
            opened.target.host_connection = HostileHost()  # type: ignore[attr-defined]
            return opened

        self.local.begin = begun  # type: ignore[method-assign]
        await super()._journey()


if __name__ == "__main__":
    HostileApp(session(Path(sys.argv[1]))).run()
