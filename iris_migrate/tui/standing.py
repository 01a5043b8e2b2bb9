"""How the migration stands by its record, for the Start screen. Blocks: use a thread."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iris_migrate.engine.options import Options


@dataclass(frozen=True, slots=True)
class Standing:
    """`begun`: there is a record. `age` in seconds since the last look. `problem`: why nothing can be said."""

    steps: int = 0
    app: str = ""
    region: str = ""
    begun: bool = False
    settled: int = 0
    age: float | None = None
    next: str = ""
    problem: str = ""

    def lines(self) -> list[str]:
        """What stands beside `Continue`."""
        from iris_migrate.redact import clean
        from iris_migrate.reports.text import ago

        if self.problem:
            return [clean(self.problem)]
        if not self.begun:
            return [f"Lambda → EC2 in {self.steps} steps; nothing is begun yet"]
        looked = "never looked at" if self.age is None else f"verified {ago(self.age)}"
        lines = [f"{self.app} → EC2, {self.region}", f"{self.settled} of {self.steps} hold · {looked}"]
        return [clean(line) for line in (*lines, *([f"next: {self.next}"] if self.next else []))]


def standing(options: Options) -> Standing:
    """Read checklist, settings and record; nothing is connected to."""
    from iris_migrate.engine.history import record_of, recorded
    from iris_migrate.language.errors import LanguageError
    from iris_migrate.language.load import load

    try:
        checklist = load(options.checklist, flags=options.flags, settings_file=options.settings_file())
    except LanguageError as error:
        return Standing(problem=f"the settings need a look: {str(error).splitlines()[0]}")
    setting = checklist.settings.get("app")
    app = str(setting.value) if setting is not None else checklist.name
    folder = options.state_folder()
    record = record_of(folder, app) if (folder / "migrations").is_dir() else None
    if record is None:
        return Standing(len(checklist.steps), app)
    try:
        now = time.time()
        result = recorded(checklist, record, now)
        looked = [found[0] for step in result.steps if (found := record.last_finding(checklist.name, step.id))]
        open_ = next((step for step in result.steps if not step.status.settled), None)
        return Standing(
            len(result.steps), app, str(record.fact("region") or "this machine"), bool(looked),
            sum(step.status.settled for step in result.steps), now - max(looked) if looked else None,
            open_.title if open_ else "",
        )  # fmt: skip
    finally:
        record.close()
