"""Exit codes are an interface: which error leaves with which code, and in which words."""

from __future__ import annotations

OK, WRONG, USAGE, MISSING, WAITING, INTERRUPTED = 0, 1, 2, 3, 4, 130

# By class name along the inheritance, so that telling an error apart imports nothing.
_CODES = {
    "ChecklistError": USAGE,
    "SettingsError": USAGE,
    "UsageError": USAGE,
    "RecordError": USAGE,
    "AwsUnavailable": MISSING,
    "AwsError": MISSING,
    "Unreadable": MISSING,
    "HostUnreachable": MISSING,
    "HostKeyChanged": MISSING,
    "HostKeyUnknown": MISSING,
    "LoginRefused": MISSING,
    "WrongAccount": MISSING,
    "LeaseHeld": MISSING,
    "WorldUnavailable": MISSING,
    "SecretMissing": WAITING,
    "CannotUndo": WRONG,
}


class UsageError(Exception):
    """What was typed cannot be done; the message says what can."""


def exit_code_of(error: BaseException) -> tuple[int, str]:
    """The exit code and the sentence for an error; an unexpected one says how to see more."""
    for cls in type(error).__mro__:
        if cls.__name__ in _CODES:
            return _CODES[cls.__name__], str(error)
    return WRONG, (
        f"unexpected {type(error).__name__}: {error}\nThis is a defect of iris-migrate. Nothing is lost:"
        " the record is written before each change. Set IRIS_MIGRATE_DEBUG=1 and start again to see where it happened."
    )
