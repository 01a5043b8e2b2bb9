"""The code of the old functions, as a zip archive and as image layers: the same bytes in every world."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

from iris_migrate.rehearsal.origin import shipped_backend

HANDLER = "lambda_function.handler"
AUTHORIZER_HANDLER = "authorizer.handler"
_WHEN = (2026, 1, 1, 0, 0, 0)
_AUTHORIZER = """\
import hmac, os

def handler(event, context):
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    given = headers.get("x-api-key", "")
    print("key", given)
    keys = [key.strip() for key in os.environ["IRIS_API_KEYS"].split(",")]
    good = any(hmac.compare_digest(given, key) for key in keys)
    if "methodArn" not in event:
        return {"isAuthorized": good}
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow" if good else "Deny", "Resource": event["methodArn"]}
    return {"principalId": "client", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
"""


def files() -> dict[str, bytes]:
    """The backend's modules and the handler, by their place in the package."""
    source = shipped_backend() / "src"
    found = {
        f"src/{path.relative_to(source).as_posix()}": path.read_bytes()
        for path in sorted(source.rglob("*.py"))
        if "__pycache__" not in path.parts
    }
    return {**found, "lambda_function.py": Path(__file__).with_name("lambda_function.py").read_bytes()}


def archive() -> bytes:
    """The function as a zip."""
    return _zip(files())


def authorizer_archive() -> bytes:
    return _zip({"authorizer.py": _AUTHORIZER.encode()})


def layer(label: str) -> bytes:
    """The function as one layer of an image; `label` makes images of different labels differ."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as packed:
        for name, content in {**files(), "IMAGE": f"{label}\n".encode()}.items():
            item = tarfile.TarInfo(name)
            item.size, item.mode = len(content), 0o644
            packed.addfile(item, io.BytesIO(content))
    return gzip.compress(data.getvalue(), 6, mtime=0)


def config(label: str) -> bytes:
    """The configuration of an image."""
    inner = {"Cmd": [HANDLER], "Labels": {"practice": label}}
    return json.dumps({"architecture": "amd64", "os": "linux", "config": inner}).encode()


def digest(blob: bytes) -> str:
    return "sha256:" + hashlib.sha256(blob).hexdigest()


def _zip(content: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in content.items():
            item = zipfile.ZipInfo(name, _WHEN)
            item.external_attr = 0o644 << 16
            item.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(item, text)
    return data.getvalue()
