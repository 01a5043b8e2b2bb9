"""One practice world for the tests of this folder, and boto3 clients of it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from iris_migrate.rehearsal.launch import World, start_world
from tests.rehearsal.outside import Outside


class Control:
    """The control address, as a test asks it."""

    def __init__(self, world: World) -> None:
        self.address = world.control

    def get(self, path: str = "") -> Any:
        with urllib.request.urlopen(self.address + path, timeout=10) as answer:
            return json.load(answer)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        request = urllib.request.Request(self.address + path, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def refusal(self, path: str, body: Mapping[str, Any]) -> str:
        """The sentence with which a POST is refused."""
        with pytest.raises(urllib.error.HTTPError) as refused:
            self.post(path, body)
        return str(json.load(refused.value)["error"])

    def calls(self, after: int = 0) -> list[dict[str, Any]]:
        return list(self.get(f"calls?after={after}")["calls"])


class Clients:
    """boto3 clients of a world, each made once; a single attempt, so that a refusal is seen."""

    def __init__(self, world: World, *, second: bool = False, patient: bool = False) -> None:
        env = world.env
        owner = "IRIS_PRACTICE_SECOND" if second else "AWS"
        self._session = boto3.Session(
            env[f"{owner}_ACCESS_KEY_ID"],
            env[f"{owner}_SECRET_ACCESS_KEY"],
            region_name=env["AWS_DEFAULT_REGION"],
        )
        self._endpoint = env["AWS_ENDPOINT_URL"]
        self._made: dict[str, Any] = {}
        if patient:  # as long between two calls as the slowest of API Gateway's rates wants, on the world's clock

            def wait(**_: Any) -> None:
                Control(world).post("clock", {"advance": 30.1})

            for service in ("api-gateway", "apigatewayv2"):
                self._session.events.register(f"before-call.{service}", wait)

    def role(self) -> str:
        """A role that functions may have."""
        return str(self.lambda_.get_function_configuration(FunctionName="iris-backend")["Role"])

    def __getattr__(self, service: str) -> Any:
        if service not in self._made:
            config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)
            name = {"lambda_": "lambda"}.get(service, service.replace("_", "-"))
            self._made[service] = self._session.client(name, endpoint_url=self._endpoint, config=config)
        return self._made[service]


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with start_world(timeout=240, more=["--boot-seconds", "0.3"]) as running:
        yield running


@pytest.fixture(scope="session")
def control(world: World) -> Control:
    return Control(world)


def real_aws(config: pytest.Config) -> Any:
    """The clients of a real account while `make test-aws` runs; None otherwise."""
    found = (plugin for plugin in config.pluginmanager.get_plugins() if type(plugin).__name__ == "RealAws")
    return next((plugin.clients for plugin in found), None)  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def aws(request: pytest.FixtureRequest) -> Clients:
    found: Clients = real_aws(request.config) or Clients(request.getfixturevalue("world"))
    return found


@pytest.fixture(autouse=True)
def rested(request: pytest.FixtureRequest) -> None:
    """API Gateway's rate of one test is not spent by the one before it."""
    if "aws" in request.fixturenames and real_aws(request.config) is None:
        request.getfixturevalue("control").post("clock", {"advance": 5})


@pytest.fixture(scope="session")
def outside(world: World) -> Outside:
    return Outside(world)


@pytest.fixture(scope="session")
def old(control: Control) -> Any:
    """What the world's old side is."""
    return control.get("old-side")


@pytest.fixture(scope="session")
def rest_world() -> Iterator[World]:
    """A world whose old side is of the other kind in every respect."""
    kinds = "rest+zip+shared-authorizer+cloudformation+function-url+custom-domain+access-log"
    with start_world(timeout=240, old_side=kinds, more=["--boot-seconds", "0.3"]) as running:
        yield running


@pytest.fixture
def no_faults(control: Control) -> Iterator[None]:
    """Whatever a test scripts is over after it."""
    yield
    control.post("faults", {"clear": True})


def refused(code: str, call: Callable[..., Any], **params: Any) -> str:
    """The message of a call that AWS refuses with this code."""
    with pytest.raises(ClientError) as error:
        call(**params)
    assert error.value.response["Error"]["Code"] == code
    return str(error.value.response["Error"]["Message"])


def until(look: Callable[[], Any], what: str, seconds: float = 20.0) -> Any:
    """What `look` gives as soon as it is true. Fails with `what` when it does not become so."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if seen := look():
            return seen
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds:g} s")
