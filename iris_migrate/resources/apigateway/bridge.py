"""The bridge: integrations of an HTTP API lead to the new side, or to the function as they did. Nothing is removed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import AwsCall, Change
from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.apigateway.kind import GONE
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.resources.removal import Things
from iris_migrate.target import AwsError, Target
from iris_migrate.values import Archived, Unresolved

PATH = "overwrite:path"  # each request goes on with its own path, whatever route it came by


@dataclass(frozen=True, kw_only=True)
class _Bridge(Resource):
    """What both share: where each listed integration leads now. They keep their ids, so that the routes stay."""

    calls: ClassVar[frozenset[str]] = frozenset({"apigatewayv2:GetIntegrations", "apigatewayv2:UpdateIntegration"})
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    things: Things
    folder: Ref

    async def inspect(self, target: Target) -> Finding:
        assert not isinstance(self.things, Unresolved)
        apis = sorted({str(item["api"]) for item in self.things})
        places = dict(zip(apis, await asyncio.gather(*(self._place(target, api) for api in apis)), strict=True))
        evidence = [
            self._judge(item, id_, places[str(item["api"])].get(id_)) for item in self.things for id_ in item["ids"]
        ]
        if not evidence:
            says = "no HTTP API leads to the function, so that there is nothing to bridge"
            evidence = [Evidence("integrations", "listed", says, Verdict.UNKNOWN)]
        return conclude(evidence, facts={"places": places})

    async def _place(self, target: Target, api: str) -> dict[str, str]:
        """Where the integrations of an API lead, by id."""
        try:
            found = await target.aws.read_all("apigatewayv2", "GetIntegrations", "Items[]", ApiId=api)
        except AwsError as error:
            if error.code != GONE:
                raise
            return {}
        return {str(item["IntegrationId"]): str(item.get("IntegrationUri", "")) for item in found}

    def _judge(self, item: Mapping[str, Any], id_: str, uri: str | None) -> Evidence:
        asked, wanted = f"integration {id_} of {item['api']}", self._wanted(item)
        if uri is None:
            return Evidence(asked, wanted, "it is gone", Verdict.UNKNOWN)
        return Evidence(
            asked, f"leads to {wanted}", f"leads to {uri}", Verdict.HOLDS if uri == wanted else Verdict.DIFFERS
        )

    def _wanted(self, item: Mapping[str, Any]) -> str:
        raise NotImplementedError

    def _leading(self, finding: Finding) -> Iterable[tuple[Mapping[str, Any], Any]]:
        """The integrations that do not lead where they should; all when nothing was looked at."""
        if isinstance(self.things, Unresolved):
            yield {"api": self.things, "spec": {}}, self.things
            return
        for item in self.things:
            for id_ in item["ids"]:
                uri = finding.facts.get("places", {}).get(str(item["api"]), {}).get(id_)
                if uri is not None and uri != self._wanted(item):
                    yield item, id_

    def _changed(self, before: Finding, finding: Finding) -> Iterable[tuple[Mapping[str, Any], str, str]]:
        """(item, id, where it led) of those that lead elsewhere than before."""
        assert not isinstance(self.things, Unresolved)
        for item in self.things:
            was, now = (found.facts.get("places", {}).get(str(item["api"]), {}) for found in (before, finding))
            yield from (
                (item, id_, was[id_]) for id_ in item["ids"] if id_ in now and now[id_] != was.get(id_, now[id_])
            )

    def _there(self, item: Mapping[str, Any], id_: Any, url: Any) -> Change:
        return AwsCall(
            says=f"Let the integration {id_} of API {item['api']} lead to {url}",
            service="apigatewayv2",
            operation="UpdateIntegration",
            params={
                "ApiId": item["api"], "IntegrationId": id_, "IntegrationType": "HTTP_PROXY", "IntegrationMethod": "ANY",
                "IntegrationUri": url, "PayloadFormatVersion": "1.0", "RequestParameters": {PATH: "$request.path"},
            },
        )  # fmt: skip

    def _back(self, item: Mapping[str, Any], id_: Any) -> Change:
        """A parameter is removed by an empty value; those that were there before come from the archive."""
        sealed = {
            name: Archived(str(self.folder), str(item["from"]), expression)
            for name, expression in (item.get("sealed") or {}).items()
        }
        return AwsCall(
            says=f"Let the integration {id_} of API {item['api']} lead to the function again",
            service="apigatewayv2",
            operation="UpdateIntegration",
            params={
                "ApiId": item["api"], "IntegrationId": id_, "RequestParameters": {PATH: ""}, **item["spec"], **sealed,
            },
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Bridged(_Bridge):
    """The integrations with the old function lead to the new side: installed clients move, with the same URL."""

    kind: ClassVar[str] = "apigateway.bridged"
    url: Ref

    def _wanted(self, item: Mapping[str, Any]) -> str:
        return str(self.url)

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        return [self._there(item, id_, self.url) for item, id_ in self._leading(finding)]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        return [self._back(item, id_) for item, id_, _ in self._changed(before, finding)]


@dataclass(frozen=True, kw_only=True)
class Unbridged(_Bridge):
    """The integrations lead to the old function again, as they are kept."""

    kind: ClassVar[str] = "apigateway.unbridged"

    def _wanted(self, item: Mapping[str, Any]) -> str:
        return str(item["spec"].get("IntegrationUri", ""))

    def plan(self, finding: Finding) -> list[Change]:
        return [self._back(item, id_) for item, id_ in self._leading(finding)] if finding.verdict.plans else []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        return [self._there(item, id_, was) for item, id_, was in self._changed(before, finding)]
