"""Connect: which profile, who AWS says we are, and which permissions are missing for what. Reads only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from iris_migrate.tui.commands import bindings
from iris_migrate.tui.screens.page import Page
from iris_migrate.tui.widgets.facts import Fact, Facts

if TYPE_CHECKING:
    from iris_migrate.connections.aws import AwsConnection, Identity
    from iris_migrate.engine.access import Access
    from iris_migrate.language.checklist import Checklist

DEFAULT = "Default: what the environment says, else the default profile"
_COMMAND = re.compile(r": (aws [a-z][^.;]*)")


@dataclass(frozen=True, slots=True)
class Account:
    """Where we are signed in. `profile` is empty for the default chain."""

    aws: AwsConnection
    identity: Identity
    alias: str
    profile: str


class ConnectScreen(Page[Account | None]):
    AREA = "connect"
    TITLE_IN_HEADER = "Account"
    CSS_PATH = "connect.tcss"
    BINDINGS = bindings("connect")
    HELP = (
        "AWS is asked who you are with the marked profile of your AWS configuration. The permissions below are those"
        " that the checklist's steps will need; `unknown` means that AWS cannot be asked without doing it. Nothing is"
        " changed here."
    )

    def __init__(self) -> None:
        super().__init__()
        self.account: Account | None = None
        self.busy, self.problem, self.remedy = True, "", ""
        self._profile = ""

    @property
    def ready(self) -> bool:
        return self.account is not None

    def body(self) -> Iterator[Widget]:
        with VerticalScroll(id="connect", can_focus=False):
            profiles = OptionList(markup=False, id="profiles")
            profiles.border_title = "Profile"
            yield profiles
            yield Facts([("Account", "asking AWS who you are …")], id="who")
            yield Static("", id="problem", markup=False)
            yield Facts(id="access")

    def on_mount(self) -> None:
        self.run_worker(self._open(), name="connect")

    async def _open(self) -> None:
        from iris_migrate.connections.aws import profiles

        options = await self.iris.read_options()
        self._checklist = await self.iris.in_thread(lambda: _checklist(options))
        names = await self.iris.in_thread(profiles)
        configured = self._setting("aws.profile")
        listed = self.query_one("#profiles", OptionList)
        listed.add_options([Option(Content(name), id=f"p{at}") for at, name in enumerate((DEFAULT, *names))])
        self._names = ("", *names)
        listed.highlighted = self._names.index(configured) if configured in self._names else 0
        listed.focus()

    def _setting(self, name: str) -> str:
        """A setting that somebody gave; a default is no choice."""
        found = self._checklist.settings.get(name) if self._checklist else None
        return str(found.value) if found is not None and found.origin != "default" else ""

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self._profile = self._names[event.option_index]
        self._ask()

    def on_option_list_option_selected(self) -> None:
        self.action_next()

    def _ask(self) -> None:
        self.account, self.busy, self.problem, self.remedy = None, True, "", ""
        self.refresh_bindings()
        self.run_worker(self._who(), name="who", group="who", exclusive=True)

    async def _who(self) -> None:
        from iris_migrate.engine.access import access, needs
        from iris_migrate.target import AwsError, Unreadable

        self._say([("Account", "asking AWS who you are …")])
        self.query_one("#access", Facts).show([])
        aws = self.iris.aws_at(self._profile, self._setting("aws.region"))
        try:
            identity = await aws.open()
        except (AwsError, Unreadable) as error:
            self.busy = False
            return self._failed(str(error))
        alias = await aws.alias()
        self.account = Account(aws, identity, alias, self._profile)
        self.iris.at(account=identity.account, alias=alias, region=identity.region)
        self._say([
            ("Account", f"{identity.account} ({alias})" if alias else f"{identity.account}, without an alias"),
            ("You are", identity.arn),
            ("Region", identity.region),
        ])  # fmt: skip
        self.refresh_bindings()
        table = self.query_one("#access", Facts)
        table.show([("Permissions", "asking which are there …")])
        found = await access(aws, identity.arn, needs(self._checklist))
        table.show([("Permissions", _summary(found)), *(_part(one) for one in found)])
        self.busy = False
        self.refresh_bindings()

    def _say(self, rows: list[Fact]) -> None:
        self.query_one("#problem", Static).update("")
        self.query_one("#who", Facts).show(rows)

    def _failed(self, problem: str) -> None:
        self.problem = problem
        found = _COMMAND.search(problem)
        self.remedy = found[1].strip() if found else ""
        self.iris.at(account="", alias="", region="")
        self.query_one("#who", Facts).show([("Account", "not signed in", "bold")])
        self.query_one("#problem", Static).update(
            Content(f"✗ {problem}" + ("\n\nRun that in another terminal, then try again (r)." if self.remedy else ""))
        )
        self.refresh_bindings()

    def action_next(self) -> None:
        if self.account is not None:
            self.dismiss(self.account)

    def action_again(self) -> None:
        self._ask()

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.remedy)
        self.notify(f"Copied: {self.remedy}", markup=False)

    def action_back(self) -> None:
        self.dismiss(None)


def _checklist(options: object) -> Checklist | None:
    """The checklist, or None while its settings do not fit: then only discovery's needs are known."""
    from iris_migrate.engine.options import Options
    from iris_migrate.language.errors import LanguageError
    from iris_migrate.language.load import load

    assert isinstance(options, Options)
    try:
        return load(options.checklist, flags=options.flags, settings_file=options.settings_file())
    except LanguageError:
        return None


def _summary(found: tuple[Access, ...]) -> str:
    denied, unknown = sum(len(one.denied) for one in found), sum(len(one.unknown) for one in found)
    if denied:
        return "some are missing; `iris-migrate permissions` prints the policy that gives them"
    return "unknown where AWS cannot be asked; a step says so when one is missing" if unknown else "all there"


def _part(one: Access) -> Fact:
    total = len(one.allowed) + len(one.denied) + len(one.unknown)
    if one.denied:
        others = f"; {len(one.unknown)} cannot be asked" if one.unknown else ""
        return f"✗ {one.part}", f"missing: {', '.join(one.denied)}{others}", "bold"
    if one.unknown:
        return f"? {one.part}", f"{len(one.unknown)} of {total} unknown: AWS cannot be asked without doing it"
    return f"✓ {one.part}", f"{total} of {total}"
