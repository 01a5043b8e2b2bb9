"""The way back as a checklist, made from an archive: what was there is there again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from iris_migrate.encoding import canonical
from iris_migrate.engine.archive import folder_of
from iris_migrate.engine.consent import Operator
from iris_migrate.engine.options import Options
from iris_migrate.engine.session import Session
from iris_migrate.language.checklist import Checklist, Phase, Step
from iris_migrate.language.load import load
from iris_migrate.resources.old_side.inventory import LIST, manual_stages, of_rest
from iris_migrate.target import Clock, Unreadable
from iris_migrate.values import digest

NAME = "restore"
_PHASES = (Phase("1", "Archive"), Phase("2", "Images and functions"), Phase("3", "API"))


def restore_checklist(base: Checklist, folder: str, kept: Mapping[str, Any]) -> Checklist:
    """Steps in the order in which things need each other. `base` gives the settings, `kept` is the archive's list."""
    steps = tuple(_steps(base, folder, kept))
    found = replace(base, name=NAME, title="Bringing the old side back", phases=_PHASES, steps=steps, host=None)
    return replace(found, digest=digest(canonical(steps)))


def _steps(base: Checklist, folder: str, kept: Mapping[str, Any]) -> list[Step]:
    def setting(name: str) -> str:
        found = base.settings.get(name)
        return "" if found is None else str(found.value)

    health = {"expect": setting("health.expect"), "ca": setting("tls.ca")}
    names = [api["endpoint"] for api in kept["apis"] if not api.get("disabled")]
    steps = [
        Step("archive-verified", "1", "The archive was read back, and decrypted", "archive.verified",
             {"folder": folder}, timeout=1.0),
        Step("images", "2", "The images are there, with the same digests", "ecr.images_there",
             {"images": _tuple(kept, "images"), "folder": folder}, needs=("archive-verified",), timeout=3600.0),
        Step("functions", "2", "The functions are there, with versions, aliases and permissions", "lambdas.there",
             {"functions": _tuple(kept, "functions"), "folder": folder}, needs=("images",), timeout=600.0),
        Step("authorizer-functions", "2", "The authorizers' functions are there", "lambdas.there",
             {"functions": _tuple(kept, "guards"), "folder": folder}, needs=("images",), timeout=600.0),
        Step("concurrency", "2", "The functions take calls as before", "lambdas.concurrency_back",
             {"functions": _tuple(kept, "functions")}, needs=("functions",), risk="interrupts"),
        Step("integrations", "3", "The API's integrations are there", "apigateway.integrations_there",
             {"things": _tuple(kept, "integrations"), "folder": folder}, needs=("functions",)),
        Step("authorizers", "3", "The API's authorizers are there", "apigateway.authorizers_there",
             {"things": _tuple(kept, "authorizers")}, needs=("authorizer-functions",)),
        Step("routes", "3", "The API's routes are there", "apigateway.routes_there",
             {"things": _tuple(kept, "routes"), "stages": tuple(manual_stages(kept["apis"])), "folder": folder},
             needs=("integrations", "authorizers")),
        Step("switched-on", "3", "The old endpoint serves, at the same URL", "apigateway.endpoint_on",
             {"apis": _tuple(kept, "apis")}, needs=("routes",), risk="interrupts"),
    ]  # fmt: skip
    if live := of_rest(kept["apis"], "stages"):
        steps += [
            Step("stages", "3", "The REST API's stages are there, at the same URL", "apigateway.stages_there",
                 {"things": tuple(live)}, needs=("routes", "switched-on"), timeout=120.0),
            Step("usage-plans", "3", "The usage plans have these stages", "apigateway.plans_there",
                 {"things": tuple(of_rest(kept["apis"], "plans"))}, needs=("stages",), timeout=600.0),
        ]  # fmt: skip
    for number, name in enumerate(names, 1):
        steps.append(
            Step(f"answers-{number}", "3", f"{name} answers", "http.public_health",
                 {"url": f"{name}{setting('health.path')}", **health},
                 needs=("concurrency", "switched-on", *(("stages",) if live else ())), timeout=60.0)
        )  # fmt: skip
    return steps


def _tuple(kept: Mapping[str, Any], group: str) -> tuple[Any, ...]:
    return tuple(kept.get(group) or ())


async def opened_restore(options: Options, operator: Operator, folder: str, *, clock: Clock | None = None) -> Session:
    """An open session of the checklist that an archive is made into. Raises Unreadable when there is no archive."""
    base = load(options.checklist, flags=options.flags, settings_file=options.settings_file())
    place = folder or str(base.settings["archive.folder"].value)
    kept = _read_list(folder_of(place))
    return await Session(options, operator, clock=clock, checklist=restore_checklist(base, place, kept)).open()


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
