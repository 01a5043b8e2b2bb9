"""The practice AWS alone, in a process of its own: commands as JSON lines on standard input, one answer each."""

from __future__ import annotations

import http.client
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from iris_migrate.rehearsal.aws.cloud import make_cloud, prepare_moto
from iris_migrate.rehearsal.aws.faults import AwsFault, expired_login, no_permission, throttle
from iris_migrate.rehearsal.clock import PracticeClock

FAULTS: dict[str, Callable[..., AwsFault]] = {
    "throttle": throttle,
    "no-permission": no_permission,
    "expired-login": expired_login,
    "other": AwsFault,
}


class NoMachine:
    """An instance that is only described: nothing runs on it, but its console tells a key."""

    @property
    def fingerprints(self) -> Sequence[str]:
        return ("SHA256:" + "a" * 43,)

    def start(self, address: str) -> None: ...

    def stop(self) -> None: ...

    def reboot(self) -> None: ...


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        prepare_moto(Path(folder))
        cloud = make_cloud(
            PracticeClock(),
            lambda instance, keys: NoMachine(),
            Path(folder),
            lambda host, seconds: http.client.HTTPConnection(host, timeout=seconds),
            boot_seconds=0.2,
        )
        from iris_migrate.rehearsal.serving import Serving

        served = Serving(cloud.app).start("aws")
        cloud.instances.keep()
        say({"url": served.url, "key": cloud.access_key, "secret": cloud.secret_key})
        for line in sys.stdin:
            say(answer(cloud.app, json.loads(line)))
        served.stop()
        cloud.instances.end()


def answer(app: Any, asked: dict[str, Any]) -> Any:
    faults = app.practice.faults
    match asked.pop("do"):
        case "fault":
            faults.add(FAULTS[asked.pop("kind")](**asked))
        case "clear":
            for fault in faults.shown()["aws"]:
                faults.remove(fault["name"])
        case "calls":
            return app.ledger.entries(asked["after"])
    return {}


def say(data: Any) -> None:
    print(json.dumps(data), flush=True)


if __name__ == "__main__":
    main()
