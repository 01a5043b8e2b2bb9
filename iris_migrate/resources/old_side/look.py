"""The old side of one function, looked at as a whole: what would go, who else uses it, who owns it, what stays."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from iris_migrate.resources.old_side.domains import custom_addresses
from iris_migrate.resources.old_side.functions import function
from iris_migrate.resources.old_side.http_apis import Thing, every_authorizer, function_of, http_apis, parts
from iris_migrate.resources.old_side.images import images, repository, repository_of
from iris_migrate.resources.old_side.rest_apis import rest_apis, rest_callers, rest_parts
from iris_migrate.resources.old_side.surroundings import log_groups, roles
from iris_migrate.target import Aws

GROUPS = (
    "apis", "routes", "integrations", "authorizers", "functions", "guards", "repositories", "images", "roles",
    "log_groups",
)  # fmt: skip
# Tags that say which tool made a thing and will want it back.
# What of an API is listed besides its parts.
_API = ("kind", "id", "name", "endpoint", "spec", "stages", "plans", "disabled", "tags")
_STACK = "aws:cloudformation:stack-name"
_TOOLS = {
    "serverless": "serverless remove", "sst:app": "sst remove", "pulumi": "pulumi destroy", "terraform":
    "terraform destroy -target=…", "aws-cdk": "cdk destroy",
}  # fmt: skip


async def look(aws: Aws, name: str, kept: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Everything of one function in this region; empty groups when it is gone. Raises AwsError.

    `kept` is the archive's list: what leads to an authorizer's function, for one, may have gone already.
    """
    known: Mapping[str, Any] = kept or {}
    backend, http, rest = await asyncio.gather(function(aws, name), http_apis(aws, name), rest_apis(aws, name))
    apis = [*http, *rest]
    domains = await custom_addresses(aws) if apis else {}
    seen: dict[str, Any] = {group: [] for group in GROUPS}
    shared: list[Thing] = []
    for api in apis:
        ours, others = rest_parts(api, name) if api["kind"] == "REST" else parts(api, name)
        listed = {key: api[key] for key in _API if key in api}
        seen["apis"].append({**listed, "domains": domains.get(str(api["id"]), [])})
        for group, things in ours.items():
            seen[group] += things
        for route in others:
            shared.append(_shared(
                f"{api['kind']} API {api['id']}", f"its route {route['key']}",
                "move that route to an API of its own, then list again",
            ))  # fmt: skip
    named = {function_of(_authorizer_uri(item["spec"])) for item in seen["authorizers"]}
    names = sorted((named | {str(item["id"]) for item in known.get("guards", ())}) - {"", name})
    guards = [item for item in await asyncio.gather(*(function(aws, guard) for guard in names)) if item]
    seen["functions"], seen["guards"] = [backend] if backend else [], guards
    await _repositories(aws, seen, known)
    both = (*seen["functions"], *seen["guards"])
    seen["roles"], seen["log_groups"] = await asyncio.gather(roles(aws, both), log_groups(aws, both, seen["apis"]))
    shared += await _users(aws, seen, {str(item["id"]) for item in (*seen["apis"], *known.get("apis", ()))})
    guarding = {str(item["id"]) for item in guards}
    owned = [*_owned(seen), *_owned_apis(apis)]
    return {**seen, "shared": _grouped(shared, guarding), "owned": _grouped(owned, guarding)}


def _authorizer_uri(spec: Mapping[str, Any]) -> str:
    return str(spec.get("AuthorizerUri") or spec.get("authorizerUri") or "")


def _grouped(items: Iterable[Thing], guards: set[str]) -> list[Thing]:
    """Each with the group of what it is about: what is kept may be shared."""
    found = []
    for item in items:
        word, _, name = str(item["what"]).rpartition(" ")
        group = {"function": "guards" if name in guards else "functions", "authorizer function": "guards",
                 "repository": "images"}.get(word, "apis")  # fmt: skip
        found.append({**item, "group": group})
    return found


async def _repositories(aws: Aws, seen: dict[str, Any], known: Mapping[str, Any]) -> None:
    """The repositories of the functions' images, with all their images."""
    names = {
        repository_of(version["image"])
        for item in (*seen["functions"], *seen["guards"])
        for version in (item["latest"], *item["versions"])
    }
    names |= {str(item["id"]) for item in known.get("repositories", ())}
    for name in sorted(names - {""}):
        archived = {str(item["id"]): item for item in known.get("images", ()) if item["repository"] == name}
        found, held = await asyncio.gather(repository(aws, name), images(aws, name, archived))
        seen["repositories"] += [found] if found else []
        seen["images"] += held


