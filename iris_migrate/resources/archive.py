"""The archive of the old side: everything that would go is in it, and can be read back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import Change, LocalCommand, Save
from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Resource
from iris_migrate.resources.ecr import layer_item
from iris_migrate.resources.lambdas.making import code_item, item
from iris_migrate.resources.old_side.images import batch_of
from iris_migrate.resources.old_side.inventory import LIST
from iris_migrate.resources.old_side.look import GROUPS
from iris_migrate.resources.removal import Things
from iris_migrate.target import Target
from iris_migrate.values import Unresolved

_SHOWN = 3
# What of a REST API is saved: (item, operation, JMESPath of a list that comes in pages).
_REST = (
    ("api", "GetRestApi", ""), ("resources", "GetResources", "items[]"), ("authorizers", "GetAuthorizers", "items[]"),
    ("stages", "GetStages", ""), ("deployments", "GetDeployments", "items[]"), ("models", "GetModels", "items[]"),
    ("validators", "GetRequestValidators", "items[]"), ("gateway-responses", "GetGatewayResponses", "items[]"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Complete(Resource):
    """Everything on the list is in the archive, and so is the list.

    What can hold secrets (variables, code, images) is encrypted. The list goes in last: with it the archive is whole.
    """

    kind: ClassVar[str] = "archive.complete"
    uses: ClassVar[frozenset[str]] = frozenset({"archives"})
    calls: ClassVar[frozenset[str]] = frozenset(
        {
            "apigatewayv2:GetApi", "apigatewayv2:GetRoutes", "apigatewayv2:GetIntegrations",
            "apigatewayv2:GetAuthorizers", "apigatewayv2:GetStages", "lambda:GetFunction",
            "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "apigateway:GetUsagePlan", "apigateway:GetUsagePlanKeys",
            *(f"apigateway:{name}" for _, name, _ in _REST),
        }
    )  # fmt: skip
    folder: str
    apis: Things
    routes: Things
    integrations: Things
    authorizers: Things
    functions: Things
    guards: Things
    repositories: Things
    images: Things
    roles: Things = ()  # these two lie in the list alone: it says all of them
    log_groups: Things = ()

    async def inspect(self, target: Target) -> Finding:
        manifest, kept = await asyncio.gather(
            target.archives.manifest(self.folder), target.archives.content(self.folder, LIST)
        )
        have = sorted(manifest["items"]) if manifest else []
        wanted = [save.name for save in self._saves()]
        missing = [name for name in wanted if name not in set(have)]
        said = f"{len(wanted) - len(missing)} of {len(wanted)}"
        if missing:
            more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            said += f"; missing: {', '.join(missing[:_SHOWN])}{more}"
        evidence = [
            Evidence(f"items in {self.folder}", f"{len(wanted)} of {len(wanted)}", said,
                     Verdict.ABSENT if missing else Verdict.HOLDS),
            Evidence("the list in it", "of everything", "there" if kept is not None else "not there",
                     Verdict.ABSENT if kept is None else Verdict.HOLDS),
        ]  # fmt: skip
        return conclude(evidence, facts={"have": have, "list": kept is not None})

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        have = set(finding.facts.get("have", ()))
        changes: list[Change] = [save for save in self._saves() if save.name not in have]
        if not finding.facts.get("list", False):
            changes.append(
                Save(
                    says="Save the list of it all", name=LIST, source={"data": self._list()}, secret=False,
                    folder=self.folder,
                )
            )  # fmt: skip
        return changes

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        """Removes what was saved; only as long as the old side is still there to save again."""
        if finding.facts.get("have") and not before.facts.get("have"):
            says = "Remove the archive from this machine"
            return [LocalCommand(says=says, argv=("rm", "-rf", "--", self.folder))]
        return []

    def _list(self) -> Mapping[str, Any]:
        return {"format": 1, **{name: getattr(self, name) for name in GROUPS}}

    def _saves(self) -> Iterable[Save]:
        for name, says, source in self._sources():
            yield Save(says=says, name=name, source=source, folder=self.folder)

    def _sources(self) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
        for api in _things(self.apis):
            yield from _rest_api(api) if api["kind"] == "REST" else _api(str(api["id"]))
        for function in (*_things(self.functions), *_things(self.guards)):
            yield from _function(function)
        batches: dict[tuple[str, str], list[str]] = {}
        layers: dict[str, str] = {}
        for image in _things(self.images):
            batches.setdefault((str(image["repository"]), str(image["manifests"])), []).append(str(image["id"]))
            layers.update({str(digest): str(image["repository"]) for digest, _ in image["layers"]})
        for (repository, name), digests in batches.items():
            says = f"Save the manifests of {len(digests)} images of {repository}"
            yield name, says, {"aws": ["ecr", "BatchGetImage", batch_of(repository, digests)]}
        for digest, repository in sorted(layers.items()):
            params = {"repositoryName": repository, "layerDigest": digest}
            source = {"aws": ["ecr", "GetDownloadUrlForLayer", params], "follow": "downloadUrl", "digest": digest}
            yield layer_item(digest), f"Save the layer {digest[7:19]} of {repository}", source


def _things(things: Things) -> Iterable[Mapping[str, Any]]:
    return () if isinstance(things, Unresolved) else things


def _api(name: str) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
    folder = f"apis/{name}"
    yield f"{folder}/api.json", f"Save the API {name}", {"aws": ["apigatewayv2", "GetApi", {"ApiId": name}]}
    for what in ("Routes", "Integrations", "Authorizers", "Stages"):
        source = {"aws": ["apigatewayv2", f"Get{what}", {"ApiId": name}], "all": "Items[]"}
        yield f"{folder}/{what.lower()}.json", f"Save the {what.lower()} of API {name}", source


def _rest_api(api: Mapping[str, Any]) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
    """The API's parts; the keys of its usage plans with their values."""
    name = str(api["id"])
    for what, operation, every in _REST:
        params = {"restApiId": name, **({"embed": ["methods"]} if what == "resources" else {})}
        source = {"aws": ["apigateway", operation, params], **({"all": every} if every else {})}
        yield f"apis/{name}/{what}.json", f"Save the {what} of REST API {name}", source
    for plan in sorted({str(member["plan"]) for member in api["plans"]}):
        read = ["apigateway", "GetUsagePlan", {"usagePlanId": plan}]
        yield f"plans/{plan}.json", f"Save the usage plan {plan}", {"aws": read}
        keys = ["apigateway", "GetUsagePlanKeys", {"usagePlanId": plan}]
        yield f"plans/{plan}-keys.json", f"Save the keys of the usage plan {plan}", {"aws": keys, "all": "items[]"}


