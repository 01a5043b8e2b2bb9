"""What can go wrong between here and the host, in sentences that give the next step."""

from __future__ import annotations

from iris_migrate.target import Unreadable


class HostError(Unreadable):
    """The host could not be asked or would not do it."""


class HostUnreachable(HostError):
    """No SSH connection could be made."""


class ConnectionLost(HostError):
    """A connection that was open went away, and could not be had back in time."""


class LoginRefused(HostError):
    """The host is there and does not let us in."""


class RootRefused(HostError):
    """The login user may not become root without a password."""


class HostFailure(HostError):
    """The host refused one thing; the message is what it said."""


class HostKeyChanged(HostError):
    """The host shows another key than the one that is known. Both fingerprints are in the message."""

    lasting = True

    def __init__(self, name: str, expected: tuple[str, ...], seen: str) -> None:
        super().__init__(
            f"{name} shows the host key {seen}, but {' or '.join(expected)} is known for it. Either the instance was"
            " replaced or somebody answers in its place. Compare with the instance's console output; nothing was sent."
        )
        self.expected, self.seen = expected, seen


class HostKeyUnknown(HostError):
    """Nothing is known about the host's key yet; the operator is asked."""

    lasting = True

    def __init__(self, name: str, fingerprint: str) -> None:
        super().__init__(
            f"{name} shows the host key {fingerprint}, and nothing vouches for it yet. Compare it with the instance's"
            " console output, then say that it is right."
        )
        self.fingerprint = fingerprint
