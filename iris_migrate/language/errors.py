"""What is wrong with a checklist or a settings file: each problem with file, line, path and what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to mend. `path` is the place inside the file, `says` a sentence with what was expected."""

    file: str
    line: int  # 1-based; 0: the file as a whole
    path: str
    says: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.path, self.says) if part)


class LanguageError(Exception):
    """A checklist or its settings cannot be used; `problems` says why, one by one."""

    about = "input"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        count = len(self.problems)
        head = f"{count} problem{'s' if count != 1 else ''} in the {self.about}; mend and start again"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))


class ChecklistError(LanguageError):
    about = "checklist"


class SettingsError(LanguageError):
    about = "settings"


def known(word: str, names: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the nearest one, else the names there are."""
    choice: Sequence[str] = sorted(names)
    near = get_close_matches(word, choice, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    if not choice:
        return "there are none"
    shown = ", ".join(choice[:12])
    return f"there {'are' if len(choice) > 1 else 'is'}: {shown}{', …' if len(choice) > 12 else ''}"
