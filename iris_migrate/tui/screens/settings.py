"""Settings: one list, one line to type in; checked as one types, with where each value came from and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from iris_migrate.redact import clean
from iris_migrate.tui.commands import bindings
from iris_migrate.tui.screens.page import Page
from iris_migrate.tui.widgets.setting_row import setting_row

if TYPE_CHECKING:
    from iris_migrate.engine.draft import Draft, Row
    from iris_migrate.tui.screens.discover import Found

LONGEST = 4096  # characters in one setting
_SOURCES = ("env:", "file:", "prompt")


class SettingsScreen(Page[bool | None]):
    """Answers True when the settings are written, None to go back."""

    AREA = "settings"
    TITLE_IN_HEADER = "Settings"
    CSS_PATH = "settings.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("settings"),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-8)", show=False, priority=True),
        Binding("pagedown", "move(8)", show=False, priority=True),
    ]
    HELP = (
        "Up and down mark a setting, typing changes it (Ctrl+U empties it), Enter goes to the next. Each says where"
        " its value came from: default, found, file, flag or typed. A secret is never written here, only where it is"
        " read from: env:NAME, file:PATH (mode 0600) or prompt. Nothing is made in AWS by saving."
    )

    def __init__(self, found: Found | None = None) -> None:
        super().__init__()
        self._found = found
        self.draft: Draft | None = None
        self._names: list[str] = []
        self._all = False
        self._loading = False
        self.asking = found is not None  # how the old side was used
        self._before = "Before, on Lambda: `iris-migrate cost` asks AWS what it costs today."

    @property
    def ready(self) -> bool:
        return self.draft is not None

    @property
    def changed_field(self) -> bool:
        return self.draft is not None and bool(self._names) and self._row().origin == "typed"

    def body(self) -> Iterator[Widget]:
        yield Static("reading the settings …", id="cost", markup=False)
        yield OptionList(markup=False, id="settings")
        with Vertical(id="editor"):
            yield Static("", id="about", markup=False)
            yield Input(id="value", max_length=LONGEST, compact=True, select_on_focus=False)
            yield Static("", id="wrong", markup=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self.query_one(Input).focus()
        self.run_worker(self._read(), name="settings")

    async def _read(self) -> None:
        from iris_migrate.engine.draft import Draft

        options = await self.iris.read_options()
        found = self._found.filled if self._found else {}
        draft = await self.iris.in_thread(
            lambda: Draft(
                options.checklist, flags=options.flags, settings_file=options.settings_file(),
                state=options.state_folder(), found=found,
            )
        )  # fmt: skip
        if self._found is not None and draft.row("aws.profile").text != self._found.account.profile:
            draft.type("aws.profile", self._found.account.profile)
        self.draft = draft
        if self._found is not None:
            self._before = "Before, on Lambda: asking AWS how it was used …"
            self.run_worker(self._ask_before(self._found, draft.row("lambda.function").text), name="before")
        self._list()
        self.refresh_bindings()

    # The list

    def _list(self) -> None:
        """Show the settings that want a look, or all; keep the marked one."""
        assert self.draft is not None
        marked = self._names[self._at()] if self._names else ""
        rows = [row for row in self.draft.rows() if self._all or wants_a_look(row)]
        self._names = [row.name for row in rows]
        listed = self.query_one(OptionList)
        width = self._width()
        with self.prevent(OptionList.OptionHighlighted):
            listed.clear_options()
            listed.add_options([Option(setting_row(row, width)) for row in rows])
        wrong = next((at for at, row in enumerate(rows) if row.wrong), 0)
        listed.highlighted = self._names.index(marked) if marked in self._names else wrong
        total = len(self.draft.rows())
        listed.border_title = f"All {total} settings" if self._all else f"{len(rows)} to look at, of {total}"
        listed.border_subtitle = clean(str(self.draft.path))
        self._show()
        self._cost()

    def _width(self) -> int:
        return max(20, self.size.width - 8)

    def _at(self) -> int:
        return self.query_one(OptionList).highlighted or 0

    def _row(self) -> Row:
        assert self.draft is not None
        return self.draft.row(self._names[self._at()])

    def on_resize(self) -> None:
        if self.draft is not None and self._names:
            self._list()

    def on_option_list_option_highlighted(self) -> None:
        if self._names:
            self._show()

    def on_option_list_option_selected(self) -> None:
        self.query_one(Input).focus()

    def _show(self) -> None:
        """The marked setting in the line to type in."""
        row = self._row()
        declared = row.declared
        box = self.query_one("#editor")
        box.border_title = row.name
        about = " ".join(declared.description.split())
        if declared.choices:
            about += f" One of: {', '.join(declared.choices)}."
        self.query_one("#about", Static).update(Content(clean(about)))
        field = self.query_one(Input)
        self._loading = field.value != row.text
        field.password = declared.secret and not row.text.startswith(_SOURCES)
        field.placeholder = f"for instance {declared.example}" if declared.example else ""
        field.value = row.text
        field.cursor_position = len(field.value)
        self._tell(row)
        self.refresh_bindings()

    def _tell(self, row: Row, *, refused: bool = False) -> None:
        wrong = self.query_one("#wrong", Static)
        if row.wrong:
            said = f"✗ {'Not saved: ' if refused else ''}{clean(row.wrong)}"
            return wrong.update(Content(said).stylize("$text-error"))
        told = {"discovered": f"found: {row.where}", "file": "from the settings file", "flag": "from --set",
                "default": "the default", "typed": "typed"}[row.origin]  # fmt: skip
        if row.declared.secret and row.origin == "discovered":
            told += "; kept in a file that only you can read"
        return wrong.update(Content(f"· {clean(told)}"))

    # Typing

    def on_input_changed(self, event: Input.Changed) -> None:
        if self.draft is None or not self._names:
            return
        if self._loading:
            self._loading = False
            return
        row = self._row()
        if event.value == row.text:
            return
        row = self.draft.type(row.name, event.value)
        event.input.password = row.declared.secret and not event.value.startswith(_SOURCES)
        self.query_one(OptionList).replace_option_prompt_at_index(self._at(), setting_row(row, self._width()))
        self._tell(row)
        self._cost()
        self.refresh_bindings()

    def on_input_submitted(self) -> None:
        if self._at() + 1 < len(self._names):
            self.action_move(1)

    def action_move(self, by: int) -> None:
        if self._names:
            self.query_one(OptionList).highlighted = min(max(0, self._at() + by), len(self._names) - 1)

    # What it costs

    def _cost(self) -> None:
        from iris_migrate.engine.prices import monthly

        assert self.draft is not None
        region, instance, volume = (
            self.draft.row(name).text for name in ("aws.region", "instance.type", "instance.volume_gb")
        )
        cost = monthly(region, instance, int(volume) if volume.isdigit() else 0)
        if cost.total is None:
            text = f"Cost a month: unknown; our table has no prices for {instance} in {region}."
        else:
            items = " + ".join(f"{item.what} ${item.dollars:.2f}" for item in cost.items if item.dollars)
            text = f"Cost a month: {items} = ${cost.total:.2f} ({region}, prices of {cost.as_of}, without tax)"
        self.query_one("#cost", Static).update(Content(clean(f"{self._before}\n{text}")))

    async def _ask_before(self, found: Found, function: str) -> None:
        """What the old side costs today, once AWS has told how it was used."""
        from iris_migrate.engine.bill import used
        from iris_migrate.reports.cost import before_line

        use, unread = await used(found.account.aws, function, self.iris.now())
        self._before, self.asking = before_line(found.account.identity.region, use, unread), False
        self._cost()

    # Commands

    def action_all(self) -> None:
        if self.draft is not None:
            self._all = not self._all
            self._list()

    def action_reset(self) -> None:
        if self.draft is not None:
            self.draft.reset(self._row().name)
            self._list()

    def action_save(self) -> None:
        if self.draft is not None:
            self.run_worker(self._save(self.draft), name="save", group="save", exclusive=True)

    async def _save(self, draft: Draft) -> None:
        from iris_migrate.language.errors import LanguageError

        wrong = [row.name for row in draft.rows() if row.wrong]
        if wrong:
            self._mark(wrong[0])
            self._tell(draft.row(wrong[0]), refused=True)
            return
        try:
            await self.iris.in_thread(draft.save)
        except (LanguageError, OSError, ValueError) as error:
            self.notify(clean(str(error)), severity="error", markup=False, timeout=12)
            return
        self.dismiss(True)

    def _mark(self, name: str) -> None:
        if name not in self._names:
            self._all = True
            self._list()
        self.query_one(OptionList).highlighted = self._names.index(name)

    def action_back(self) -> None:
        self.dismiss(None)

    def on_key(self, event: Key) -> None:
        """The list is no stop for the focus: one types at once."""
        if event.key in ("tab", "shift+tab"):
            event.stop()
            self.action_move(1 if event.key == "tab" else -1)


def wants_a_look(row: Row) -> bool:
    """What a person decides: what was given or found, secrets, and what the checklist gives an example for."""
    declared = row.declared
    return bool(
        row.wrong or declared.secret or declared.required or declared.discover or declared.example
        or row.origin in ("typed", "discovered", "flag")
    )  # fmt: skip
