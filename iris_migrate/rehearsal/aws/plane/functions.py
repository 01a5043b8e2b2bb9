"""Invoking a function: who may, how many at once, which version, and what came of it."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from iris_migrate.rehearsal.aws.plane.blobs import Blobs
from iris_migrate.rehearsal.aws.plane.permissions import Permissions
from iris_migrate.rehearsal.aws.plane.runtime import Code, CodeError, Runtime
from iris_migrate.rehearsal.aws.plane.traffic import Traffic

State = Callable[[str, str, str], Any]  # service, region, account -> moto's state


@dataclass(frozen=True, slots=True)
class FunctionName:
    """A function's ARN, taken apart; `qualifier` is empty for the unqualified one."""

    account: str
    region: str
    name: str
    qualifier: str = ""

    @classmethod
    def of(cls, uri: str) -> FunctionName | None:
        """From an ARN, or from the invocation URI of an integration or authorizer that holds one."""
        arn = uri.partition("/functions/")[2].partition("/invocations")[0] or uri
        parts = arn.split(":")
        if len(parts) not in (7, 8) or parts[2] != "lambda" or parts[5] != "function":
            return None
        return cls(parts[4], parts[3], parts[6], parts[7] if len(parts) == 8 else "")

    @property
    def arn(self) -> str:
        whole = f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"
        return f"{whole}:{self.qualifier}" if self.qualifier else whole


@dataclass(frozen=True, slots=True)
class Outcome:
    """`kind` is answered, failed (the code raised), timed-out, throttled, denied or missing."""

    kind: str
    result: Any = None
    said: str = ""
    version: str = ""

    @property
    def error(self) -> str:
        return str(self.result.get("errorMessage", "")) if isinstance(self.result, dict) else ""


@dataclass(slots=True)
class Functions:
    """All functions of a world, as they are invoked by whoever may."""

    state: State
    permissions: Permissions
    blobs: Blobs
    traffic: Traffic
    runtime: Runtime
    _running: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def invoke(self, named: FunctionName, event: Any, *, principal: str = "", source: str = "") -> Outcome:
        """Run the handler. `principal` is the service that asks, checked against the resource policy; empty: an
        identity of the account."""
        backend = self.state("lambda", named.region, named.account)
        latest, version = find(backend, named.name), find(backend, named.name, named.qualifier)
        if latest is None or version is None:
            return Outcome("missing")
        if principal and not self.permissions.allow(named, principal, source):
            return Outcome("denied")
        reserved = latest.reserved_concurrency
        with self._lock:
            if reserved is not None and self._running[latest.function_arn] >= int(reserved):
                self.traffic.throttled(named)
                return Outcome("throttled")
            self._running[latest.function_arn] += 1
        try:
            return self._run(named, version, event)
        finally:
            with self._lock:
                self._running[latest.function_arn] -= 1

    def _run(self, named: FunctionName, version: Any, event: Any) -> Outcome:
        request_id, began = str(uuid.uuid4()), time.monotonic()
        context = {
            "request_id": request_id,
            "arn": named.arn,
            "name": named.name,
            "version": str(version.version),
            "memory": str(version.memory_size),
        }
        seconds = float(version.timeout or 3)
        try:
            answer = self.runtime.run(self._code(named, version), version.environment_vars, event, context, seconds)
        except CodeError as error:
            answer = {"error": {"errorType": error.kind, "errorMessage": str(error)}, "said": ""}
        failed = answer.get("error")
        self.traffic.invoked(named, time.monotonic() - began, failed=failed is not None)
        self.traffic.function_log(named, _log_lines(request_id, answer))
        shown = str(version.version)
        if failed is None:
            return Outcome("answered", answer.get("result"), answer["said"], shown)
        kind = "timed-out" if failed.get("errorType") == "Sandbox.Timedout" else "failed"
        return Outcome(kind, failed, answer["said"], shown)

    def _code(self, named: FunctionName, version: Any) -> Code:
        if version.package_type != "Image":
            return Code(version.code_sha_256, version.handler or "", archive=version.code_bytes)
        digest = f"sha256:{version.code_sha_256}"
        repository = str(version.code["ImageUri"]).partition("/")[2].partition("@")[0].partition(":")[0]
        registry = self.state("ecr", named.region, named.account)
        stored = registry.repositories.get(repository)
        images = [image for image in stored.images if image.get_image_digest() == digest] if stored else []
        if not images:
            raise CodeError("ImageDeleted", f"The image {repository}@{digest} is not in the registry any more.")
        manifest = json.loads(images[0].image_manifest)
        wanted = [str(layer["digest"]) for layer in (manifest["config"], *manifest["layers"])]
        blobs = [self.blobs.get(named.account, named.region, repository, layer) for layer in wanted]
        if any(blob is None for blob in blobs):
            raise CodeError("CodeArtifactUserFailedException", "A layer of the image is missing.")
        config, *layers = (blob or b"" for blob in blobs)
        command = json.loads(config).get("config", {}).get("Cmd") or [""]
        override = getattr(version.image_config, "cmd", None)
        return Code(digest, str((override or command)[0]), layers=tuple(layers))


def find(backend: Any, name: str, qualifier: str = "") -> Any:
    """moto's function, or its version that a qualifier (version or alias) names; None when there is none."""
    from moto.awslambda.exceptions import LambdaClientError

    try:
        return backend.get_function(name, qualifier or None)
    except LambdaClientError:
        return None


def _log_lines(request_id: str, answer: dict[str, Any]) -> list[str]:
    lines = [f"START RequestId: {request_id}", *str(answer["said"]).splitlines()]
    if "error" in answer:
        lines.append(f"[ERROR] {answer['error'].get('errorType')}: {answer['error'].get('errorMessage')}")
    return [*lines, f"END RequestId: {request_id}"]
