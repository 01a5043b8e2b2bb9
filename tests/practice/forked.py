"""A practice AWS and the program on one clock, without threads as long as nothing is served, so that it can be forked.

A fork of it serves, and others of it run the program, one for each start, so that a kill is a kill.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import os
import signal
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iris_migrate.rehearsal.aws.cloud import ACCOUNT, REGION, make_cloud
from iris_migrate.rehearsal.clock import PracticeClock
from iris_migrate.resources.base import resource_class

DAY = 86400.0
STARTS = 6  # of the program, until it has to have come to its end
FUNCTION, REPOSITORY = "iris-backend", "iris-backend"


class Hands:
    """The hands of the one clock, in memory that forks share."""

    def __init__(self, at: float) -> None:
        self._shared = mmap.mmap(-1, 8)
        self.set(at)

    def set(self, at: float) -> None:
        self._shared[:] = struct.pack("d", at)

    def read(self) -> float:
        return float(struct.unpack("d", self._shared[:])[0])

    # The engine's clock: nothing waits in real time, and two looks are never at the same moment.

    def now(self) -> float:
        self.set(self.read() + 0.001)
        return self.read()

    async def sleep(self, seconds: float) -> None:
        self.set(self.read() + seconds)
        await asyncio.sleep(0)


@dataclass
class World:
    """The practice AWS of this process, without threads as long as nothing is served."""

    folder: Path
    hands: Hands
    cloud: Any = None
    certificates: Any = None
    old: Any = None
    checklist: Any = None  # loaded once: all cases have the same settings, and a working folder of their own
    keys: dict[str, str] = field(default_factory=dict)

    def open(self) -> None:
        from iris_migrate.rehearsal.authority import Authority
        from iris_migrate.rehearsal.aws.plane.tunnel import Certificates

        clock = PracticeClock(self.hands.read)
        self.cloud = make_cloud(clock, lambda *_: None, self.folder / "functions", _nowhere)
        amazon = Authority(lambda _: None, 80, PracticeClock(), "Practice Trust Services")
        (self.folder / "ca.pem").write_text(amazon.root_pem)
        self.certificates = Certificates(amazon.certify)

    def serve(self, stack: ExitStack) -> dict[str, str]:
        """Begin to answer; the environment in which the program works on it."""
        from iris_migrate.rehearsal.aws.plane.tunnel import tunnel_handler
        from iris_migrate.rehearsal.serving import Serving

        front = self.cloud.plane.front
        handler = tunnel_handler(lambda name: front.find(name) is not None, self.certificates)
        servers = Serving(self.cloud.app), Serving(front, handler=handler)
        for server in servers:
            server.start("practice")
            stack.callback(server.stop)
        aws, outside = servers
        return {
            "AWS_ENDPOINT_URL": aws.url, "AWS_ACCESS_KEY_ID": self.cloud.access_key,
            "AWS_SECRET_ACCESS_KEY": self.cloud.secret_key, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
            "HTTPS_PROXY": outside.url, "https_proxy": outside.url, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", **self.keys,
        }  # fmt: skip

    def seed(self, environment: Mapping[str, str]) -> None:
        import boto3

        from iris_migrate.rehearsal.aws.ledger import Ledger
        from iris_migrate.rehearsal.aws.old_side.seed import Secrets, Seed
        from iris_migrate.rehearsal.old_sides import OldSidePlan

        session = boto3.Session(self.cloud.access_key, self.cloud.secret_key, region_name=REGION)
        practice = self.cloud.app.practice
        secrets = Secrets(self.keys["OPENAI_API_KEY"], self.keys["IRIS_API_KEYS"], environment["MODEL"])
        self.old = Seed.at(
            environment["AWS_ENDPOINT_URL"], session, REGION, ACCOUNT, self.hands.read(), plan=OldSidePlan.read(""),
            registry_state=lambda: practice.backend("ecr"), secrets=secrets,
        ).make()  # fmt: skip
        self.cloud.app.ledger = Ledger()
        practice.switches.pace = True

    def stands(self) -> dict[str, Any]:
        """What of the old side is there, by moto's own state."""
        backend = self.cloud.app.practice.backend
        api = backend("apigatewayv2").apis[self.old.api_id]
        groups = backend("logs").groups
        return {
            "off": bool(api.disable_execute_api_endpoint), "routes": len(api.routes),
            "integrations": len(api.integrations), "authorizers": len(api.authorizers), "stages": sorted(api.stages),
            "functions": sorted(item.function_name for item in backend("lambda").list_functions()),
            "images": len(backend("ecr").repositories[REPOSITORY].images),
            "logs": {name: groups[name].retention_in_days for name in sorted(groups)},
        }  # fmt: skip

    def calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.cloud.app.ledger.entries()
        return found


def _nowhere(url: str, seconds: float) -> Any:
    raise OSError(f"{url} is nowhere")


# The program, in a process of its own


