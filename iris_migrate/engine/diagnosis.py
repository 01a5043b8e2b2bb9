"""Why something does not hold: the causes that facts name, each with a remedy in the checklist's own steps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from iris_migrate.changes import AwsCall, Change, HostCommand, LocalCommand
from iris_migrate.engine.facts import Document, Facts
from iris_migrate.engine.inspection import Inspected, Inspection
from iris_migrate.findings import Verdict
from iris_migrate.language.checklist import Step
from iris_migrate.language.troubleshooting import Ask, Book, Cause, Symptom
from iris_migrate.resources.expect import meets, shown
from iris_migrate.target import Unreadable

_TOOLS = (HostCommand, LocalCommand, AwsCall)  # changes whose words are a tool's; a script's may be the checklist's


@dataclass(frozen=True, slots=True)
class Seen:
    """One fact that speaks for a cause."""

    asked: str
    seen: str


@dataclass(frozen=True, slots=True)
class Remedy:
    """What mends it: a sentence, and the steps of the checklist in their order (none: only a person can)."""

    says: str
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """A cause that the facts name. `explains` are the steps that do not hold because of it."""

    id: str
    symptom: str
    says: str
    facts: tuple[Seen, ...]
    remedy: Remedy
    explains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Untold:
    """A cause of which it cannot be told whether it is one."""

    id: str
    says: str
    why: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`open` are the steps that do not hold; `symptoms` those of open steps that no cause explains: where to look."""

    named: tuple[Named, ...] = ()
    untold: tuple[Untold, ...] = ()
    open: tuple[str, ...] = ()
    symptoms: tuple[Symptom, ...] = ()

    @property
    def unexplained(self) -> tuple[str, ...]:
        """The steps that do not hold, and no cause says why."""
        told = {step for cause in self.named for step in cause.explains}
        return tuple(step for step in self.open if step not in told)

    def of(self, step: str) -> tuple[Named, ...]:
        """The causes that explain one step."""
        return tuple(cause for cause in self.named if step in cause.explains)


@dataclass(frozen=True, slots=True)
class Wrote:
    """What the change that failed wrote, for causes that only a tool's own words tell."""

    change: Change | None = None
    lines: tuple[str, ...] = ()
    error: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The tool's own words: never the text of one of our scripts, nor of this program."""
        if not isinstance(self.change, _TOOLS):
            return ()
        return (*self.lines, self.error) if isinstance(self.change, AwsCall) else self.lines


