"""The old side of a practice world is listed, taken down, brought back: through the commands, as people do it."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from iris_migrate.auto import AutoOperator
from iris_migrate.engine.decommission import CHECKLIST
from iris_migrate.engine.restoring import opened_restore
from iris_migrate.engine.session import Options, Session
from iris_migrate.rehearsal.launch import World, start_world
from iris_migrate.resources.base import CannotUndo
from tests.practice.run import Done, command
from tests.practice.test_every_step import environment

pytestmark = [pytest.mark.slow, pytest.mark.long]

DAY = 86400
REQUEST = {
    "filename": "a.py", "language": "python", "source_code": "1 | print(1)",
    "metadata": {"filepath": "a.py", "line_count": 1},
}  # fmt: skip
KINDS = {
    "archive.complete", "apigateway.endpoint_off", "apigateway.routes_absent", "apigateway.integrations_absent",
    "apigateway.authorizers_absent", "lambdas.absent", "ecr.images_absent", "lambdas.log_retention",
    "documents.deprecated", "outside.alike", "outside.refuses", "ecr.images_there", "lambdas.there",
    "apigateway.integrations_there", "apigateway.authorizers_there", "apigateway.routes_there",
    "apigateway.endpoint_on",
}  # fmt: skip


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
        context = ssl.create_default_context(
            cafile=str(Path(self.world.env["IRIS_MIGRATE_SETTINGS"]).parent / "ca.pem")
        )
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({"https": self.world.env["HTTPS_PROXY"]}),
            urllib.request.HTTPSHandler(context=context),
        )
        try:
            with opener.open(urllib.request.Request(self.endpoint() + path, data, headers), timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, None

    def answers(self) -> dict[str, Any]:
        """What clients see: whether each kind of request is served."""
        return {
            "health": self.ask("/api/iris/health")[0],
            "without a key": self.ask("/api/iris/analyze", REQUEST)[0],
            "analysis": self.ask("/api/iris/analyze", REQUEST, key=True)[0],
        }


@pytest.fixture(scope="module")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    folder = tmp_path_factory.mktemp("decommission")
    (folder / "checkout").mkdir()
    (folder / "checkout/README.md").write_text("# Iris\n\nDeploy it with the Lambda console.\n")
    (folder / "answers.yaml").write_text("client-keys-rotated: yes\nprovider-key-rotated: yes\n")
    with new_side() as url, start_world(timeout=300.0) as world:
        yield Grounds(world, url, folder)


def gates(listed: dict[str, Any]) -> dict[str, bool]:
    return {gate["id"]: gate["open"] for gate in listed["gates"]}


def test_the_old_side_is_listed_taken_down_and_brought_back(grounds: Grounds) -> None:
    before, endpoint, digests = grounds.answers(), grounds.endpoint(), grounds.digests()
    assert before == {"health": 200, "without a key": 401, "analysis": 200}
    listed = grounds.list()
    assert not gates(listed)["idle"], "it was called a moment ago"
    assert len(listed["items"]) == 11 and {item["state"] for item in listed["items"]} == {"pending"}
    assert grounds.writes() == [], "listing changes nothing"

    refused = grounds.execute("decommission 123456789012 us-east-1 00000000")
    assert refused.status == 4 and listed["phrase"] in refused.err
    assert grounds.writes() == [], "another phrase changes nothing"

    closed = grounds.execute(listed["phrase"])
    assert closed.status == 4, closed.why()
    assert {call["operation"] for call in grounds.writes()} <= {"GetDownloadUrlForLayer"}, "a gate is closed"
    assert grounds.answers() == before

    grounds.advance(9 * DAY)
    soaking = grounds.execute(listed["phrase"])
    assert soaking.status == 4, soaking.why()
    assert "IRIS_ARCHIVE_KEY" in closed.err + soaking.err, "a new key is told"
    assert [call["operation"] for call in grounds.writes()] == ["UpdateApi", "TagResource"]
    assert grounds.answers()["health"] == 404, "switched off"

    grounds.advance(26 * 3600)
    done = grounds.execute(listed["phrase"], "--answers", str(grounds.folder / "answers.yaml"))
    assert done.status == 0, done.why()
    assert {item["state"] for item in done.document["items"]} == {"gone"}
    assert in_order(grounds.writes())
    assert grounds.digests() == []
    assert set(grounds.answers().values()) == {404}
    assert "Deprecated" in (grounds.folder / "checkout/README.md").read_text()
    assert grounds.run("archive", "verify").status == 0

    restored = grounds.run("restore", "--execute", "--format", "json")
    assert restored.status == 0, restored.why()
    assert grounds.endpoint() == endpoint
    assert grounds.digests() == digests
    assert grounds.answers() == before


def in_order(writes: Sequence[dict[str, Any]]) -> bool:
    """Routes before what they name, functions before their images, indexes before what they hold."""
    order = [call["operation"] for call in writes if call["status"] < 400]
    places = [
        order.index(name)
        for name in ("UpdateApi", "DeleteRoute", "DeleteIntegration", "DeleteAuthorizer", "DeleteFunction",
                     "BatchDeleteImage", "PutRetentionPolicy")
    ]  # fmt: skip
    sizes = [len(call["params"]["imageIds"]) for call in writes if call["operation"] == "BatchDeleteImage"]
    return places == sorted(places) and sizes == [1, 3] and order.count("DeleteFunction") == 2


def test_no_secret_is_in_the_clear(grounds: Grounds) -> None:
    secrets = [grounds.world.env[name].encode() for name in ("OPENAI_API_KEY", "IRIS_API_KEYS")]
    files = [path for path in (grounds.folder / "archive").rglob("*") if path.is_file()]
    assert len(files) > 15
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    state = Path(grounds.world.env["IRIS_MIGRATE_STATE"])
    files += [path for path in (state / "migrations").rglob("*") if path.is_file()]
    assert [path for path in files for secret in secrets if secret in path.read_bytes()] == []


async def undone(session: Session) -> dict[str, str]:
    """Every step that changed something, undone in reverse; by step what went wrong, or an empty text."""
    found: dict[str, str] = {}
    run = session.start_run()
    await run.look()
    for step in reversed(session.checklist.steps):
        if step.left_out or not session.record.newest_changes(session.checklist.name, step.id):
            continue
        try:
            outcome = await run.undo(step)
            found[step.id] = outcome.error
        except CannotUndo as reason:
            found[step.id] = str(reason)
    await session.end_run(run, "done")
    await session.close()
    return found


def test_every_class_is_undone(grounds: Grounds) -> None:
    """First the way back is taken back, then the way down: at the end the old side answers as at first."""
    with environment(grounds.world.environment()):
        options = Options(checklist=CHECKLIST, flags=grounds.settings)
        restore = asyncio.run(opened_restore(options, AutoOperator(say=print), ""))
        kinds = {step.id: step.resource for step in restore.checklist.steps}
        back = asyncio.run(undone(restore))
        assert not any(back.values()), back
        assert grounds.digests() == []
        assert grounds.answers()["health"] == 404
        session = asyncio.run(Session(options, AutoOperator(say=print)).open())
        kinds |= {f"{CHECKLIST} {step.id}": step.resource for step in session.checklist.steps}
        down = asyncio.run(undone(session))
    assert not any(down.values()), down
    done = {kinds[name] for name in back} | {kinds[f"{CHECKLIST} {name}"] for name in down}
    assert done - {"operator.confirms"} == KINDS
    assert grounds.answers() == {"health": 200, "without a key": 401, "analysis": 200}
    assert "Deprecated" not in (grounds.folder / "checkout/README.md").read_text()
