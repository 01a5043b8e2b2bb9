"""Whether a running process is younger than the files it read: two clocks, one offset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iris_migrate.findings import Evidence, Verdict
from iris_migrate.target import HostClock

# Process starts are counted in clock ticks (10 ms), file times in jiffies, and the clocks are read one after the other.
TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class Ages:
    """Starts of processes (boot clock) and times of files (wall clock) of one host, compared through one offset."""

    clock: HostClock

    def wall(self, boot: float) -> float:
        """A time of the boot clock as seconds since the epoch."""
        return boot + self.clock.wall - self.clock.boot

    def stale(self, started: float, changed: float | None) -> bool:
        """Whether a file changed after a process started."""
        return changed is not None and changed > self.wall(started) + TOLERANCE

    def against(self, path: str, changed: float | None, who: str, started: float) -> Evidence:
        """Evidence that a path is not younger than a process."""
        expected = f"not changed since {who} started"
        if changed is None:
            return Evidence(path, expected, "nothing is there", Verdict.HOLDS)
        apart = changed - self.wall(started)
        if self.stale(started, changed):
            return Evidence(path, expected, f"changed {duration(apart)} after that", Verdict.DIFFERS)
        return Evidence(path, expected, f"changed {duration(-apart)} before that", Verdict.HOLDS)


def duration(seconds: float) -> str:
    """A length of time for people, in its largest unit."""
    seconds = max(seconds, 0.0)
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def latest(changed: Mapping[str, float | None]) -> float | None:
    """The latest of several times, None when nothing is there."""
    return max((time for time in changed.values() if time is not None), default=None)


def lingering(stale: Sequence[float], fresh: Sequence[float], now: float, grace: float) -> float:
    """Seconds that workers of before a reload may still need to finish; 0 when there was none, or it is over.

    All times on the boot clock. A reload starts new workers and lets the old ones end in their own time.
    """
    if not stale or not fresh:
        return 0.0
    return max(0.0, min(fresh) + grace - now)
