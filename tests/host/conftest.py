"""A real host with a finished migration on it, one a worker. Skipped, with the reason, where there is none."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from iris_migrate.rehearsal.launch import World, start_world
from iris_migrate.rehearsal.systemd.image import Image
from tests.host.site import LIMIT, Site
from tests.practice.run import Done, command

# What the tests themselves use, beside what `rehearse --host systemd` names: program -> Debian package.
TOOLS = {"hey": "hey", "curl": "curl", "openssl": "openssl", "mkfs.ext4": "e2fsprogs", "losetup": "mount"}
# And for the dnf path, which needs no host that boots.
TOOLS |= {"dnf": "dnf", "rpm": "rpm", "createrepo_c": "createrepo-c"}
HERE = Path(__file__).parent
# Two hosts side by side, since most of the time is waiting: on one of them things are broken all the time.
BROKEN = {"test_bad_input.py", "test_diagnosis.py", "test_traps.py"}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("host")
            item.add_marker(pytest.mark.xdist_group("broken host" if item.path.name in BROKEN else "host"))


def asked_for() -> bool:
    """Packages and namespaces of a machine are changed in CI, or when somebody says `make test-host`."""
    return os.environ.get("CI") == "1" or os.environ.get("IRIS_TEST_HOST") == "1"


def _install() -> str:
    """The Debian packages that are not here; why they cannot be had, empty when they are here now."""
    from iris_migrate.rehearsal.systemd.needs import PROGRAMS

    absent = sorted({package for name, package in {**PROGRAMS, **TOOLS}.items() if shutil.which(name) is None})
    if not absent:
        return ""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"not on this machine, and only root on Debian or Ubuntu can install them: {' '.join(absent)}"
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *absent]
    said = ""
    for arguments in (["apt-get", "update", "--quiet"], install):
        try:
            done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=environment, timeout=300)
            said = "" if done.returncode == 0 else f"{done.stdout[-500:]}{done.stderr[-500:]}"
        except subprocess.TimeoutExpired:
            said = "apt-get did not end within 5 minutes"
    return f"packages cannot be installed ({' '.join(absent)}): {said.strip()}" if said else ""


# Before the modules beside this one ask what is there.
LACKING = _install() if asked_for() else ""


@pytest.fixture(scope="session")
def image() -> Image:
    """The base image, built once a machine, when this machine can have a real host; else why not, for every test."""
    from iris_migrate.rehearsal.systemd.image import ready_image
    from iris_migrate.rehearsal.systemd.needs import NotHere, program

    if not asked_for():
        pytest.skip("a real host changes packages and namespaces of this machine: `make test-host` does, or CI=1")
    if LACKING:
        pytest.skip(f"no real host here: {LACKING}")
    try:
        built = ready_image(lambda _, __: None)
        trial = [program("systemd-nspawn"), f"--directory={built.tree}", "--read-only", "--register=no", "--keep-unit"]
    except NotHere as error:
        pytest.skip(str(error))
    done = subprocess.run([*trial, "--private-network", "--quiet", "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no real host here: systemd-nspawn cannot run a command in it: {done.stderr.strip()[-500:]}")
    return built


@pytest.fixture(scope="session")
def machine(image: Image) -> None:
    """This machine can have a real host."""


@pytest.fixture(scope="session")
def world(image: Image) -> Iterator[World]:
    """A world on a real host.

    IRIS_HOST_WORLD names a file with what `rehearse --host systemd --serve` printed: that world is used, and stays.
    """
    if served := os.environ.get("IRIS_HOST_WORLD"):
        lines = (line.partition("=") for line in Path(served).read_text().splitlines())
        env = {name: " ".join(shlex.split(value)) for name, _, value in lines}
        yield World(None, {"env": env, "control": env["IRIS_PRACTICE"]}, None)  # type: ignore[arg-type]
        return
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
