"""What a resource may ask of the world while it inspects: read only, typed, merged into few round trips.

`connections` implements these protocols; tests answer them from data cases. Every string that comes back is free of
control sequences. What cannot be read raises `Unreadable`; a file or package that is not there is `None`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from iris_migrate.values import Secret, Text


class Unreadable(Exception):
    """Something could not be read; the message is a sentence for people. The verdict becomes `unknown`."""

    lasting = False  # true: waiting does not help, somebody has to decide (a changed host key)


@dataclass(frozen=True, slots=True)
class FileStat:
    """What `stat` says, without following a last symbolic link."""

    kind: str  # file | directory | link | other
    mode: str  # four octal digits, "0644"
    owner: str
    group: str
    size: int
    mtime: float  # seconds since the epoch, the host's clock
    link: str = ""  # where a link points


@dataclass(frozen=True, slots=True)
class UnitState:
    """`systemctl show`; times are seconds on the host's boot (monotonic) clock, 0 when it never happened."""

    name: str
    load: str  # loaded | not-found | masked | bad-setting | error
    active: str  # active | inactive | failed | activating | …
    sub: str
    enabled: str  # enabled | disabled | static | ""
    main_pid: int
    needs_reload: bool
    fragment: str  # path of the unit file
    active_since: float
    started: float  # ExecMainStartTimestampMonotonic
    restarts: int
    result: str
    invocation: str
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Listener:
    address: str  # "127.0.0.1", "0.0.0.0", "::", "*"
    port: int
    pid: int  # 0 when it cannot be told
    program: str


@dataclass(frozen=True, slots=True)
class HostClock:
    wall: float  # seconds since the epoch
    boot: float  # seconds since boot, CLOCK_BOOTTIME/monotonic as systemd counts
    boot_id: str


@dataclass(frozen=True, slots=True)
class Filesystem:
    mount: str
    source: str
    type: str
    size: int  # bytes
    available: int
    inodes_free: int
    read_only: bool


@dataclass(frozen=True, slots=True)
class ProcessState:
    pid: int
    started: float  # seconds on the boot clock
    children: tuple[tuple[int, float], ...]  # (pid, started) of direct children


@dataclass(frozen=True, slots=True)
class GitState:
    """A checkout: its commit, where it came from, and the names of changed tracked files."""

    commit: str
    branch: str
    origin: str
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OsRelease:
    id: str  # "ubuntu", "amzn", "debian"
    version: str  # "24.04"
    name: str


@dataclass(frozen=True, slots=True)
class Shell:
    """What a free shell probe answered; output capped at 64 KiB each. `cut`: there was more of `out`."""

    status: int
    out: str
    err: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Http:
    """An HTTP answer. `body` is parsed when JSON, else text (64 KiB at most). Status 0: no answer, see `error`."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Tls:
    """The certificate that a server presents. Times are seconds since the epoch."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: float
    not_after: float
    serial: str  # hexadecimal
    trusted: bool
    error: str = ""


class Host(Protocol):
    """The host, asked in typed facts: those asked at the same time travel together."""

    async def stat(self, path: str, *, root: bool = True) -> FileStat | None: ...
    async def digest(self, path: str, *, root: bool = True) -> str | None:
        """SHA-256 of a file, hexadecimal."""
        ...

    async def text(self, path: str, *, root: bool = True) -> str | None:
        """A file's text (64 KiB at most, else Unreadable). Never used for secret files: see `Target.matches`."""
        ...

    async def names(self, path: str, *, root: bool = True) -> tuple[str, ...] | None:
        """The sorted names in a directory."""
        ...

    async def newest(self, *paths: str, root: bool = True) -> float | None:
        """The latest mtime of the files below these paths, `__pycache__` and `.git` left out."""
        ...

    async def unit(self, name: str) -> UnitState: ...
    async def package(self, name: str) -> str | None:
        """The installed version of a package (dpkg or rpm, whichever is there)."""
        ...

    async def listening(self) -> tuple[Listener, ...]: ...
    async def variables(self, pid: int) -> tuple[str, ...] | None:
        """The names (never the values) in a process's environment."""
        ...

    async def process(self, pid: int) -> ProcessState | None: ...
    async def clock(self) -> HostClock: ...
    async def filesystem(self, path: str) -> Filesystem | None: ...
    async def git(self, path: str) -> GitState | None: ...
    async def os(self) -> OsRelease: ...
    async def http(self, url: str, *, headers: Mapping[str, str] | None = None) -> Http:
        """GET from the host itself."""
        ...

    async def shell(self, script: str, *, root: bool = False) -> Shell:
        """A free probe, read only, for what no fact covers; at most 16 run at a time."""
        ...


