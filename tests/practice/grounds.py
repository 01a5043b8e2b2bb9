"""Grounds for a decommission: a practice world with an old side, and a new side that was made by other means."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3

from iris_migrate.auto import AutoOperator
from iris_migrate.commands.decommission import ConfirmedOperator
from iris_migrate.engine.clock import PracticeWorldClock
from iris_migrate.engine.decommission import CHECKLIST, Agreed, Listing, listing
from iris_migrate.engine.options import Options
from iris_migrate.engine.restoring import opened_restore
from iris_migrate.engine.results import CheckResult
from iris_migrate.engine.session import Session
from iris_migrate.rehearsal.launch import World, start_world
from tests.practice.run import Done, command
from tests.practice.test_every_step import environment

DAY = 86400
SECOND = "210987654321"  # the account of a practice world in which nothing is
REQUEST = {
    "filename": "a.py", "language": "python", "source_code": "1 | print(1)",
    "metadata": {"filepath": "a.py", "line_count": 1},
}  # fmt: skip
ANSWERS = {"client-keys-rotated": "yes", "provider-key-rotated": "yes"}


class NewSide(BaseHTTPRequestHandler):
    """What a new side made by other means answers."""

    def do_GET(self) -> None:
        self._answer(200, {"status": "healthy", "agent": "ready"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if not self.headers.get("x-api-key"):
            return self._answer(401, {"success": False})
        return self._answer(200, {"success": True, "responsibility_blocks": [{}]})

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def new_side() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), NewSide)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


@dataclass
class Grounds:
    """A practice world with its old side, and a new side elsewhere."""

    world: World
    new_url: str
    folder: Path

    @property
    def settings(self) -> dict[str, str]:
        return {
            "new_url": self.new_url, "archive.folder": str(self.folder / "archive"),
            "documents.folder": str(self.folder / "checkout"), "documents.files": "README.md",
        }  # fmt: skip

    @property
    def state(self) -> Path:
        return Path(self.world.env["IRIS_MIGRATE_STATE"])

    def second(self, state: Path, archive_key: str) -> SecondAccount:
        """The same world as an operator of the empty second account sees it, with nothing but the archive."""
        env = dict(self.world.env)
        for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
            env[f"AWS_{name}"] = env[f"IRIS_PRACTICE_SECOND_{name}"]
        env |= {"IRIS_MIGRATE_STATE": str(state), "IRIS_ARCHIVE_KEY": archive_key}
        return SecondAccount(replace(self.world, ready={**self.world.ready, "env": env}), self.new_url, self.folder)

    def run(self, *arguments: str) -> Done:
        flags = [part for name, value in self.settings.items() for part in ("--set", f"{name}={value}")]
        return command(self.world, *flags, *arguments)

    def list(self) -> dict[str, Any]:
        found: dict[str, Any] = self.run("decommission", "--format", "json").document
        return found

    def execute(self, phrase: str, *more: str) -> Done:
        return self.run("decommission", "--execute", "--confirm", phrase, "--format", "json", *more)

    def control(self, what: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.world.env['IRIS_PRACTICE']}{what}", data, timeout=30) as answer:
            return json.load(answer)

    def advance(self, seconds: float) -> None:
        self.control("clock", {"advance": seconds})

    def writes(self, after: int = 0) -> list[dict[str, Any]]:
        return [call for call in self.control(f"calls?after={after}")["calls"] if call["write"]]

    def client(self, service: str) -> Any:
        env = self.world.env
        session = boto3.Session(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], region_name=env["AWS_REGION"])
        return session.client(service, endpoint_url=env["AWS_ENDPOINT_URL"])

    def endpoint(self) -> str:
        """The address that installed clients have compiled in, as AWS has it now."""
        rest = self.client("apigateway")
        for api in rest.get_rest_apis()["items"]:
            base = f"https://{api['id']}.execute-api.{self.world.env['AWS_REGION']}.amazonaws.com"
            return f"{base}/{'/'.join(item['stageName'] for item in rest.get_stages(restApiId=api['id'])['item'])}"
        (api,) = self.client("apigatewayv2").get_apis()["Items"]
        return str(api["ApiEndpoint"])

    def digests(self) -> list[str]:
        found = self.client("ecr").describe_images(repositoryName="iris-backend")["imageDetails"]
        return sorted(item["imageDigest"] for item in found)

    def ask(self, path: str, body: Any = None, *, key: bool = False) -> tuple[int, Any]:
        """The old side, asked from outside as a client does."""
        headers = {"Content-Type": "application/json"}
        if key:
            headers["x-api-key"] = self.world.env["IRIS_API_KEYS"]
        data = None if body is None else json.dumps(body).encode()
        try:
            with self._outside.open(
                urllib.request.Request(self.endpoint() + path, data, headers), timeout=30
            ) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, None

    def ask_at(self, url: str) -> int:
        """The status with which a whole address answers."""
        try:
            with self._outside.open(url, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    @property
    def _outside(self) -> urllib.request.OpenerDirector:
        ca = Path(self.world.env["IRIS_MIGRATE_SETTINGS"]).parent / "ca.pem"
        context = ssl.create_default_context(cafile=str(ca))
        return urllib.request.build_opener(
            urllib.request.ProxyHandler({"https": self.world.env["HTTPS_PROXY"]}),
            urllib.request.HTTPSHandler(context=context),
        )

    def answers(self) -> dict[str, Any]:
        """What clients see: whether each kind of request is served."""
        return {
            "health": self.ask("/api/iris/health")[0],
            "without a key": self.ask("/api/iris/analyze", REQUEST)[0],
            "analysis": self.ask("/api/iris/analyze", REQUEST, key=True)[0],
        }


class SecondAccount(Grounds):
    """These grounds with the second account's keys and a state folder of its own."""

    def undone(self) -> set[str]:
        return Program(self, into=SECOND).undone(restored=True)


