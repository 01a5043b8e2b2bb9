"""The one list of commands: footer, palette, help and key map are made from it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.binding import Binding


def _always(_: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Command:
    """What can be done in one area: `app` (everywhere) or a screen's name.

    `key` is the default and may name several, separated by commas. `works` is asked with the screen: while it says no,
    the key does nothing and the footer leaves it out. The screen's (or the app's) method is `action_<verb>`.
    """

    id: str  # area.verb, the name that a key map uses
    key: str
    words: str  # in the footer
    help: str
    works: Callable[[Any], bool] = _always
    footer: bool = True
    priority: bool = False  # before the focused widget: a list would keep Enter, a text field would type letters
    wide: str = ""  # in the footer where there is room for all words; names it there although `footer` says no

    @property
    def area(self) -> str:
        return self.id.partition(".")[0]

    @property
    def verb(self) -> str:
        return self.id.partition(".")[2].replace("-", "_")

    @property
    def action(self) -> str:
        return f"app.{self.verb}" if self.area == "app" else self.verb


def _ready(screen: Any) -> bool:
    return bool(screen.ready)


def _idle(screen: Any) -> bool:
    return not screen.busy


COMMANDS: tuple[Command, ...] = (
    Command("start.choose", "enter", "choose", "Do what is marked.", priority=True),
    Command("connect.next", "enter", "continue", "Go on with this account and region.", _ready, priority=True),
    Command("connect.again", "r", "try again", "Ask AWS again who you are.", _idle),
    Command("connect.copy", "y", "copy", "Copy the command that mends the login.", lambda screen: screen.remedy != ""),
    Command("connect.back", "escape", "back", "Back to the start."),
    Command("discover.next", "enter", "continue", "Take over what was found and go on to the settings.", _ready,
            priority=True),
    Command("discover.again", "r", "look again", "Ask AWS again.", _idle),
    Command("discover.back", "escape", "back", "Back to the account."),
    Command("settings.save", "f2", "save and go on", "Write the settings file and open the checklist.", _ready,
            priority=True),
    Command("settings.all", "f3", "all", "Show all settings, or again only those to look at."),
    Command("settings.reset", "f4", "as found", "Put the field back to what was found or is the default.",
            lambda screen: screen.changed_field),
    Command("opening.again", "r", "try again", "Open it again.", _idle),
    Command("opening.back", "escape", "back", "Back to the start."),
    Command("settings.back", "escape", "back", "Back to what was found."),
    Command("checklist.apply", "a", "apply", "Carry out the plan that the panel shows, exactly as it stands there.",
            lambda screen: screen.can_apply),
    Command("checklist.retry", "r", "retry", "Try the failed step again.", lambda screen: screen.can_retry),
    Command("checklist.mend", "m", "mend", "Carry the remedy out: all of its plan is shown first.",
            lambda screen: screen.can_mend),
    Command("checklist.probe", "p", "why", "Ask the facts that tell one cause from another; nothing is changed.",
            lambda screen: screen.can_probe, footer=False, wide="ask why"),
    Command("checklist.settings", "e", "settings", "Edit the settings, then come back.",
            lambda screen: screen.can_retry, wide="edit settings"),
    Command("checklist.phase", "A", "phase", "Apply step after step to the end of the phase; what costs,"
            " interrupts or destroys asks once more.", lambda screen: screen.can_phase, wide="apply the phase"),
    Command("checklist.stop", "x", "stop", "End what runs where it only waits.", lambda screen: screen.visit.busy),
    Command("checklist.choose", "enter", "show", "Show the marked step, or open the marked phase.",
            lambda screen: screen.list_open),
    Command("checklist.next", "n", "next", "Go to the next step that something can be done about.",
            lambda screen: screen.can_go_on, wide="next step"),
    Command("checklist.list", "c", "list", "Open or close the list of all steps.", lambda screen: screen.narrow),
    Command("checklist.verify", "v", "verify", "Look at this step again; nothing is changed.",
            lambda screen: screen.idle and screen.step is not None, wide="verify it"),
    Command("checklist.verify-all", "V", "all", "Look at every step again; nothing is changed.",
            lambda screen: screen.idle, wide="verify all"),
    Command("checklist.waive", "w", "waive", "Settle the step with a reason although it does not hold.",
            lambda screen: screen.can_waive, footer=False, wide="waive"),
    Command("checklist.undo", "u", "undo", "Put back what was before this step changed it; shown first.",
            lambda screen: screen.can_undo),
    Command("checklist.diff", "d", "diff", "The plan in full, files as a diff; or in short.",
            lambda screen: screen.step is not None, footer=False, wide="diff"),
    Command("checklist.logs", "l", "logs", "All logs of the host side by side."),
    Command("checklist.copy", "y", "copy", "Copy what has the focus, and save it to a file.", footer=False),
    Command("checklist.search", "slash", "search", "Look for a text in the lines that are shown.", footer=False),
    Command("checklist.pane-output", "1", "output", "What the step's changes wrote.", footer=False),
    Command("checklist.pane-journal", "2", "journal", "The journal of the step's units, as it comes.", footer=False),
    Command("checklist.pane-evidence", "3", "evidence", "Everything that was looked at.", footer=False),
    Command("checklist.pane-undo", "4", "undo", "What undo would put back.", footer=False),
    Command("checklist.leave", "escape", "back", "Back to the start; you are asked first when something runs.",
            footer=False),
    *(
        Command(f"logs.source-{number}", str(number), f"source {number}", f"Show or hide log number {number}.",
                footer=False)
        for number in range(1, 10)
    ),
    Command("logs.filter", "f", "filter", "Show only lines that contain a text."),
    Command("logs.level", "e", "level", "Show all lines, warnings and worse, or errors only."),
    Command("logs.age", "t", "time", "Show all, the last five minutes, or the last hour.", footer=False),
    Command("logs.beside", "b", "beside", "Each log in a view of its own, side by side; or merged by time again."),
    Command("logs.step", "o", "step", "Go to the step that was worked on when the marked line was written."),
    Command("logs.search", "slash", "search", "Go to the next line upwards that contains a text."),
    Command("logs.fields", "enter", "fields", "Take the marked line apart; JSON is shown by field."),
    Command("logs.save", "s", "save", "Save the shown lines to a file."),
    Command("logs.copy", "y", "copy", "Copy the marked line, and save it to a file.", footer=False),
    Command("logs.close", "escape,l", "back", "Back to the checklist."),
    Command("verify.open", "enter", "open", "Open the marked step in the checklist.",
            lambda screen: screen.ready and not screen.filtering, priority=True),
    Command("verify.one", "v", "look again", "Look at the marked step again.", _ready),
    Command("verify.all", "V", "all", "Look at every step again.", _idle, wide="look at all again"),
    Command("verify.filter", "f", "filter", "Show only steps that contain a text.", _idle),
    Command("verify.export", "e", "export", "Save the result as JSON and JUnit XML.", _ready),
    Command("verify.copy", "y", "copy", "Copy what the panel says, and save it to a file.", _ready, footer=False),
    Command("verify.back", "escape", "back", "Back to the start; out of a filter first."),
    Command("decommission.begin", "D", "take down", "Take down exactly what is listed: the phrase of this list is asked"
            " for, then it goes as far as the gates allow.", lambda screen: screen.can_begin),
    Command("decommission.stop", "x", "stop", "End what runs where it only waits.", lambda screen: screen.visit.busy),
    Command("decommission.restore", "r", "bring back", "The way back from the archive, step by step.",
            lambda screen: screen.can_restore),
    Command("decommission.why", "enter", "why", "All that was seen about the marked gate.", lambda screen: screen.idle),
    Command("decommission.waive", "w", "waive", "Open the marked gate with a reason, although it is closed.",
            lambda screen: screen.can_waive),
    Command("decommission.look", "v", "look again", "Look at all of it again; nothing is changed.",
            lambda screen: screen.idle),
    Command("decommission.export", "e", "export", "Save list, gates and result as JSON.", lambda screen: screen.idle,
            footer=False),
    Command("decommission.back", "escape", "back", "Back to the start; you are asked first when something runs."),
    Command("app.help", "question_mark,f1", "help", "What this part is for and which keys work."),
    Command("app.palette", "ctrl+p", "palette", "Find a command by its name.", footer=False),
    Command("app.theme", "f9", "theme", "The next theme: dark, light, high contrast, the terminal's own.",
            footer=False),
    Command("app.quit", "q,ctrl+q", "quit", "Leave. What runs on the host goes on; you are asked first."),
)  # fmt: skip


def commands(area: str) -> tuple[Command, ...]:
    """The commands of an area, in the footer's order."""
    return tuple(command for command in COMMANDS if command.area == area)


