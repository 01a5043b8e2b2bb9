"""What can be said against a `troubleshooting.yaml` by itself: names, expressions, causes that assert nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from iris_migrate.language import meaning
from iris_migrate.language.document import Document, Place
from iris_migrate.language.errors import Problem, known
from iris_migrate.language.model import CauseModel, FactModel, TroubleshootingModel
from iris_migrate.language.troubleshooting import KINDS, identifiers
from iris_migrate.resources.base import parameters

_TEMPLATE = re.compile(r"\{\{.*?\}\}")


def explained(model: TroubleshootingModel, found: Document, steps: Collection[str]) -> Iterator[Problem]:
    """Each thing wrong. `steps` are those that a remedy may name."""
    for name, fact in model.facts.items():
        yield from _fact(fact, found, ("facts", name), steps)
    causes = {cause.id for symptom in model.symptoms.values() for cause in symptom.causes}
    seen: set[str] = set()
    used: set[str] = set()
    for name, symptom in model.symptoms.items():
        for index, other in enumerate(symptom.see):
            if other not in model.symptoms:
                says = f"no symptom {other!r}; {known(other, model.symptoms)}"
                yield found.problem(("symptoms", name, "see", index), says)
        for index, cause in enumerate(symptom.causes):
            place = ("symptoms", name, "causes", index)
            if cause.id in seen:
                yield found.problem((*place, "id"), f"{cause.id!r} is the id of another cause too")
            seen.add(cause.id)
            yield from _names(cause, found, place, causes, steps)
            yield from _expressions(cause, found, place, model, used)
    for name in model.facts:
        if name not in used:
            yield found.problem(("facts", name), "no cause asks for this fact; remove it")


def _fact(fact: FactModel, found: Document, place: Place, steps: Collection[str]) -> Iterator[Problem]:
    given = fact.model_extra or {}
    if fact.ask not in KINDS:
        yield found.problem((*place, "ask"), f"unknown kind of fact {fact.ask!r}; {known(fact.ask, KINDS)}")
    if fact.ask == "step" and given.get("step") not in steps:
        yield found.problem(place, f"no step {given.get('step')!r}; {known(str(given.get('step')), steps)}")
    if fact.ask == "resource":
        cls, why = meaning.class_of(str(given.get("resource")))
        names = parameters(cls) if cls is not None else {}
        if cls is None:
            yield found.problem(place, why)
        for name in given:
            if cls is not None and name != "resource" and name not in names:
                yield found.problem((*place, name), f"{given['resource']} takes no {name!r}; {known(name, names)}")


def _names(
    cause: CauseModel, found: Document, place: Place, causes: Collection[str], steps: Collection[str]
) -> Iterator[Problem]:
    for index, other in enumerate(cause.unless):
        if other not in causes:
            yield found.problem((*place, "unless", index), f"no cause {other!r}; {known(other, causes)}")
    for index, step in enumerate(cause.steps):
        if step not in steps:
            yield found.problem((*place, "steps", index), f"no step {step!r}; {known(step, steps)}")
    if not cause.when and not cause.sign:
        yield found.problem(place, "asserts nothing: expected `when`, or `sign` where no fact can tell")


def _expressions(
    cause: CauseModel, found: Document, place: Place, model: TroubleshootingModel, used: set[str]
) -> Iterator[Problem]:
    for index, template in enumerate(cause.when):
        try:
            named = set(identifiers(_TEMPLATE.sub("1", template))) & model.facts.keys()
        except ValueError as error:
            yield found.problem((*place, "when", index), str(error))
            continue
        used |= named
        if not named:
            says = f"names no fact; {known(template.partition('.')[0], model.facts)}"
            yield found.problem((*place, "when", index), says)