async def program(world: World, folder: Path, leg: str, kill: int) -> int:
    """One start of `decommission --execute --confirm PHRASE`; the phrase is the one that was agreed to at first."""
    from iris_migrate.commands.decommission import ConfirmedOperator
    from iris_migrate.engine.decommission import Agreed, listing
    from iris_migrate.engine.events import ChangeCarriedOut
    from iris_migrate.engine.options import Options
    from iris_migrate.engine.session import Session
    from tests.practice.grounds import ANSWERS

    said = (folder / "said.txt").open("a", buffering=1)
    options = Options(world.checklist.name, state=folder / "state")
    operator = ConfirmedOperator(say=lambda line: print(line, file=said), answers=ANSWERS, patience=1.0)
    session = await Session(options, operator, clock=world.hands, checklist=world.checklist).open()

    def count(event: object) -> None:
        if isinstance(event, ChangeCarriedOut):
            with (folder / "carried-out").open("a") as file:
                file.write("x")
            if (folder / "carried-out").stat().st_size == kill:
                os.kill(os.getpid(), signal.SIGKILL)

    session.listen(count)
    operator.where = session.where
    before = listing(session, await session.inspect())
    agreed = folder / "phrase"
    if not agreed.exists():
        agreed.write_text(before.phrase)
    if before.phrase != agreed.read_text():
        print(f"another list: {before.phrase}", file=said)
        return 4
    operator.hindrance = Agreed(session, before.phrase).hindrance
    only = LEGS[leg]
    after = await session.run(only and list(only))
    await session.close()
    return operator.exit_code((after.only(only) if only else after).exit_code)


GATES = ("inventory", "alone", "new-url", "permitted", "alike")
LEGS: Mapping[str, Sequence[str] | None] = {
    "gates": GATES,
    "archive": (*GATES, "idle", "archive", "archive-verified", "switched-off"),
    "delete": None,
}


def started(world: World, folder: Path, leg: str, kill: int) -> int:
    """The exit status of one start; 128 and more: it was killed."""
    child = os.fork()
    if not child:
        status = 70
        try:
            os.chdir(folder)  # the archive's folder is named relative to it
            status = asyncio.run(program(world, folder, leg, kill))
        except BaseException as error:
            with (folder / "said.txt").open("a") as file:
                file.write(f"{type(error).__name__}: {error}\n")
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def until_done(world: World, folder: Path, leg: str, kill: int) -> list[int]:
    """Started again until it is done; hours pass in between, as a person takes them."""
    found: list[int] = []
    while len(found) < STARTS and (not found or found[-1] != 0):
        if found:
            world.hands.set(world.hands.read() + 3600.0)
        found.append(started(world, folder, leg, kill))
    return found


def worked_on(world: World, work: Callable[[], Any], before: Callable[[dict[str, str]], None] | None = None) -> Any:
    """Let `work` be done in a fork while this process serves; its answer. No thread is left."""
    told, telling = os.pipe()
    heard, hearing = os.pipe()
    child = os.fork()
    if not child:
        os.close(telling)
        os.close(heard)
        answer: Any = None
        try:
            with os.fdopen(told) as file:
                os.environ.update(json.load(file))
            answer = work()
        finally:
            with os.fdopen(hearing, "w") as file:
                json.dump(answer, file)
            os._exit(0)
    os.close(told)
    os.close(hearing)
    with ExitStack() as stack:
        environment = world.serve(stack)
        if before is not None:
            environment = {**environment, **(before(environment) or {})}
        with os.fdopen(telling, "w") as file:
            json.dump(environment, file)
        with os.fdopen(heard) as file:
            answer = json.loads(file.read() or "null")
        os.waitpid(child, 0)
        world.cloud.plane.end()
    return answer


def prepare(folder: Path, new_url: str) -> tuple[World, Path]:
    """A seeded world nine days after the last call, with every gate open."""
    from iris_migrate.engine.decommission import CHECKLIST
    from iris_migrate.language.load import load
    from iris_migrate.rehearsal.model import ModelServer
    from iris_migrate.rehearsal.serving import Serving

    world = World(folder, Hands(time.time()))
    world.open()
    world.keys = {"OPENAI_API_KEY": "sk-practice-1", "IRIS_API_KEYS": "practice-key-1", "IRIS_BACKUP_PASSPHRASE": "x"}
    model = Serving(ModelServer(world.keys["OPENAI_API_KEY"], PracticeClock(world.hands.read)))
    start = folder / "start"
    start.mkdir()
    names = {"openai_api_key": "OPENAI_API_KEY", "iris_api_keys": "IRIS_API_KEYS"}
    secrets = "".join(f"{name}: {{env: {variable}}}\n" for name, variable in names.items())
    (folder / "settings.yaml").write_text(f"tls.ca: {folder / 'ca.pem'}\n{secrets}")
    flags = {"new_url": new_url, "archive.folder": "archive"}
    world.checklist = load(CHECKLIST, flags=flags, settings_file=folder / "settings.yaml")
    for step in world.checklist.steps:
        resource_class(step.resource)

    def seeded(environment: dict[str, str]) -> dict[str, str]:
        model.start("model")
        world.seed({**environment, "MODEL": f"{model.url}/v1"})
        world.hands.set(world.hands.read() + 9 * DAY)
        return {}

    starts = worked_on(world, lambda: until_done(world, start, "gates", 0), seeded)
    model.stop()
    if starts[-1] != 0:
        raise SystemExit(f"the gates did not open: {starts}\n{(start / 'said.txt').read_text()[-2000:]}")
    return world, start


def warm() -> None:
    """What every start of the program would read again: modules, and botocore's descriptions of the services."""
    import botocore.loaders
    import botocore.session
    import certifi  # noqa: F401
    import httpx  # noqa: F401

    import tests.practice.grounds  # noqa: F401

    shared = botocore.loaders.create_loader()
    botocore.session.create_loader = lambda *_: shared
    session = botocore.session.get_session()
    for service in ("lambda", "apigateway", "apigatewayv2", "ecr", "cloudwatch", "logs", "iam", "sts"):
        session.create_client(service, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")
