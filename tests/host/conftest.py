"""One real host for the whole run, with a finished migration on it. Skipped, with the reason, where there is none."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from iris_migrate.rehearsal.launch import World, start_world
from tests.host.site import LIMIT, Site
from tests.practice.run import Done, command

# What the tests themselves use, beside what `rehearse --host systemd` names: program -> Debian package.
TOOLS = {"hey": "hey", "curl": "curl", "openssl": "openssl"}
# And for the dnf path, which needs no host that boots.
TOOLS |= {"dnf": "dnf", "rpm": "rpm", "createrepo_c": "createrepo-c"}
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("host")
            item.add_marker(pytest.mark.xdist_group("host"))


def asked_for() -> bool:
    """Packages and namespaces of a machine are changed in CI, or when somebody says `make test-host`."""
    return os.environ.get("CI") == "1" or os.environ.get("IRIS_TEST_HOST") == "1"


def _install() -> None:
    from iris_migrate.rehearsal.systemd.needs import PROGRAMS

    absent = sorted({package for name, package in {**PROGRAMS, **TOOLS}.items() if shutil.which(name) is None})
    if absent and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *absent]
        for arguments in (["apt-get", "update", "--quiet"], install):
            subprocess.run(arguments, check=True, env=environment, capture_output=True, timeout=300)


if asked_for():  # before the modules beside this one ask what is there
    _install()


@pytest.fixture(scope="session")
def machine() -> None:
    """This machine can have a real host; else every test of this folder says why not."""
    from iris_migrate.rehearsal.systemd.needs import missing

    if not asked_for():
        pytest.skip("a real host changes packages and namespaces of this machine: `make test-host` does, or CI=1")
    said = missing()
    if said:
        pytest.skip("no real host here: " + " ".join(said))


@pytest.fixture(scope="session")
def world(machine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world on a real host. The base image is built once a machine.

    IRIS_HOST_WORLD names a file with what `rehearse --host systemd --serve` printed: that world is used, and stays.
    """
    if served := os.environ.get("IRIS_HOST_WORLD"):
        lines = (line.partition("=") for line in Path(served).read_text().splitlines())
        env = {name: " ".join(shlex.split(value)) for name, _, value in lines}
        yield World(None, {"env": env, "control": env["IRIS_PRACTICE"]}, None)  # type: ignore[arg-type]
        return
    from iris_migrate.rehearsal.systemd.image import ready_image

    ready_image(lambda _, __: None)
    with start_world(more=["--host", "systemd"], timeout=120) as running:
        yield running


@pytest.fixture(scope="session")
def first(world: World) -> Done:
    """The whole journey, on the fresh host."""
    return command(world, "migrate", "--auto", "--format", "json", limit=LIMIT)


@pytest.fixture(scope="session")
def site(world: World, request: pytest.FixtureRequest) -> Site:
    """The host after the journey; one that was served is taken as it is."""
    if world.process is not None:
        first: Done = request.getfixturevalue("first")
        assert first.status == 0, first.why()
    return Site(world)
