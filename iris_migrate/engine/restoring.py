"""The way back as a checklist, made from an archive: what was there is there again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from iris_migrate.encoding import canonical
from iris_migrate.engine.archive import folder_of, read_manifest
from iris_migrate.engine.consent import Operator
from iris_migrate.engine.elsewhere import Names, Place, bound
from iris_migrate.engine.migrations import WrongAccount
from iris_migrate.engine.options import Options
from iris_migrate.engine.session import Session
from iris_migrate.language.checklist import Checklist, Phase, Step
from iris_migrate.language.load import load
from iris_migrate.resources.old_side.inventory import LIST, manual_stages, of_rest
from iris_migrate.target import Clock, Unreadable
from iris_migrate.values import digest

NAME = "restore"
_PHASES = (Phase("1", "Archive"), Phase("2", "What the rest stands on"), Phase("3", "Images and functions"),
           Phase("4", "API"))  # fmt: skip


def restore_checklist(base: Checklist, folder: str, kept: Mapping[str, Any], names: Names) -> Checklist:
    """Steps in the order in which things need each other. `base` gives the settings, `kept` is the archive's list."""
    steps = (*_ground(folder, kept, names), *_functions(folder, kept, names), *_api(base, folder, kept, names))
    found = replace(base, name=NAME, title="Bringing the old side back", phases=_PHASES, steps=steps, host=None)
    return replace(found, digest=digest(canonical(steps)))


def _ground(folder: str, kept: Mapping[str, Any], names: Names) -> Iterable[Step]:
    """What a decommission leaves, and what is not there in another account."""

    def here(group: str) -> Any:
        return names.here(tuple(kept.get(group) or ()))

    first = ("archive-verified",)
    yield Step("archive-verified", "1", "The archive was read back, and decrypted", "archive.verified",
               {"folder": folder}, timeout=1.0)  # fmt: skip
    yield Step("log-groups", "2", "The log groups are there", "lambdas.log_groups_there",
               {"groups": here("log_groups")}, needs=first)  # fmt: skip
    yield Step("roles", "2", "The functions' roles are there", "iam.roles_there",
               {"roles": here("roles")}, needs=first)  # fmt: skip
    yield Step("repositories", "2", "The repositories are there", "ecr.repositories_there",
               {"repositories": here("repositories")}, needs=first)  # fmt: skip
    for api in here("apis"):
        step = names.apis[str(api["id"])]
        title = f"API {api['id']} is there, or one in its place"
        yield Step(step, "2", title, "apigateway.api_there", {"api": api}, outputs=("id",), needs=first)


def _functions(folder: str, kept: Mapping[str, Any], names: Names) -> Iterable[Step]:
    def named(group: str) -> Any:
        return names.named(tuple(kept.get(group) or ()))

    ground = ("images", "roles", "log-groups", *names.apis.values())
    images = {"images": tuple(kept["images"]), "folder": folder}
    yield Step("images", "3", "The images are there, with the same digests", "ecr.images_there", images,
               needs=("repositories",), timeout=3600.0)  # fmt: skip
    yield Step("functions", "3", "The functions are there, with versions, aliases and permissions", "lambdas.there",
               {"functions": named("functions"), "folder": folder}, needs=ground, timeout=600.0)  # fmt: skip
    yield Step("authorizer-functions", "3", "The authorizers' functions are there", "lambdas.there",
               {"functions": named("guards"), "folder": folder}, needs=ground, timeout=600.0)  # fmt: skip
    yield Step("concurrency", "3", "The functions take calls as before", "lambdas.concurrency_back",
               {"functions": named("functions")}, needs=("functions",), risk="interrupts")  # fmt: skip


