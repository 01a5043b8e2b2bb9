"""Expectations over what was seen, written in JMESPath by the checklist: judging stays data."""

from __future__ import annotations

import json
from typing import Any

from iris_migrate.findings import Evidence, Verdict
from iris_migrate.target import Unreadable

_SHOWN = 200  # characters of an answer that stand in evidence


def meets(expression: str, seen: Any) -> bool:
    """Whether the expression is true of what was seen; a wrong type inside is false, not an error.

    Raises Unreadable for an expression that is not JMESPath.
    """
    import jmespath
    from jmespath.exceptions import JMESPathTypeError, ParseError

    try:
        return jmespath.search(expression, seen) is True
    except JMESPathTypeError:
        return False
    except ParseError as error:
        raise Unreadable(
            f"the expectation {expression!r} is not JMESPath: {str(error).splitlines()[0]}. Correct it in the checklist"
        ) from error


def expected(asked: str, expression: str, seen: Any, *, otherwise: Verdict = Verdict.DIFFERS) -> Evidence:
    """Evidence that holds when the expression is true of what was seen."""
    return Evidence(asked, expression, shown(seen), Verdict.HOLDS if meets(expression, seen) else otherwise)


def shown(value: Any) -> str:
    """A value as one bounded line for people."""
    line = " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)).split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"
