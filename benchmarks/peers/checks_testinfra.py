"""The twenty checks for pytest-testinfra: `pytest checks_testinfra.py --hosts=ssh://…`."""

import os

import pytest

THINGS, PORT = os.environ["THINGS"], os.environ["LISTENS"]


@pytest.mark.parametrize("number", range(1, 13))
def test_folder(host, number):
    found = host.file(f"{THINGS}/folder-{number}")
    assert found.is_directory and found.mode == 0o755


@pytest.mark.parametrize("name", ["openssh-server", "coreutils", "bash", "not-there-at-all"])
def test_package(host, name):
    assert host.package(name).is_installed


@pytest.mark.parametrize("number", [1, 2])
def test_link(host, number):
    assert host.file(f"{THINGS}/link-{number}").linked_to == f"{THINGS}/folder-1"


def test_listens(host):
    assert host.socket(f"tcp://127.0.0.1:{PORT}").is_listening


def test_command(host):
    assert host.run("test -d %s", THINGS).rc == 0
