"""The journey on a fresh real host beside a script that sends the same; on the finished host again, beside Ansible."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, median, spread
from benchmarks.peers.tools import environment, temporary, versions
from benchmarks.replay import Replay
from benchmarks.run import migrate
from iris_migrate.changes import HostCommand, HostFile
from iris_migrate.encoding import decode
from iris_migrate.rehearsal.launch import World, start_world
from iris_migrate.rehearsal.systemd.image import ready_image

ROUNDS = 3
PLAYBOOK = Path(__file__).with_name("real_host.yaml")


def run() -> Iterator[Figure]:
    """Needs Linux, root and the packages that `rehearse --host systemd` names."""
    ready_image(lambda _, __: None)
    real = {"more": ["--host", "systemd"], "timeout": 240.0}
    with start_world(**real) as world, start_world(**real) as other:  # type: ignore[arg-type]
        first = migrate(world)
        os.environ.update(other.env)
        replay = Replay(world, other)
        floor = replay.run()
        beside = f"{first:.1f} s, the same {replay.sent} changes sent in order {floor:.1f} s"
        yield Figure("the journey on a fresh real host", first / floor, "x", 1.2, beside)
        sent = _sent(world)
        again = [migrate(world) for _ in range(ROUNDS)]
        yield Figure("a second journey on it", median(again), "s", 3.0, f"{spread(again)} s, the whole process")
        yield from _beside_ansible(world, again)
        migrate(world)
        yield Figure("changes sent by the journeys after the first", _sent(world) - sent, "changes", 0)


def _beside_ansible(world: World, ours: list[float]) -> Iterator[Figure]:
    with temporary() as name:
        folder = Path(name)
        binaries = environment(folder)
        print(versions(binaries).strip())
        given = _given(world, folder)
        (folder / "given.json").write_text(json.dumps(given))
        _play(world, binaries, folder)  # installs what its own modules need on the host
        seconds = []
        for _ in range(ROUNDS):
            started = time.monotonic()
            said = _play(world, binaries, folder)
            seconds.append(time.monotonic() - started)
            if not re.search(r"\bchanged=0\b.*\bfailed=0\b", said):
                raise SystemExit(f"the playbook finds something to do on a finished host:\n{said[-3000:]}")
        ratio = median(seconds) / median(ours)
        told = ", ".join(f"{len(value)} {name}" for name, value in given.items() if isinstance(value, list))
        yield Figure("the same host steps by Ansible, pipelining, second run", ratio, "x slower",
                     beside=f"{spread(seconds)} s for {told}", at_least=3.0)  # fmt: skip


def _play(world: World, binaries: Path, folder: Path) -> str:
    replay = Replay(world, world)
    settings = replay.new
    address = _address(world)
    environ = os.environ | {
        "ANSIBLE_PIPELINING": "1", "ANSIBLE_HOST_KEY_CHECKING": "0", "ANSIBLE_HOME": str(folder / "ansible"),
        "PATH": f"{binaries}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8",
    }  # fmt: skip
    command = [
        str(binaries / "ansible-playbook"), "-i", f"{address},", "-u", replay.user(), "--private-key",
        str(settings["ssh.key"]), "-e", "ansible_python_interpreter=/usr/bin/python3", "-e",
        f"@{folder / 'given.json'}", str(PLAYBOOK),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    if done.returncode:
        raise SystemExit(f"the playbook ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return done.stdout


def _given(world: World, folder: Path) -> dict[str, Any]:
    """What the journey's record says of the host, in Ansible's words. Contents lie in `folder`, which is ours alone."""
    replay = Replay(world, world)
    given: dict[str, Any] = {"packages": [], "directories": [], "files": {}, "links": [], "enabled": []}
    state = "/var/lib/iris-migrate"
    for (data,) in replay.db.execute("SELECT data FROM intents ORDER BY rowid").fetchall():
        change = decode(json.loads(data))
        match change:
            case HostFile() if not change.path.startswith(state):
                source = folder / f"file-{len(given['files'])}"
                source.write_text(str(replay.filled(change.content)))
                source.chmod(0o600)
                given["files"][change.path] = {
                    "dest": change.path, "src": str(source), "owner": change.owner, "group": change.group,
                    "mode": change.mode,
                }  # fmt: skip
            case HostCommand(argv=("apt-get", *words)) if "install" in words:
                given["packages"] += words[words.index("--") + 1 :]
            case HostCommand(argv=("install", "-d", "-m", mode, "-o", owner, "-g", group, "--", path)):
                given["directories"].append({"path": path, "owner": owner, "group": group, "mode": mode})
            case HostCommand(argv=("ln", "-sfnT", "--", source, path)):
                given["links"].append({"src": source, "dest": path})
            case HostCommand(argv=("systemctl", "enable", *words)):
                given["enabled"].append(words[-1])
            case HostCommand(argv=("git", "-C", app, "checkout", *words)):
                given |= {"app": app, "backend": f"{app}/backend", "venv": f"{app}/backend/venv", "commit": words[-1]}
    settings = {"repository": replay.new["repository.url"], "domain": replay.new["domain"]}
    names = {"user": "iris", "home": "/var/lib/iris", "service": "iris-backend"}
    return given | settings | names | {"files": list(given["files"].values())}


def _address(world: World) -> str:
    with urllib.request.urlopen(world.control) as answer:
        return str(json.load(answer)["addresses"]["host"])


def _sent(world: World) -> int:
    [record] = Path(world.env["IRIS_MIGRATE_STATE"], "migrations").glob("*.sqlite")
    with sqlite3.connect(record) as db:
        return int(db.execute("SELECT count(*) FROM intents").fetchone()[0])