def _function(function: Mapping[str, Any]) -> Iterable[tuple[str, str, Mapping[str, Any]]]:
    name = str(function["id"])
    codes: set[str] = set()
    for state in ({**function["latest"], "version": "$LATEST"}, *function["versions"]):
        version = str(state["version"])
        params = {"FunctionName": name, **({} if version == "$LATEST" else {"Qualifier": version})}
        read = ["lambda", "GetFunction", params]
        yield item(name, version), f"Save version {version} of {name}, with its variables", {"aws": read}
        if not state["image"] and state["sha256"] not in codes:
            codes.add(state["sha256"])
            source = {"aws": read, "follow": "Code.Location", "digest": f"base64:{state['sha256']}"}
            yield code_item(name, state["sha256"]), f"Save the code of {name}, version {version}", source


@dataclass(frozen=True, kw_only=True)
class Verified(Resource):
    """The archive was read back: every file has its digest and can be decrypted with the key at hand."""

    kind: ClassVar[str] = "archive.verified"
    uses: ClassVar[frozenset[str]] = frozenset({"archives"})
    check_only: ClassVar[bool] = True
    folder: str

    async def inspect(self, target: Target) -> Finding:
        manifest, problems = await asyncio.gather(
            target.archives.manifest(self.folder), target.archives.problems(self.folder)
        )
        evidence = [Evidence("archive", "as it was saved", problem, Verdict.DIFFERS) for problem in problems]
        if not evidence and manifest is not None:
            count, size = len(manifest["items"]), sum(item["bytes"] for item in manifest["items"].values())
            says = f"{count} items, {size} bytes, read back and decrypted"
            evidence = [Evidence("archive", "as it was saved", says, Verdict.HOLDS)]
        return conclude(evidence)
