"""The SSH server: keys only, one user, channels that behave as sshd's do."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    MSG_CHANNEL_REQUEST,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_FAILED_CONNECT_FAILED,
    OPEN_SUCCEEDED,
    cMSG_CHANNEL_REQUEST,
)

from iris_migrate.rehearsal.host.guard import Guard, reads_script
from iris_migrate.rehearsal.host.machine import Command, Machine, PracticeHostError

ARGUMENT_LIMIT = 128 * 1024  # of one argument, as the kernel has it
PACKET_LIMIT = 256 * 1024  # of one request, as sshd has it
CHUNK = 65536
logging.getLogger("practice.sshd").addHandler(logging.NullHandler())  # cut connections are nothing to report
logging.getLogger("practice.sshd").propagate = False


@dataclass(slots=True)
class Troubles:
    """Faults that are on, changed at any time."""

    max_sessions: int = 10
    refuse_until: float = 0.0  # monotonic seconds; connections are refused before
    cut_after_bytes: int | None = None  # of output, over all connections
    cut_at_command: int | None = None  # counts down
    lock: threading.Lock = field(default_factory=threading.Lock)


def _request(channel: paramiko.Channel, message: paramiko.Message) -> None:
    """A channel request: answered as paramiko does, and only then carried out (a client must see the reply first)."""
    channel._handle_request(message)  # type: ignore[attr-defined]  # not in paramiko's stubs
    transport = channel.transport
    while isinstance(transport, HostTransport) and transport.pending:
        threading.Thread(target=transport.pending.pop(0).run, daemon=True, name="practice-session").start()


class HostTransport(paramiko.Transport):
    """paramiko's transport, with sessions that begin after the reply to their request."""

    _channel_handler_table: ClassVar[dict[int, Any]] = {
        **paramiko.Transport._channel_handler_table,  # type: ignore[attr-defined]  # not in paramiko's stubs
        MSG_CHANNEL_REQUEST: _request,
    }

    def __init__(self, client: socket.socket) -> None:
        super().__init__(client)
        self.daemon = True
        self.set_log_channel("practice.sshd")
        self.pending: list[Session] = []

    def send_message(self, message: paramiko.Message) -> None:
        self._send_user_message(message)  # type: ignore[attr-defined]  # not in paramiko's stubs

    def open_channels(self) -> int:
        return len(self._channels)  # type: ignore[attr-defined]  # not in paramiko's stubs


class Server(paramiko.ServerInterface):
    """What one connection may do."""

    def __init__(self, service: SshServer, connection: Connection) -> None:
        self._service, self._connection = service, connection

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        if username != self._service.machine.user:
            return AUTH_FAILED
        offered = (key.get_name(), key.get_base64())
        known = {tuple(line.split()[:2]) for line in self._service.authorized_keys()}
        return AUTH_SUCCESSFUL if offered in known else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        if kind != "session":
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        if self._connection.sessions() >= self._service.troubles.max_sessions:
            return OPEN_FAILED_CONNECT_FAILED
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if len(command) > PACKET_LIMIT:
            self._connection.cut()
            return False
        self._connection.open(channel, command.decode(errors="surrogateescape"))
        return True


class Connection:
    """One client's connection. A session counts until its channel is closed and its process has ended."""

    def __init__(self, service: SshServer, client: socket.socket) -> None:
        self._service, self._client = service, client
        self._running: set[Session] = set()
        self._channels: list[paramiko.Channel] = []
        self.transport = HostTransport(client)

    def serve(self) -> None:
        """The handshake and its channels, in a thread of its own: a slow client keeps nobody waiting."""
        try:
            for key in self._service.host_keys():
                self.transport.add_server_key(key)
            self.transport.set_subsystem_handler("sftp", *self._service.sftp)
            self.transport.start_server(server=Server(self._service, self))
            while self.transport.is_active():
                channel = self.transport.accept(5)
                # paramiko keeps channels weakly: these references keep them open.
                self._channels = [item for item in self._channels if not item.closed]
                if channel is not None:
                    self._channels.append(channel)
        except (paramiko.SSHException, EOFError, OSError):
            self.cut()

    def sessions(self) -> int:
        """The slots in use, as sshd's MaxSessions counts them."""
        return self.transport.open_channels() + sum(1 for item in list(self._running) if item.channel.closed)

    def open(self, channel: paramiko.Channel, command: str) -> None:
        session = Session(self._service, self, channel, command)
        self._running.add(session)
        self.transport.pending.append(session)

    def ended(self, session: Session) -> None:
        self._running.discard(session)

    def cut(self) -> None:
        """End it as a broken network does: no goodbye."""
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_RDWR)
        self.transport.close()


