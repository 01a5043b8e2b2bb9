"""From the files of a checklist and its settings to the compiled checklist, with every problem on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from iris_migrate.encoding import canonical, encode
from iris_migrate.language import meaning
from iris_migrate.language.checklist import Checklist, HostSpec, Phase, Step
from iris_migrate.language.data import checklists_folder
from iris_migrate.language.document import Document, Place
from iris_migrate.language.errors import ChecklistError, Problem, SettingsError, known
from iris_migrate.language.model import ChecklistModel, HostModel, StepModel, plan_lines, seconds
from iris_migrate.language.render import TemplateProblem
from iris_migrate.language.scope import AlreadySaid, Scope
from iris_migrate.language.setting_values import choose
from iris_migrate.language.settings import declaration
from iris_migrate.language.source import Source, document, read, read_settings
from iris_migrate.values import Unresolved, digest, unresolved

BROKEN = Unresolved("?", "?")  # stands where a value could not be compiled; the problem is in the list


def compiled(
    name_or_folder: str,
    flags: Mapping[str, str],
    settings_file: Path | None,
    discovered: Mapping[str, Any],
) -> Checklist:
    """The compiled checklist. Raises ChecklistError or SettingsError with every problem."""
    source = read(name_or_folder)
    settings_problems: list[Problem] = []
    found = document(settings_file, settings_problems) if settings_file is not None else None
    if found is not None and found.data is not None and not isinstance(found.data, dict):
        settings_problems.append(found.problem((), "expected settings by name"))
    scope, wrong = scope_of(source, flags, found, discovered)
    settings_problems += [*wrong, *scope.settings_problems]
    compiler = Compiler(source, scope)
    checklist = compiler.checklist()
    problems = [*source.problems, *scope.checklist_problems, *compiler.problems]
    if problems or checklist is None:
        raise ChecklistError([*problems, *settings_problems])
    if settings_problems:
        raise SettingsError(settings_problems)
    return replace(checklist, digest=content_digest(checklist))


def content_digest(checklist: Checklist) -> str:
    """The digest of what a checklist says: the same wherever its files lie and wherever its settings came from."""
    data = encode(checklist)
    del data["digest"]
    for step in data["steps"]:
        del step["file"], step["line"]
    data["settings"] = {name: item["value"] for name, item in data["settings"].items()}
    return digest(canonical(data))


def scope_of(
    source: Source,
    flags: Mapping[str, str],
    found: Document | None,
    discovered: Mapping[str, Any],
    *,
    samples: bool = False,
) -> tuple[Scope, list[Problem]]:
    """The settled settings of a checklist as a scope for templates, and what is wrong with the names given."""
    declared = {name: (declaration(name, model), where) for name, (model, where) in source.settings.items()}
    for name, (_, where) in declared.items():
        if name.split(".")[0] in ("steps", "profile", "range"):
            source.problems.append(
                where.problem(("settings", name), f"{name.split('.')[0]!r} is a name of the language")
            )
        if any(other.startswith(f"{name}.") for other in declared):
            source.problems.append(where.problem(("settings", name), "is a setting and a group of settings at once"))
    only = {name: item for name, (item, _) in declared.items()}
    given, problems = choose(only, flags, found, discovered, lambda: _settings_elsewhere(source.folder))
    scope = Scope(declared, given, source.profiles, source.profiles_file, samples=samples)
    scope.resolve()
    return scope, problems


def _settings_elsewhere(folder: Path) -> frozenset[str]:
    """The settings of the checklists beside this one and of the shipped ones: a settings file serves them all."""
    places = {folder.resolve().parent, checklists_folder()}
    others = (path.parent for place in places for path in place.glob("*/checklist.yaml"))
    return frozenset(name for other in others for name in read_settings(str(other)).settings)


class Compiler:
    """Renders the steps of one checklist."""

    def __init__(self, source: Source, scope: Scope) -> None:
        self.problems: list[Problem] = []
        self._source = source
        self._scope = scope
        self._models: dict[str, tuple[StepModel, Document, Place]] = {}
        self._by_name: dict[str, str] = {}  # as templates write it: dashes are underscores
        self._steps: list[Step] = []

    def checklist(self) -> Checklist | None:
        """The compiled checklist; None when its head cannot be used. `problems` says the rest."""
        head = self._source.head
        if head is None:
            return None
        self.register()
        self._scope.outputs = self.output
        phases: dict[str, Phase] = {}
        for part in self._source.phases:
            if part.model.phase.id in phases:
                self.problems.append(part.document.problem(("phase", "id"), "another file has the same phase id"))
            phases[part.model.phase.id] = Phase(part.model.phase.id, part.model.phase.title)
            for index, model in enumerate(part.model.steps):
                place = ("steps", index)
                if self._models[model.id][1] is part.document and self._models[model.id][2] == place:
                    self._steps.append(self._step(model, part.document, place, part.model.phase.id, head))
        places = {step_id: (found, place) for step_id, (_, found, place) in self._models.items()}
        self.problems += meaning.problems(self._steps, places)
        region = self._scope.settings.get("aws.region")
        return Checklist(
            name=head.name,
            title=head.title,
            digest="",
            phases=tuple(phases.values()),
            steps=tuple(self._steps),
            settings=self._scope.settings,
            secrets=self._scope.secrets,
            host=self._host(head.host) if head.host else None,
            region=str(region.value) if region else "",
        )

    def register(self) -> None:
        """Know the steps by id, and by the name that templates use."""
        for part in self._source.phases:
            for index, model in enumerate(part.model.steps):
                place: Place = ("steps", index)
                if model.id in self._models:
                    first = self._models[model.id]
                    where = f"{first[1].file}:{first[1].line(first[2])}"
                    self.problems.append(
                        part.document.problem((*place, "id"), f"{model.id!r} is the id of {where} too")
                    )
                    continue
                self._models[model.id] = (model, part.document, place)
                self._by_name[model.id.replace("-", "_")] = model.id

    def output(self, name: str, output: str) -> str:
        """The id of the step that a template names. TemplateProblem when it has no such output."""
        step_id = self._by_name.get(name)
        if step_id is None:
            raise TemplateProblem(f"names nothing: no step {name!r}; {known(name, self._by_name)}")
        model = self._models[step_id][0]
        outputs = model.outputs or meaning.outputs(model.resource)
        if outputs is not None and output not in outputs:
            raise TemplateProblem(f"names nothing: step {step_id!r} has no output {output!r}; {known(output, outputs)}")
        return step_id

    def _step(self, model: StepModel, found: Document, place: Place, phase: str, head: ChecklistModel) -> Step:
        covers: tuple[int, ...] = ()
        try:
            covers = plan_lines(model.covers)
        except ValueError as error:
            self.problems.append(found.problem((*place, "covers"), str(error)))
        return Step(
            id=model.id,
            phase=phase,
            title=self._text(model.title, found, (*place, "title")),
            resource=model.resource,
            with_={name: self._value(value, found, (*place, "with", name)) for name, value in model.with_.items()},
            why=self._text(model.why, found, (*place, "why")).strip(),
            covers=covers,
            outputs=tuple(model.outputs or sorted(meaning.outputs(model.resource) or ())),
            needs=tuple(model.needs),
            timeout=seconds(model.timeout or head.defaults.timeout),
            retry_every=seconds(model.retry_every or head.defaults.retry_every),
            risk=model.risk,
            critical=model.critical,
            on_failure=model.on_failure,
            troubleshoot=tuple(model.troubleshoot),
            journal=tuple(
                self._text(unit, found, (*place, "journal", index)) for index, unit in enumerate(model.journal)
            ),
            left_out=self._left_out(model, found, place),
            file=found.file,
            line=found.line(place),
        )

    def _left_out(self, model: StepModel, found: Document, place: Place) -> str:
        if model.when is None:
            return ""
        that = model.when.that
        value = self._value(that, found, (*place, "when", "that")) if isinstance(that, str) else that
        if value == BROKEN or value is True:
            return ""
        if value is False:
            return self._text(model.when.otherwise, found, (*place, "when", "otherwise"))
        self.problems.append(
            found.problem((*place, "when", "that"), f"gives {str(value)[:40]!r}; expected true or false")
        )
        return ""

    def _value(self, value: Any, found: Document, place: Place) -> Any:
        """A value of `with`, compiled: templates evaluated, files read in, lists as tuples."""
        if isinstance(value, str):
            return self._rendered(value, found, place, whole=True)
        if isinstance(value, list):
            return tuple(self._value(item, found, (*place, index)) for index, item in enumerate(value))
        if not isinstance(value, dict):
            return value
        if "from" in value:
            return self._from_file(value, found, place)
        if any(name.startswith("$") for name in value):
            self.problems.append(found.problem(place, "names that start with $ are not allowed here"))
            return BROKEN
        return {name: self._value(item, found, (*place, name)) for name, item in value.items()}

    def _from_file(self, value: dict[str, Any], found: Document, place: Place) -> Any:
        if not set(value) <= {"from", "raw"} or not isinstance(value["from"], str):
            self.problems.append(found.problem(place, "expected {from: file} or {from: file, raw: true}"))
            return BROKEN
        name = self._text(value["from"], found, (*place, "from"))
        folder = self._source.folder.resolve()
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            self.problems.append(found.problem((*place, "from"), f"{name!r} leaves the checklist's folder"))
            return BROKEN
        try:
            content = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            self.problems.append(found.problem((*place, "from"), f"{name!r} cannot be read: {reason}"))
            return BROKEN
        if value.get("raw", False):
            return content
        inside = Document(str(Path(found.file).parent / name), None, {})
        return self._rendered(content, inside, (), whole=False)

    def _text(self, template: str, found: Document, place: Place) -> str:
        return str(self._rendered(template, found, place, whole=False))

    def _rendered(self, template: str, found: Document, place: Place, *, whole: bool) -> Any:
        """The rendered template; BROKEN with a problem when it cannot be used."""
        renderer = self._scope.renderer
        try:
            return renderer.value(template) if whole else renderer.text(template)
        except AlreadySaid:
            return BROKEN
        except TemplateProblem as problem:
            line = problem.line if not found.lines else found.line(place) + self._block(template, problem.line)
            self.problems.append(Problem(found.file, line, found.name(place), problem.says))
            return BROKEN

    @staticmethod
    def _block(template: str, line: int) -> int:
        """How many lines below its key a line of a `|` block stands."""
        return line if "\n" in template else 0

    def _host(self, model: HostModel) -> HostSpec | None:
        found = self._source.head_document
        if found is None:
            return None
        values = {
            name: self._value(value, found, ("host", name)) for name, value in model.model_dump(mode="python").items()
        }
        for name, value in values.items():
            wanted = int if name == "port" else str
            if value == BROKEN or isinstance(value, wanted):
                continue
            if name in ("address", "instance") and isinstance(value, Unresolved):
                continue
            says = "expected a port" if name == "port" else "expected text that is known before the run"
            self.problems.append(found.problem(("host", name), says))
            return None
        left_out = {step.id: step.left_out for step in self._steps if step.left_out}
        for ref in unresolved(values):
            if ref.step in left_out:
                says = f"names {ref}, but that step is left out: {left_out[ref.step]}"
                self.problems.append(found.problem(("host",), says))
        return HostSpec(**values)
