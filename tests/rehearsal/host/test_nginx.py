"""nginx on the practice host: one table for the machine's own nginx and for the stand-in."""

from __future__ import annotations

import http.client
import http.server
import json
import shutil
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.practice_host import PracticeAccess, make
from tests.rehearsal.host.certificates import self_signed

REAL = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
KINDS = [pytest.param("real", marks=pytest.mark.skipif(REAL is None, reason="no nginx on this machine")), "stand-in"]


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    def do_GET(self) -> None:
        if self.path.startswith("/api/slow"):
            time.sleep(2)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen = {"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}, "size": len(body)}
        data = json.dumps(seen).encode()
        self.send_response(418 if self.path == "/api/teapot" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def application() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


@pytest.fixture(scope="module", params=KINDS)
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeAccess]:
    access = make(tmp_path_factory.mktemp("nginx") / "host", nginx=request.param)
    try:
        ran = access.run("sudo apt-get -q update && sudo apt-get -qy install nginx")
        assert ran.status == 0, ran
        yield access
    finally:
        access.host.stop()


@pytest.fixture(scope="module")
def site(host: PracticeAccess, application: int) -> PracticeAccess:
    root, ports = host.root, host.host.ports
    assert _get(host, "/api/x")[0] == 404, "the stock site answers by address until it is disabled"
    self_signed(root / "etc/ssl.pem", root / "etc/ssl.key", "api.example.com")
    (root / "srv/web/.well-known/acme-challenge").mkdir(parents=True)
    (root / "srv/web/.well-known/acme-challenge/token").write_text("token.thumb")
    (root / "etc/nginx/iris.d").mkdir()
    (root / "etc/nginx/iris.d/proxy.conf").write_text(
        f"proxy_pass http://127.0.0.1:{application};\n"
        "proxy_set_header Host $host;\nproxy_set_header X-Real-IP $remote_addr;\n"
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\nproxy_set_header X-Forwarded-Proto $scheme;\n"
        "proxy_read_timeout 1s;\n"
    )
    conf = f"""
    server {{
        listen {ports.http} default_server;
        client_max_body_size 1k;
        error_page 404 @missing;
        error_page 413 @large;
        error_page 502 503 @gone;
        error_page 504 @slow;
        location ^~ /.well-known/acme-challenge/ {{ root {root}/srv/web; default_type text/plain; }}
        location = /health {{ return 200 '{{"ok": true}}'; default_type application/json; }}
        location /api/ {{ include {root}/etc/nginx/iris.d/*.conf; }}
        location /gone/ {{ proxy_pass http://127.0.0.1:9; }}
        location /old {{ return 308 https://api.example.com$request_uri; }}
        location / {{ include {root}/etc/nginx/nothing.d/*.conf; return 404; }}
        location @missing {{ default_type application/json; return 404 '{{"error": "Not found."}}'; }}
        location @large {{ default_type application/json; return 413 '{{"error": "large"}}'; }}
        location @gone {{
            default_type application/json;
            add_header Retry-After 10 always;
            return 502 '{{"error": "gone"}}';
        }}
        location @slow {{ default_type application/json; return 504 '{{"error": "slow"}}'; }}
    }}
    server {{
        listen {ports.http};
        server_name other.example.com;
        return 200 "other";
    }}
    server {{
        listen {ports.https} ssl default_server;
        server_name api.example.com;
        ssl_certificate {root}/etc/ssl.pem;
        ssl_certificate_key {root}/etc/ssl.key;
        server_tokens off;
        location /api/ {{ include {root}/etc/nginx/iris.d/proxy.conf; }}
    }}
    """
    (root / "etc/nginx/sites-available/iris").write_text(conf)
    (root / "etc/nginx/sites-enabled/iris").symlink_to(root / "etc/nginx/sites-available/iris")
    (root / "etc/nginx/sites-enabled/default").unlink()
    assert host.run("sudo nginx -t").status == 0, host.run("sudo nginx -t").err
    assert host.run("sudo systemctl reload nginx").status == 0
    _until(lambda: len(_workers(host)) == 1 and _get(host, "/health")[0] == 200)
    return host


def _workers(host: PracticeAccess) -> list[str]:
    """The processes that answer; for a moment after a reload two generations."""
    main = host.run("systemctl show nginx -p MainPID --value").out.strip()
    return host.run(f"cat /proc/{main}/task/{main}/children").out.split()


def _get(
    host: PracticeAccess,
    path: str,
    *,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    tls: bool = False,
    to: str = "",
) -> tuple[int, dict[str, str], bytes]:
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host.address, host.host.ports.https, timeout=10, context=context
        )
    else:
        connection = http.client.HTTPConnection(to or host.address, host.host.ports.http, timeout=10)
    try:
        connection.request("POST" if body is not None else "GET", path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def _until(condition: object, within: float = 10.0) -> None:
    end = time.monotonic() + within
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def test_a_prefix_location_passes_the_request_on_with_its_headers(site: PracticeAccess) -> None:
    status, _, body = _get(site, "/api/a?b=c", headers={"Host": "x.example.com:81", "X-Forwarded-For": "192.0.2.9"})
    seen = json.loads(body)
    assert (status, seen["path"]) == (200, "/api/a?b=c")
    assert seen["headers"]["host"] == "x.example.com"
    assert seen["headers"]["x-forwarded-proto"] == "http"
    assert seen["headers"]["x-forwarded-for"].startswith("192.0.2.9, 127.")


def test_the_application_keeps_its_own_status_and_body(site: PracticeAccess) -> None:
    assert _get(site, "/api/teapot")[0] == 418
    assert json.loads(_get(site, "/api/x", body=b"x" * 1000)[2])["size"] == 1000


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("/nothing", None, 404, "Not found."), ("/api/x", b"x" * 2000, 413, "large"),
        ("/gone/", None, 502, "gone"), ("/api/slow", None, 504, "slow"),
    ],
)  # fmt: skip
def test_errors_of_its_own_have_the_written_shape(
    site: PracticeAccess, path: str, body: bytes | None, status: int, error: str
) -> None:
    seen, headers, data = _get(site, path, body=body)
    assert (seen, json.loads(data)["error"], headers["content-type"]) == (status, error, "application/json")
    assert ("retry-after" in headers) == (status == 502)


