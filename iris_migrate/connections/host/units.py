"""The state of systemd units: many in one `systemctl show`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iris_migrate.connections.host.batch import NOTHING, Answer, Kind
from iris_migrate.redact import clean_bytes
from iris_migrate.target import UnitState

PROPERTIES = (
    "Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "MainPID", "NeedDaemonReload", "FragmentPath",
    "ActiveEnterTimestampMonotonic", "ExecMainStartTimestampMonotonic", "NRestarts", "Result", "InvocationID",
    "ExecMainStatus",
)  # fmt: skip


def _read(items: Sequence[str], answer: Answer, mark: str) -> list[Any]:
    blocks = [block for block in clean_bytes(answer.out).split("\n\n") if block.strip()]
    if answer.status != 0 or len(blocks) != len(items):
        return [NOTHING] * len(items)
    return [
        _state(item, dict(line.partition("=")[::2] for line in block.splitlines()))
        for item, block in zip(items, blocks, strict=True)
    ]


def _state(name: str, said: dict[str, str]) -> UnitState:
    """One block. What a kind of unit does not have is 0 or empty; times come in microseconds."""

    def number(prop: str) -> int:
        text = said.get(prop, "")
        return int(text) if text.isdigit() else 0

    return UnitState(
        name=name,
        load=said.get("LoadState", ""),
        active=said.get("ActiveState", ""),
        sub=said.get("SubState", ""),
        enabled=said.get("UnitFileState", ""),
        main_pid=number("MainPID"),
        needs_reload=said.get("NeedDaemonReload") == "yes",
        fragment=said.get("FragmentPath", ""),
        active_since=number("ActiveEnterTimestampMonotonic") / 1e6,
        started=number("ExecMainStartTimestampMonotonic") / 1e6,
        restarts=number("NRestarts"),
        result=said.get("Result", ""),
        invocation=said.get("InvocationID", ""),
        exit_code=number("ExecMainStatus"),
    )


UNIT = Kind(
    "unit",
    lambda items, mark: ["systemctl", "show", "--no-pager", "-p", ",".join(PROPERTIES), "--", *items],
    _read,
    cap=lambda count: count * 4096,
)