def bindings(area: str) -> list[Any]:
    """The key bindings of an area."""
    return [
        Binding(
            command.key, command.action, command.words, show=command.footer, priority=command.priority,
            tooltip=command.help, id=command.id,
        )
        for command in commands(area)
    ]  # fmt: skip


def works(area: str, action: str, screen: Any) -> bool:
    """Whether an action may be done now. Actions that are no command of ours may.

    While there is no screen to ask yet (None), only what always works does: a footer names no key too early.
    """
    for command in COMMANDS:
        if command.area == area and command.verb == action:
            return command.works is _always if screen is None else bool(command.works(screen))
    return True


_KEYS = {"question_mark": "?", "escape": "Esc", "enter": "Enter", "slash": "/", "space": "Space", "tab": "Tab"}


def key_name(keys: str) -> str:
    """Keys as people write them: `? F1`, `Esc`, `Ctrl+Q`."""
    return " ".join(_KEYS.get(key) or (key if len(key) == 1 else key.title()) for key in keys.split(","))


class KeyMapError(Exception):
    """A key map cannot be used; the message says where and how to mend it."""


def key_map_file(environment: Mapping[str, str] = os.environ) -> Path | None:
    """IRIS_MIGRATE_KEYS, else keys.toml beside the user's settings; None when there is none."""
    if named := environment.get("IRIS_MIGRATE_KEYS"):
        return Path(named)
    base = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    found = Path(base) / "iris-migrate" / "keys.toml"
    return found if found.is_file() else None


