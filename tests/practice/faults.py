"""Faults of a practice world as data: read from faults.yaml, planted and taken back."""

from __future__ import annotations

import re
import shlex
import subprocess
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from json import dumps
from pathlib import Path
from string import Template
from typing import Any

import boto3
import paramiko
import yaml

from iris_migrate.rehearsal.launch import World
from tests.practice_host import USER, run

FILE = Path(__file__).with_name("faults.yaml")
_NAME = re.compile(r"\$\{?([a-z_]+)")


@dataclass(frozen=True)
class Fault:
    """What is wrong then: steps with words of their evidence; actions are mappings of one name to what it is done to.

    A step of another checklist than lambda-to-ec2 is written `checklist/step`.
    """

    steps: Mapping[str, str]
    plant: Sequence[Mapping[str, Any]] = ()
    back: Sequence[Mapping[str, Any]] = ()
    after: Sequence[Mapping[str, Any]] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    clock: float = 0.0  # seconds by which this workstation's clock is off

    @property
    def name(self) -> str:
        return "+".join(self.steps)

    def of(self, checklist: str) -> dict[str, str]:
        """The steps of one checklist, by id."""
        named = [(*_split(step), words) for step, words in self.steps.items()]
        return {step: words for name, step, words in named if name == checklist}


def _split(step: str) -> tuple[str, str]:
    checklist, _, name = step.rpartition("/")
    return checklist or "lambda-to-ec2", name


def read_faults() -> tuple[list[Fault], dict[str, str]]:
    """The faults, and the steps that none can be planted for with the reason."""
    data = yaml.safe_load(FILE.read_text())
    return [Fault(**item) for item in data["faults"]], data["cannot"]


@dataclass
class Ground:
    """Where faults are planted: the practice host by SSH, this workstation, the practice AWS, the world's control."""

    world: World
    names: Mapping[str, str]  # what scripts may name
    transport: paramiko.Transport | None = None

    def act(self, action: Mapping[str, Any], carry_out: Callable[[Sequence[str]], None]) -> None:
        """Do one thing. Raises AssertionError with what a script said when it failed."""
        ((kind, what),) = action.items()
        match kind:
            case "host":
                self._on_host(what)
            case "workstation":
                done = subprocess.run(
                    ["sh", "-ec", what], env=self._environment(what), capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, done.stderr
            case "aws":
                ((operation, parameters),) = what.items()
                self._call(operation, self.filled(parameters))
            case "control":
                request = urllib.request.Request(f"{self.world.control}faults", dumps(what).encode(), method="POST")
                with urllib.request.urlopen(request) as answer:
                    assert answer.status == 200
            case "carry_out":
                carry_out(what)
            case _:
                raise AssertionError(f"no way to do {kind!r}")

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def _on_host(self, script: str) -> None:
        if self.transport is None or not self.transport.is_active():
            self.transport = paramiko.Transport((self.names["elastic_ip"], int(self.names["ssh_port"])))
            key = paramiko.Ed25519Key.from_private_key_file(self.names["ssh_key"])
            self.transport.connect(username=USER, pkey=key)
        named = "".join(f"{name}={shlex.quote(self.names[name])}; " for name in self._used(script))
        done = run(self.transport, f"set -e; {named}mkdir -p {shlex.quote(self.names['keep'])}\n{script}")
        assert done.status == 0, done.err + done.out

    def _environment(self, script: str) -> dict[str, str]:
        return self.world.environment() | {name: self.names[name] for name in (*self._used(script), "desk")}

    def _used(self, script: str) -> list[str]:
        return sorted({name for name in _NAME.findall(script) if name in self.names})

    def _call(self, operation: str, parameters: Mapping[str, Any]) -> None:
        getattr(self._ec2, re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower())(**parameters)

    @cached_property
    def _ec2(self) -> Any:
        env = self.world.env
        session = boto3.Session(
            env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], region_name=env["AWS_REGION"]
        )  # fmt: skip
        return session.client("ec2", endpoint_url=env["AWS_ENDPOINT_URL"])

    def filled(self, value: Any) -> Any:
        """Plain data with the names in its texts replaced."""
        if isinstance(value, str):
            return Template(value).substitute(self.names)
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if isinstance(value, Mapping):
            return {name: self.filled(item) for name, item in value.items()}
        return value

    def words(self, text: str) -> str:
        """Words of a fault with the names in them replaced."""
        return Template(text).safe_substitute(self.names)
