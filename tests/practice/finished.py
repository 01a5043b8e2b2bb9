"""A world on which a migration was killed in its middle and then came to its end, shared by the tests of a worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from iris_migrate.rehearsal.launch import World, start_world
from tests.practice.run import Done, command, killed

SECRETS = ("OPENAI_API_KEY", "IRIS_API_KEYS", "IRIS_BACKUP_PASSPHRASE", "AWS_SECRET_ACCESS_KEY")
_MIDDLE = "50"  # of the moments at which a run can be killed; an undisturbed run has more than twice as many
_LOOK = 0.1  # seconds between two looks at the machine's processes


@dataclass
class CommandLines:
    """Watches the command lines of this machine's processes for texts that must not stand there."""

    secrets: tuple[bytes, ...]
    found: set[str] = field(default_factory=set)
    looks: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watched(self) -> Iterator[None]:
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _watch(self) -> None:
        known: dict[str, bytes] = {}
        while not self._ended.wait(_LOOK):
            self.looks += 1
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = path.read_bytes()
                except OSError:
                    continue
                if line != known.get(path.parent.name) and any(secret in line for secret in self.secrets):
                    self.found.add(line.replace(b"\0", b" ").decode(errors="replace"))
                known[path.parent.name] = line


@dataclass(frozen=True)
class Finished:
    """The world, the process that was killed, and the one that went on to the end."""

    world: World
    killed: Done
    done: Done
    lines: CommandLines

    @property
    def secrets(self) -> dict[str, bytes]:
        return secrets_of(self.world)


def secrets_of(world: World) -> dict[str, bytes]:
    return {name: world.env[name].encode() for name in SECRETS}


@contextmanager
def finished_world(folder: Path) -> Iterator[Finished]:
    """A fresh world, a run killed in its middle, and another one to the end."""
    met = folder / "met"
    met.touch()
    with start_world() as world:
        lines = CommandLines(tuple(secrets_of(world).values()))
        with lines.watched():
            first = killed(world, met, _MIDDLE)
            done = command(world, "migrate", "--auto", "--format", "json")
        assert done.status == 0, done.why()
        yield Finished(world, first, done, lines)


def forget_the_last_hour(finished: Finished) -> None:
    """Empty nginx' access log: the faults that other tests planted left answers with 5xx in it."""
    settings = yaml.safe_load(Path(finished.world.env["IRIS_MIGRATE_SETTINGS"]).read_text())
    Path(settings["host.root"], "var/log/nginx/access.log").write_text("")
