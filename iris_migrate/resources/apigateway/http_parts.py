"""Routes, integrations and authorizers of HTTP APIs: gone, or there again. One's undo is the other's plan."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, AwsRead, Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import CannotUndo, Resource
from iris_migrate.resources.old_side.http_apis import Thing, integration_key
from iris_migrate.resources.removal import Item, Removal, Things
from iris_migrate.target import AwsError, Target
from iris_migrate.values import Unresolved

GONE = "NotFoundException"
_LISTS = {"Route": "GetRoutes", "Integration": "GetIntegrations", "Authorizer": "GetAuthorizers"}


@dataclass(frozen=True, kw_only=True)
class _Parts(Resource):
    """What routes, integrations and authorizers share: looked up by key, since an id is another after a restore."""

    what: ClassVar[str]  # as the operations name it
    wanted: ClassVar[bool]  # whether it should be there
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    things: Things

    async def inspect(self, target: Target) -> Finding:
        assert not isinstance(self.things, Unresolved)
        apis = sorted({str(item["api"]) for item in self.things})
        places = dict(zip(apis, await asyncio.gather(*(self._place(target, api) for api in apis)), strict=True))
        evidence = [self._judge(item, places[str(item["api"])]) for item in self.things]
        if not evidence:
            says = f"no {self.what.lower()}s are listed"
            evidence = [Evidence(f"{self.what.lower()}s", "as listed", says, Verdict.HOLDS)]
        return conclude(evidence, facts={"places": places})

    async def _place(self, target: Target, api: str) -> Mapping[str, Any]:
        """The ids in an API by key, and which of its stages want a deployment; empty when the API is gone."""
        names = ("Route", "Integration", "Authorizer") if self._needs_others else (self.what,)
        reads = [target.aws.read_all("apigatewayv2", _LISTS[name], "Items[]", ApiId=api) for name in names]
        try:
            found = dict(zip(names, await asyncio.gather(*reads), strict=True))
        except AwsError as error:
            if error.code != GONE:
                raise
            return {"gone": True}
        return {name: _ids(name, items) for name, items in found.items()}

    @property
    def _needs_others(self) -> bool:
        return self.what == "Route"

    def _judge(self, item: Mapping[str, Any], place: Mapping[str, Any]) -> Evidence:
        asked = f"{self.what.lower()} {item['key']} of {item['api']}"
        if place.get("gone"):
            verdict = Verdict.UNKNOWN if self.wanted else Verdict.HOLDS
            return Evidence(asked, "there" if self.wanted else "gone", "the API is gone", verdict)
        there = bool(place[self.what].get(str(item["key"])))
        if self.wanted and not there and (lacks := self._lacks(item, place)):
            return Evidence(asked, "there", f"gone, and so is its {lacks}: that comes first", Verdict.UNKNOWN)
        verdict = Verdict.HOLDS if there is self.wanted else Verdict.ABSENT if self.wanted else Verdict.DIFFERS
        return Evidence(asked, "there" if self.wanted else "gone", "there" if there else "gone", verdict)

    def _lacks(self, item: Mapping[str, Any], place: Mapping[str, Any]) -> str:
        """What has to be there before a thing can be made again; empty when nothing is missing."""
        return ""

    # Changing

    def _missing(self, finding: Finding) -> list[Change]:
        """What makes those that are not there; all of them when nothing was looked at."""
        changes: list[Change] = []
        for item in self._listed():
            place = _place_of(finding, item)
            if not place.get(self.what, {}).get(str(item["key"])):
                changes.append(self._make(item, place))
        return changes + self._deployed(changes)

    def _present(self, finding: Finding) -> list[Change]:
        """What removes those that are there; all of them when nothing was looked at."""
        changes: list[Change] = []
        for item in self._listed():
            name = Unresolved(self.key.step, f"{self.what.lower()}_id")
            ids = _place_of(finding, item).get(self.what, {}).get(str(item["key"]), [] if finding.facts else [name])
            changes += [self._remove(item, id_) for id_ in ids]
        return changes + self._deployed(changes)

    def _listed(self) -> Sequence[Mapping[str, Any]]:
        if isinstance(self.things, Unresolved):
            return ({"api": Unresolved(self.things.step, "api"), "key": self.things, "spec": {}},)
        return self.things

    def _remove(self, item: Mapping[str, Any], id_: Any) -> Change:
        return AwsCall(
            says=f"Remove the {self.what.lower()} {item['key']} from API {item['api']}",
            service="apigatewayv2",
            operation=f"Delete{self.what}",
            params={"ApiId": item["api"], f"{self.what}Id": id_},
            gone_ok=(GONE,),
        )

    def _make(self, item: Mapping[str, Any], place: Mapping[str, Any]) -> Change:
        return AwsCall(
            says=f"Make the {self.what.lower()} {item['key']} in API {item['api']}",
            service="apigatewayv2",
            operation=f"Create{self.what}",
            params={"ApiId": item["api"], **item["spec"], **self._links(item, place)},
            find=AwsRead(_LISTS[self.what], {"ApiId": item["api"]}, self._found(item)),
        )

    def _links(self, item: Mapping[str, Any], place: Mapping[str, Any]) -> Mapping[str, Any]:
        """What of a thing names others by their ids."""
        return {}

    @abstractmethod
    def _found(self, item: Mapping[str, Any]) -> str:
        """JMESPath that finds the thing in its list."""

    def _deployed(self, changes: Sequence[Change]) -> list[Change]:
        return []


def _ids(what: str, items: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in items:
        key = integration_key(item) if what == "Integration" else str(item["RouteKey" if what == "Route" else "Name"])
        found.setdefault(key, []).append(str(item[f"{what}Id"]))
    return found


def _place_of(finding: Finding, item: Mapping[str, Any]) -> Mapping[str, Any]:
    places: Mapping[str, Mapping[str, Any]] = finding.facts.get("places", {})
    return places.get(str(item["api"]), {})


@dataclass(frozen=True, kw_only=True)
class _Absent(_Parts, Removal):
    wanted: ClassVar[bool] = False

    def listed(self) -> Things:
        return self.things

    def items(self, finding: Finding) -> tuple[Item, ...]:
        if isinstance(self.things, Unresolved):
            return ()
        return tuple(
            Item(
                f"{self.what.lower()} {item['key']} of API {item['api']}",
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
        return type(self)(**{**_fields(self), "things": tuple(made)})._present(finding)


def _fields(resource: Resource) -> dict[str, Any]:
    from dataclasses import fields

    return {item.name: getattr(resource, item.name) for item in fields(resource)}


@dataclass(frozen=True, kw_only=True)
class _Routes(_Parts):
    what: ClassVar[str] = "Route"
    stages: tuple[str, ...] | list[str] | Unresolved = ()  # "api/stage", of those that do not deploy by themselves

    def _found(self, item: Mapping[str, Any]) -> str:
        return f"Items[?RouteKey=='{item['key']}'].RouteId | [0]"

    def _links(self, item: Mapping[str, Any], place: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Thing = {}
        if key := item.get("integration"):
            found["Target"] = f"integrations/{self._other(item, place, 'Integration', key)}"
        if key := item.get("authorizer"):
            found["AuthorizerId"] = self._other(item, place, "Authorizer", key)
        return found

    def _lacks(self, item: Mapping[str, Any], place: Mapping[str, Any]) -> str:
        wanted = (("Integration", item.get("integration")), ("Authorizer", item.get("authorizer")))
        return next((f"{what.lower()} {key}" for what, key in wanted if key and not place.get(what, {}).get(key)), "")

    def _other(self, item: Mapping[str, Any], place: Mapping[str, Any], what: str, key: str) -> Any:
        if not place:
            return Unresolved(self.key.step, f"{what.lower()}_id")
        ids = place.get(what, {}).get(key)
        if not ids:
            raise CannotUndo(
                f"The route {item['key']} needs the {what.lower()} {key}, which is not there: put that back first."
            )
        return ids[0]

    def _deployed(self, changes: Sequence[Change]) -> list[Change]:
        """A stage that does not deploy by itself goes on serving the old routes until it is told."""
        if isinstance(self.stages, Unresolved) or not changes:
            return []
        return [_deployment(*place.split("/", 1)) for place in self.stages]


def _deployment(api: str, stage: str) -> Change:
    return AwsCall(
        says=f"Deploy API {api} to its stage {stage}, which does not do so by itself",
        service="apigatewayv2",
        operation="CreateDeployment",
        params={"ApiId": api, "StageName": stage},
        find=AwsRead("GetDeployments", {"ApiId": api}, "`null`", wait=0.0),  # a second deployment does no harm
    )


@dataclass(frozen=True, kw_only=True)
class RoutesAbsent(_Absent, _Routes):
    """The routes that led to the old function are gone from the API; the API itself, and so its address, stays."""

    kind: ClassVar[str] = "apigateway.routes_absent"
    calls: ClassVar[frozenset[str]] = frozenset(
        {
            "apigatewayv2:GetRoutes", "apigatewayv2:GetIntegrations", "apigatewayv2:GetAuthorizers",
            "apigatewayv2:DeleteRoute", "apigatewayv2:CreateRoute", "apigatewayv2:CreateDeployment",
            "apigatewayv2:GetDeployments",
        }
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RoutesThere(_There, _Routes):
    """The archived routes are in the API, each with its integration and its authorizer."""

    kind: ClassVar[str] = "apigateway.routes_there"
    calls: ClassVar[frozenset[str]] = RoutesAbsent.calls


@dataclass(frozen=True, kw_only=True)
class _Integrations(_Parts):
    what: ClassVar[str] = "Integration"

    def _found(self, item: Mapping[str, Any]) -> str:
        return f"Items[?IntegrationUri=='{item['spec'].get('IntegrationUri', '')}'].IntegrationId | [0]"


@dataclass(frozen=True, kw_only=True)
class IntegrationsAbsent(_Absent, _Integrations):
    """The integrations with the old function are gone from the API."""

    kind: ClassVar[str] = "apigateway.integrations_absent"
    calls: ClassVar[frozenset[str]] = frozenset(
        {"apigatewayv2:GetIntegrations", "apigatewayv2:DeleteIntegration", "apigatewayv2:CreateIntegration"}
    )


@dataclass(frozen=True, kw_only=True)
class IntegrationsThere(_There, _Integrations):
    """The archived integrations are in the API."""

    kind: ClassVar[str] = "apigateway.integrations_there"
    calls: ClassVar[frozenset[str]] = IntegrationsAbsent.calls


@dataclass(frozen=True, kw_only=True)
class _Authorizers(_Parts):
    what: ClassVar[str] = "Authorizer"

    def _found(self, item: Mapping[str, Any]) -> str:
        return f"Items[?Name=='{item['key']}'].AuthorizerId | [0]"


@dataclass(frozen=True, kw_only=True)
class AuthorizersAbsent(_Absent, _Authorizers):
    """The authorizers that only guarded the old routes are gone from the API."""

    kind: ClassVar[str] = "apigateway.authorizers_absent"
    calls: ClassVar[frozenset[str]] = frozenset(
        {"apigatewayv2:GetAuthorizers", "apigatewayv2:DeleteAuthorizer", "apigatewayv2:CreateAuthorizer"}
    )


@dataclass(frozen=True, kw_only=True)
class AuthorizersThere(_There, _Authorizers):
    """The archived authorizers are in the API."""

    kind: ClassVar[str] = "apigateway.authorizers_there"
    calls: ClassVar[frozenset[str]] = AuthorizersAbsent.calls
