"""One request answered: return, files, proxying, error pages."""

from __future__ import annotations

import os
import re
import socket
import time
from email.utils import formatdate
from typing import NamedTuple

from iris_migrate.rehearsal.host.nginx.routes import Place, Routes

REASONS = {
    200: "OK", 204: "No Content", 206: "Partial Content", 301: "Moved Permanently", 302: "Found", 303: "See Other",
    304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    413: "Request Entity Too Large", 429: "Too Many Requests",
    444: "No Response", 500: "Internal Server Error", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip
HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "content-length", "host"}
Headers = list[tuple[str, str]]


class Request(NamedTuple):
    """What a client asked for."""

    method: str
    target: str
    headers: Headers
    body: bytes
    client: str
    local: str  # the address it came to
    port: int
    scheme: str

    @property
    def path(self) -> str:
        from urllib.parse import unquote

        return unquote(self.target.partition("?")[0])

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")


class Answer(NamedTuple):
    status: int
    headers: Headers
    body: bytes


class Unanswered(Exception):
    """nginx's own error: looked up in `error_page`, else its stock page."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Answering:
    """Answers requests by the routes of one configuration."""

    def __init__(self, routes: Routes, types: dict[str, str]) -> None:
        self.routes, self.types = routes, types

    def answer(self, request: Request, too_large: bool = False) -> Answer:
        place = self.place(request)
        try:
            limit = place.size("client_max_body_size", "1m")
            if too_large or (limit and len(request.body) > limit):
                raise Unanswered(413)
            if not place.admits(request.client):
                raise Unanswered(403)
            answer = self._within(place, request)
        except Unanswered as error:
            answer = self._error(place, request, error.status)
        return answer

    def place(self, request: Request) -> Place:
        """Where the request is answered."""
        host = re.sub(r":\d+$", "", request.header("host")).lower()
        return self.routes.place(self.routes.server(request.port, host, request.local), request.path)

    def body_limit(self, request: Request) -> int:
        return self.place(request).size("client_max_body_size", "1m")

    def tells_version(self, request: Request) -> bool:
        return self.place(request).word("server_tokens", "on") != "off"

    def _within(self, place: Place, request: Request) -> Answer:
        for level in (place.server, place.location):
            if level is None:
                continue
            for item in level.block or ():
                if item.name == "return":
                    return self._return(place, request, item.args)
                if item.name == "if" and self._holds(item.args, place, request):
                    for inner in item.block or ():
                        if inner.name == "return":
                            return self._return(place, request, inner.args)
        if place.location is not None and place.location.one("proxy_pass"):
            return self._proxied(place, request)
        return self._file(place, request)

    def _holds(self, args: tuple[str, ...], place: Place, request: Request) -> bool:
        text = " ".join(args).strip("()").strip()
        found = re.fullmatch(r"(\$\w+)(?:\s*(=|!=|~\*?)\s*(.+))?", text)
        if not found:
            return False
        value, operator, wanted = self.filled(found.group(1), place, request), found.group(2), found.group(3) or ""
        match operator:
            case None:
                return value not in ("", "0")
            case "=":
                return value == wanted.strip("\"'")
            case "!=":
                return value != wanted.strip("\"'")
        return bool(re.search(wanted, value, re.IGNORECASE if operator == "~*" else 0))

    def _return(self, place: Place, request: Request, args: tuple[str, ...]) -> Answer:
        status, text = (int(args[0]), args[1] if len(args) > 1 else "") if args[0].isdigit() else (302, args[0])
        text = self.filled(text, place, request)
        if status in (301, 302, 303, 307, 308):
            return self._with_headers(place, request, Answer(status, [("Location", text)], _page(status)))
        if text or status in (204,):
            kind = place.word("default_type", "text/plain")
            return self._with_headers(place, request, Answer(status, [("Content-Type", kind)], text.encode()))
        if status < 400:
            return Answer(status, [("Content-Type", place.word("default_type", "text/plain"))], b"")
        raise Unanswered(status)

    def _error(self, place: Place, request: Request, status: int) -> Answer:
        for item in place.all("error_page"):
            if str(status) not in item.args[:-1]:
                continue
            target = item.args[-1]
            changed = next((word for word in item.args[:-1] if word.startswith("=")), "")
            inner = self.routes.named(place.server, target) if target.startswith("@") else None
            inner = inner or (self.routes.place(place.server, target) if target.startswith("/") else None)
            if inner is None:
                break
            try:
                redirected = request._replace(target=target) if target.startswith("/") else request
                answer = self._within(inner, redirected)
            except Unanswered as error:
                return Answer(error.status, [("Content-Type", "text/html")], _page(error.status))
            if changed[1:].isdigit():
                return answer._replace(status=int(changed[1:]))
            return answer._replace(status=status) if answer.status == 200 else answer
        return Answer(status, [("Content-Type", "text/html")], _page(status))

    def _with_headers(self, place: Place, request: Request, answer: Answer) -> Answer:
        added = [
            (item.args[0], self.filled(item.args[1], place, request))
            for item in place.all("add_header")
            if "always" in item.args[2:] or answer.status in (200, 201, 204, 206, 301, 302, 303, 304, 307, 308)
        ]
        return answer._replace(headers=answer.headers + added)

    # --- files

    def _file(self, place: Place, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            raise Unanswered(405)
        location = place.location
        alias = location.one("alias") if location else None
        if alias is not None and location is not None:
            base, rest = alias.args[0], request.path[len(location.args[-1]) :]
        else:
            base, rest = place.word("root", "html"), request.path
        if ".." in rest.split("/"):
            raise Unanswered(400)
        tries = place.all("try_files")
        for pattern in tries[0].args[:-1] if tries else ("$uri",):
            path = (
                base.rstrip("/") + "/" + self.filled(pattern, place, request).replace(request.path, rest, 1).lstrip("/")
            )
            if alias is None or not tries:
                path = base.rstrip("/") + "/" + rest.lstrip("/") if pattern == "$uri" else path
            if os.path.isfile(path) and not path.endswith("/"):
                return self._contents(place, request, path)
            if os.path.isdir(path):
                for name in place.word("index", "index.html").split():
                    for index in [name, *(word for item in place.all("index") for word in item.args)]:
                        if os.path.isfile(os.path.join(path, index)):
                            return self._contents(place, request, os.path.join(path, index))
                if not tries:
                    raise Unanswered(403)
        if tries and tries[0].args[-1].startswith("="):
            raise Unanswered(int(tries[0].args[-1][1:]))
        raise Unanswered(404)

    def _contents(self, place: Place, request: Request, path: str) -> Answer:
        try:
            with open(path, "rb") as file:
                body = file.read()
        except PermissionError as error:
            raise Unanswered(403) from error
        kind = self.types.get(path.rpartition(".")[2], place.word("default_type", "text/plain"))
        return self._with_headers(place, request, Answer(200, [("Content-Type", kind)], body))

    # --- the application behind

    def _proxied(self, place: Place, request: Request) -> Answer:
        location = place.location
        directive = location.one("proxy_pass") if location else None
        if location is None or directive is None:
            raise Unanswered(500)
        _, _, rest = directive.args[0].partition("://")
        target, slash, uri = rest.partition("/")
        host, _, port = target.partition(":")
        address = self._upstream(target) or (host, int(port or 80))
        path = slash + uri + request.target[len(location.args[-1]) :] if slash else request.target
        head = self._head(place, request, path, target)
        try:
            with socket.create_connection(address, place.seconds("proxy_connect_timeout", "60s")) as upstream:
                upstream.settimeout(place.seconds("proxy_read_timeout", "60s"))
                upstream.sendall(head + request.body)
                answer = _received(upstream, request.method)
        except TimeoutError as error:
            raise Unanswered(504) from error
        except (OSError, ValueError) as error:
            raise Unanswered(502) from error
        if answer.status >= 300 and place.word("proxy_intercept_errors", "off") == "on" and answer.status >= 400:
            raise Unanswered(answer.status)
        return self._with_headers(place, request, answer)

    def _upstream(self, name: str) -> tuple[str, int] | None:
        for upstream in self.routes.http.all("upstream"):
            if upstream.args[0] == name:
                server = upstream.all("server")[0].args[0]
                host, _, port = server.partition(":")
                return host, int(port or 80)
        return None

    def _head(self, place: Place, request: Request, path: str, target: str) -> bytes:
        given = {item.args[0].lower(): item for item in place.all("proxy_set_header")}
        lines = [f"{request.method} {path} HTTP/1.0"]
        if "host" not in given:
            lines.append(f"Host: {target}")
        for item in given.values():
            value = self.filled(item.args[1], place, request)
            if value and item.args[0].lower() != "connection":
                lines.append(f"{item.args[0]}: {value}")
        lines.append("Connection: close")
        lines += [f"{name}: {value}" for name, value in request.headers if name.lower() not in HOP | set(given)]
        if request.body or request.method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(request.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    # --- variables

    def filled(self, text: str, place: Place, request: Request) -> str:
        """A word with its variables filled in."""
        return re.sub(r"\$\{?(\w+)\}?", lambda found: self._variable(found.group(1), place, request), text)

    def _variable(self, name: str, place: Place, request: Request) -> str:
        host = request.header("host")
        plain = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
        forwarded = request.header("x-forwarded-for")
        names = place.server.one("server_name")
        known = {
            "host": plain.lower(), "http_host": host, "remote_addr": request.client, "scheme": request.scheme,
            "request_uri": request.target, "uri": request.path, "document_uri": request.path,
            "args": request.target.partition("?")[2], "query_string": request.target.partition("?")[2],
            "is_args": "?" if "?" in request.target else "", "request_method": request.method,
            "proxy_add_x_forwarded_for": f"{forwarded}, {request.client}" if forwarded else request.client,
            "server_name": names.args[0] if names else "", "server_port": str(request.port),
            "https": "on" if request.scheme == "https" else "", "server_protocol": "HTTP/1.1",
            "time_iso8601": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
            "content_length": request.header("content-length"), "content_type": request.header("content-type"),
        }  # fmt: skip
        if name in known:
            return known[name]
        if name.startswith("http_"):
            return request.header(name[5:].replace("_", "-"))
        return ""


def _page(status: int) -> bytes:
    title = f"{status} {REASONS.get(status, '')}".strip()
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    ).encode()


def _received(upstream: socket.socket, method: str) -> Answer:
    """The whole answer of an application that closes the connection after it."""
    data = bytearray()
    while part := upstream.recv(65536):
        data += part
    head, blank, body = bytes(data).partition(b"\r\n\r\n")
    if not blank:
        raise ValueError("upstream prematurely closed connection")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    given = {name.lower(): value for name, value in headers}
    if given.get("transfer-encoding", "").lower() == "chunked":
        body = _dechunked(body)
    elif method != "HEAD" and len(body) < int(given.get("content-length", 0)):
        raise ValueError("upstream prematurely closed connection")
    kept = [(name, value) for name, value in headers if name.lower() not in HOP | {"server", "date"}]
    return Answer(int(first.split()[1]), kept, body)


def _dechunked(body: bytes) -> bytes:
    out, rest = b"", body
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size.partition(b";")[0] or b"0", 16)
        if not length:
            break
        out, rest = out + rest[:length], rest[length + 2 :]
    return out


def head(answer: Answer, *, keep: bool, tokens: bool) -> bytes:
    """Status line and headers as nginx sends them."""
    lines = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, '')}".rstrip()]
    lines.append("Server: nginx/1.24.0 (practice)" if tokens else "Server: nginx")
    lines.append(f"Date: {formatdate(usegmt=True)}")
    lines += [f"{name}: {value}" for name, value in answer.headers]
    lines += [f"Content-Length: {len(answer.body)}", "Connection: keep-alive" if keep else "Connection: close"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
