"""The parts of one practice world: made in order, joined by sockets, taken down in reverse."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from iris_migrate.rehearsal.aws.cloud import ACCOUNT, REGION, Cloud, free_port, make_cloud, prepare_moto
from iris_migrate.rehearsal.aws.instances import Machine
from iris_migrate.rehearsal.clock import PracticeClock
from iris_migrate.rehearsal.control import PREFIX, Control
from iris_migrate.rehearsal.names import Resolver, Zone, own_address
from iris_migrate.rehearsal.serving import Serving
from iris_migrate.rehearsal.settings import Places, settings, write_settings

DOMAIN = "iris.practice.example.com"


class Parts:
    """Everything that a world consists of. `cleanup` is where each part says how it ends."""

    def __init__(
        self,
        state: Path,
        folder: Path,
        faults: Sequence[str],
        *,
        boot_seconds: float,
        cleanup: contextlib.ExitStack,
    ) -> None:
        self.state, self.folder, self.faults = state, folder, tuple(faults)
        self.boot_seconds, self._cleanup = boot_seconds, cleanup
        self.clock = PracticeClock()
        self.zone = Zone(self.clock)
        self.control = Control(self.clock)

    def open(self) -> dict[str, Any]:
        """Start every part; the ready line. Raises what a part raises."""
        prepare_moto(self.folder)
        self.cloud: Cloud = make_cloud(self.clock, self._machine, boot_seconds=self.boot_seconds)
        self._cleanup.callback(self.cloud.instances.end)
        self.cloud.instances.keep()
        self.resolver = Resolver(self.zone, DOMAIN)
        self._cleanup.callback(self.resolver.stop)
        self.resolver.start()
        self.address_service = self._serve(own_address, "practice-own-address")
        self._routes()
        self.aws = self._serve(self.control.in_front_of(self.cloud.app), "practice-aws")
        return self._ready()

    def _serve(self, application: Any, name: str) -> Serving:
        serving = Serving(application)
        self._cleanup.callback(serving.stop)
        return serving.start(name)

    def _machine(self, instance: str, authorized_keys: Callable[[], list[str]]) -> Machine | None:
        return None

    def _routes(self) -> None:
        self.control.show("", lambda _: {"rehearsal": True, "account": ACCOUNT, "region": REGION, "domain": DOMAIN})
        self.control.show("calls", self._calls)
        self.control.show("names", lambda _: self.zone.shown())

    def _calls(self, query: Mapping[str, Any]) -> Any:
        return {"calls": self.cloud.app.ledger.entries(int(query.get("after", 0)))}

    def _ready(self) -> dict[str, Any]:
        places = Places(
            root=self.folder / "host",
            ssh_port=free_port(),
            http_port=free_port(),
            https_port=free_port(),
            app_port=free_port(),
            repository="",
            commit="main",
            domain=DOMAIN,
            resolver=f"127.0.0.1:{self.resolver.port}",
            acme="",
            ca=self.folder / "ca.pem",
            own_address=f"{self.address_service.url}/",
            model="",
            key=self.folder / "workstation" / "id_ed25519",
            extension=self.folder / "workstation" / "iris-vscode",
            compile=("python3", "build.py"),
            backups=self.folder / "workstation" / "backups",
        )
        path = self.folder / "iris-migrate.yaml"
        write_settings(path, settings(places))
        return {"env": self._environment(path), "control": f"{self.aws.url}{PREFIX}", "state": str(self.state)}

    def _environment(self, path: Path) -> dict[str, str]:
        bypass = [item for item in os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")).split(",") if item]
        no_proxy = ",".join(dict.fromkeys([*bypass, "127.0.0.1", "localhost", DOMAIN]))
        return {
            "AWS_ENDPOINT_URL": self.aws.url,
            "AWS_ACCESS_KEY_ID": self.cloud.access_key,
            "AWS_SECRET_ACCESS_KEY": self.cloud.secret_key,
            "AWS_SESSION_TOKEN": "",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(self.folder / "no-aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "no-aws-credentials"),
            "IRIS_MIGRATE_STATE": str(self.state),
            "IRIS_MIGRATE_SETTINGS": str(path),
            "IRIS_PRACTICE": f"{self.aws.url}{PREFIX}",
            "OPENAI_API_KEY": f"sk-practice-{secrets.token_hex(16)}",
            "IRIS_API_KEYS": f"practice-{secrets.token_hex(12)}",
            "IRIS_BACKUP_PASSPHRASE": secrets.token_urlsafe(24),
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
        }
