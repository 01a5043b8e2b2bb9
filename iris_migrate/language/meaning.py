"""What steps mean: their resource classes, what they take and give, and in which order they can be told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from iris_migrate.language.checklist import Step
from iris_migrate.language.document import Document, Place
from iris_migrate.language.errors import Problem, known
from iris_migrate.language.fitting import hints, misfit
from iris_migrate.resources.base import Resource, parameters, resource_class
from iris_migrate.values import unresolved

Places = Mapping[str, tuple[Document, Place]]


def class_of(kind: str) -> tuple[type[Resource] | None, str]:
    """The class of a resource, or why there is none."""
    try:
        return resource_class(kind), ""
    except KeyError:
        return None, f"unknown resource {kind!r}; {known(kind, kinds())}"
    except (ImportError, SyntaxError, AttributeError, TypeError, NameError) as error:
        return None, f"the family of {kind!r} cannot be imported: {error}"


def kinds() -> tuple[str, ...]:
    """Every resource that a checklist can name."""
    import importlib
    import pkgutil

    from iris_migrate import resources

    found: set[str] = set()
    for module in pkgutil.iter_modules(resources.__path__):
        try:
            members = vars(importlib.import_module(f"iris_migrate.resources.{module.name}"))
        except (ImportError, SyntaxError, AttributeError, TypeError, NameError):
            continue  # a family that cannot be imported is said where a step names it
        found |= {
            item.kind
            for item in members.values()
            if isinstance(item, type) and issubclass(item, Resource) and item.kind
        }
    return tuple(sorted(found))


def outputs(kind: str) -> Collection[str] | None:
    """What a class gives to name; None when the class cannot be told (which is a problem of its own)."""
    cls, _ = class_of(kind)
    return cls.outputs if cls is not None else None


def problems(steps: Sequence[Step], places: Places) -> list[Problem]:
    """Everything that makes steps meaningless: loading refuses it."""
    found: list[Problem] = []
    by_id = {step.id: step for step in steps}
    for step in steps:
        document, place = places[step.id]
        found += _against_class(step, document, place)
        for index, need in enumerate(step.needs):
            if need not in by_id:
                found.append(document.problem((*place, "needs", index), f"no step {need!r}; {known(need, by_id)}"))
        if step.left_out:
            continue
        for ref in unresolved(step.with_):
            if ref.step in by_id and by_id[ref.step].left_out:
                says = f"names {ref}, but that step is left out: {by_id[ref.step].left_out}"
                found.append(document.problem((*place, "with"), says))
    return found + _circles(by_id, places)


def _against_class(step: Step, document: Document, place: Place) -> list[Problem]:
    cls, wrong = class_of(step.resource)
    if cls is None:
        return [document.problem((*place, "resource"), wrong)]
    found: list[Problem] = []
    takes = parameters(cls)
    types = hints(cls)
    for name, value in step.with_.items():
        if name not in takes:
            found.append(
                document.problem((*place, "with", name), f"{step.resource} takes no {name!r}; {known(name, takes)}")
            )
        elif wrong := misfit(types.get(name, Any), value):
            found.append(document.problem((*place, "with", name), wrong))
    for name, required in takes.items():
        if required and name not in step.with_:
            found.append(document.problem((*place, "with"), f"{name!r} is missing: {step.resource} needs it"))
    for index, name in enumerate(step.outputs):
        if name not in cls.outputs:
            says = f"{step.resource} has no output {name!r}; {known(name, cls.outputs)}"
            found.append(document.problem((*place, "outputs", index), says))
    asserts = getattr(cls, "asserts", None)
    if callable(asserts) and not found:
        complaint: Any = asserts(step.with_)
        if complaint:
            found.append(document.problem((*place, "with"), f"asserts nothing: {complaint}"))
    return found


def _circles(by_id: Mapping[str, Step], places: Places) -> list[Problem]:
    """Each circle of steps that wait for each other, reported once."""
    found: list[Problem] = []
    done: set[str] = set()

    def visit(step_id: str, path: tuple[str, ...]) -> None:
        if step_id in path:
            circle = " -> ".join([*path[path.index(step_id) :], step_id])
            document, place = places[step_id]
            found.append(document.problem(place, f"steps wait for each other in a circle: {circle}"))
            return
        if step_id in done or step_id not in by_id:
            return
        for other in by_id[step_id].waits_for:
            visit(other, (*path, step_id))
        done.add(step_id)

    for step_id in by_id:
        visit(step_id, ())
    return found
