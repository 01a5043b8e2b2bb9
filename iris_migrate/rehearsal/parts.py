"""The parts of one practice world: made in order, joined by sockets, taken down in reverse."""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from iris_migrate.rehearsal.actors import Actors, DomainOwner, ExtensionUser, connect
from iris_migrate.rehearsal.authority import Authority
from iris_migrate.rehearsal.aws.cloud import ACCOUNT, REGION, Cloud, make_cloud
from iris_migrate.rehearsal.aws.instances import Machine
from iris_migrate.rehearsal.aws.old_side.seed import OldSide
from iris_migrate.rehearsal.aws.plane.tunnel import Certificates, tunnel_handler
from iris_migrate.rehearsal.clock import PracticeClock
from iris_migrate.rehearsal.control import PREFIX, Control, ControlError
from iris_migrate.rehearsal.extension import compile_command, make_checkout
from iris_migrate.rehearsal.faults import Faults, read_fault
from iris_migrate.rehearsal.grounds import Ground, Surroundings
from iris_migrate.rehearsal.hosts import HostPlace
from iris_migrate.rehearsal.model import ModelServer
from iris_migrate.rehearsal.names import Resolver, Zone, own_address
from iris_migrate.rehearsal.old_sides import OldSidePlan
from iris_migrate.rehearsal.origin import NAME, Origin, http_backend, make_origin, shipped_backend
from iris_migrate.rehearsal.serving import Application, Serving
from iris_migrate.rehearsal.settings import Places, settings, write_settings

DOMAIN = "iris.practice.example.com"


