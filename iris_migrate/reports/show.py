"""A result on standard output, in the format asked for."""

from __future__ import annotations

import json
import sys
from typing import TextIO

from iris_migrate.engine.events import Status
from iris_migrate.engine.results import CheckResult
from iris_migrate.narration import SYMBOLS


def show(result: CheckResult, form: str, out: TextIO | None = None) -> None:
    """Print a result as text or JSON."""
    file = out or sys.stdout
    if form == "json":
        json.dump(result.document(), file, indent=2, ensure_ascii=False)
        file.write("\n")
        return
    for phase, title in result.phases.items():
        steps = [step for step in result.steps if step.phase == phase]
        settled = sum(step.status.settled for step in steps)
        file.write(f"{phase} {title}  {settled}/{len(steps)}\n")
        for step in steps:
            detail = f"  {step.detail}" if step.detail else ""
            file.write(f"  {SYMBOLS[step.status]} {step.id}  {step.status.value}{detail}\n")
            if step.status in (Status.READY, Status.FAILED, Status.UNKNOWN):
                for item in step.evidence:
                    if item.verdict.value != "holds":
                        file.write(f"      {item.asked}: expected {item.expected}, seen {item.seen}\n")
    file.write(", ".join(f"{count} {name}" for name, count in sorted(result.summary.items())) + "\n")