class AdvancingClock(PracticeWorldClock):
    """The world's clock, moved on by whoever waits: a rate of AWS costs no real time, and the world keeps it."""

    def __init__(self, grounds: Grounds) -> None:
        super().__init__(grounds.world.env["IRIS_PRACTICE"])
        self._grounds = grounds

    async def sleep(self, seconds: float) -> None:
        self._offset = float(self._grounds.control("clock", {"advance": seconds})["offset"])
        await asyncio.sleep(0)


@dataclass
class Program:
    """The engine in this process on these grounds, as the commands drive it."""

    grounds: Grounds
    settings: Mapping[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    into: str = ""  # another account, in which all of it is brought back

    def _options(self) -> Options:
        return Options(checklist=CHECKLIST, flags={**self.grounds.settings, **self.settings})

    def list(self) -> Listing:
        async def look() -> Listing:
            session = await self._opened(AutoOperator(say=self.said.append))
            found = listing(session, await session.inspect())
            await session.close()
            return found

        return self._run(look())

    def execute(self, phrase: str) -> Listing:
        """What `decommission --execute --confirm PHRASE` does, with the operator's answers."""

        async def down() -> Listing:
            operator = ConfirmedOperator(say=self.said.append, answers=ANSWERS, patience=1.0)
            session = await self._opened(operator)
            operator.where = session.where
            before = listing(session, await session.inspect())
            assert before.phrase == phrase, (before.phrase, phrase)
            operator.hindrance = Agreed(session, phrase).hindrance
            after = listing(session, await session.run())
            await session.close()
            return after

        return self._run(down())

    def restore(self) -> CheckResult:
        async def back() -> CheckResult:
            operator, clock = AutoOperator(say=self.said.append), AdvancingClock(self.grounds)
            session = await opened_restore(self._options(), operator, "", clock=clock)
            result = await session.run()
            await session.close()
            return result

        return self._run(back())

    def undone(self, *, restored: bool = False) -> set[str]:
        """Every step of the decommission (or of the restore) that changed something, undone in reverse; their kinds."""

        async def back() -> set[str]:
            operator, clock = AutoOperator(say=self.said.append), AdvancingClock(self.grounds)
            session = (
                await opened_restore(self._options(), operator, "", into=self.into, clock=clock)
                if restored
                else await self._opened(operator)
            )
            found: set[str] = set()
            run = session.start_run()
            await run.look()
            for step in reversed(session.checklist.steps):
                if not step.left_out and session.record.newest_changes(session.checklist.name, step.id):
                    outcome = await run.undo(step)
                    assert not outcome.error, (step.id, outcome.error)
                    found.add(step.resource)
            await session.end_run(run, "done")
            await session.close()
            return found

        kinds: set[str] = self._run(back())
        return kinds

    def taken_down(self) -> Listing:
        """From the first look to the end, with the days in between."""
        self.grounds.advance(9 * DAY)
        phrase = self.list().phrase
        soaking = self.execute(phrase)
        assert {item.state for item in soaking.items} == {"pending"}, self.why(soaking)
        self.grounds.advance(26 * 3600)
        return self.execute(phrase)

    def why(self, found: Listing | CheckResult) -> str:
        result = found.result if isinstance(found, Listing) else found
        open_ = [f"{step.id}: {step.status.value} {step.detail}" for step in result.steps if not step.status.settled]
        return "\n".join([*open_, *self.said[-60:]])

    async def _opened(self, operator: AutoOperator) -> Session:
        return await Session(self._options(), operator, clock=AdvancingClock(self.grounds)).open()

    def _run(self, work: Any) -> Any:
        with environment(self.grounds.world.environment()):
            return asyncio.run(work)


@contextmanager
def grounds_of(folder: Path, old_side: str = "") -> Iterator[Grounds]:
    """A world with this kind of old side; `folder` takes the archive, and a checkout with a document."""
    (folder / "checkout").mkdir()
    (folder / "checkout/README.md").write_text("# Iris\n\nDeploy it with the Lambda console.\n")
    (folder / "answers.yaml").write_text("".join(f"{name}: {said}\n" for name, said in ANSWERS.items()))
    with new_side() as url, start_world(old_side=old_side, timeout=300.0) as world:
        yield Grounds(world, url, folder)
