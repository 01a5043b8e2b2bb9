"""Discover: which function is replaced, and everything around it as AWS shows it. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from iris_migrate.redact import clean
from iris_migrate.tui.commands import bindings
from iris_migrate.tui.screens.connect import Account
from iris_migrate.tui.screens.page import Page
from iris_migrate.tui.symbols import spark
from iris_migrate.tui.widgets.facts import Fact, Facts

if TYPE_CHECKING:
    from iris_migrate.engine.discovery import ApiSeen, Filled, FunctionSeen, OldSide

NONE = "None of these: ask me everything"
MASK = "••••••"


@dataclass(frozen=True, slots=True)
class Found:
    """What discovery gives to the settings, by setting."""

    account: Account
    filled: Mapping[str, Filled] = field(default_factory=dict)


class DiscoverScreen(Page[Found | None]):
    AREA = "discover"
    TITLE_IN_HEADER = "Old side"
    CSS_PATH = "discover.tcss"
    BINDINGS = bindings("discover")
    HELP = (
        "Mark the Lambda function that the host will replace. Its API, authorizer, repository, variables and traffic"
        " are read and fill in the settings; values of variables are never shown. What cannot be found is asked on the"
        " next screen. Nothing is changed here."
    )

    def __init__(self, account: Account) -> None:
        super().__init__()
        self._account = account
        self.seen: OldSide | None = None
        self.busy, self._nothing = True, False
        self._functions: tuple[FunctionSeen, ...] = ()

    @property
    def ready(self) -> bool:
        return self.seen is not None or self._nothing

    def body(self) -> Iterator[Widget]:
        functions = OptionList(markup=False, id="functions")
        functions.border_title = "Lambda functions"
        with Vertical(id="sides"):
            yield functions
            with VerticalScroll(id="details") as box:
                box.border_title = "What is around it"
                yield Facts([("", "asking AWS for the functions …")], id="seen")

    def on_mount(self) -> None:
        self.run_worker(self._list(), name="functions")

    async def _list(self) -> None:
        from iris_migrate.engine.discovery import functions
        from iris_migrate.target import AwsError, Unreadable

        listed = self.query_one("#functions", OptionList)
        listed.clear_options()
        wanted, failed = await self._wanted(), False
        try:
            self._functions = await functions(self._account.aws)
        except (AwsError, Unreadable) as error:
            self._functions, failed = (), True
            self._say([("✗ Functions", str(error), "bold"), ("", "Enter goes on without them; r asks again.")])
        if not self._functions and not failed:
            self._say([("Functions", f"there are none in {self._account.identity.region}; is that the region?")])
        wide = max((len(clean(one.name)) for one in self._functions), default=0)
        rows = [clean(f"{clean(one.name):<{wide}}   {one.package}, {one.memory} MB") for one in self._functions]
        listed.add_options([Option(Content(row)) for row in (*rows, NONE)])
        names = [one.name for one in self._functions]
        listed.highlighted = names.index(wanted) if wanted in names else len(names) if not names else 0
        listed.focus()

    async def _wanted(self) -> str:
        """The function that the settings name, by default or given."""
        from iris_migrate.tui.screens.connect import _checklist

        options = await self.iris.read_options()
        checklist = await self.iris.in_thread(lambda: _checklist(options))
        setting = checklist.settings.get("lambda.function") if checklist else None
        return str(setting.value) if setting is not None else ""

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self.seen, self._nothing, self.busy = None, event.option_index >= len(self._functions), False
        self.workers.cancel_group(self, "look")
        if self._nothing:
            if self._functions:
                self._say([("", "Nothing is taken over. The next screen asks for what is needed.")])
        else:
            self.run_worker(self._look(self._functions[event.option_index]), name="look", group="look", exclusive=True)
        self.refresh_bindings()

    def on_option_list_option_selected(self) -> None:
        if self.ready:
            self.action_next()

    async def _look(self, function: FunctionSeen) -> None:
        from iris_migrate.engine.discovery import old_side

        self.busy = True
        self._say([("Function", f"{function.name}: looking around it …")])
        seen = await old_side(self._account.aws, function, self.iris.now())
        self.seen, self.busy = seen, False
        self._say(rows_of(seen, self.iris.now()))
        self.refresh_bindings()

    def _say(self, rows: list[Fact]) -> None:
        self.query_one("#seen", Facts).show(rows)

    def action_next(self) -> None:
        if self._nothing:
            self.dismiss(Found(self._account))
        elif self.seen is not None:
            self.run_worker(self._take_over(self.seen), name="take over", group="take", exclusive=True)

    async def _take_over(self, seen: OldSide) -> None:
        from iris_migrate.engine.discovery import fill
        from iris_migrate.language.settings import declarations

        options = await self.iris.read_options()
        declared = await self.iris.in_thread(lambda: declarations(options.checklist))
        wanted = {item.name: item.discover for item in declared if item.discover}
        self.dismiss(Found(self._account, fill(wanted, seen, self._account.identity.region)))

    def action_again(self) -> None:
        self._account.aws.forget()
        self.run_worker(self._list(), name="functions", exclusive=True, group="list")

    def action_back(self) -> None:
        self.dismiss(None)


def rows_of(seen: OldSide, now: float) -> list[Fact]:
    """The old side as labels and values. Values of variables stay masked."""
    function = seen.function
    rows: list[Fact] = [
        ("Function", f"{function.name}, {function.package}, {function.memory} MB, {function.timeout} s at most")
    ]
    for api in seen.apis:
        rows += _api(api)
    if not seen.apis and "HTTP APIs" not in seen.missing:
        rows.append(("API", "none passes requests to it"))
    if seen.repository:
        rows.append(("Repository", f"{seen.repository}, {seen.images} images"))
    rows.append(("Variables", _masked(seen.variables.names)))
    if seen.authorizer_variables.names:
        rows.append(("Its variables", f"{_masked(seen.authorizer_variables.names)}  (of the authorizer)"))
    if seen.traffic is not None:
        last = "no call" if seen.traffic.last is None else f"last call {_hours(now - seen.traffic.last)}"
        rows.append(("Traffic", f"{spark(seen.traffic.days)}  {seen.traffic.total:,} calls in 14 days, {last}"))
    rows += [(f"? {part}", f"unknown: {why}") for part, why in seen.missing.items()]
    return rows


def _api(api: ApiSeen) -> list[Fact]:
    rows: list[Fact] = [("API", f"{api.kind} API {api.name} ({api.id})"), ("", api.endpoint)]
    routes = [f"{route}  (authorizer)" if route in api.guarded else route for route in api.routes]
    rows += [("Routes" if at == 0 else "", route) for at, route in enumerate(routes)]
    return [*rows, ("Authorizer", api.authorizer)] if api.authorizer else rows


def _masked(names: tuple[str, ...]) -> str:
    return ", ".join(f"{name}={MASK}" for name in names) or "none"


def _hours(seconds: float) -> str:
    """Metrics are hourly sums: finer would be a guess."""
    hours = int(seconds // 3600)
    return "within the last hour" if hours < 1 else f"{hours} h ago" if hours < 48 else f"{hours // 24} d ago"
