"""Exit codes are an interface: which error leaves with which code, and in which words."""

from __future__ import annotations

from collections.abc import Iterable

OK, WRONG, USAGE, MISSING, WAITING, INTERRUPTED = 0, 1, 2, 3, 4, 130

MEANINGS = {
    OK: "everything holds, or warns, was confirmed, was waived, or is left out by a stated rule",
    WRONG: "something does not hold, is unknown, or failed",
    USAGE: "the command line, the settings or the checklist are wrong; nothing was started",
    MISSING: "a connection, a permission or the lease is missing",
    WAITING: "the operator is waited for, or something is still on its way",
    INTERRUPTED: "interrupted; the record says how far it came",
}

# By class name along the inheritance, so that telling an error apart imports nothing.
_CODES = {
    "LanguageError": USAGE,
    "UsageError": USAGE,
    "RecordError": USAGE,
    "DatabaseError": USAGE,
    "ControlError": USAGE,
    "AwsUnavailable": MISSING,
    "Unreadable": MISSING,
    "WrongAccount": MISSING,
    "LeaseHeld": MISSING,
    "LaunchError": MISSING,
    "Unavailable": MISSING,
    "SecretMissing": WAITING,
    "CannotUndo": WRONG,
    "Interrupted": INTERRUPTED,
    "OSError": MISSING,
}
# What makes a finding "no way to look" instead of "could not be read".
_CONNECTIONS = frozenset(
    {"AwsUnavailable", "HostUnreachable", "ConnectionLost", "LoginRefused", "RootRefused", "HostKeyChanged",
     "HostKeyUnknown"}
)  # fmt: skip


class UsageError(Exception):
    """What was typed cannot be done; the message says what can."""


class Unavailable(Exception):
    """Something that this command needs is not on this machine; the message says how to get it."""


class Interrupted(Exception):
    """A signal ended the command; the message says what goes on without it."""


def worst(codes: Iterable[int]) -> int:
    """One exit code for several results: what is broken outranks what cannot be told, that what is waited for."""
    found = set(codes)
    return next((code for code in (WRONG, MISSING, USAGE, WAITING, INTERRUPTED) if code in found), OK)


def connection_missing(error: BaseException | None) -> bool:
    """Whether an error says that a connection or a permission is missing."""
    if error is None:
        return False
    if any(cls.__name__ in _CONNECTIONS for cls in type(error).__mro__):
        return True
    if getattr(error, "code", "") == "NoConnection":
        return True
    return hasattr(error, "code") and bool(getattr(error, "lasting", False))


def exit_code_of(error: BaseException) -> tuple[int, str]:
    """The exit code and the sentence for an error; an unexpected one says how to see more."""
    for cls in type(error).__mro__:
        if cls.__name__ in _CODES:
            return _CODES[cls.__name__], _sentence(error)
    return WRONG, (
        f"unexpected {type(error).__name__}: {error}\nThis is a defect of iris-migrate. Nothing is lost:"
        " the record is written before each change. Set IRIS_MIGRATE_DEBUG=1 and start again to see where it happened."
    )


def _sentence(error: BaseException) -> str:
    if isinstance(error, OSError) and type(error).__module__ == "builtins":
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}. Make it accessible, or name another place, and start again."
    if any(cls.__name__ == "DatabaseError" for cls in type(error).__mro__):
        return f"The record cannot be used: {error}. Free the disk or mend the file, or name another --state folder."
    return str(error)
