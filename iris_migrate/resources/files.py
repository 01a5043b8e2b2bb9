"""Files, directories and links on the host: what stands where, whose it is, and what is in it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from iris_migrate.changes import Change, Content, HostCommand, HostFile
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge, unknown
from iris_migrate.resources.base import CannotUndo, Resource
from iris_migrate.target import FileStat, Target
from iris_migrate.values import Kept

HOST = frozenset({"host"})
_NO_INODES = ("btrfs", "vfat", "9p", "fuse")  # these make inodes as they are needed and tell 0


def command(says: str, *argv: str) -> HostCommand:
    """A short command as root."""
    return HostCommand(says=says, argv=argv, root=True, timeout=60.0)


def remove(path: str) -> HostCommand:
    """Remove a file or link, not what it points to."""
    return command(f"Remove {path}", "rm", "-f", "--", path)


def link(path: str, to: str) -> HostCommand:
    """Make or turn a symbolic link in one move."""
    return command(f"Let {path} point to {to}", "ln", "-sfnT", "--", to, path)


def stat_facts(stat: FileStat | None) -> dict[str, Any]:
    """What `plan` and `undo` need of a stat."""
    if stat is None:
        return {}
    return {"kind": stat.kind, "mode": stat.mode, "owner": stat.owner, "group": stat.group, "link": stat.link}


def ownership(path: str, stat: FileStat, owner: str, group: str, mode: str) -> list[Evidence]:
    """Evidence about whose a file is and who may do what with it."""
    return [
        judge(f"owner of {path}", f"{owner}:{group}", f"{stat.owner}:{stat.group}"),
        judge(f"mode of {path}", mode, stat.mode),
    ]


def own(path: str, now: Mapping[str, Any], want: Mapping[str, Any]) -> list[Change]:
    """The commands that turn owner and mode from `now` to `want`; contents and times stay."""
    changes: list[Change] = []
    if (now["owner"], now["group"]) != (want["owner"], want["group"]):
        owner = f"{want['owner']}:{want['group']}"
        changes.append(command(f"Give {path} to {owner}", "chown", owner, "--", path))
    if now["mode"] != want["mode"]:
        changes.append(command(f"Set the mode of {path} to {want['mode']}", "chmod", want["mode"], "--", path))
    return changes


def in_the_way(path: str, stat: FileStat, wanted: str) -> Finding:
    """Something of another kind stands there; it is never removed by a plan."""
    return unknown(f"{path} is a {stat.kind}, not a {wanted}; look at it and move it away, then try again")


@dataclass(frozen=True, kw_only=True)
class Directory(Resource):
    """A directory is there, with this owner and mode."""

    kind: ClassVar[str] = "files.directory"
    uses: ClassVar[frozenset[str]] = HOST
    path: str
    owner: str = "root"
    group: str = ""  # empty: as the owner
    mode: str = "0755"

    @property
    def wanted(self) -> dict[str, str]:
        return {"owner": self.owner, "group": self.group or self.owner, "mode": self.mode}

    async def inspect(self, target: Target) -> Finding:
        stat = await target.host.stat(self.path)
        if stat is None:
            return conclude([Evidence(f"directory {self.path}", "there", "not there", Verdict.ABSENT)])
        if stat.kind != "directory":
            return in_the_way(self.path, stat, "directory")
        there = judge(f"directory {self.path}", "there", "there")
        return conclude([there, *ownership(self.path, stat, **self.wanted)], facts=stat_facts(stat))

    def plan(self, finding: Finding) -> list[Change]:
        want = self.wanted
        if finding.verdict is Verdict.ABSENT:
            owner = f"{want['owner']}:{want['group']}, mode {want['mode']}"
            argv = ("install", "-d", "-m", want["mode"], "-o", want["owner"], "-g", want["group"], "--", self.path)
            return [command(f"Make the directory {self.path} ({owner})", *argv)]
        return own(self.path, finding.facts, want) if finding.verdict.plans else []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        if not finding.facts:
            return []
        if before.verdict is Verdict.ABSENT:
            return [command(f"Remove the directory {self.path}, when it is empty", "rmdir", "--", self.path)]
        return own(self.path, finding.facts, before.facts) if before.facts else []


@dataclass(frozen=True, kw_only=True)
class File(Resource):
    """A file is there with exactly this text, owner and mode. Not for secrets: its text is shown and recorded."""

    kind: ClassVar[str] = "files.file"
    uses: ClassVar[frozenset[str]] = HOST
    path: str
    content: Content
    owner: str = "root"
    group: str = ""
    mode: str = "0644"

    @property
    def wanted(self) -> dict[str, str]:
        return {"owner": self.owner, "group": self.group or self.owner, "mode": self.mode}

    async def look(self, target: Target) -> tuple[list[Evidence], dict[str, Any]] | Finding:
        """The evidence and facts about the file itself; a Finding when something else is in the way."""
        stat = await target.host.stat(self.path)
        if stat is None:
            return [Evidence(f"file {self.path}", "there", "not there", Verdict.ABSENT)], {}
        if stat.kind not in ("file", "link"):
            return in_the_way(self.path, stat, "file")
        if stat.kind == "link":
            seen = Evidence(f"file {self.path}", "a file", f"a link to {stat.link}", Verdict.DIFFERS)
            return [seen], stat_facts(stat)
        text = await target.host.text(self.path)
        evidence = [compare(self.path, str(self.content), text), *ownership(self.path, stat, **self.wanted)]
        return evidence, {**stat_facts(stat), "text": text}

    async def inspect(self, target: Target) -> Finding:
        found = await self.look(target)
        return found if isinstance(found, Finding) else conclude(found[0], facts=found[1])

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        facts = finding.facts
        if facts.get("text") == str(self.content):
            return own(self.path, facts, self.wanted)
        return [self.write(self.content, self.wanted, facts.get("text"))]

    def write(self, content: Content, want: Mapping[str, Any], was: str | None) -> HostFile:
        """The change that puts a text there."""
        owner, group, mode = want["owner"], want["group"], want["mode"]
        says = f"Write {self.path} ({owner}:{group}, mode {mode})"
        return HostFile(says=says, path=self.path, content=content, mode=mode, owner=owner, group=group, was=was)

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        was, now = before.facts, finding.facts
        if not now:
            return []
        if not was:
            return [remove(self.path)] if before.verdict is Verdict.ABSENT else []
        if was["kind"] == "link":
            return [] if now.get("link") == was["link"] else [link(self.path, was["link"])]
        if was["text"] == now.get("text"):
            return own(self.path, now, was)
        return [self.write(was["text"], was, now.get("text"))]


def compare(path: str, wanted: str, seen: str | None) -> Evidence:
    """Evidence about a text; the difference itself is shown with the plan."""
    asked, expected = f"content of {path}", f"{len(wanted.splitlines())} lines as planned"
    if seen == wanted:
        return Evidence(asked, expected, "the same", Verdict.HOLDS)
    if seen is None:
        return Evidence(asked, expected, "not there", Verdict.ABSENT)
    other = set(seen.splitlines()) ^ set(wanted.splitlines())
    return Evidence(asked, expected, f"other text ({len(other) or 'some'} lines differ)", Verdict.DIFFERS)


@dataclass(frozen=True, kw_only=True)
class HiddenFile(Resource):
    """A file of which only is learned whether it matches."""

    uses: ClassVar[frozenset[str]] = HOST
    path: str
    owner: str = "root"
    group: str = ""
    mode: str = "0600"

    @property
    def wanted(self) -> dict[str, str]:
        return {"owner": self.owner, "group": self.group or self.owner, "mode": self.mode}

    @property
    @abstractmethod
    def text(self) -> Content:
        """What the file should hold, secrets by name."""

    async def inspect(self, target: Target) -> Finding:
        stat = await target.host.stat(self.path)
        if stat is None:
            return conclude([Evidence(f"file {self.path}", "there", "not there", Verdict.ABSENT)])
        if stat.kind != "file":
            return in_the_way(self.path, stat, "file")
        same = await target.matches(self.path, self.text)
        wanted = "as the settings say"
        evidence = [
            judge(f"content of {self.path}", wanted, wanted if same else "something else"),
            *ownership(self.path, stat, **self.wanted),
        ]
        return conclude(evidence, facts={**stat_facts(stat), "same": same})

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        if finding.facts.get("same"):
            return own(self.path, finding.facts, self.wanted)
        return [self.write(self.text, self.wanted)]

    def write(self, content: Content | Kept, want: Mapping[str, Any]) -> HostFile:
        owner, group, mode = want["owner"], want["group"], want["mode"]
        says = f"Write {self.path} ({owner}:{group}, mode {mode}); its content is not shown"
        return HostFile(
            says=says, path=self.path, content=content, mode=mode, owner=owner, group=group, secret=True, was=None
        )

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        was, now = before.facts, finding.facts
        if not now:
            return []
        if before.verdict is Verdict.ABSENT:
            return [remove(self.path)]
        if "same" not in was:
            return []
        if was["same"] == now["same"]:
            return own(self.path, now, was)
        # The engine names in `kept` the Change that set the previous content aside on the host.
        if not was.get("kept"):
            raise CannotUndo(f"The previous content of {self.path} is secret and was not kept; write it again by hand.")
        return [self.write(Kept(was["kept"]), was)]


@dataclass(frozen=True, kw_only=True)
class SecretFile(HiddenFile):
    """A file with secrets is there with exactly this content; only whether it matches is ever learned."""

    kind: ClassVar[str] = "files.secret_file"
    content: Content

    @property
    def text(self) -> Content:
        return self.content


@dataclass(frozen=True, kw_only=True)
class Symlink(Resource):
    """A symbolic link is there and points where it should."""

    kind: ClassVar[str] = "files.symlink"
    uses: ClassVar[frozenset[str]] = HOST
    path: str
    to: str

    async def inspect(self, target: Target) -> Finding:
        stat = await target.host.stat(self.path)
        if stat is None:
            return conclude([Evidence(f"link {self.path}", self.to, "not there", Verdict.ABSENT)])
        if stat.kind != "link":
            return in_the_way(self.path, stat, "link")
        return conclude([judge(f"link {self.path}", self.to, stat.link)], facts=stat_facts(stat))

    def plan(self, finding: Finding) -> list[Change]:
        return [link(self.path, self.to)] if finding.verdict.plans else []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        if not finding.facts:
            return []
        if before.verdict is Verdict.ABSENT:
            return [remove(self.path)]
        was = before.facts.get("link", "")
        return [link(self.path, was)] if was and was != finding.facts["link"] else []


@dataclass(frozen=True, kw_only=True)
class Absent(Resource):
    """A file or link is not there. A directory is never removed."""

    kind: ClassVar[str] = "files.absent"
    uses: ClassVar[frozenset[str]] = HOST
    path: str

    async def inspect(self, target: Target) -> Finding:
        stat = await target.host.stat(self.path)
        if stat is None:
            return conclude([judge(self.path, "not there", "not there")])
        if stat.kind not in ("file", "link"):
            return in_the_way(self.path, stat, "file")
        facts = stat_facts(stat)
        if stat.kind == "file":
            facts["text"] = await target.host.text(self.path)
        seen = f"a link to {stat.link}" if stat.kind == "link" else "a file"
        return conclude([judge(self.path, "not there", seen)], facts=facts)

    def plan(self, finding: Finding) -> list[Change]:
        return [remove(self.path)] if finding.verdict.plans else []

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        was = before.facts
        if not was or finding.facts:
            return []
        return [link(self.path, was["link"]) if was["kind"] == "link" else restore(self.path, was)]


def restore(path: str, was: Mapping[str, Any]) -> HostFile:
    """A file as it was, from the facts of an earlier look."""
    says = f"Put {path} back as it was"
    return HostFile(says=says, path=path, content=was["text"], mode=was["mode"], owner=was["owner"], group=was["group"])


@dataclass(frozen=True, kw_only=True)
class Volume(Resource):
    """A path lies on a volume that keeps what is written, and has room. Found by its mount point: device names vary."""

    kind: ClassVar[str] = "files.volume"
    uses: ClassVar[frozenset[str]] = HOST
    check_only: ClassVar[bool] = True
    path: str
    free_mb: int = 1024
    types: tuple[str, ...] = ()  # file systems that keep what is written; empty: any but those in memory

    async def inspect(self, target: Target) -> Finding:
        volume = await target.host.filesystem(self.path)
        if volume is None:
            return conclude([Evidence(f"volume of {self.path}", "mounted", "none found", Verdict.ABSENT)])
        keeps = volume.type in self.types if self.types else volume.type not in ("tmpfs", "ramfs", "devtmpfs")
        free = volume.available // 1_048_576
        fits = [
            Evidence(
                f"file system of {self.path}",
                " or ".join(self.types) or "one that outlives a restart",
                f"{volume.type} on {volume.mount} ({volume.source})",
                Verdict.HOLDS if keeps else Verdict.DIFFERS,
            ),
            judge(f"writing to {volume.mount}", "allowed", "read-only" if volume.read_only else "allowed"),
            Evidence(
                f"free space on {volume.mount}",
                f"at least {self.free_mb} MB",
                f"{free} MB of {volume.size // 1_048_576} MB",
                Verdict.HOLDS if free >= self.free_mb else Verdict.DIFFERS,
            ),
            Evidence(
                f"free inodes on {volume.mount}",
                "at least 1000",
                f"not counted by {volume.type}" if volume.type in _NO_INODES else str(volume.inodes_free),
                Verdict.HOLDS if volume.inodes_free >= 1000 or volume.type in _NO_INODES else Verdict.DIFFERS,
            ),
        ]
        return conclude(fits)