def _api(base: Checklist, folder: str, kept: Mapping[str, Any], names: Names) -> Iterable[Step]:
    def setting(name: str) -> str:
        found = base.settings.get(name)
        return "" if found is None else str(found.value)

    apis, named = tuple(kept["apis"]), names.named
    live = of_rest(apis, "stages")
    yield Step("integrations", "4", "The API's integrations are there", "apigateway.integrations_there",
               {"things": named(tuple(kept["integrations"])), "folder": folder}, needs=("functions",))  # fmt: skip
    yield Step("authorizers", "4", "The API's authorizers are there", "apigateway.authorizers_there",
               {"things": named(tuple(kept["authorizers"]))}, needs=("authorizer-functions",))  # fmt: skip
    yield Step("http-stages", "4", "The HTTP API's stages are there", "apigateway.stages_there",
               {"things": named(tuple(_http_stages(apis)))}, needs=("log-groups",))  # fmt: skip
    yield Step("routes", "4", "The API's routes are there", "apigateway.routes_there",
               {"things": named(tuple(kept["routes"])), "stages": named(tuple(manual_stages(apis))), "folder": folder},
               needs=("integrations", "authorizers", "http-stages"))  # fmt: skip
    yield Step("switched-on", "4", "The old endpoint serves", "apigateway.endpoint_on",
               {"apis": named(apis)}, needs=("routes",), risk="interrupts")  # fmt: skip
    if live:
        yield Step("stages", "4", "The REST API's stages are there, at the same URL", "apigateway.stages_there",
                   {"things": named(tuple(live))}, needs=("routes", "switched-on"), timeout=120.0)  # fmt: skip
        yield Step("usage-plans", "4", "The usage plans have these stages", "apigateway.plans_there",
                   {"things": named(tuple(of_rest(apis, "plans")))}, needs=("stages",), timeout=600.0)  # fmt: skip
    needs = ("concurrency", "switched-on", *(("stages",) if live else ()))
    asked = {"expect": setting("health.expect"), "ca": setting("tls.ca")}
    serving = [str(api["endpoint"]) for api in apis if not api.get("disabled")]
    for number, name in enumerate(serving, 1):
        yield Step(f"answers-{number}", "4", f"The API that was {name} answers", "http.public_health",
                   {"url": named(f"{name}{setting('health.path')}"), **asked}, needs=needs, timeout=60.0)  # fmt: skip


def _http_stages(apis: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    for api in apis:
        if api["kind"] == "HTTP":
            yield from ({"api": api["id"], "kind": "HTTP", "key": it["id"], "spec": it["spec"]} for it in api["stages"])


async def opened_restore(
    options: Options, operator: Operator, folder: str, *, into: str = "", clock: Clock | None = None
) -> Session:
    """An open session of the checklist that an archive is made into. `into` is another account than the archive's.

    Raises Unreadable when there is no archive, or it cannot be brought back there; WrongAccount when AWS says that
    this is neither.
    """
    base = load(options.checklist, flags=options.flags, settings_file=options.settings_file())
    place = folder or str(base.settings["archive.folder"].value)
    kept = _read_list(folder_of(place))
    names = _names(kept, folder_of(place), base, into)
    if names.was != names.now and (hindrances := list(bound(kept))):
        raise Unreadable(f"{place} cannot be brought back in {names.now}: {'; '.join(hindrances)}.")
    made = restore_checklist(base, place, kept, names)
    session = await Session(options, operator, clock=clock, checklist=made).open()
    here = Place(session.aws.account, session.aws.region)
    if here != names.now:
        await session.close()
        raise WrongAccount(
            f"{place} belongs into {names.now}, and these credentials are of {here}. Use those of {names.now}, or say "
            f"that it is meant: --into {here.account} (the region is the setting aws.region)."
        )
    return session


def _names(kept: Mapping[str, Any], folder: Path, base: Checklist, into: str) -> Names:
    manifest = read_manifest(folder)
    if manifest is None:
        raise Unreadable(f"{folder} has no manifest; name another folder with --archive.")
    was = Place(str(manifest["account"]), str(manifest["region"]))
    region = base.settings.get("aws.region")
    wanted = str(region.value if region else "") or base.region or was.region
    now = Place(into, wanted) if into else was
    return Names(was, now, {str(api["id"]): f"api-{number}" for number, api in enumerate(kept["apis"], 1)})


def _read_list(folder: Path) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads((folder / LIST).read_bytes())
    except FileNotFoundError:
        raise Unreadable(
            f"{folder} holds no whole archive: {LIST} is missing. Name another folder with --archive."
        ) from None
    except (OSError, ValueError) as error:
        raise Unreadable(f"{folder / LIST} cannot be read: {error}") from error
    if found.get("format") != 1:
        raise Unreadable(f"{folder / LIST} is of another format than this version reads")
    return found