class Aws(Protocol):
    """Reads of AWS: remembered within one inspection, side by side, paced."""

    account: str
    region: str

    async def read(self, service: str, operation: str, **params: Any) -> Mapping[str, Any]:
        """One answer. Raises `AwsError`, of which `code` is AWS's own."""
        ...

    async def read_all(self, service: str, operation: str, key: str, **params: Any) -> Sequence[Any]:
        """All pages of a list joined; `key` is JMESPath of the list in one answer."""
        ...


class Local(Protocol):
    """The operator's workstation, read only."""

    async def text(self, path: str) -> str | None: ...
    async def stat(self, path: str) -> FileStat | None: ...
    async def search(self, folder: str, literal: str) -> Mapping[str, str]:
        """Files below a folder that contain a literal: path to text. `node_modules`, `.git` and binaries left out."""
        ...

    async def run(self, argv: Sequence[str], *, cwd: str = "", timeout: float = 60.0) -> Shell:
        """A command that only reads."""
        ...


class Web(Protocol):
    """The public side, seen from the workstation."""

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
        """GET. `connect` is an address used instead of resolving; `ca` a file of further trusted certificates."""
        ...

    async def resolve(self, name: str, *, resolver: str = "") -> tuple[str, ...]:
        """The A and AAAA records of a name; `resolver` is `address[:port]`, default the system's."""
        ...

    async def tls(self, name: str, *, connect: str = "", port: int = 443, ca: str = "") -> Tls: ...


class Archives(Protocol):
    """Archives on the workstation, read only."""

    async def manifest(self, folder: str) -> Mapping[str, Any] | None:
        """What lies in an archive: `items` by name with `sha256`, `bytes`, `stamp`; None when there is none."""
        ...

    async def content(self, folder: str, name: str) -> Any:
        """A JSON item that is not secret; None when it is not there. Raises Unreadable when it is damaged."""
        ...

    async def problems(self, folder: str) -> tuple[str, ...]:
        """What is wrong with an archive: every file re-read, compared with its digest, and decrypted."""
        ...


class Clock(Protocol):
    """The one clock: real, or a rehearsal's."""

    def now(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class Target(Protocol):
    """Everything an inspection may ask."""

    @property
    def host(self) -> Host: ...
    @property
    def aws(self) -> Aws: ...
    @property
    def local(self) -> Local: ...
    @property
    def web(self) -> Web: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def archives(self) -> Archives: ...

    async def matches(self, path: str, content: str | Text | Secret) -> bool:
        """Whether a secret file on the host is exactly this; the content never leaves either side."""
        ...

    async def answer(self, step: str) -> str | None:
        """What the operator confirmed for this step in this migration: the recorded answer, or None."""
        ...

    async def checklist_holds(self, name: str) -> tuple[bool, str]:
        """Whether another checklist holds, with a sentence why not; provided by the engine."""
        ...

    async def permitted(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Of the actions that this checklist needs: those denied, and those of which it cannot be told."""
        ...


class AwsError(Unreadable):
    """AWS refused a read. `code` is the error's own code, e.g. `InvalidInstanceID.NotFound`."""

    def __init__(self, code: str, message: str, action: str = "") -> None:
        super().__init__(f"{action}: {code}: {message}" if action else f"{code}: {message}")
        self.code = code
        self.action = action
        self.lasting = code in _LASTING


_LASTING = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "NoCredentials",
    }
)
