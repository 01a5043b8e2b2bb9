"""A Change is data: one thing that the executor will do to the world, shown in full before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from iris_migrate.values import Kept, Secret, Special, Text, specials

Content = str | Text
Param = str | int | bool | None | Text | Special | Mapping[str, Any] | tuple[Any, ...] | list[Any]


@dataclass(frozen=True, slots=True)
class AwsRead:
    """A read that tells whether an interrupted call was carried out: true when `expression` finds something.

    `expression` is JMESPath over the answer. `answers` gives the answers the lost call would have given. `wait` is
    for how many seconds a thing that was made may not be seen yet: it is not made again before. Short where AWS itself
    refuses to make a second one (a token, a name that is taken).
    """

    operation: str
    params: Mapping[str, Any]
    expression: str
    answers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What all changes share: one line for people, in the imperative."""

    kind: ClassVar[str] = ""
    says: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsCall(Change):
    """One changing call to AWS. `operation` is the API's own name, e.g. `AllocateAddress`.

    `answers` maps a name to JMESPath in the answer (for `AnswerRef`); `fails_if` is JMESPath that is true for a failure
    inside a 200 answer; `gone_ok` are error codes that mean "already so" (with `find`: when it finds ours); `keep` is
    JMESPath of what may be recorded of the answer besides `answers`. `retry_on` are error codes that eventual
    consistency explains; they are tried again until the step's time is over.
    """

    kind: ClassVar[str] = "aws"
    service: str
    operation: str
    params: Mapping[str, Any]
    answers: Mapping[str, str] = field(default_factory=dict)
    fails_if: str = ""
    gone_ok: tuple[str, ...] = ()
    retry_on: tuple[str, ...] = ()
    keep: str = ""
    find: AwsRead | None = None

    @property
    def action(self) -> str:
        """`service:Operation`, as `Resource.calls` declares it."""
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True, kw_only=True, slots=True)
class HostCommand(Change):
    """A command on the host, run as a job that starts at most once. Secrets may only be in `stdin` and `env`."""

    kind: ClassVar[str] = "command"
    argv: tuple[str | Text | Special, ...]
    root: bool = False
    user: str = ""  # run as this user (implies root to switch); empty: the login user
    cwd: str = ""
    env: Mapping[str, Any] = field(default_factory=dict)
    stdin: Content | Secret | None = None
    ok: tuple[int, ...] = (0,)
    timeout: float = 600.0
    answers: Mapping[str, str] = field(default_factory=dict)  # JMESPath over the last line, read as JSON

    def __post_init__(self) -> None:
        if any(isinstance(item, Secret) for item in specials(self.argv)):
            raise ValueError(f"a secret on the command line of {self.says!r}; pass it on standard input")


@dataclass(frozen=True, kw_only=True, slots=True)
class HostScript(Change):
    """A file of the checklist run by `sh` as a job. Its last line is one JSON object: its answers."""

    kind: ClassVar[str] = "script"
    name: str
    script: Content
    root: bool = False
    user: str = ""
    env: Mapping[str, Any] = field(default_factory=dict)
    ok: tuple[int, ...] = (0,)
    timeout: float = 600.0
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class HostFile(Change):
    """A file written in one move. `was` is the text that stood there (None: nothing, or not to be shown)."""

    kind: ClassVar[str] = "file"
    path: str
    content: Content | Kept | Secret
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"
    root: bool = True
    secret: bool = False  # neither the old nor the new content is shown, or kept in the record
    was: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalKey(Change):
    """An Ed25519 key pair made on the workstation, private half 0600. Answers: `public_key` (OpenSSH line)."""

    kind: ClassVar[str] = "key"
    path: str
    comment: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalEdit(Change):
    """A file of the workstation rewritten. Refused when the file is no longer as `was` (None: it did not exist)."""

    kind: ClassVar[str] = "edit"
    path: str
    was: str | None
    content: Content | None  # None: remove


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalCommand(Change):
    """A command on the workstation. No secrets in it."""

    kind: ClassVar[str] = "local"
    argv: tuple[str | Text | Special, ...]
    cwd: str = ""
    env: Mapping[str, Any] = field(default_factory=dict)
    ok: tuple[int, ...] = (0,)
    timeout: float = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpCall(Change):
    """One HTTP request from the workstation that has an effect or costs money.

    `connect` is an address to connect to instead of resolving the URL's name. `fails_if` and `answers` are
    JMESPath over `{status, headers, body}` (body parsed when it is JSON).
    """

    kind: ClassVar[str] = "http"
    method: str
    url: str | Text | Special
    headers: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    connect: str | Text | Special = ""
    ca: str = ""
    fails_if: str = "status >= `400`"
    answers: Mapping[str, str] = field(default_factory=dict)
    keep: str = ""
    timeout: float = 130.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Save(Change):
    """Stream something into an archive under `name`: an object of AWS or a file of the host.

    `source` is `{"host": path}`, `{"data": …}` or `{"aws": [service, operation, params]}`; with `all` (JMESPath) every
    page of a list is saved, with `follow` (JMESPath) what stands at the address that the answer gives, and `digest`
    says what that must be (`sha256:` hexadecimal, or `base64:` as Lambda gives it). `folder` is the archive, empty the
    folder of backups. What goes into an archive is encrypted, unless it is not `secret`, and stands in its manifest.
    """

    kind: ClassVar[str] = "save"
    name: str
    source: Mapping[str, Any]
    secret: bool = True
    folder: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorAsk(Change):
    """Something only the operator can do or know. `question` is answered with yes, or with one of `choices`."""

    kind: ClassVar[str] = "operator"
    question: str | Text | Special
    instructions: str | Text | Special = ""
    choices: tuple[str, ...] = ()


KINDS: dict[str, type[Change]] = {
    cls.kind: cls
    for cls in (
        AwsCall, HostCommand, HostScript, HostFile, LocalKey, LocalEdit, LocalCommand, HttpCall, Save, OperatorAsk,
    )
}  # fmt: skip