def moved_keys() -> tuple[Mapping[str, str], str]:
    """The operator's key map, and what is wrong with it: then the defaults stay."""
    path = key_map_file()
    try:
        return (read_key_map(path) if path else {}), ""
    except KeyMapError as error:
        return {}, str(error)


def read_key_map(path: Path) -> Mapping[str, str]:
    """Command ids to keys, from a TOML file: `"checklist.apply" = "f5"`. Raises KeyMapError."""
    import tomllib

    try:
        found = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KeyMapError(f"{path}: the key map cannot be read: {error}") from error
    keys: dict[str, str] = {}
    known = {command.id: command for command in COMMANDS}

    def walk(table: Mapping[str, Any], prefix: str) -> None:
        for name, value in table.items():
            if isinstance(value, dict):
                walk(value, f"{prefix}{name}.")
            elif f"{prefix}{name}" not in known:
                raise KeyMapError(f"{path}: {prefix}{name} is no command; the help (?) lists them.")
            elif not isinstance(value, str) or not value:
                raise KeyMapError(f'{path}: {prefix}{name} wants a key like "f5".')
            else:
                keys[prefix + name] = value

    walk(found, "")
    _refuse_clashes(path, {**{name: command.key for name, command in known.items()}, **keys})
    return keys


def _refuse_clashes(path: Path, keys: Mapping[str, str]) -> None:
    taken: dict[tuple[str, str], str] = {}
    for name, all_keys in keys.items():
        area = name.partition(".")[0]
        for key in all_keys.split(","):
            if other := taken.get((area, key)):
                raise KeyMapError(f"{path}: {key} would be both {other} and {name}; give one of them another key.")
            taken[area, key] = name