class Parts:
    """Everything that a world consists of. `cleanup` is where each part says how it ends.

    `prepare_moto` comes before this module is imported.
    """

    def __init__(
        self,
        state: Path,
        folder: Path,
        faults: Sequence[str],
        plan: OldSidePlan,
        *,
        ground: Ground,
        boot_seconds: float,
        cleanup: contextlib.ExitStack,
    ) -> None:
        self.state, self.folder, self.faults, self.ground, self.plan = state, folder, tuple(faults), ground, plan
        self.boot_seconds, self._cleanup = boot_seconds, cleanup
        self.clock = PracticeClock()
        self.zone = Zone(self.clock)
        self.control = Control(self.clock)
        self.openai_key = f"sk-practice-{secrets.token_hex(16)}"
        self.iris_key = f"practice-{secrets.token_hex(12)}"
        self.workstation = folder / "workstation"
        self.origin_folder = folder / "origin"

    def open(self) -> dict[str, Any]:
        """Start every part; the ready line. Raises what a part raises."""
        for fault in self.faults:
            read_fault(fault)
        self.ground.begin(self._cleanup)
        self.workstation.mkdir(mode=0o700)
        self.origin_folder.mkdir()
        with ThreadPoolExecutor(1, "practice-start") as background:
            making = background.submit(make_origin, self.origin_folder, shipped_backend())
            self._open_cloud()
            self._open_services()
            self._open_host()
            self.old = self._seed()
            old = self.old.endpoint
            origin = making.result()
            checkout = make_checkout(self.workstation / "iris-vscode", old)
        self._open_actors(checkout, old)
        self.script = Faults(self.cloud, self.model, lambda: self.place.host, self.boot_seconds, self.zone)
        for fault in self.faults:
            self.script.script(fault, starting=True)
        self._routes(origin)
        places = self._places(origin, checkout, old)
        path = self.folder / "iris-migrate.yaml"
        write_settings(path, settings(places))
        ready = {"env": self._environment(path), "control": self._control_url, "state": str(self.state)}
        return ready | {"stand_ins": self._stand_ins()}

    # --- in the order of opening -----------------------------------------------------------------------------------

    def _open_cloud(self) -> None:
        self.cloud: Cloud = make_cloud(
            self.clock,
            self._machine,
            self.folder / "functions",
            self._onward,
            boot_seconds=self.boot_seconds,
            public_address=self.ground.public_address,
        )
        self._cleanup.callback(self.cloud.plane.end)
        self._cleanup.callback(self.cloud.instances.end)
        self.aws = self._serve(self.control.in_front_of(self.cloud.app), "practice-aws")
        self._control_url = f"{self.aws.url}{PREFIX}"

    def _open_services(self) -> None:
        self.resolver = Resolver(self.zone, DOMAIN)
        self._cleanup.callback(self.resolver.stop)
        self.resolver.start()
        self.address_service = self._serve(own_address, "practice-own-address", self.ground.services)
        self.model = ModelServer(self.openai_key, self.clock)
        self.model_service = self._serve(self.model, "practice-model", self.ground.services)
        self.git = self._serve(http_backend(self.origin_folder), "practice-origin", self.ground.services)

    def _open_host(self) -> None:
        resolver = f"127.0.0.1:{self.resolver.port}"
        around = Surroundings(self.folder, self.zone, self.clock, self.control, self._control_url, resolver)
        self.acme, root = self.ground.authority(around, self._cleanup)
        machine = PracticeClock()  # clients check certificates by the machine's clock, wherever the world's has gone
        amazon = Authority(self.zone.address, self.ground.ports.http, machine, "Practice Trust Services")
        self.ca = self.folder / "ca.pem"
        self.ca.write_text(root + amazon.root_pem)
        front = self.cloud.plane.front
        handler = tunnel_handler(lambda name: front.find(name) is not None, Certificates(amazon.certify))
        self.outside = Serving(front, handler=handler).start("practice-outside")
        self._cleanup.callback(self.outside.stop)
        self.place = HostPlace(self.ground.host, self._in_use)
        self._cleanup.callback(self.place.end)
        self.cloud.instances.keep()

    def _seed(self) -> OldSide:
        """The old side. The calls that made it are not the operator's and leave the ledger."""
        import boto3

        from iris_migrate.rehearsal.aws.ledger import Ledger
        from iris_migrate.rehearsal.aws.old_side.seed import Secrets, Seed

        session = boto3.Session(self.cloud.access_key, self.cloud.secret_key, region_name=REGION)
        hidden = Secrets(self.openai_key, self.iris_key, f"{self.model_service.url}/v1")
        state = self.cloud.app.practice.backend
        old = Seed.at(
            self.aws.url,
            session,
            REGION,
            ACCOUNT,
            self.clock.now(),
            plan=self.plan,
            registry_state=lambda: state("ecr"),
            secrets=hidden,
        ).make()
        self.cloud.app.ledger = Ledger()
        self.cloud.app.practice.switches.pace = True
        return old

    def _open_actors(self, checkout: Path, old: str) -> None:
        owner = DomainOwner(self.zone, DOMAIN, self._associated)
        tester = ExtensionUser(checkout, old, self.iris_key, self.zone.address, self.ca)
        colleague = ExtensionUser(
            checkout, old, self.iris_key, self.zone.address, self.ca, address=self.ground.colleague
        )
        self.actors = Actors(owner, tester, colleague)
        self._cleanup.callback(self.actors.end)
        self.actors.begin()

    def _serve(self, application: Application, name: str, address: str = "127.0.0.1") -> Serving:
        serving = Serving(application, address=address)
        self._cleanup.callback(serving.stop)
        return serving.start(name)

    # --- what parts ask of each other ------------------------------------------------------------------------------

    def _machine(self, instance: str, authorized_keys: Callable[[], list[str]]) -> Machine | None:
        return self.place.take(instance, authorized_keys)

    def _onward(self, url: str, seconds: float) -> http.client.HTTPConnection:
        """How the practice API Gateway reaches an HTTP endpoint: by the world's names, trusting its authority."""
        return connect(url, self.zone.address, self.ca, seconds)

    def _in_use(self, instance: str) -> bool:
        life = self.cloud.instances.lives.get(instance)
        return life is not None and life.instance.state != "terminated"

    def _associated(self) -> str | None:
        """The Elastic IP that leads to an instance, as its owner sees it in the console."""
        addresses = self.cloud.app.practice.backend("ec2").addresses
        return next((str(item.public_ip) for item in addresses if item.association_id and item.instance_id), None)

    def _routes(self, origin: Origin) -> None:
        control = self.control
        control.show("", lambda _: self._about(origin))
        control.show("calls", self._calls)
        control.show("rules", self.cloud.app.book.shown)
        control.show("old-side", lambda _: self.old.shown())
        control.show("names", lambda _: self.zone.shown())
        control.show("instances", lambda _: self.cloud.instances.shown())
        control.show("faults", self.script.shown)
        control.take("faults", self.script.take)
        control.show("model", self.model.shown)
        control.take("model", self.model.change)
        control.show("actors", self.actors.shown)

    def _calls(self, query: Mapping[str, Any]) -> Any:
        try:
            after = int(query.get("after", 0))
        except ValueError as error:
            raise ControlError("`after` is the number of calls to leave out.") from error
        return {"calls": self.cloud.app.ledger.entries(after)}

    def _about(self, origin: Origin) -> dict[str, Any]:
        return {
            "rehearsal": True,
            "account": ACCOUNT,
            "region": REGION,
            "domain": DOMAIN,
            "stand_ins": self._stand_ins(),
            "addresses": {
                "aws": self.aws.url,
                "model": f"{self.model_service.url}/v1",
                "origin": f"{self.git.url}/{NAME}",
                "resolver": f"127.0.0.1:{self.resolver.port}",
                "own-address": f"{self.address_service.url}/",
                "outside": self.outside.url,
                "acme": self.acme,
                "host": self.place.host.address,
            },
            "commits": {"good": origin.good, "next": origin.newer, "bad": origin.bad},
            "faults": dict(self.script.active),
            "state": str(self.state),
        }

    def _stand_ins(self) -> list[str]:
        """What is not the real thing, for the screen."""
        ours = [
            "AWS: moto behind a strict layer, account 123456789012, and an empty one, 210987654321",
            "API Gateway and Lambda: their answers to the outside are ours; functions run as processes here",
            "domain: a resolver of this machine",
            "model: speaks the API, has not read the file",
            "origin: a repository of the shipped backend",
            "extension: a small checkout, compiled by a script",
        ]
        return [*ours, *self.ground.says(self.place.host)]

    def _places(self, origin: Origin, checkout: Path, old: str) -> Places:
        return Places(
            profile=self.ground.profile,
            root=self.place.host.root,
            ssh_port=self.ground.ports.ssh,
            http_port=self.ground.ports.http,
            https_port=self.ground.ports.https,
            app_port=self.ground.ports.app,
            repository=f"{self.git.url}/{NAME}",
            commit=origin.bad if "bad-commit" in self.script.active else origin.good,
            domain=DOMAIN,
            resolver=f"127.0.0.1:{self.resolver.port}",
            acme=self.acme,
            ca=self.ca,
            own_address=f"{self.address_service.url}/",
            model=f"{self.model_service.url}/v1",
            old_endpoint=old,
            key=self.workstation / "id_ed25519",
            extension=checkout,
            compile=compile_command(),
            backups=self.workstation / "backups",
        )

    def _environment(self, path: Path) -> dict[str, str]:
        """What every command needs to work on this world, and nothing of the operator's own access."""
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
            "IRIS_PRACTICE": self._control_url,
            "OPENAI_API_KEY": self.openai_key,
            "IRIS_API_KEYS": self.iris_key,
            "IRIS_BACKUP_PASSPHRASE": secrets.token_urlsafe(24),
            "IRIS_PRACTICE_SECOND_ACCESS_KEY_ID": self.cloud.second_access_key,
            "IRIS_PRACTICE_SECOND_SECRET_ACCESS_KEY": self.cloud.second_secret_key,
            "HTTPS_PROXY": self.outside.url,
            "https_proxy": self.outside.url,
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
        }