class SshServer:
    """Listens on one address at a time."""

    def __init__(
        self,
        machine: Machine,
        guard: Guard,
        host_keys: Callable[[], list[paramiko.PKey]],
        authorized_keys: Callable[[], list[str]],
        sftp: tuple[Any, ...],
    ) -> None:
        self.machine, self.guard = machine, guard
        self.host_keys, self.authorized_keys, self.sftp = host_keys, authorized_keys, sftp
        self.troubles = Troubles()
        self._listener: socket.socket | None = None
        self._connections: list[Connection] = []
        self._lock = threading.Lock()

    def listen(self, address: str, port: int) -> None:
        """Answer on this address; what was connected through another one is cut."""
        self.close()
        listener = socket.create_server((address, port), backlog=128)
        with self._lock:
            self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True, name="practice-sshd").start()

    def close(self) -> None:
        with self._lock:
            listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut_all()

    def cut_all(self) -> None:
        with self._lock:
            connections, self._connections = self._connections, []
        for connection in connections:
            connection.cut()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if time.monotonic() < self.troubles.refuse_until:
                client.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
                )  # reset, as a closed port does
                client.close()
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, client)
            with self._lock:
                self._connections = [item for item in self._connections if item.transport.is_active()] + [connection]
            threading.Thread(target=connection.serve, daemon=True, name="practice-connection").start()

    def count_output(self, size: int) -> bool:
        """Counts down to an `ssh-drop`; true when it is due."""
        troubles = self.troubles
        with troubles.lock:
            if troubles.cut_after_bytes is None:
                return False
            troubles.cut_after_bytes -= size
            due = troubles.cut_after_bytes <= 0
            if due:
                troubles.cut_after_bytes = None
        return due

    def count_command(self) -> bool:
        troubles = self.troubles
        with troubles.lock:
            if troubles.cut_at_command is None:
                return False
            troubles.cut_at_command -= 1
            due = troubles.cut_at_command <= 0
            if due:
                troubles.cut_at_command = None
        return due


class Session:
    """One exec request: a process, its three pipes, its end."""

    def __init__(self, service: SshServer, connection: Connection, channel: paramiko.Channel, command: str) -> None:
        self._service, self._connection, self.channel, self._command = service, connection, channel, command
        self._refused = threading.Event()

    def run(self) -> None:
        try:
            self._run()
        finally:
            self._connection.ended(self)

    def _run(self) -> None:
        offence = self._service.guard.offence(self._command)
        if offence:
            self._refuse(offence)
            return
        if len(self._command.encode(errors="surrogateescape")) >= ARGUMENT_LIMIT:
            self._say_and_end("/bin/sh: Argument list too long\n", 255)
            return
        child_in, our_in = os.pipe()
        our_out, child_out = os.pipe()
        our_err, child_err = os.pipe()
        try:
            command = self._service.machine.run(self._command, (child_in, child_out, child_err))
        except PracticeHostError:
            for descriptor in (our_in, our_out, our_err):
                os.close(descriptor)
            self._connection.cut()
            return
        finally:
            for descriptor in (child_in, child_out, child_err):
                os.close(descriptor)
        if self._service.count_command():
            self._connection.cut()
        self._attend(command, our_in, our_out, our_err)

    def _attend(self, command: Command, stdin: int, stdout: int, stderr: int) -> None:
        feeder = threading.Thread(target=self._feed, args=(stdin, command), daemon=True, name="practice-stdin")
        pumps = [
            threading.Thread(
                target=self._pump, args=(stdout, self.channel.sendall), daemon=True, name="practice-stdout"
            ),
            threading.Thread(
                target=self._pump, args=(stderr, self.channel.sendall_stderr), daemon=True, name="practice-stderr"
            ),
        ]
        for thread in (feeder, *pumps):
            thread.start()
        status = command.wait()
        if self._refused.is_set():
            status = 126
        # sshd tells the status at once and closes when both pipes have ended, so a child left behind keeps it open.
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self._tell_end(status)
        for pump in pumps:
            pump.join()
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self.channel.close()

    def _feed(self, pipe: int, command: Command) -> None:
        """The channel's input to the process; a script for `sh` is read before it is passed on."""
        script = reads_script(self._command)
        waiting = b""
        try:
            while True:
                data = self.channel.recv(CHUNK)
                ended = not data
                if script:
                    data, waiting, offence = self._read_before(data, waiting)
                    if offence:
                        self._refused.set()
                        command.kill()
                        with contextlib.suppress(OSError):
                            self.channel.sendall_stderr(self._service.guard.refusal(offence).encode())
                        break
                _write_all(pipe, data)
                if ended:
                    break
        except (OSError, EOFError):
            pass  # the process has closed its input, or the connection is gone
        finally:
            os.close(pipe)

    def _read_before(self, data: bytes, waiting: bytes) -> tuple[bytes, bytes, str]:
        """Whole lines to pass on, the beginning of a line to keep, and an offence."""
        if not data:  # the end: pass on what is left
            whole, rest = waiting, b""
        else:
            whole, newline, rest = (waiting + data).rpartition(b"\n")
            whole += newline
        return whole, rest, self._service.guard.offence(whole.decode(errors="replace"))

    def _pump(self, pipe: int, send: Callable[[bytes], None]) -> None:
        """The process's output to the channel. When the channel is gone the pipe is closed: a writer gets SIGPIPE."""
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        try:
            while True:
                ready = poll.poll(250)
                if self.channel.closed:
                    return
                if not ready:
                    continue
                data = os.read(pipe, CHUNK)
                if not data:
                    return
                send(data)
                if self._service.count_output(len(data)):
                    self._connection.cut()
        except (OSError, EOFError, paramiko.SSHException):
            return
        finally:
            os.close(pipe)

    def _tell_end(self, status: int) -> None:
        if status >= 0:
            self.channel.send_exit_status(status)
            return
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(self.channel.remote_chanid)
        message.add_string("exit-signal")
        message.add_boolean(False)
        message.add_string(signal.Signals(-status).name.removeprefix("SIG"))
        message.add_boolean(False)
        message.add_string("")
        message.add_string("")
        self._connection.transport.send_message(message)

    def _refuse(self, offence: str) -> None:
        self._say_and_end(self._service.guard.refusal(offence), 126)

    def _say_and_end(self, text: str, status: int) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self.channel.sendall_stderr(text.encode())
            self.channel.send_exit_status(status)
            self.channel.close()


def _write_all(pipe: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]
