"""Every call to the practice AWS, in order, without its secrets."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from iris_migrate.rehearsal.aws.answers import Answer
from iris_migrate.rehearsal.aws.request import AwsRequest

_SECRET = frozenset({"UserData", "Variables", "SecretString", "SecretBinary", "SecretAccessKey", "Password", "ZipFile"})
_SECRET_IN = {"apigateway:CreateApiKey": frozenset({"value"}), "apigateway:ImportApiKeys": frozenset({"body"})}


@dataclass(frozen=True, slots=True)
class Entry:
    """One call. `at` is seconds since the epoch on the world's clock; `fault` names what was scripted for it."""

    number: int
    at: float
    service: str
    operation: str
    region: str
    write: bool
    dry_run: bool
    params: Any
    status: int
    error: str
    fault: str
    account: str


class Ledger:
    """Append-only; read by the control address and by tests."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = threading.Lock()

    def add(self, request: AwsRequest, answer: Answer, at: float, fault: str = "") -> Entry:
        hidden = _SECRET | _SECRET_IN.get(request.action, frozenset())
        params = without_secrets(request.params, hidden)
        with self._lock:
            entry = Entry(
                number=len(self._entries) + 1,
                at=at,
                service=request.service,
                operation=request.operation,
                region=request.region,
                write=request.writes,
                dry_run=request.dry_run,
                params=params,
                status=answer.status,
                error=answer.code,
                fault=fault,
                account=request.account,
            )
            self._entries.append(entry)
        return entry

    def entries(self, after: int = 0) -> list[dict[str, Any]]:
        """The calls behind the first `after`, as plain data."""
        with self._lock:
            return [asdict(entry) for entry in self._entries[max(0, after) :]]


def without_secrets(value: Any, hidden: frozenset[str] = _SECRET) -> Any:
    """The same value as plain data; what stands under a secret name is replaced, its keys are kept."""
    if isinstance(value, Mapping):
        return {name: _mask(item) if name in hidden else without_secrets(item, hidden) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(item, hidden) for item in value]
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return str(value)


def _mask(value: Any) -> Any:
    return dict.fromkeys(value, "***") if isinstance(value, Mapping) else "***"