@dataclass
class Diagnostician:
    """Diagnoses from the newest findings of an inspection, and from facts of the same look: look first, then ask."""

    inspection: Inspection
    book: Callable[[], Book]
    hide: Callable[[str], str] = field(default=lambda line: line)
    settled: Callable[[Inspected], bool] = field(default=lambda found: False)  # waived, or answered by the operator

    async def all(self) -> Diagnosis:
        """Every cause that the facts name, whatever step shows it."""
        book = self.book()
        return await self._diagnosis(book, tuple(book.symptoms.values()), self._open(), Wrote())

    async def of(self, steps: Collection[str], wrote: Wrote | None = None) -> Diagnosis:
        """The causes of these steps not holding: those of the symptoms that they name."""
        names = [name for step in steps for name in self.inspection.checklist.step(step).troubleshoot]
        if not names:
            return Diagnosis(open=tuple(steps))
        book = self.book()
        return await self._diagnosis(book, book.related(names), tuple(steps), wrote or Wrote())

    def steps(self, cause: Named) -> tuple[Step, ...]:
        """What a remedy brings to hold, in order: its steps, and those not settled that they wait for."""
        checklist, found = self.inspection.checklist, self.inspection.found
        wanted = {name for name in cause.remedy.steps if any(step.id == name for step in checklist.steps)}
        waiting = list(wanted)
        while waiting:
            for name in checklist.step(waiting.pop()).waits_for:
                if name not in wanted and name in found and self._does_not_hold(found[name]):
                    wanted.add(name)
                    waiting.append(name)
        return tuple(step for step in checklist.steps if step.id in wanted and not step.left_out)

    def plan(self, cause: Named) -> tuple[tuple[Step, tuple[Change, ...]], ...]:
        """The remedy as a plan: each step with what would be done to it now; steps that hold have nothing to do."""
        found = self.inspection.found
        return tuple((step, found[step.id].preview() if step.id in found else ()) for step in self.steps(cause))

    async def _diagnosis(
        self, book: Book, symptoms: tuple[Symptom, ...], open_: tuple[str, ...], wrote: Wrote
    ) -> Diagnosis:
        causes = [
            (symptom, cause)
            for symptom in symptoms
            for cause in symptom.causes
            if not any(book.asks[name].lacking for name in cause.asks)
        ]
        names = dict.fromkeys(name for _, cause in causes for name in cause.asks)
        facts = await Facts(self.inspection).ask(book.asks[name] for name in names)
        named: list[Named] = []
        untold: list[Untold] = []
        for symptom, cause in causes:
            match _judged(cause, facts, wrote.words):
                case True:
                    named.append(self._named(book, symptom, cause, facts, open_, wrote.words))
                case str() as why if why:
                    untold.append(Untold(cause.id, cause.says, self.hide(why)))
        taken = {cause.id for cause in named}
        kept = tuple(
            item for item, (_, cause) in zip(named, _of(causes, named), strict=True) if not taken & set(cause.unless)
        )
        explained = {step for item in kept for step in item.explains}
        left = dict.fromkeys(
            name
            for step in open_
            if step not in explained
            for name in self.inspection.checklist.step(step).troubleshoot
            if name in book.symptoms
        )
        return Diagnosis(kept, tuple(untold), open_, tuple(book.symptoms[name] for name in left))

    def _named(
        self, book: Book, symptom: Symptom, cause: Cause, facts: Mapping[str, Document | str], open_: tuple[str, ...],
        words: tuple[str, ...],
    ) -> Named:  # fmt: skip
        seen = [Seen(book.asks[name].says, self.hide(_shown(book.asks[name], facts[name]))) for name in cause.asks]
        if not cause.when:
            line = next((line for line in words if cause.sign in line), "")
            seen.append(Seen("what the tool wrote", self.hide(shown(line))))
        explains = tuple(step for step in open_ if step in cause.steps or symptom in self._shows(book, step))
        return Named(cause.id, symptom.id, cause.says, tuple(seen), Remedy(cause.remedy, cause.steps), explains)

    def _shows(self, book: Book, step: str) -> tuple[Symptom, ...]:
        return book.related(self.inspection.checklist.step(step).troubleshoot)

    def _open(self) -> tuple[str, ...]:
        found = self.inspection.found
        return tuple(
            step.id
            for step in self.inspection.checklist.steps
            if step.id in found and self._does_not_hold(found[step.id])
        )

    def _does_not_hold(self, found: Inspected) -> bool:
        finding = found.finding
        if found.step.left_out or finding.waits_for or self.settled(found):
            return False
        return finding.verdict.plans or finding.verdict is Verdict.UNKNOWN


def _of(causes: list[tuple[Symptom, Cause]], named: list[Named]) -> Iterator[tuple[Symptom, Cause]]:
    """The causes of those that were named, in the same order."""
    by_id = {cause.id: (symptom, cause) for symptom, cause in causes}
    return (by_id[item.id] for item in named)


def _judged(cause: Cause, facts: Mapping[str, Any], words: tuple[str, ...]) -> bool | str:
    """Whether the facts name a cause; a sentence when a fact that decides is not to be had."""
    if not cause.when:
        return bool(cause.sign) and any(cause.sign in line for line in words)
    if cause.sign and not any(cause.sign in line for line in words):
        return False
    told = {name: facts[name] for name in cause.asks if not isinstance(facts[name], str)}
    untold = [str(facts[name]) for name in cause.asks if isinstance(facts[name], str)]
    from iris_migrate.language.troubleshooting import identifiers

    for expression in cause.when:
        if set(identifiers(expression)) & set(cause.asks) <= set(told) and not _true(expression, told):
            return False
    return untold[0] if untold else True


def _true(expression: str, told: Mapping[str, Any]) -> bool:
    try:
        return meets(expression, told)
    except Unreadable:
        return False


def _shown(ask: Ask, answer: Document | str) -> str:
    import jmespath

    if isinstance(answer, str):
        return answer
    return shown(_words(jmespath.search(ask.shows, answer) if ask.shows else answer) or "nothing")


def _words(value: Any) -> str:
    """An answer for people: names with their values, what is empty left out."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.1f}"
        case dict():
            return ", ".join(f"{name} {words}" for name, item in value.items() if (words := _words(item)))
        case list() | tuple():
            return "; ".join(words for item in value if (words := _words(item)))
    return str(value)
