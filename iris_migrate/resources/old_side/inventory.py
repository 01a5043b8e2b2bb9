"""The list of what would go: as it is in AWS, and once it is archived as it was then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.findings import Evidence, Finding, Verdict, conclude
from iris_migrate.resources.base import Resource
from iris_migrate.resources.old_side.http_apis import Thing
from iris_migrate.resources.old_side.look import GROUPS, look
from iris_migrate.target import Target

LIST = "inventory.json"  # its name in the archive
READS = frozenset(
    {
        "apigatewayv2:GetApis", "apigatewayv2:GetRoutes", "apigatewayv2:GetIntegrations", "apigatewayv2:GetAuthorizers",
        "apigatewayv2:GetStages", "lambda:ListFunctions", "lambda:GetFunction", "lambda:ListVersionsByFunction",
        "lambda:ListAliases", "lambda:GetFunctionConcurrency", "lambda:GetFunctionUrlConfig", "lambda:GetPolicy",
        "lambda:ListEventSourceMappings", "apigateway:GetRestApis", "apigateway:GetResources",
        "apigateway:GetAuthorizers", "apigateway:GetStages", "apigateway:GetUsagePlans", "apigateway:GetDomainNames",
        "apigateway:GetBasePathMappings", "apigatewayv2:GetDomainNames", "apigatewayv2:GetApiMappings",
        "ecr:DescribeImages", "ecr:BatchGetImage", "ecr:DescribeRepositories",
        "ecr:GetLifecyclePolicy", "ecr:GetRepositoryPolicy", "ecr:ListTagsForResource", "iam:GetRole",
        "iam:ListRolePolicies", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "logs:DescribeLogGroups",
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Inventory(Resource):
    """The list of what would go is what is there: nothing has come, or changed, since it was archived.

    Before there is an archive the list is what is there now. Afterwards it is the archive's, so that a run that goes
    on, and the way back, know what was there.
    """

    kind: ClassVar[str] = "old_side.inventory"
    calls: ClassVar[frozenset[str]] = READS
    uses: ClassVar[frozenset[str]] = frozenset({"aws", "archives"})
    outputs: ClassVar[frozenset[str]] = frozenset(
        {*GROUPS, "shared", "owned", "names", "public", "archived", "stages", "live", "plans"}
    )
    check_only: ClassVar[bool] = True
    function: str
    folder: str
    groups: tuple[str, ...] = GROUPS  # what of it is listed, and kept in this archive

    async def inspect(self, target: Target) -> Finding:
        kept = await target.archives.content(self.folder, LIST)
        seen = await look(target.aws, self.function, kept)
        evidence: list[Evidence] = []
        groups = {group: merged(kept, seen, group) if group in self.groups else [] for group in GROUPS}
        if kept is not None:
            for group in self.groups:
                evidence += _new(group, kept.get(group) or [], seen[group])
        count = sum(len(things) for things in groups.values())
        if not count:
            says = f"no function {self.function}, and no API in front of it, in {target.aws.region}"
            return conclude([Evidence("the old side", "there, or archived", says, Verdict.UNKNOWN)])
        evidence.append(Evidence("the old side", "listed", f"{count} things", Verdict.HOLDS))
        names = [api["endpoint"] for api in groups["apis"]]
        outputs = {
            **groups, "names": names, "public": [*names, *_besides(groups, seen)], "shared": seen["shared"],
            "owned": seen["owned"], "archived": kept is not None, "stages": manual_stages(groups["apis"]),
            "live": of_rest(groups["apis"], "stages"), "plans": of_rest(groups["apis"], "plans"),
        }  # fmt: skip
        reason = "" if all(item.verdict is Verdict.HOLDS for item in evidence) else "it is not as it was archived"
        return conclude(evidence, outputs, reason=reason)


def _besides(groups: Mapping[str, list[Thing]], seen: Mapping[str, Any]) -> list[str]:
    """Addresses besides the APIs' own: custom domains that lead here now, and the functions' URLs."""
    domains = [address for api in seen["apis"] for address in api["domains"]]
    urls = [str(item["address"]).rstrip("/") for group in ("functions", "guards") for item in groups[group]]
    return [*domains, *(url for url in urls if url)]


def merged(kept: Mapping[str, Any] | None, seen: Mapping[str, Any], group: str) -> list[Thing]:
    """What is archived, as it was archived, and what has come since."""
    before: list[Thing] = list(kept.get(group) or []) if kept is not None else []
    known = {identity(item) for item in before}
    return before + [item for item in seen[group] if identity(item) not in known]


def identity(item: Mapping[str, Any]) -> str:
    """What a thing is called within its group."""
    return "/".join(str(item[name]) for name in ("api", "repository", "key", "id") if name in item)


def _new(group: str, before: list[Thing], now: list[Thing]) -> list[Evidence]:
    """What has come, or is another, since it was archived. What has gone is what a decommission is for."""
    was = {identity(item): item for item in before}
    found = []
    for item in now:
        old = was.get(identity(item))
        if old is None:
            found.append(Evidence(f"{group} {identity(item)}", "archived", "new since then", Verdict.DIFFERS))
        elif changed := sorted(name for name in item if old.get(name) != item[name] and name not in _OURS):
            found.append(
                Evidence(
                    f"{group} {identity(item)}", "as it was archived", f"changed: {', '.join(changed)}", Verdict.DIFFERS
                )
            )
    return found


# What a decommission itself changes on the way: the off switch, tags that go first; ids, after a restore.
_OURS = frozenset({"concurrency", "tags", "status", "stages", "plans", "disabled", "endpoint",
                   "manifests", "ids", "days", "domains"})  # fmt: skip


def manual_stages(apis: Sequence[Mapping[str, Any]]) -> list[str]:
    """The stages that do not deploy by themselves, as `api/stage`."""
    return [
        f"{api['id']}/{stage['id']}"
        for api in apis if api["kind"] == "HTTP"
        for stage in api["stages"] if not stage["spec"].get("AutoDeploy")
    ]  # fmt: skip


def of_rest(apis: Sequence[Mapping[str, Any]], group: str) -> list[Thing]:
    """The `stages` or `plans` of REST APIs: what is deployed stays live at a stage whatever becomes of its methods."""
    return [item for api in apis if api["kind"] == "REST" for item in api[group]]
