"""Parts of APIs: routes, integrations, authorizers, stages, usage plans: gone, or there again. One's undo is the
other's plan."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from iris_migrate.changes import Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.apigateway.http_kind import HttpKind, deployment
from iris_migrate.resources.apigateway.kind import GONE, Item, Kind, Making, Place, kind_of
from iris_migrate.resources.apigateway.rest_kind import RestKind
from iris_migrate.resources.base import CannotUndo, Ref, Resource
from iris_migrate.resources.removal import Item as Listed
from iris_migrate.resources.removal import Removal, Things
from iris_migrate.target import AwsError, Target
from iris_migrate.values import Unresolved

KINDS: Mapping[str, Kind] = {"HTTP": HttpKind(), "REST": RestKind()}
_NAMES = {"Plan": "usage plan"}


def calls_of(what: str) -> frozenset[str]:
    """Every call that looking at, making and removing parts of both kinds may make."""
    return frozenset().union(*(kind.calls[what] for kind in KINDS.values()))


@dataclass(frozen=True, kw_only=True)
class _Parts(Resource):
    """What all parts share: looked up by key, since an id is another after a restore."""

    what: ClassVar[str]  # as the operations name it
    wanted: ClassVar[bool]  # whether it should be there
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    things: Things
    folder: Ref = ""  # the archive

    @property
    def _name(self) -> str:
        return _NAMES.get(self.what, self.what.lower())

    async def inspect(self, target: Target) -> Finding:
        assert not isinstance(self.things, Unresolved)
        apis = dict(sorted((str(item["api"]), kind_of(item)) for item in self.things))
        found = await asyncio.gather(*(self._place(target, api, kind) for api, kind in apis.items()))
        places = dict(zip(apis, found, strict=True))
        evidence = [self._judge(item, places[str(item["api"])]) for item in self.things]
        if not evidence:
            says = f"no {self._name}s are listed"
            evidence = [Evidence(f"{self._name}s", "as listed", says, Verdict.HOLDS)]
        return conclude(evidence, facts={"places": places})

    async def _place(self, target: Target, api: str, kind: str) -> Place:
        """The ids in an API by key; `gone` when there is no such API."""
        try:
            return await KINDS[kind].place(target.aws, api, self.what)
        except AwsError as error:
            if error.code != GONE:
                raise
            return {"gone": True}

    def _judge(self, item: Item, place: Place) -> Evidence:
        asked = f"{self._name} {item['key']} of {item['api']}"
        expected = "there" if self.wanted else "gone"
        if place.get("gone"):
            verdict = Verdict.UNKNOWN if self.wanted else Verdict.HOLDS
            return Evidence(asked, expected, "the API is gone", verdict)
        there = bool(place[self.what].get(str(item["key"])))
        if self.wanted and not there and (lacks := self._lacks(item, place)):
            return Evidence(asked, expected, f"gone, and so is its {lacks}: that comes first", Verdict.UNKNOWN)
        if self.wanted and there and not KINDS[kind_of(item)].whole(self.what, item, place):
            return Evidence(asked, expected, "there, but not all of it", Verdict.DIFFERS)
        verdict = Verdict.HOLDS if there is self.wanted else Verdict.ABSENT if self.wanted else Verdict.DIFFERS
        return Evidence(asked, expected, "there" if there else "gone", verdict)

    def _lacks(self, item: Item, place: Place) -> str:
        """What has to be there before a part can be made again; empty when nothing is missing."""
        needs = KINDS[kind_of(item)].needs(self.what, item)
        return next((f"{_NAMES.get(what, what.lower())} {key}" for what, key in needs if not place[what].get(key)), "")

    # Changing

    def _missing(self, finding: Finding) -> list[Change]:
        """What makes those that are not there; all of them when nothing was looked at."""
        changes: list[Change] = []
        for item in self._listed():
            place, kind = _place_of(finding, item), KINDS[kind_of(item)]
            there = bool(place.get(self.what, {}).get(str(item["key"])))
            if place.get("gone") or (there and kind.whole(self.what, item, place)):
                continue
            if place and (lacks := self._lacks(item, place)):
                raise CannotUndo(
                    f"The {self._name} {item['key']} needs the {lacks}, which is not there: put that back first."
                )
            changes += kind.make(self.what, Making(item, place, self.key.step, str(self.folder)))
        return changes + self._deployed(changes)

    def _present(self, finding: Finding) -> list[Change]:
        """What removes those that are there; all of them when nothing was looked at."""
        changes: list[Change] = []
        for item in self._listed():
            name = Unresolved(self.key.step, f"{self.what.lower()}_id")
            ids = _place_of(finding, item).get(self.what, {}).get(str(item["key"]), [] if finding.facts else [name])
            for id_ in ids:
                changes += KINDS[kind_of(item)].remove(self.what, item, id_)
        return changes + self._deployed(changes)

    def _listed(self) -> Sequence[Item]:
        if isinstance(self.things, Unresolved):
            api = Unresolved(self.things.step, "api")
            # A printed runbook knows no list: one part of the kind stands for all.
            kind = "HTTP" if KINDS["HTTP"].calls[self.what] else "REST"
            return ({"api": api, "kind": kind, "key": self.things, "spec": {}, **_UNKNOWN},)
        return self.things

    def _deployed(self, changes: Sequence[Change]) -> list[Change]:
        return []


# What parts of REST APIs say besides, for the runbook.
_UNKNOWN: Mapping[str, Any] = {"stage": "‹stage›", "plan": "‹plan›", "routes": (), "settings": ()}


def _place_of(finding: Finding, item: Item) -> Place:
    places: Mapping[str, Place] = finding.facts.get("places", {})
    return places.get(str(item["api"]), {})


@dataclass(frozen=True, kw_only=True)
class _Absent(_Parts, Removal):
    wanted: ClassVar[bool] = False

    def listed(self) -> Things:
        return self.things

    def items(self, finding: Finding) -> tuple[Listed, ...]:
        if isinstance(self.things, Unresolved):
            return ()
        return tuple(
            Listed(
                f"{self._name} {item['key']} of API {item['api']}",
                bool(_place_of(finding, item).get(self.what, {}).get(str(item["key"]))),
            )
            for item in self.things
        )

    def plan(self, finding: Finding) -> list[Change]:
        return self._present(finding) if finding.verdict.plans else []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        return self._missing(finding)


@dataclass(frozen=True, kw_only=True)
class _There(_Parts):
    wanted: ClassVar[bool] = True

    def plan(self, finding: Finding) -> list[Change]:
        return self._missing(finding) if finding.verdict.plans else []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        """Those that were not there before go again."""
        had = {name: set(place.get(self.what, {})) for name, place in before.facts.get("places", {}).items()}
        made = [item for item in self._listed() if str(item["key"]) not in had.get(str(item["api"]), set())]
        return replace(self, things=tuple(made))._present(finding)


@dataclass(frozen=True, kw_only=True)
class _Routes(_Parts):
    what: ClassVar[str] = "Route"
    stages: tuple[str, ...] | list[str] | Unresolved = ()  # "api/stage", of those that do not deploy by themselves

    def _deployed(self, changes: Sequence[Change]) -> list[Change]:
        if isinstance(self.stages, Unresolved) or not changes:
            return []
        return [deployment(*place.split("/", 1)) for place in self.stages if isinstance(place, str)]


@dataclass(frozen=True, kw_only=True)
class RoutesAbsent(_Absent, _Routes):
    """The routes (REST: methods) that led to the old function are gone from the API; the API itself stays."""

    kind: ClassVar[str] = "apigateway.routes_absent"
    calls: ClassVar[frozenset[str]] = calls_of("Route")


@dataclass(frozen=True, kw_only=True)
class RoutesThere(_There, _Routes):
    """The archived routes (REST: methods) are in the API, each with its integration and its authorizer."""

    kind: ClassVar[str] = "apigateway.routes_there"
    calls: ClassVar[frozenset[str]] = calls_of("Route")


@dataclass(frozen=True, kw_only=True)
class IntegrationsAbsent(_Absent):
    """The integrations with the old function are gone from the API."""

    kind: ClassVar[str] = "apigateway.integrations_absent"
    what: ClassVar[str] = "Integration"
    calls: ClassVar[frozenset[str]] = calls_of("Integration")


@dataclass(frozen=True, kw_only=True)
class IntegrationsThere(_There):
    """The archived integrations are in the API."""

    kind: ClassVar[str] = "apigateway.integrations_there"
    what: ClassVar[str] = "Integration"
    calls: ClassVar[frozenset[str]] = calls_of("Integration")


@dataclass(frozen=True, kw_only=True)
class AuthorizersAbsent(_Absent):
    """The authorizers that only guarded the old routes are gone from the API."""

    kind: ClassVar[str] = "apigateway.authorizers_absent"
    what: ClassVar[str] = "Authorizer"
    calls: ClassVar[frozenset[str]] = calls_of("Authorizer")


@dataclass(frozen=True, kw_only=True)
class AuthorizersThere(_There):
    """The archived authorizers are in the API."""

    kind: ClassVar[str] = "apigateway.authorizers_there"
    what: ClassVar[str] = "Authorizer"
    calls: ClassVar[frozenset[str]] = calls_of("Authorizer")


@dataclass(frozen=True, kw_only=True)
class StagesAbsent(_Absent):
    """The stages of the REST API are gone: nothing of what was deployed is live any more."""

    kind: ClassVar[str] = "apigateway.stages_absent"
    what: ClassVar[str] = "Stage"
    calls: ClassVar[frozenset[str]] = calls_of("Stage")


@dataclass(frozen=True, kw_only=True)
class StagesThere(_There):
    """The archived stages of the REST API are there, on a deployment of its methods: the same URL answers."""

    kind: ClassVar[str] = "apigateway.stages_there"
    what: ClassVar[str] = "Stage"
    calls: ClassVar[frozenset[str]] = calls_of("Stage")


@dataclass(frozen=True, kw_only=True)
class PlansAbsent(_Absent):
    """No usage plan has a stage of the REST API any more; the plans and their keys stay."""

    kind: ClassVar[str] = "apigateway.plans_absent"
    what: ClassVar[str] = "Plan"
    calls: ClassVar[frozenset[str]] = calls_of("Plan")


@dataclass(frozen=True, kw_only=True)
class PlansThere(_There):
    """The usage plans have the stages of the REST API again."""

    kind: ClassVar[str] = "apigateway.plans_there"
    what: ClassVar[str] = "Plan"
    calls: ClassVar[frozenset[str]] = calls_of("Plan")
