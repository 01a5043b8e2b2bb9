"""Symptoms, facts, causes and remedies: the `troubleshooting.yaml` beside a checklist, in terms of its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iris_migrate.language.data import checklist_folder

if TYPE_CHECKING:
    from iris_migrate.language.model import CauseModel, FactModel, SymptomModel, TroubleshootingModel
    from iris_migrate.language.source import Source

FILE = "troubleshooting.yaml"
KINDS = frozenset(
    {
        "aws.read", "host.certificate", "host.clock", "host.command", "host.filesystem", "host.http", "host.listening",
        "host.literals", "host.names", "host.os", "host.package", "host.stat", "host.text", "host.unit",
        "host.unit_file", "host.variables", "resource", "settings", "step", "web.get", "web.resolve", "web.tls",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """One fact: what kind of question (`host.stat`, `step`, …), with what, and how it is called before people.

    `lacking` says why it cannot be asked with this checklist, for instance that it has no such step.
    """

    name: str
    says: str
    kind: str
    with_: Mapping[str, Any] = field(default_factory=dict)
    shows: str = ""  # JMESPath of what of the answer is worth showing; empty: all of it
    lacking: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """Named when each expression of `when` (JMESPath over the facts by name) is true, and no cause in `unless` is.

    `sign` is for what no fact can tell: words of the tool that failed (pip, git, an AWS error), looked for in what
    that tool itself wrote. `steps` are those of the checklist that mend it; `remedy` says the rest.
    """

    says: str
    sign: str
    remedy: str
    id: str = ""
    when: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()  # the facts that `when` names
    unless: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """A command that only reads, and what it shows."""

    shows: str
    command: str


@dataclass(frozen=True, slots=True)
class Symptom:
    """`see` are symptoms of which this one may be a consequence."""

    id: str
    says: str
    look: tuple[Look, ...]
    causes: tuple[Cause, ...]
    see: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Book:
    """Everything that a `troubleshooting.yaml` holds."""

    asks: Mapping[str, Ask] = field(default_factory=dict)
    symptoms: Mapping[str, Symptom] = field(default_factory=dict)

    def related(self, names: Iterable[str]) -> tuple[Symptom, ...]:
        """These symptoms, and those of which they may be a consequence, each once."""
        found: dict[str, Symptom] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop(0)
            if name in self.symptoms and name not in found:
                found[name] = self.symptoms[name]
                waiting += self.symptoms[name].see
        return tuple(found.values())


def book(name_or_folder: str, *, flags: Mapping[str, str] | None = None, settings_file: Path | None = None) -> Book:
    """The whole file in terms of a checklist's settings; an empty one where there is none. Raises ChecklistError."""
    from iris_migrate.language.compile import Compiler, scope_of
    from iris_migrate.language.errors import ChecklistError, Problem
    from iris_migrate.language.model import TroubleshootingModel
    from iris_migrate.language.settings import locate
    from iris_migrate.language.source import document, read, shaped

    path = checklist_folder(name_or_folder).parent / FILE
    if not path.is_file():
        return Book()
    problems: list[Problem] = []
    found = document(path, problems)
    given = locate(settings_file)
    values = document(given, problems) if given is not None else None
    model = shaped(TroubleshootingModel, found, problems) if found is not None else None
    if problems or found is None or model is None:
        raise ChecklistError(problems)
    source = read(name_or_folder)
    scope, _ = scope_of(source, flags or {}, values, {}, samples=True)
    compiler = Compiler(source, scope)
    compiler.register()
    scope.outputs = compiler.output
    try:
        return _Reader(scope.renderer.value, scope.renderer.text, source).book(model)
    except ValueError as error:
        raise ChecklistError([Problem(found.file, 0, "", str(error))]) from error


class _Reader:
    """From the model to a book, with the templates filled."""

    def __init__(self, value: Callable[[str], Any], text: Callable[[str], Any], source: Source) -> None:
        self._value, self._text = value, text
        self._steps = {step.id for part in source.phases for step in part.model.steps}

    def book(self, model: TroubleshootingModel) -> Book:
        asks = {name: self._ask(name, fact) for name, fact in model.facts.items()}
        return Book(asks, {name: self._symptom(name, item, asks) for name, item in model.symptoms.items()})

    def _ask(self, name: str, fact: FactModel) -> Ask:
        from iris_migrate.language.render import TemplateProblem

        try:
            with_ = self._filled(dict(fact.model_extra or {}))
            says = self._said(fact.says or name)
        except TemplateProblem as problem:
            return Ask(name, name, fact.ask, lacking=problem.says)
        lacking = ""
        if fact.ask == "step" and with_.get("step") not in self._steps:
            lacking = f"this checklist has no step {with_.get('step')}"
        return Ask(name, says, fact.ask, with_, fact.shows, lacking)

    def _symptom(self, name: str, model: SymptomModel, asks: Mapping[str, Ask]) -> Symptom:
        looks = tuple(Look(self._said(item.for_), self._said(item.command)) for item in model.look)
        causes = tuple(cause for item in model.causes if (cause := self._cause(item, asks)) is not None)
        return Symptom(name, self._said(model.symptom), looks, causes, tuple(model.see))

    def _cause(self, model: CauseModel, asks: Mapping[str, Ask]) -> Cause | None:
        """None for a cause that speaks of settings which this checklist does not have."""
        from iris_migrate.language.render import TemplateProblem

        try:
            when = tuple(self._said(item) for item in model.when)
            says, remedy = self._said(model.cause), self._said(model.remedy)
        except TemplateProblem:
            return None
        named = tuple(dict.fromkeys(name for item in when for name in identifiers(item) if name in asks))
        return Cause(says, model.sign, remedy, model.id, when, named, tuple(model.unless), tuple(model.steps))

    def _said(self, template: str) -> str:
        return str(self._text(template))

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._value(value)
        if isinstance(value, list):
            return tuple(self._filled(item) for item in value)
        if isinstance(value, dict):
            return {name: self._filled(item) for name, item in value.items()}
        return value


def identifiers(expression: str) -> Iterator[str]:
    """Every name in a JMESPath expression. Raises ValueError with a sentence when it is none."""
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        tree = jmespath.compile(expression).parsed
    except JMESPathError as error:
        raise ValueError(f"{expression!r} is not JMESPath: {str(error).splitlines()[0]}") from error
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if node["type"] == "field":
            yield str(node["value"])
        waiting += node["children"]