async def _users(aws: Aws, seen: Mapping[str, Any], apis: set[str]) -> list[Thing]:
    """Who else uses what would go."""
    ours = {item["id"] for item in (*seen["functions"], *seen["guards"])}
    found: list[Thing] = []
    for item in (*seen["functions"], *seen["guards"]):
        found += _triggers(item, apis)
        for api, part in await rest_callers(aws, str(item["id"])):
            if api not in apis:
                advice = f"keep it: keep.{'function' if item in seen['functions'] else 'authorizer'}=true"
                found.append(_shared(f"function {item['id']}", f"REST API {api}, {part}", advice))
    guards = {item["id"] for item in seen["guards"]}
    if guards:
        for api, name in await every_authorizer(aws):
            if name in guards and api not in apis:
                found.append(_shared(f"authorizer function {name}", f"HTTP API {api}", "keep it: keep.authorizer=true"))
    found += await _other_functions(aws, seen, ours)
    for item in seen["repositories"]:
        if item["policy"]:
            found.append(_shared(
                f"repository {item['id']}", "its policy lets others pull from it", "keep the images: images.how=keep",
            ))  # fmt: skip
    return found


def _triggers(item: Thing, apis: set[str]) -> Iterable[Thing]:
    """What calls a function besides our APIs: its policy, event sources and its own address say so."""
    what, advice = f"function {item['id']}", "take the trigger away first, or keep the function: keep.function=true"
    for permission in item["permissions"]:
        source, principal = str(permission.get("SourceArn", "")), permission["Principal"]
        if principal != "apigateway.amazonaws.com":
            yield _shared(what, f"{principal} may call it ({permission['StatementId']}) {source}".rstrip(), advice)
        elif source and not any(f":{api}/" in source for api in apis):
            yield _shared(what, f"API Gateway may call it from {source}", advice)
    for source in item["sources"]:
        yield _shared(what, f"event source {source.get('EventSourceArn', source.get('UUID'))}", advice)


async def _other_functions(aws: Aws, seen: Mapping[str, Any], ours: set[str]) -> list[Thing]:
    """Other functions that run from images of the same repository."""
    names = {item["id"] for item in seen["repositories"]}
    if not names:
        return []
    found = []
    for item in await aws.read_all("lambda", "ListFunctions", "Functions[]"):
        name = str(item["FunctionName"])
        if name in ours or item.get("PackageType") != "Image":
            continue
        whole = await aws.read("lambda", "GetFunction", FunctionName=name)
        used = repository_of(str((whole.get("Code") or {}).get("ImageUri") or ""))
        if used in names:
            found.append(
                _shared(f"repository {used}", f"function {name} runs from it", "keep the images: images.how=keep")
            )
    return found


def _shared(what: str, by: str, advice: str) -> Thing:
    return {"what": what, "by": by, "advice": advice}


def _owned(seen: Mapping[str, Any]) -> Iterable[Thing]:
    for group, word in (("functions", "function"), ("guards", "function"), ("repositories", "repository")):
        for item in seen[group]:
            yield from _owner(f"{word} {item['id']}", item["tags"])


def _owned_apis(apis: Iterable[Thing]) -> Iterable[Thing]:
    for api in apis:
        yield from _owner(f"{api['kind']} API {api['id']}", api["tags"])


def _owner(what: str, tags: Mapping[str, str]) -> Iterable[Thing]:
    """The tool whose tags a thing carries, with the command that would remove it properly."""
    if stack := tags.get(_STACK):
        command = f"aws cloudformation delete-stack --stack-name {stack} (or sam delete, cdk destroy)"
        yield {"what": what, "by": f"the CloudFormation stack {stack}", "advice": command}
        return
    for name, value in tags.items():
        words = f"{name} {value}".lower()
        for tool, command in _TOOLS.items():
            if name.lower().startswith(tool) or (
                name.lower().replace("-", "").replace("_", "") == "managedby" and tool in words
            ):
                yield {"what": what, "by": f"{tool} (tag {name})", "advice": command}
                return
