"""Each tool as a command of the shell, and what its answer says: twenty verdicts by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.peers.host import Host

HERE = Path(__file__).parent
PACKAGES = ("openssh-server", "coreutils", "bash", "not-there-at-all")
Verdicts = dict[str, bool]


@dataclass(frozen=True)
class Tool:
    """`command` for a port; `read` makes verdicts of what it printed (and of files in `folder`)."""

    name: str
    command: Callable[[int], list[str]]
    read: Callable[[str], Verdicts]
    env: dict[str, str]
    folder: Path

    def run(self, port: int) -> str:
        # An installed program has its modules compiled: this shell must not make one of them compile anew.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run(
            self.command(port), env=kept | self.env, capture_output=True, text=True, check=False, cwd=self.folder
        )
        return done.stdout + done.stderr


def environment(folder: Path) -> Path:
    """The peers in an environment of their own; its `bin`. PEERS_ENV names one that is there."""
    place = Path(os.environ.get("PEERS_ENV", folder / "peers"))
    if not (place / "bin" / "pyinfra").exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        packages = ["pytest-testinfra", "paramiko", "ansible-core", "pyinfra"]
        subprocess.run([str(place / "bin" / "pip"), "install", "-q", *packages], check=True)
    return place / "bin"


def versions(binaries: Path) -> str:
    script = (
        "import importlib.metadata as m\n"
        "print(', '.join(f'{n} {m.version(n)}' for n in ('pytest-testinfra','ansible-core','pyinfra','paramiko')))"
    )
    return subprocess.run([str(binaries / "python"), "-c", script], capture_output=True, text=True, check=True).stdout


def tools(host: Host, binaries: Path, folder: Path) -> list[Tool]:
    """Ours first, then the floor, then the peers."""
    empty: dict[str, str] = {}
    config = folder / "ssh_config"
    config.write_text(
        f"Host *\n  IdentityFile {host.key}\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n"
        "  IdentitiesOnly yes\n  LogLevel ERROR\n"
    )
    things = {"THINGS": str(host.things), "LISTENS": str(host.port)}

    def ours(port: int) -> list[str]:
        sets = {"ssh.user": host.user, "ssh.key": host.key, "things": host.things, "listens": host.port}
        flags = [part for name, value in sets.items() for part in ("--set", f"{name}={value}")]
        return [sys.executable, "-m", "iris_migrate.cli", "--state", str(folder / "state"), "verify",
                str(HERE / "twenty"), "--host", f"127.0.0.1:{port}", "--host-key", host.fingerprint, *flags,
                "--format", "json"]  # fmt: skip

    def floor(port: int) -> list[str]:
        return [sys.executable, str(HERE / "floor.py"), "127.0.0.1", str(port), host.user, str(host.key),
                str(host.things), str(host.port)]  # fmt: skip

    def testinfra(backend: str) -> Callable[[int], list[str]]:
        return lambda port: [
            str(binaries / "pytest"), "-q", "-p", "no:cacheprovider", f"--rootdir={HERE}", "-c", os.devnull,
            f"--junitxml={folder}/junit.xml", f"--hosts={backend}://{host.user}@127.0.0.1:{port}",
            f"--ssh-config={config}", f"--ssh-identity-file={host.key}", str(HERE / "checks_testinfra.py"),
        ]  # fmt: skip

    def ansible(port: int) -> list[str]:
        return [str(binaries / "ansible-playbook"), "-i", "127.0.0.1,", "-u", host.user, "--private-key",
                str(host.key), "-e", f"ansible_port={port} things={host.things} listens={host.port}", "-e",
                f"told={folder}/told.json ansible_python_interpreter=/usr/bin/python3",
                str(HERE / "checks_ansible.yaml")]  # fmt: skip

    def pyinfra(port: int) -> list[str]:
        return [str(binaries / "pyinfra"), "-y", "--user", host.user, "--port", str(port), "--key", str(host.key),
                "--data", f"things={host.things}", "--data", f"listens={host.port}", "--data",
                "ssh_strict_host_key_checking=no", "--data", f"ssh_known_hosts_file={folder}/known_hosts",
                "@ssh/127.0.0.1", str(HERE / "checks_pyinfra.py")]  # fmt: skip

    quiet = {"ANSIBLE_PIPELINING": "1", "ANSIBLE_HOST_KEY_CHECKING": "0", "ANSIBLE_HOME": str(folder / "ansible"),
             "PATH": f"{binaries}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}  # fmt: skip
    return [
        Tool("iris-migrate", ours, _ours, {"HOME": str(folder), "PYTHONPATH": str(HERE.parents[1])}, folder),
        Tool("floor", floor, json.loads, empty, folder),
        Tool("pyinfra", pyinfra, _pyinfra, empty, folder),
        Tool("testinfra, paramiko", testinfra("paramiko"), lambda _: _junit(folder / "junit.xml"), things, folder),
        Tool("ansible, pipelining", ansible, lambda _: _ansible(folder / "told.json"), quiet, folder),
        Tool("testinfra, ssh", testinfra("ssh"), lambda _: _junit(folder / "junit.xml"), things, folder),
    ]


def _ours(text: str) -> Verdicts:
    return {step["id"]: step["status"] == "holds" for step in json.loads(text)["steps"]}


def _pyinfra(text: str) -> Verdicts:
    [line] = [line for line in text.splitlines() if "VERDICTS" in line]
    found: Verdicts = json.loads(line.partition("VERDICTS")[2])
    return found


def _ansible(path: Path) -> Verdicts:
    told = json.loads(path.read_text())
    path.unlink()
    found = {f"folder-{number}": good for number, good in enumerate(told["folders"], 1)}
    found |= {f"package-{name}": good for name, good in zip(PACKAGES, told["packages"], strict=True)}
    found |= {f"link-{number}": good for number, good in enumerate(told["links"], 1)}
    return found | {"listens": told["listens"], "command": told["command"]}


def _junit(path: Path) -> Verdicts:
    found = {}
    for case in ElementTree.parse(path).iter("testcase"):
        name, _, inside = str(case.get("name")).removeprefix("test_").partition("[")
        which = inside.rstrip("]").partition("127.0.0.1")[2].partition("-")[2] if inside else ""
        found[f"{name}-{which}" if which else name] = case.find("failure") is None and case.find("error") is None
    path.unlink()
    return found


def temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="iris-bench-")
