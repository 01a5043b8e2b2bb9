"""The practice resolver (DNS over UDP and TCP) and the service that answers with the caller's address."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from iris_migrate.rehearsal.clock import PracticeClock
from iris_migrate.rehearsal.serving import answer

TTL = 5  # seconds


@dataclass(slots=True)
class Zone:
    """A records of the practice domain: a name leads to an address from a time on (world's clock)."""

    clock: PracticeClock
    elsewhere: str = ""  # a fault: every name leads to this address instead
    _records: dict[str, tuple[str, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def point(self, name: str, address: str, *, after: float = 0.0) -> None:
        """Let `name` lead to `address` in `after` seconds; until then it leads nowhere."""
        with self._lock:
            self._records[name.lower().rstrip(".")] = (address, self.clock.now() + after)

    def forget(self, name: str) -> None:
        with self._lock:
            self._records.pop(name.lower().rstrip("."), None)

    def address(self, name: str) -> str | None:
        with self._lock:
            record = self._records.get(name.lower().rstrip("."))
        return (self.elsewhere or record[0]) if record and self.clock.now() >= record[1] else None

    def shown(self) -> dict[str, Any]:
        with self._lock:
            now = self.clock.now()
            return {
                name: {"A": address, "in_seconds": max(0.0, round(since - now, 1))}
                for name, (address, since) in self._records.items()
            }


class Resolver:
    """A small authoritative server on one loopback port, UDP and TCP. Names that it does not know are NXDOMAIN."""

    def __init__(self, zone: Zone, domain: str) -> None:
        self._zone, self._domain = zone, domain.lower().rstrip(".")
        self._udp, self._tcp = _pair(self)
        self._threads: list[threading.Thread] = []

    @property
    def port(self) -> int:
        return int(self._udp.server_address[1])

    def start(self) -> None:
        for server, name in ((self._udp, "practice-dns-udp"), (self._tcp, "practice-dns-tcp")):
            thread = threading.Thread(
                target=server.serve_forever, kwargs={"poll_interval": 0.05}, name=name, daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        for server in (self._udp, self._tcp):
            if self._threads:
                server.shutdown()
            server.server_close()

    def answer(self, wire: bytes) -> bytes | None:
        """The answer to one question, or None for what is no DNS message."""
        try:
            query = dns.message.from_wire(wire)
        except (dns.exception.DNSException, ValueError):
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            response.set_rcode(dns.rcode.NOTIMP)
            return response.to_wire()
        question = query.question[0]
        name = question.name.to_text().lower().rstrip(".")
        address = self._zone.address(name)
        if address is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif question.rdclass == dns.rdataclass.IN and question.rdtype == dns.rdatatype.A:
            response.answer.append(dns.rrset.from_text(question.name, TTL, "IN", "A", address))
        return response.to_wire()


class _Udp(socketserver.BaseRequestHandler):
    server: Any

    def handle(self) -> None:
        wire, sock = self.request
        reply = self.server.resolver.answer(wire)
        if reply is not None:
            sock.sendto(reply, self.client_address)


class _Tcp(socketserver.BaseRequestHandler):
    server: Any

    def handle(self) -> None:
        self.request.settimeout(5)
        try:
            head = _exactly(self.request, 2)
            reply = self.server.resolver.answer(_exactly(self.request, struct.unpack("!H", head)[0]))
            if reply is not None:
                self.request.sendall(struct.pack("!H", len(reply)) + reply)
        except (OSError, EOFError):
            return


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def _pair(resolver: Resolver) -> tuple[_UdpServer, _TcpServer]:
    """Both servers on the same port number."""
    for _ in range(20):
        udp = _UdpServer(("127.0.0.1", 0), _Udp)
        try:
            tcp = _TcpServer(udp.server_address, _Tcp)
        except OSError:
            udp.server_close()
            continue
        udp.resolver = tcp.resolver = resolver  # type: ignore[attr-defined]
        return udp, tcp
    raise OSError("no port of 127.0.0.1 is free for both UDP and TCP; end what holds them and start again")


def own_address(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answers with the address that the caller comes from, as checkip.amazonaws.com does."""
    return answer(start_response, "200 OK", f"{environ.get('REMOTE_ADDR', '')}\n".encode(), "text/plain")
