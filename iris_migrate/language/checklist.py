"""A compiled checklist: plain frozen data, rendered with its settings; only outputs of steps are still unresolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from iris_migrate.values import Unresolved, unresolved


@dataclass(frozen=True, slots=True)
class Step:
    """One sentence about the world. `with_` is what its resource is built from; times are seconds."""

    id: str
    phase: str
    title: str
    resource: str
    with_: Mapping[str, Any]
    why: str = ""
    covers: tuple[int, ...] = ()  # lines of docs/plan.md
    outputs: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    timeout: float = 120.0
    retry_every: float = 2.0
    risk: str = "none"  # none | costs | interrupts | destroys
    critical: bool = True
    on_failure: str = ""  # "undo": put back at once
    troubleshoot: tuple[str, ...] = ()
    journal: tuple[str, ...] = ()  # units whose journal belongs to this step
    left_out: str = ""  # the stated rule by which it does not apply
    file: str = ""
    line: int = 0

    @property
    def waits_for(self) -> tuple[str, ...]:
        """The steps that must be told before this one: outputs that it names, and `needs`."""
        return tuple(dict.fromkeys([*(item.step for item in unresolved(self.with_)), *self.needs]))


@dataclass(frozen=True, slots=True)
class Phase:
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class HostSpec:
    """How the host is reached. Address and instance are mostly outputs of steps."""

    address: str | Unresolved
    instance: str | Unresolved = ""
    user: str = ""
    port: int = 22
    key: str = ""  # path of the private key on the workstation
    root: str = ""  # prefix of all paths on the host: "" on a real one


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret comes from; its value is never here. `how`: env | file | prompt."""

    name: str
    how: str
    where: str  # variable name, path, or the question


@dataclass(frozen=True, slots=True)
class SettingValue:
    """A setting with where it came from: flag | file | discovered | default."""

    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Checklist:
    name: str
    title: str
    digest: str
    phases: tuple[Phase, ...]
    steps: tuple[Step, ...]
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    secrets: Mapping[str, SecretSource] = field(default_factory=dict)
    host: HostSpec | None = None
    region: str = ""

    def step(self, step_id: str) -> Step:
        """The step with this id; KeyError when there is none."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)
