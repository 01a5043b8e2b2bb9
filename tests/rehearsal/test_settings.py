"""A rehearsal's settings file differs from a real one only where the one list says so."""

from __future__ import annotations

from pathlib import Path

import yaml

from iris_migrate.rehearsal.grounds import USER
from iris_migrate.rehearsal.launch import World
from iris_migrate.rehearsal.settings import CHOSEN, SECRETS, STANDS_IN
from tests.rehearsal import REPOSITORY

# Design 6: what may differ in a rehearsal, and nothing else.
MAY_DIFFER = {
    "os",
    "host.root",
    "domain",
    "resolver",
    "tls.acme_server",
    "tls.ca",
    "own_address.url",
    "openai_base_url",
}
PORTS = {"ssh.port", "http.port", "https.port", "app_port"}
REPOSITORY_OF_ITS_OWN = {"repository.url", "repository.commit", "pip.args"}


def written(world: World) -> dict[str, object]:
    values: dict[str, object] = yaml.safe_load(Path(world.env["IRIS_MIGRATE_SETTINGS"]).read_text())
    return values


def test_only_what_is_listed_is_set(world: World) -> None:
    assert set(written(world)) == {*STANDS_IN, *CHOSEN}
    assert set(STANDS_IN) == MAY_DIFFER | PORTS | REPOSITORY_OF_ITS_OWN


def test_every_name_is_a_setting_of_the_checklist(world: World) -> None:
    declared: set[str] = set()
    for name in ("lambda-to-ec2", "decommission-lambda"):
        declared |= set(yaml.safe_load((REPOSITORY / f"checklists/{name}/checklist.yaml").read_text())["settings"])
    assert set(written(world)) <= declared


def test_secrets_are_sources_only(world: World) -> None:
    values = written(world)
    for name, variable in SECRETS.items():
        assert values[name] == {"env": variable}
        assert world.env[variable]
    text = Path(world.env["IRIS_MIGRATE_SETTINGS"]).read_text()
    assert not [variable for variable in SECRETS.values() if world.env[variable] in text]


def test_the_login_user_is_the_profiles() -> None:
    profiles = yaml.safe_load((REPOSITORY / "checklists/profiles.yaml").read_text())
    assert profiles["practice"]["user"] == USER


def test_the_checklist_compiles_with_them(world: World) -> None:
    from iris_migrate.language.load import load

    checklist = load("lambda-to-ec2", flags={}, settings_file=Path(world.env["IRIS_MIGRATE_SETTINGS"]))
    assert checklist.host is not None
    assert checklist.host.root == written(world)["host.root"]
