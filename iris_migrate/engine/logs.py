"""Which logs belong to a checklist: the journals of its units, the files that its steps read, the kernel's memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from iris_migrate.language.checklist import Checklist

MEMORY = "memory"  # the kernel ending processes for want of memory
_OOM = re.compile(r"out of memory|oom-kill|oom_reaper|killed process", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LogSource:
    """`unit` or `path`. The source `memory` is the kernel's own lines in the whole journal, those about memory."""

    name: str
    unit: str = ""
    path: str = ""


def log_sources(checklist: Checklist) -> tuple[LogSource, ...]:
    """In the order in which the steps name them, the service first."""
    service = checklist.settings.get("service.name")
    units = [str(service.value)] if service is not None and service.value else []
    units += [unit for step in checklist.steps if not step.left_out for unit in step.journal]
    paths = [path for step in checklist.steps if not step.left_out for path in _paths(step.with_)]
    return (
        *(LogSource(unit, unit=unit) for unit in dict.fromkeys(units)),
        *(LogSource(path.rpartition("/")[2].removesuffix(".log"), path=path) for path in dict.fromkeys(paths)),
        LogSource(MEMORY),
    )


def about_memory(source: str, text: str) -> bool:
    """Whether a line of the journal is the kernel's about memory."""
    return source == "kernel" and _OOM.search(text) is not None


def _paths(with_: Any) -> Iterator[str]:
    for name in ("log", "file"):
        value = with_.get(name)
        if isinstance(value, str) and value.startswith("/") and value.endswith(".log"):
            yield value
