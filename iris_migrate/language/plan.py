"""The deployment plan, line by line: which lines ask for something to be done, and by which rule the others do not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_IN_SCOPE = re.compile(r"^## (Phase [1-8]:|Troubleshooting|Appendix)")
_ITEM = re.compile(r"^\s*([-*]|[0-9]+\.)\s")
_COMMENT = re.compile(r"^\s*(#|//)")


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A line of the plan; `exempt` is the rule by which it needs no step, "" when it needs one."""

    number: int
    text: str
    kind: str  # item | command | comment | blank | heading | fence | prose
    exempt: str

    @property
    def actionable(self) -> bool:
        return not self.exempt


_RULES = {
    "blank": "a blank line",
    "heading": "a heading",
    "fence": "a border of a code block",
    "prose": "a title or an introduction of what follows",
    "comment": "a comment",
}
_OUT_OF_SCOPE = "outside of phases 1-8, Troubleshooting and the appendix"


def plan_lines(path: Path) -> tuple[PlanLine, ...]:
    """Every line of the plan.

    Actionable is each list item, command, setting and file line of the sections in scope. A comment is exempt,
    except in a code block that holds nothing else: there the comments are the instructions.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    found: list[PlanLine] = []
    in_scope = False
    for number, text, kind in _kinds(lines):
        if kind == "heading" and text.startswith("## "):
            in_scope = _IN_SCOPE.match(text) is not None
        exempt = _RULES.get(kind, "") if in_scope else _OUT_OF_SCOPE
        found.append(PlanLine(number, text, kind, exempt))
    return tuple(found)


def _kinds(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    """Number, text and kind of each line."""
    block: list[tuple[int, str]] | None = None
    for number, text in enumerate(lines, start=1):
        if text.strip().startswith("```"):
            if block is not None:
                yield from _block_kinds(block)
            block = [] if block is None else None
            yield number, text, "fence"
        elif block is not None:
            block.append((number, text))
        else:
            yield number, text, _text_kind(text)
    if block:
        yield from _block_kinds(block)


def _text_kind(text: str) -> str:
    if not text.strip():
        return "blank"
    if text.startswith("#") or text.strip() == "---":
        return "heading"
    return "item" if _ITEM.match(text) else "prose"


def _block_kinds(block: list[tuple[int, str]]) -> Iterator[tuple[int, str, str]]:
    instructions = all(not text.strip() or _COMMENT.match(text) for _, text in block)
    for number, text in block:
        if not text.strip():
            yield number, text, "blank"
        elif instructions and text.rstrip().endswith(":"):
            yield number, text, "prose"
        elif _COMMENT.match(text) and not instructions:
            yield number, text, "comment"
        else:
            yield number, text, "command"
