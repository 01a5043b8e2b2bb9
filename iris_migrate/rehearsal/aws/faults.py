"""What goes wrong on purpose in the practice AWS: refusals, delays and reads that lag behind."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from iris_migrate.rehearsal.aws.answers import Answer, failure
from iris_migrate.rehearsal.aws.request import AwsRequest


@dataclass(frozen=True, slots=True)
class AwsFault:
    """Calls whose `service:Operation` matches `action` go wrong, `times` per operation (None: always).

    `counted_together`: the calls of all operations that match are one row; `skip=4, times=1` is the fifth of it.
    """

    name: str
    action: str
    code: str = ""  # empty: the code that fits the service, see `_codes`
    message: str = ""
    status: int = 0
    times: int | None = None
    skip: int = 0  # calls that pass before it begins
    counted_together: bool = False
    writes: bool | None = None  # only changing calls, only reads, or both


# One refusal, named by what happened, in each service's own words: (code, status, message).
_THROTTLED = {
    "ec2": ("RequestLimitExceeded", 503, "Request limit exceeded."),
    "apigateway": ("TooManyRequestsException", 429, "Too Many Requests"),
    "apigatewayv2": ("TooManyRequestsException", 429, "Too Many Requests"),
    "lambda": ("TooManyRequestsException", 429, "Rate exceeded"),
    "iam": ("Throttling", 400, "Rate exceeded"),
    "sts": ("Throttling", 400, "Rate exceeded"),
}
_DENIED = {
    "ec2": ("UnauthorizedOperation", 403),
    "iam": ("AccessDenied", 403),
    "sts": ("AccessDenied", 403),
}
_EXPIRED = {
    "ec2": ("RequestExpired", 400, "Request has expired."),
    "sts": ("ExpiredToken", 403, "The security token included in the request is expired"),
    "iam": ("ExpiredToken", 403, "The security token included in the request is expired"),
}


# The ways in which one call can go wrong, each in the words of its service; see `way`.
WAYS = ("throttle", "conflict", "error", "denied", "cut-before", "cut-after")
_CONFLICTS = {
    "lambda": ("ResourceConflictException", 409, "The operation cannot be performed at this time."),
    "ec2": ("IncorrectState", 400, "The resource is not in a state for this."),
    "ecr": ("ServerException", 409, "The resource is in use."),
}
_CONFLICT = (
    "ConflictException",
    409,
    "Unable to complete operation due to concurrent modification. Please try again later.",
)
_ERRORS = {
    "lambda": ("ServiceException", 500, "The Lambda service encountered an internal error."),
    "ecr": ("ServerException", 500, "These errors are usually caused by a server-side issue."),
    "ec2": ("InternalError", 500, "An internal error has occurred."),
    "apigateway": ("InternalServerErrorException", 500, "Internal server error"),
    "apigatewayv2": ("InternalServerErrorException", 500, "Internal server error"),
}


def way(name: str, action: str, times: int | None = 1, skip: int = 0, writes: bool | None = None) -> AwsFault:
    """Calls of an action go wrong in one of `WAYS`. Raises ValueError for another."""
    if name not in WAYS:
        raise ValueError(f"a call goes wrong by {', '.join(WAYS)}")
    return AwsFault(f"call-{name}", action, times=times, skip=skip, writes=writes, counted_together=True)


def throttle(action: str = ".*", times: int = 2) -> AwsFault:
    """The first `times` calls of each operation are told to slow down."""
    return AwsFault("throttle", action, times=times)


def no_permission(action: str = "ec2:AllocateAddress") -> AwsFault:
    """The identity lacks an action (a regular expression over `service:Operation`)."""
    return AwsFault("no-permission", action)


def expired_login() -> AwsFault:
    """The session's token has run out."""
    return AwsFault("expired-login", ".*")


@dataclass(slots=True)
class FaultTable:
    """The scripted faults of one world. `delay` is seconds that every answer waits; `lag` seconds of eventual
    consistency: how long a read does not see what was just made."""

    delay: float = 0.0
    lag: float = 0.0
    _faults: list[AwsFault] = field(default_factory=list)
    _used: Counter[tuple[AwsFault, str]] = field(default_factory=Counter)
    _seen: Counter[tuple[AwsFault, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: AwsFault) -> None:
        re.compile(fault.action)
        with self._lock:
            self._faults.append(fault)

    def remove(self, name: str) -> None:
        """End the faults of this name; what they counted is forgotten."""
        with self._lock:
            self._faults = [fault for fault in self._faults if fault.name != name]
            for counted in (self._used, self._seen):
                for key in [key for key in counted if key[0].name == name]:
                    del counted[key]

    def denied(self, action: str) -> bool:
        """Whether the identity lacks this action, for policy simulation."""
        return any(
            fault.name == "no-permission" and re.fullmatch(fault.action, action, re.IGNORECASE)
            for fault in self._faults
        )

    def take(self, request: AwsRequest) -> tuple[str, Answer] | None:
        """The fault that meets this request, counted, with its answer. Status 0 is a connection that is cut."""
        with self._lock:
            for fault in self._faults:
                if not re.fullmatch(fault.action, request.action, re.IGNORECASE):
                    continue
                if fault.writes not in (None, request.writes):
                    continue
                key = (fault, "" if fault.counted_together else request.action)
                self._seen[key] += 1
                if self._seen[key] <= fault.skip:
                    continue
                if fault.times is not None and self._used[key] >= fault.times:
                    continue
                self._used[key] += 1
                return fault.name, _answer(fault, request)
        return None

    def shown(self) -> dict[str, Any]:
        with self._lock:
            faults = [
                {"name": fault.name, "action": fault.action, "times": fault.times, "met": self._met(fault)}
                for fault in self._faults
            ]
        return {"aws": faults, "delay_ms": round(self.delay * 1000), "lag_ms": round(self.lag * 1000)}

    def _met(self, fault: AwsFault) -> int:
        return sum(count for (used, _), count in self._used.items() if used is fault)


def _answer(fault: AwsFault, request: AwsRequest) -> Answer:
    code, status, message = fault.code, fault.status or 400, fault.message or "A fault of the rehearsal."
    kind = fault.name.removeprefix("call-")
    if kind.startswith("cut-"):
        return Answer(0, b"", code=kind)
    if not code and kind == "conflict":
        code, status, message = _CONFLICTS.get(request.service, _CONFLICT)
    elif not code and kind == "error":
        internal = ("InternalFailure", 500, "The request processing has failed because of an unknown error.")
        code, status, message = _ERRORS.get(request.service, internal)
    elif not code and kind == "throttle":
        code, status, message = _THROTTLED.get(request.service, ("ThrottlingException", 400, "Rate exceeded"))
    elif not code and kind in ("no-permission", "denied"):
        code, status = _DENIED.get(request.service, ("AccessDeniedException", 403))
        message = (
            "You are not authorized to perform this operation. User: operator is not authorized to perform: "
            f"{request.action}"
        )
    elif not code and fault.name == "expired-login":
        expired = ("ExpiredTokenException", 403, "The security token included in the request is expired")
        code, status, message = _EXPIRED.get(request.service, expired)
    return failure(request, code or "InternalFailure", message, status)