def test_an_exact_location_a_redirect_and_a_named_server(site: PracticeAccess) -> None:
    assert _get(site, "/health")[2] == b'{"ok": true}'
    status, headers, _ = _get(site, "/old?x=1")
    assert (status, headers["location"]) == (308, "https://api.example.com/old?x=1")
    assert _get(site, "/", headers={"Host": "other.example.com"})[2] == b"other"


def test_a_challenge_file_is_served(site: PracticeAccess) -> None:
    status, headers, body = _get(site, "/.well-known/acme-challenge/token")
    assert (status, headers["content-type"], body) == (200, "text/plain", b"token.thumb")
    assert _get(site, "/.well-known/acme-challenge/other")[0] == 404


def test_https_is_served_with_the_written_certificate(site: PracticeAccess) -> None:
    status, headers, body = _get(site, "/api/x", tls=True)
    assert (status, json.loads(body)["headers"]["x-forwarded-proto"], headers["server"]) == (200, "https", "nginx")
    pem = ssl.get_server_certificate((site.address, site.host.ports.https))
    assert pem.split() == (site.root / "etc/ssl.pem").read_text().split()


def test_a_server_of_one_address_stands_beside_those_of_all_addresses(site: PracticeAccess) -> None:
    """The socket of all addresses takes what comes to it; who names the address answers there, and only there."""
    more, port = site.root / "etc/nginx/sites-enabled/more", site.host.ports.http
    more.write_text(f'server {{ listen 127.0.0.1:{port}; return 200 "here"; }}')
    try:
        assert site.run("sudo nginx -t && sudo systemctl reload nginx").status == 0
        _until(lambda: _get(site, "/health", to="127.0.0.1")[2] == b"here")
        assert _get(site, "/health")[2] == b'{"ok": true}'
    finally:
        more.unlink()
        assert site.run("sudo systemctl reload nginx").status == 0
    _until(lambda: len(_workers(site)) == 1 and _get(site, "/health", to="127.0.0.1")[2] == b'{"ok": true}')


def test_its_sockets_are_seen_with_their_process(site: PracticeAccess) -> None:
    listening = site.run("ss -Hltnp").out
    assert f":{site.host.ports.http} " in listening and '("nginx",pid=' in listening


BROKEN = {
    "unknown directive": ("server { listen 1; frobnicate on; }", 'unknown directive "frobnicate" in'),
    "missing semicolon": ("server { listen 1 }", 'unexpected "}" in'),
    "block for a word": ("server { root { } }", 'directive "root" is not terminated by ";" in'),
    "open block": ("server { listen 1;", 'unexpected end of file, expecting "}" in'),
    "closing too often": ("server { listen 1; } }", 'unexpected "}" in'),
    "wrong place": ("location / { return 404; }", '"location" directive is not allowed here in'),
    "words": ("server { listen 1; root; }", 'invalid number of arguments in "root" directive in'),
    "no certificate file": (
        "server { listen 1 ssl; ssl_certificate /nowhere/c.pem; ssl_certificate_key /nowhere/k; }",
        'cannot load certificate "/nowhere/c.pem": BIO_new_file() failed',
    ),
    "no certificate named": ("server { listen 1 ssl; }", 'no "ssl_certificate" is defined for the "listen'),
    "two defaults": (
        "server { listen 7 default_server; } server { listen 7 default_server; }",
        "a duplicate default server for 0.0.0.0:7 in",
    ),
    "location twice": ("server { listen 1; location /a { } location /a { } }", 'duplicate location "/a" in'),
    "missing include": (
        "include /nowhere/x.conf;", 'open() "/nowhere/x.conf" failed (2: No such file or directory) in',
    ),
    "no scheme": ("server { listen 1; location / { proxy_pass 127.0.0.1:80; } }", "invalid URL prefix in"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_it_refuses_what_nginx_refuses(host: PracticeAccess, name: str) -> None:
    text, words = BROKEN[name]
    path = host.root / "etc/nginx/conf.d/broken.conf"
    path.write_text(text)
    try:
        ran = host.run("sudo nginx -t")
        assert ran.status == 1 and f"[emerg] {words}" in ran.err, ran
        assert f"configuration file {host.root}/etc/nginx/nginx.conf test failed" in ran.err
    finally:
        path.unlink()


def test_a_broken_configuration_does_not_reach_a_running_server(site: PracticeAccess) -> None:
    path: Path = site.root / "etc/nginx/conf.d/broken.conf"
    path.write_text("frobnicate on;")
    try:
        site.run("sudo systemctl reload nginx")
        assert _get(site, "/health")[0] == 200
    finally:
        path.unlink()


def test_a_reload_replaces_the_workers_and_a_restart_the_master(site: PracticeAccess) -> None:
    def main() -> str:
        return site.run("systemctl show nginx -p MainPID --value").out.strip()

    master, workers = main(), _workers(site)
    site.run("sudo systemctl reload nginx")
    _until(lambda: len(_workers(site)) == 1 and _workers(site) != workers)
    assert main() == master
    ran = site.run("sudo systemctl restart nginx || journalctl -u nginx -o cat")
    assert ran.status == 0 and not ran.out, ran
    assert main() != master
    _until(lambda: _get(site, "/health")[0] == 200)
