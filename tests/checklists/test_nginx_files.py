"""The nginx files of lambda-to-ec2, served by a real nginx before a small application."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from iris_migrate.language.load import load
from tests.practice_host import free_ports

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed here")
FILES = {"nginx-proxy": "iris.d/proxy.conf", "nginx-errors": "iris.d/errors.conf", "nginx-site": "sites/iris"}


class Application(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        data = json.dumps({"path": self.path, "method": self.command, "headers": dict(self.headers.items())}).encode()
        self.send_response(404 if self.path.endswith("missing") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *_args: object) -> None:
        pass


@dataclass
class Served:
    """A running nginx over a folder, and the way to ask it."""

    root: Path
    port: int
    application: ThreadingHTTPServer
    command: list[str]
    domain: str
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        self.process = subprocess.Popen(self.command)
        while True:
            assert self.process.poll() is None, (self.root / "error.log").read_text()
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except ConnectionRefusedError:
                continue

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)

    def ask(self, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body=body, headers={"Host": "192.0.2.10", "X-Forwarded-For": "198.51.100.7"})
        answer = connection.getresponse()
        found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
        connection.close()
        return found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """nginx with the files of phase 4, before phase 5."""
    http_port, https_port = free_ports(2)
    application = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=application.serve_forever, daemon=True).start()
    flags = {
        "os": "practice", "host.root": str(tmp_path), "http.port": str(http_port), "https.port": str(https_port),
        "app_port": str(application.server_port), "domain": "iris.example.com",
        "openai_api_key": "env:UNUSED", "iris_api_keys": "env:UNUSED", "backup_passphrase": "env:UNUSED",
    }  # fmt: skip
    checklist = load("lambda-to-ec2", flags=flags, cache=tmp_path / "compiled")
    folder = tmp_path / "etc" / "nginx"
    for step_id, name in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(checklist.step(step_id).with_["content"]))
    (tmp_path / "redirect.conf").write_text(str(checklist.step("redirect").with_["content"]))
    main = tmp_path / "nginx.conf"
    temporary = "".join(
        f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # Started by root, workers would become nobody, who may not look into pytest's folders.
    user = "user root; " if os.geteuid() == 0 else ""
    main.write_text(
        f"{user}daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\n"
        f"http {{ access_log off; {temporary} include {folder}/sites/*; }}\n"
    )
    assert NGINX is not None
    command = [NGINX, "-c", str(main), "-e", str(tmp_path / "error.log")]
    found = Served(tmp_path, http_port, application, command, "iris.example.com")
    found.start()
    yield found
    found.stop()
    application.shutdown()
    application.server_close()


def test_the_api_is_passed_on_with_who_asked(served: Served) -> None:
    status, _, body = served.ask("/api/iris/analyze", "POST", b"{}")
    seen = json.loads(body)
    assert (status, seen["path"], seen["method"]) == (200, "/api/iris/analyze", "POST")
    assert seen["headers"]["Host"] == "192.0.2.10"
    assert seen["headers"]["X-Real-IP"] == "127.0.0.1"
    assert seen["headers"]["X-Forwarded-For"] == "198.51.100.7, 127.0.0.1"
    assert seen["headers"]["X-Forwarded-Proto"] == "http"


@pytest.mark.parametrize("path", ["/api/iris/health", "/health"])
def test_health_is_passed_on_with_the_same_headers(served: Served, path: str) -> None:
    status, _, body = served.ask(path)
    assert status == 200
    assert json.loads(body)["headers"]["X-Forwarded-Proto"] == "http"


def test_a_bare_address_without_a_path_gets_json_and_no_stock_page(served: Served) -> None:
    status, headers, body = served.ask("/")
    assert (status, headers["content-type"]) == (404, "application/json")
    assert json.loads(body) == {"success": False, "error": "Not found."}


def test_an_error_of_the_application_passes_through_as_it_is(served: Served) -> None:
    status, _, body = served.ask("/api/iris/missing")
    assert status == 404
    assert json.loads(body)["path"] == "/api/iris/missing"


def test_a_body_above_the_applications_limit_reaches_it_and_one_far_above_does_not(served: Served) -> None:
    assert served.ask("/api/iris/analyze", "POST", b"x" * 1_500_000)[0] == 200
    status, headers, body = served.ask("/api/iris/analyze", "POST", b"x" * 2_200_000)
    assert (status, headers["content-type"]) == (413, "application/json")
    assert json.loads(body)["success"] is False


def test_a_stopped_application_is_told_as_json_with_when_to_try_again(served: Served) -> None:
    served.application.shutdown()
    served.application.server_close()
    status, headers, body = served.ask("/api/iris/analyze", "POST", b"{}")
    assert (status, headers["content-type"], headers["retry-after"]) == (502, "application/json", "10")
    assert json.loads(body)["success"] is False


def test_challenges_are_answered_from_the_webroot(served: Served) -> None:
    folder = served.root / "var" / "www" / "iris-acme" / ".well-known" / "acme-challenge"
    folder.mkdir(parents=True)
    (folder / "token").write_text("answer")
    assert served.ask("/.well-known/acme-challenge/token")[::2] == (200, "answer")
    assert served.ask("/.well-known/acme-challenge/other")[0] == 404


def test_with_the_redirect_only_challenges_and_health_stay_on_port_80(served: Served) -> None:
    """Phase 5 adds one file; the site of phase 4 stays as it is."""
    served.stop()
    place = served.root / "etc" / "nginx" / "iris.d" / "http"
    place.mkdir()
    (place / "redirect.conf").write_text((served.root / "redirect.conf").read_text())
    served.start()
    for path, method in (("/api/iris/analyze?a=1", "POST"), ("/", "GET")):
        status, headers, _ = served.ask(path, method, b"{}" if method == "POST" else None)
        assert status == 308
        assert headers["location"].startswith("https://iris.example.com:")
        assert headers["location"].endswith(path)
    assert served.ask("/api/iris/health")[0] == 200
    folder = served.root / "var" / "www" / "iris-acme" / ".well-known" / "acme-challenge"
    folder.mkdir(parents=True)
    (folder / "token").write_text("answer")
    assert served.ask("/.well-known/acme-challenge/token")[::2] == (200, "answer")
