"""Which server and which location answer a request, and what holds there: nginx's rules of choice and inheritance."""

from __future__ import annotations

import fnmatch
import ipaddress
import re

from iris_migrate.rehearsal.host.nginx.directives import address
from iris_migrate.rehearsal.host.nginx.syntax import Directive

EVERY = ("0.0.0.0", "::")  # noqa: S104  IPv4's and IPv6's; connections from elsewhere are closed


class Place:
    """A location within a server within http: directives are looked up from the inside out."""

    def __init__(self, http: Directive, server: Directive, location: Directive | None = None) -> None:
        self.http, self.server, self.location = http, server, location

    @property
    def levels(self) -> list[Directive]:
        return [level for level in (self.location, self.server, self.http) if level is not None]

    def one(self, name: str) -> Directive | None:
        return next((found for level in self.levels if (found := level.one(name)) is not None), None)

    def word(self, name: str, default: str) -> str:
        found = self.one(name)
        return found.args[0] if found else default

    def all(self, *names: str) -> list[Directive]:
        """Directives that are inherited together: those of the innermost level that has any."""
        for level in self.levels:
            found = [item for item in level.block or () if item.name in names]
            if found:
                return found
        return []

    def size(self, name: str, default: str) -> int:
        """Bytes; `0` means no limit."""
        text = self.word(name, default).lower()
        factor = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}.get(text[-1], 1)
        return int(text.rstrip("kmg")) * factor

    def seconds(self, name: str, default: str) -> float:
        text = self.word(name, default)
        return float(text.rstrip("smhd")) * {"m": 60, "h": 3600, "d": 86400}.get(text[-1], 1)

    def admits(self, client: str) -> bool:
        """`allow` and `deny`."""
        for rule in self.all("allow", "deny"):
            if rule.args[0] == "all" or ipaddress.ip_address(client) in ipaddress.ip_network(
                rule.args[0], strict=False
            ):
                return rule.name == "allow"
        return True


class Routes:
    """All servers of a configuration."""

    def __init__(self, http: Directive) -> None:
        self.http = http

    def sockets(self) -> list[tuple[str, int]]:
        """The addresses to bind, each once: the wildcard of a port takes what comes for its addresses too.

        https://nginx.org/en/docs/http/ngx_http_core_module.html#listen (`bind`)
        """
        found = dict.fromkeys(address(item.args[0]) for server in self.http.all("server") for item in _listens(server))
        return [(host, port) for host, port in found if host in EVERY or (_wildcard(host), port) not in found]

    def _at(self, port: int, local: str = "") -> list[tuple[Directive, Directive]]:
        """The servers of a port, each with its `listen`; with an address only those that answer on it.

        Servers that name the address go before those of the wildcard, which then do not answer on it.
        """
        found = [
            (server, listen, address(listen.args[0])[0])
            for server in self.http.all("server")
            for listen in _listens(server)
            if address(listen.args[0])[1] == port
        ]
        own = [item for item in found if item[2] == local]
        if local and not own:
            own = [item for item in found if item[2] == _wildcard(local)]
        return [(server, listen) for server, listen, _ in (own or found)]

    def servers(self, port: int) -> list[Directive]:
        """The server blocks that listen on a port."""
        return [server for server, _ in self._at(port)]

    def is_tls(self, port: int) -> bool:
        return any("ssl" in listen.args for _, listen in self._at(port))

    def server(self, port: int, host: str, local: str = "") -> Directive:
        """By the address it came to, then by name: exact, then wildcard; else the default server, else the first."""
        candidates = self._at(port, local)
        for server, _ in candidates:
            if any(host == name for item in server.all("server_name") for name in item.args):
                return server
        for server, _ in candidates:
            names = [name for item in server.all("server_name") for name in item.args]
            if any("*" in name and fnmatch.fnmatchcase(host, name) for name in names):
                return server
        default = next((server for server, listen in candidates if "default_server" in listen.args), None)
        return default or candidates[0][0]

    def place(self, server: Directive, path: str) -> Place:
        """The location: exact, then the longest prefix when it says `^~`, then the first regex, then that prefix."""
        best: Directive | None = None
        for location in server.all("location"):
            kind, pattern = (location.args[0], location.args[1]) if len(location.args) == 2 else ("", location.args[0])
            if kind == "=" and path == pattern:
                return Place(self.http, server, location)
            if kind in ("", "^~") and path.startswith(pattern) and len(pattern) > (len(best.args[-1]) if best else -1):
                best = location
        if best is None or best.args[0] != "^~":
            for location in server.all("location"):
                if len(location.args) == 2 and location.args[0] in ("~", "~*"):
                    flags = re.IGNORECASE if location.args[0] == "~*" else 0
                    if re.search(location.args[1], path, flags):
                        return Place(self.http, server, location)
        return Place(self.http, server, best)

    def named(self, server: Directive, name: str) -> Place | None:
        found = next((item for item in server.all("location") if item.args == (name,)), None)
        return Place(self.http, server, found) if found else None


def _wildcard(host: str) -> str:
    return EVERY[":" in host]


def _listens(server: Directive) -> list[Directive]:
    return server.all("listen") or [Directive("listen", ("80",), None, server.place)]
