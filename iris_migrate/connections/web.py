"""The public side, seen from the workstation: HTTP, names and certificates. Implements `target.Web`."""

from __future__ import annotations

import ipaddress
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from iris_migrate.connections.presented import presented
from iris_migrate.connections.threads import Threads
from iris_migrate.redact import clean, clean_bytes
from iris_migrate.target import Http, Tls, Unreadable

_BODY = 64 * 1024  # bytes of a body that are read
_REDIRECTS = 5
_THREADS = 16
_DNS_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `connect` is an address used instead of resolving; the name stays in Host and in TLS."""

    method: str
    url: str
    headers: Mapping[str, str]
    json: Any = None
    connect: str = ""
    ca: str = ""
    timeout: float = 15.0


class WebConnection:
    """Each request has a connection of its own: what is looked at is the server now, not a kept connection."""

    def __init__(self) -> None:
        self._threads = Threads("web", _THREADS)
        self._contexts: dict[tuple[str, float], ssl.SSLContext] = {}

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, Any] | None = None,
        connect: str = "",
        ca: str = "",
        redirects: bool = False,
        timeout: float = 15.0,
    ) -> Http:
        """GET. No answer is an answer too: status 0 and the reason in `error`."""
        sent = {name: str(value) for name, value in (headers or {}).items()}
        return await self.ask(Request("GET", url, sent, None, connect, ca, timeout), redirects=redirects)

    async def ask(self, request: Request, *, redirects: bool = False) -> Http:
        """Send one request, and follow redirects if wanted."""
        return await self._threads.run(partial(self._follow, request, redirects))

    async def resolve(self, name: str, *, resolver: str = "") -> tuple[str, ...]:
        """A and AAAA records, sorted; none when the name does not exist. Raises Unreadable without an answer."""
        return await self._threads.run(partial(_resolve, name, resolver))

    async def tls(self, name: str, *, connect: str = "", port: int = 443, ca: str = "") -> Tls:
        """The certificate presented for a name; without one, an empty serial and the reason in `error`."""
        return await self._threads.run(lambda: presented(name, connect or name, port, self._context(ca)))

    def _follow(self, request: Request, redirects: bool) -> Http:
        answer = self._send(request)
        for _ in range(_REDIRECTS if redirects else 0):
            place = answer.headers.get("location")
            if answer.status not in (301, 302, 303, 307, 308) or not place:
                break
            request = _redirected(request, place)
            answer = self._send(request)
        return answer

    def _send(self, request: Request) -> Http:
        started = time.monotonic()
        try:
            return self._exchange(request, started)
        except Exception as error:
            return Http(0, error=_reason(error, request), seconds=time.monotonic() - started)

    def _exchange(self, request: Request, started: float) -> Http:
        import httpx

        parts = urlsplit(request.url)
        name = parts.hostname or ""
        url, headers = request.url, dict(request.headers)
        if request.connect:
            url = urlunsplit(parts._replace(netloc=_netloc(request.connect, parts.port)))
            headers.setdefault("Host", parts.netloc.rpartition("@")[2])
        verify: ssl.SSLContext | bool = self._context(request.ca) if parts.scheme == "https" else False
        # A proxy of the environment stands between us and what we look at; it is used only for the outside world.
        outside = not request.connect and not _is_local(name)
        with (
            httpx.Client(verify=verify, timeout=request.timeout, trust_env=outside) as client,
            client.stream(
                request.method, url, headers=headers, json=request.json, extensions={"sni_hostname": name}
            ) as answer,
        ):
            body = b""
            for piece in answer.iter_bytes(8192):
                body += piece
                if len(body) >= _BODY:
                    break
                if time.monotonic() - started > request.timeout:
                    raise TimeoutError
            told = {clean(key.lower()): clean(value) for key, value in answer.headers.items()}
            return Http(answer.status_code, told, _parsed(body[:_BODY], told), seconds=time.monotonic() - started)

    def _context(self, ca: str) -> ssl.SSLContext:
        """The system's trust and httpx's list, plus a file of one's own; made once a file."""
        path = Path(ca).expanduser() if ca else None
        if path is not None and not path.is_file():
            raise Unreadable(f"the file of trusted certificates {ca} is not there: correct tls.ca")
        key = (ca, path.stat().st_mtime if path else 0.0)
        if key not in self._contexts:
            import certifi

            context = ssl.create_default_context()
            context.load_verify_locations(certifi.where())
            if path is not None:
                context.load_verify_locations(path)
            self._contexts[key] = context
        return self._contexts[key]


def _redirected(request: Request, place: str) -> Request:
    """Where a redirect leads. The fixed address serves the same name only; headers (keys!) do not go elsewhere."""
    url = urljoin(request.url, place)
    same = urlsplit(url).hostname == urlsplit(request.url).hostname
    connect = request.connect if same else ""
    return Request("GET", url, request.headers if same else {}, None, connect, request.ca, request.timeout)


def _netloc(address: str, port: int | None) -> str:
    host = f"[{address}]" if ":" in address and not address.startswith("[") else address
    return host if port is None else f"{host}:{port}"


def _is_local(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _parsed(body: bytes, headers: Mapping[str, str]) -> Any:
    text = clean_bytes(body)
    if "json" not in headers.get("content-type", ""):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _reason(error: BaseException, request: Request) -> str:
    """Why there was no answer, in a sentence."""
    import httpx

    name = urlsplit(request.url).netloc.rpartition("@")[2]
    where = f"{name} (at {request.connect})" if request.connect else name
    match error:
        case httpx.TimeoutException() | TimeoutError():
            return f"{where}: no answer in {request.timeout:g} s"
        case httpx.ConnectError():
            return f"{where}: {_cause(error)}"
        case httpx.HTTPError():
            return f"{where}: the connection broke: {_cause(error)}"
        case Unreadable():
            return str(error)
    return f"{where}: {type(error).__name__}: {_cause(error)}"


def _cause(error: BaseException) -> str:
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return clean(str(error)) or type(error).__name__


def _resolve(name: str, resolver: str) -> tuple[str, ...]:
    import dns.exception
    import dns.resolver

    asked = dns.resolver.Resolver(configure=not resolver)
    if resolver:
        address, port = _endpoint(resolver)
        asked.nameservers, asked.port = [address], port
    found: set[str] = set()
    for kind in ("A", "AAAA"):
        try:
            found.update(clean(record.to_text()) for record in asked.resolve(name, kind, lifetime=_DNS_SECONDS))
        except dns.resolver.NXDOMAIN:
            return ()
        except dns.resolver.NoAnswer:
            continue
        except dns.exception.DNSException as error:
            who = resolver or "the system's resolver"
            raise Unreadable(f"{who} does not tell the address of {name}: {clean(str(error))}") from error
    return tuple(sorted(found))


def _endpoint(resolver: str) -> tuple[str, int]:
    """`address`, `address:port` or `[address]:port`."""
    try:
        return str(ipaddress.ip_address(resolver)), 53
    except ValueError:
        address, _, port = resolver.rpartition(":")
    try:
        return str(ipaddress.ip_address(address.strip("[]"))), int(port)
    except ValueError:
        raise Unreadable(f"{resolver!r} is no resolver: give an IP address, with :port if need be") from None
