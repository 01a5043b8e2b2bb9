"""One SSH connection: made with the right socket, the right key check, and channels in the one idiom that holds."""

from __future__ import annotations

import logging
import socket
from dataclasses import dataclass

from iris_migrate.connections.host.ahead import CONNECT, Ahead, dialled
from iris_migrate.connections.host.errors import HostUnreachable, LoginRefused
from iris_migrate.connections.host.keys import KnownHosts, Pin
from iris_migrate.connections.host.paramiko_alone import paramiko

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else Python prints its errors over the screen


@dataclass(frozen=True)
class Address:
    """Where the host is and who logs in. `key` is the path of a private key; `root` the prefix of our own paths."""

    host: str
    port: int
    user: str
    key: str
    root: str = ""


class Refused(Exception):
    """The server opens no further channel on this connection now (MaxSessions)."""


class Link:
    """One connection and how many of its channels are in use. All methods but the counters block."""

    def __init__(self, transport: paramiko.Transport) -> None:
        self.transport = transport
        self.held = 0  # channels of long standing: batches' shell, follows
        self.work = 0
        self.full_until = 0.0  # the event loop's time before which a refusal counts

    @property
    def alive(self) -> bool:
        return self.transport.is_active()

    def open(self) -> paramiko.Channel:
        """A new channel. Raises Refused when the server has no more, EOFError when the connection is lost."""
        try:
            return self.transport.open_session(timeout=CONNECT)
        except paramiko.ChannelException as error:
            raise Refused from error
        except (paramiko.SSHException, EOFError, OSError) as error:
            # Threads race for one saved exception: a refusal can look like any other (facts: performance D).
            if self.transport.is_active():
                raise Refused from error
            raise EOFError from error

    def close(self) -> None:
        self.transport.close()


def connect(address: Address, pin: Pin, known: KnownHosts, ahead: Ahead | None = None) -> Link:
    """Connect and log in; blocks. Raises HostUnreachable, HostKeyChanged, HostKeyUnknown, LoginRefused.

    `ahead` may have begun it already.
    """
    key = _private_key(address.key)
    where = f"{address.host} port {address.port}"
    transport: paramiko.Transport | None = None
    try:
        transport = _begun(address, known.pinned(pin.instance), ahead)
        server = transport.get_remote_server_key()
        known.check(pin, server.get_name(), server.asbytes())
        transport.auth_publickey(address.user, key)
        transport.set_keepalive(10)
        return Link(transport)
    except (paramiko.AuthenticationException, paramiko.BadAuthenticationType) as error:
        _drop(transport)
        raise LoginRefused(
            f"{where} does not let {address.user} in with the key {address.key}. Check the user name of the image and"
            " that the instance was made with this key pair."
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        _drop(transport)
        raise HostUnreachable(
            f"{where} cannot be reached by SSH: {_reason(error)}. If the instance is starting, wait for it; else check"
            " the security group's port 22 and your own address."
        ) from error
    except BaseException:
        _drop(transport)
        raise


def greet(sock: socket.socket, pinned: dict[str, bytes] | None = None) -> paramiko.Transport:
    """Exchange keys with the server; blocks. Whose key it is, and who logs in, comes after."""
    transport = paramiko.Transport(sock)
    try:
        transport.banner_timeout = transport.auth_timeout = CONNECT
        _prefer(transport, pinned or {})
        transport.start_client(timeout=CONNECT)
    except BaseException:
        transport.close()
        raise
    return transport


def _begun(address: Address, pinned: dict[str, bytes], ahead: Ahead | None) -> paramiko.Transport:
    """What was begun ahead, unless the server showed a kind of key there that is not the pinned one."""
    transport = ahead.take(address.host, address.port) if ahead is not None else None
    if transport is not None:
        if not pinned or transport.get_remote_server_key().asbytes() in pinned.values():
            return transport
        transport.close()
    return greet(dialled(address.host, address.port), pinned)


def _prefer(transport: paramiko.Transport, pinned: dict[str, bytes]) -> None:
    """Ask for the kinds of key that are pinned, so that a server with several does not show another one."""
    if not pinned:
        return
    options = transport.get_security_options()
    family = {kind.replace("rsa-sha2-512", "ssh-rsa").replace("rsa-sha2-256", "ssh-rsa") for kind in pinned}
    first = [kind for kind in options.key_types if (kind if not kind.startswith("rsa-sha2") else "ssh-rsa") in family]
    options.key_types = tuple([*first, *(kind for kind in options.key_types if kind not in first)])


def _private_key(path: str) -> paramiko.PKey:
    try:
        return paramiko.PKey.from_path(path)
    except FileNotFoundError as error:
        raise LoginRefused(f"There is no private key at {path}. Name the right one in `ssh.key`.") from error
    except paramiko.PasswordRequiredException as error:
        raise LoginRefused(
            f"The key {path} has a passphrase. Use one without (`ssh-keygen -p -f {path}`), or let the migration make"
            " its own."
        ) from error
    except (paramiko.SSHException, ValueError, OSError, TypeError) as error:
        raise LoginRefused(f"The private key {path} cannot be read: {_reason(error)}.") from error


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error).strip().rstrip(".") or "it closed the connection"


def _drop(transport: paramiko.Transport | None) -> None:
    if transport is not None:
        transport.close()
