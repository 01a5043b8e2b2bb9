"""A Target that answers from a data case: what the case does not state, nobody may ask."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jmespath

from iris_migrate.target import (
    AwsError,
    FileStat,
    Filesystem,
    GitState,
    HostClock,
    Http,
    Listener,
    OsRelease,
    ProcessState,
    Shell,
    Tls,
    UnitState,
    Unreadable,
)
from iris_migrate.values import Secret, Text


class NotStated(AssertionError):
    """The resource asked something that the case does not answer."""


_UNIT = {
    "load": "loaded", "active": "active", "sub": "running", "enabled": "enabled", "main_pid": 100,
    "needs_reload": False, "fragment": "", "active_since": 100.0, "started": 100.0, "restarts": 0,
    "result": "success", "invocation": "i1",
}  # fmt: skip
_NO_UNIT = {
    "load": "not-found", "active": "inactive", "sub": "dead", "enabled": "", "main_pid": 0, "needs_reload": False,
    "fragment": "", "active_since": 0.0, "started": 0.0, "restarts": 0, "result": "success", "invocation": "",
}  # fmt: skip
_STAT = {"kind": "file", "mode": "0644", "owner": "root", "group": "root", "size": 1, "mtime": 1000.0}
_FILESYSTEM = {
    "mount": "/", "source": "/dev/root", "type": "ext4", "size": 30 * 2**30, "available": 20 * 2**30,
    "inodes_free": 1_000_000, "read_only": False,
}  # fmt: skip
_TLS = {
    "subject": "", "issuer": "", "names": (), "not_before": 0.0, "not_after": 4_000_000_000.0, "serial": "01",
    "trusted": True,
}  # fmt: skip
_CLOCK = {"wall": 1_800_000_000.0, "boot": 5000.0, "boot_id": "b1"}


class Stated:
    """The facts of one surface, with who asked what."""

    def __init__(self, surface: str, facts: Mapping[str, Any], asked: set[str]) -> None:
        self.surface = surface
        self.facts = facts
        self.asked = asked

    def one(self, question: str, name: object) -> Any:
        """The stated answer to `question` about `name`; raises what the case says it raises."""
        self.asked.add(self.surface)
        answers = self.facts.get(question)
        if not isinstance(answers, Mapping):
            raise NotStated(f"the case does not state {self.surface}.{question}")
        for key in (name, str(name)):
            if key in answers:
                return checked(answers[key])
        raise NotStated(f"the case does not state {self.surface}.{question} of {name!r}; it has {list(answers)}")

    def whole(self, question: str) -> Any:
        """The answer to a question that names nothing."""
        self.asked.add(self.surface)
        if question not in self.facts:
            raise NotStated(f"the case does not state {self.surface}.{question}")
        return checked(self.facts[question])

    def first(self, question: str, fits: Callable[[Mapping[str, Any]], bool], what: str) -> Any:
        """The first entry of a list that fits."""
        self.asked.add(self.surface)
        for entry in self.facts.get(question) or ():
            if fits(entry):
                return checked(entry)
        raise NotStated(f"the case does not state {self.surface}.{question}: {what}")


def checked(answer: Any) -> Any:
    """The answer, unless it says `unreadable: sentence`."""
    if isinstance(answer, Mapping) and "unreadable" in answer:
        error = Unreadable(answer["unreadable"])
        error.lasting = bool(answer.get("lasting", False))
        raise error
    return answer


class CaseHost:
    def __init__(self, stated: Stated) -> None:
        self._stated = stated

    async def stat(self, path: str, *, root: bool = True) -> FileStat | None:
        return _made(FileStat, _STAT, self._stated.one("stat", path))

    async def digest(self, path: str, *, root: bool = True) -> str | None:
        return self._stated.one("digest", path)

    async def text(self, path: str, *, root: bool = True) -> str | None:
        return self._stated.one("text", path)

    async def names(self, path: str, *, root: bool = True) -> tuple[str, ...] | None:
        answer = self._stated.one("names", path)
        return None if answer is None else tuple(sorted(answer))

    async def newest(self, *paths: str, root: bool = True) -> float | None:
        return self._stated.one("newest", " ".join(paths))

    async def unit(self, name: str) -> UnitState:
        answer = self._stated.one("unit", name)
        return UnitState(name=name, **(_NO_UNIT if answer is None else {**_UNIT, **answer}))

    async def package(self, name: str) -> str | None:
        return self._stated.one("package", name)

    async def listening(self) -> tuple[Listener, ...]:
        return tuple(Listener(**{"pid": 0, "program": "", **entry}) for entry in self._stated.whole("listening"))

    async def variables(self, pid: int) -> tuple[str, ...] | None:
        answer = self._stated.one("variables", pid)
        return None if answer is None else tuple(answer)

    async def process(self, pid: int) -> ProcessState | None:
        answer = self._stated.one("process", pid)
        if answer is None:
            return None
        children = tuple((child, started) for child, started in answer.get("children", ()))
        return ProcessState(pid, answer.get("started", 100.0), children)

    async def clock(self) -> HostClock:
        return HostClock(**{**_CLOCK, **self._stated.whole("clock")})

    async def filesystem(self, path: str) -> Filesystem | None:
        return _made(Filesystem, _FILESYSTEM, self._stated.one("filesystem", path))

    async def git(self, path: str) -> GitState | None:
        answer = self._stated.one("git", path)
        if answer is None:
            return None
        defaults = {"branch": "main", "origin": "", "changed": ()}
        return GitState(**{**defaults, **answer, "changed": tuple(answer.get("changed", ()))})

    async def os(self) -> OsRelease:
        return OsRelease(**{"name": "", **self._stated.whole("os")})

    async def http(self, url: str, *, headers: Mapping[str, str] | None = None) -> Http:
        return Http(**self._stated.one("http", url))

    async def shell(self, script: str, *, root: bool = False) -> Shell:
        fits = lambda entry: entry["contains"] in script  # noqa: E731
        return _shell(self._stated.first("shell", fits, f"a probe whose `contains` is in {script!r}"))


class CaseAws:
    def __init__(self, stated: Stated, called: set[str]) -> None:
        self._stated = stated
        self._called = called
        self.account = stated.facts.get("account", "123456789012")
        self.region = stated.facts.get("region", "us-east-1")

    async def read(self, service: str, operation: str, **params: Any) -> Mapping[str, Any]:
        call = f"{service}:{operation}"
        self._called.add(call)

        def fits(entry: Mapping[str, Any]) -> bool:
            return entry["call"] == call and ("params" not in entry or _contains(params, entry["params"]))

        entry = self._stated.first("calls", fits, f"{call} with {json.dumps(_lists(params), default=str)}")
        if "error" in entry:
            raise AwsError(entry["error"], entry.get("message", "refused by the case"), call)
        answer: Mapping[str, Any] = entry["answer"]
        return answer

    async def read_all(self, service: str, operation: str, key: str, **params: Any) -> Sequence[Any]:
        return tuple(jmespath.search(key, await self.read(service, operation, **params)) or ())


class CaseLocal:
    def __init__(self, stated: Stated) -> None:
        self._stated = stated

    async def text(self, path: str) -> str | None:
        return self._stated.one("text", path)

    async def stat(self, path: str) -> FileStat | None:
        return _made(FileStat, _STAT, self._stated.one("stat", path))

    async def search(self, folder: str, literal: str) -> Mapping[str, str]:
        found: Mapping[str, str] = self._stated.one("search", f"{folder} {literal}")
        return found

    async def run(self, argv: Sequence[str], *, cwd: str = "", timeout: float = 60.0) -> Shell:
        fits = lambda entry: list(entry["argv"]) == [str(item) for item in argv]  # noqa: E731
        return _shell(self._stated.first("run", fits, f"argv {list(argv)}"))


class CaseWeb:
    def __init__(self, stated: Stated) -> None:
        self._stated = stated

    async def get(self, url: str, *, headers: Mapping[str, Any] | None = None, connect: str = "", ca: str = "",
                  redirects: bool = False, timeout: float = 15.0) -> Http:  # fmt: skip
        return Http(**self._stated.one("get", url))

    async def resolve(self, name: str, *, resolver: str = "") -> tuple[str, ...]:
        return tuple(self._stated.one("resolve", name))

    async def tls(self, name: str, *, connect: str = "", port: int = 443, ca: str = "") -> Tls:
        made = _made(Tls, _TLS, self._stated.one("tls", name))
        assert made is not None
        return made


class CaseArchives:
    def __init__(self, stated: Stated) -> None:
        self._stated = stated

    async def manifest(self, folder: str) -> Mapping[str, Any] | None:
        return self._stated.one("manifest", folder)

    async def content(self, folder: str, name: str) -> Any:
        return self._stated.one("content", f"{folder} {name}")

    async def problems(self, folder: str) -> tuple[str, ...]:
        return tuple(self._stated.one("problems", folder))


class CaseClock:
    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("an inspection does not wait")


class CaseTarget:
    """Everything an inspection may ask, answered by the facts of a case. `asked` and `called` tell what it asked."""

    def __init__(self, facts: Mapping[str, Any], now: float) -> None:
        self.asked: set[str] = set()
        self.called: set[str] = set()
        self._facts = facts
        aws = facts.get("aws") or {}
        aws = {"calls": aws} if isinstance(aws, list) else aws
        self.host = CaseHost(Stated("host", facts.get("host") or {}, self.asked))
        self.aws = CaseAws(Stated("aws", aws, self.asked), self.called)
        self.local = CaseLocal(Stated("local", facts.get("local") or {}, self.asked))
        self.web = CaseWeb(Stated("web", facts.get("web") or {}, self.asked))
        self.clock = CaseClock(now)
        self.archives = CaseArchives(Stated("archives", facts.get("archives") or {}, self.asked))

    async def permitted(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if "permitted" not in self._facts:
            raise NotStated("the case does not state what is permitted")
        denied, unknown = self._facts["permitted"]
        return tuple(denied), tuple(unknown)

    async def matches(self, path: str, content: str | Text | Secret) -> bool:
        self.asked.add("host")
        answers = self._facts.get("matches") or {}
        if path not in answers:
            raise NotStated(f"the case does not state matches of {path!r}")
        return bool(checked(answers[path]))

    async def answer(self, step: str) -> str | None:
        answers = self._facts.get("answers") or {}
        if step not in answers:
            raise NotStated(f"the case does not state the answer of {step!r}")
        answer: str | None = answers[step]
        return answer

    async def checklist_holds(self, name: str) -> tuple[bool, str]:
        answers = self._facts.get("checklists") or {}
        if name not in answers:
            raise NotStated(f"the case does not state whether checklist {name!r} holds")
        holds, sentence = answers[name]
        return bool(holds), str(sentence)


def _made(cls: type[Any], defaults: Mapping[str, Any], answer: Any) -> Any:
    if answer is None:
        return None
    lists = {name: tuple(item) if isinstance(item, list) else item for name, item in answer.items()}
    return cls(**{**defaults, **lists})


def _shell(entry: Mapping[str, Any]) -> Shell:
    return Shell(entry.get("status", 0), entry.get("out", ""), entry.get("err", ""), entry.get("cut", False))


def _lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _lists(item) for name, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value


def _contains(given: Mapping[str, Any], stated: Mapping[str, Any]) -> bool:
    """Whether every stated parameter was given with that value."""
    plain = _lists(given)
    return all(name in plain and plain[name] == _lists(item) for name, item in stated.items())
