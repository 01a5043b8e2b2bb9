"""The application's code: a checkout at a named commit, and the key that may read a private repository."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from iris_migrate.changes import Change, HostCommand, OperatorAsk
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge, unknown
from iris_migrate.resources.base import Resource
from iris_migrate.target import GitState, Target

HOST = frozenset({"host"})
_SHA = re.compile(r"[0-9a-f]{7,40}")
_SHOWN = 8  # names of changed files in evidence
_AUTHOR = ("-c", "user.name=iris-migrate", "-c", "user.email=iris-migrate@localhost")


def with_credentials(url: str) -> bool:
    """Whether an address of a repository holds a password or token."""
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and "@" in parts.netloc


def without_credentials(url: str) -> str:
    """An address for people: what stands before the @ of an http address left out."""
    if not with_credentials(url):
        return url
    parts = urlsplit(url)
    return parts._replace(netloc="…@" + parts.netloc.rpartition("@")[2]).geturl()


def by_ssh(url: str) -> bool:
    """`git@host:path` and `ssh://…` need a key on the host."""
    return url.startswith("ssh://") or re.match(r"[\w.-]+@[\w.-]+:", url) is not None


@dataclass(frozen=True, kw_only=True)
class Checkout(Resource):
    """A checkout of this repository is there, at this commit, with no tracked file changed by hand."""

    kind: ClassVar[str] = "repository.checkout"
    uses: ClassVar[frozenset[str]] = HOST
    outputs: ClassVar[frozenset[str]] = frozenset({"commit"})
    path: str
    url: str
    commit: str  # a commit, tag or branch; a branch is what it named when it was last fetched
    user: str
    home: str = ""

    async def inspect(self, target: Target) -> Finding:
        if with_credentials(self.url):
            return unknown(
                f"repository.url {without_credentials(self.url)} holds credentials, which would stay on the host in"
                " .git/config; use a deploy key (git@…) instead"
            )
        state, named = await asyncio.gather(target.host.git(self.path), self._named(target))
        if state is None:
            return conclude([Evidence(f"checkout in {self.path}", "there", "not there", Verdict.ABSENT)])
        evidence = [
            judge(f"origin of {self.path}", self.url, _origin(state)),
            self._commit(state, named),
            judge("tracked files changed by hand", "none", _some(state.changed)),
        ]
        safe = "" if with_credentials(state.origin) else state.origin
        facts = {
            "commit": state.commit, "branch": state.branch, "origin": safe, "changed": bool(state.changed),
        }  # fmt: skip
        finding = conclude(evidence, {"commit": state.commit}, facts)
        return finding if finding.verdict is not Verdict.UNKNOWN else unknown(f"{self.path} cannot be judged")

    def _commit(self, state: GitState, named: str) -> Evidence:
        asked = f"commit of {self.path}"
        if _SHA.fullmatch(self.commit):
            right = state.commit.startswith(self.commit)
            return Evidence(asked, self.commit, state.commit, Verdict.HOLDS if right else Verdict.DIFFERS)
        expected = f"{self.commit} ({named[:12]}, when last fetched)" if named else f"{self.commit} (not fetched yet)"
        right = bool(named) and state.commit == named
        return Evidence(asked, expected, state.commit[:12] or "none", Verdict.HOLDS if right else Verdict.DIFFERS)

    async def _named(self, target: Target) -> str:
        """The commit that a branch or tag names in the checkout; empty for a commit, and when it is not known there."""
        if _SHA.fullmatch(self.commit):
            return ""
        git = shlex.join(["git", "-c", f"safe.directory={self.path}", "-C", self.path, "rev-parse", "-q", "--verify"])
        names = (f"refs/remotes/origin/{self.commit}", f"refs/tags/{self.commit}")
        script = " || ".join(f"{git} {shlex.quote(name + '^{commit}')} 2>/dev/null" for name in names)
        answer = await target.host.shell(script, root=True)
        return answer.out.strip() if _SHA.fullmatch(answer.out.strip()) else ""

    def plan(self, finding: Finding) -> list[Change]:
        """Steps of which each may be repeated: a clone that was cut off leaves nothing that stops the next."""
        if not finding.verdict.plans:
            return []
        facts = finding.facts
        changes: list[Change] = []
        if not facts:
            changes.append(self._git(f"Begin a repository in {self.path}", "init", "-q"))
        if facts.get("origin") != self.url:
            fetch = "+refs/heads/*:refs/remotes/origin/*"
            changes.append(self._git(f"Let origin be {self.url}", "config", "remote.origin.url", self.url))
            changes.append(self._git("Let origin's branches be followed", "config", "remote.origin.fetch", fetch))
        if facts.get("changed"):
            says = "Set changes made by hand aside (git stash keeps them)"
            changes.append(self._git(says, *_AUTHOR, "stash", "push", "-q", "-m", "set aside by iris-migrate"))
        changes.append(self._git(f"Fetch from {self.url}", "fetch", "-q", "--tags", "--force", "--prune", "origin"))
        changes.append(self._checkout())
        return changes

    def _checkout(self) -> HostCommand:
        says = f"Check out {self.commit}"
        if _SHA.fullmatch(self.commit):
            return self._git(says, "checkout", "-q", "--detach", self.commit)
        # A branch of origin's comes before a tag of the same name, as inspect reads it.
        git = shlex.join(["git", "-C", self.path])
        branch, tag = f"refs/remotes/origin/{self.commit}", f"refs/tags/{self.commit}"
        wanted = f"if {git} show-ref -q --verify {branch}; then ref={branch}; else ref={tag}; fi"
        script = f'{wanted}; exec {git} checkout -q --detach "$ref"'
        return self._command(says, "sh", "-c", script)

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        was, now = before.facts, finding.facts
        if not now:
            return []
        if not was:
            return self._remove() if before.verdict is Verdict.ABSENT else []
        changes: list[Change] = []
        if was["origin"] and was["origin"] != now["origin"]:
            changes.append(self._git(f"Let origin be {was['origin']}", "config", "remote.origin.url", was["origin"]))
        if was["commit"] and (was["commit"], was["branch"]) != (now["commit"], now["branch"]):
            changes.append(self._back(was))
        if was["changed"] and not now["changed"]:
            changes.append(self._git("Put the changes made by hand back", "stash", "pop", "-q"))
        return changes

    def _back(self, was: Mapping[str, Any]) -> HostCommand:
        if was["branch"]:
            return self._git(f"Check out {was['branch']} again", "checkout", "-q", was["branch"])
        return self._git(f"Check out {was['commit'][:12]} again", "checkout", "-q", "--detach", was["commit"])

    def _remove(self) -> list[Change]:
        """Take the tracked files away again; files that are not the repository's stay."""
        git = f"{self.path}/.git"
        return [
            self._git("Remove the files of the checkout", "rm", "-r", "-q", "--ignore-unmatch", "--", "."),
            HostCommand(says=f"Remove {git}", argv=("rm", "-rf", "--", git), user=self.user),
        ]

    def _git(self, says: str, *argv: str) -> HostCommand:
        return self._command(says, "git", "-C", self.path, *argv)

    def _command(self, says: str, *argv: str) -> HostCommand:
        env = {"GIT_TERMINAL_PROMPT": "0", **({"HOME": self.home} if self.home else {})}
        return HostCommand(says=says, argv=argv, user=self.user, env=env)


def _origin(state: GitState) -> str:
    if with_credentials(state.origin):
        return f"{without_credentials(state.origin)}, with credentials in it"
    return state.origin or "none"


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more if names else "none"


@dataclass(frozen=True, kw_only=True)
class DeployKey(Resource):
    """The host can read a private repository with a key of its own, made there."""

    kind: ClassVar[str] = "repository.deploy_key"
    uses: ClassVar[frozenset[str]] = HOST
    url: str
    user: str
    home: str

    @property
    def path(self) -> str:
        return f"{self.home}/.ssh/id_ed25519"

    async def inspect(self, target: Target) -> Finding:
        stat = await target.host.stat(self.path)
        if stat is None:
            return conclude([Evidence(f"deploy key {self.path}", "there", "not there", Verdict.ABSENT)])
        ssh = "ssh -o BatchMode=yes -o ConnectTimeout=5"
        script = f"sudo -n -u {shlex.quote(self.user)} env HOME={shlex.quote(self.home)} GIT_SSH_COMMAND='{ssh}'"
        script += f" timeout 10 git ls-remote -q {shlex.quote(self.url)} HEAD"
        public, answer = await asyncio.gather(target.host.text(f"{self.path}.pub"), target.host.shell(script))
        said = answer.err.strip().splitlines()
        seen = "allowed" if answer.status == 0 else f"refused: {said[-1][:200] if said else answer.status}"
        evidence = [judge(f"deploy key {self.path}", "there", "there"), judge(f"reading {self.url}", "allowed", seen)]
        return conclude(evidence, facts={"public": (public or "").strip()})

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        public = finding.facts.get("public")
        if public:
            return [
                OperatorAsk(
                    says="Ask for the key to be added to the repository",
                    question=f"Has this key been added to {self.url} as a deploy key that may only read?",
                    instructions=public,
                )
            ]
        folder = f"{self.home}/.ssh"
        known = ("sh", "-c", f'ssh-keyscan -T 10 -t ed25519 {self._where()} > "$HOME/.ssh/known_hosts"')
        return [
            self._command(f"Make {folder}", "install", "-d", "-m", "0700", "--", folder),
            self._command(
                f"Make the key {self.path}; its private half never leaves the host",
                "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{self.user} deploy key", "-f", self.path,
            ),
            self._command(f"Note the host key of {self.server}", *known),
        ]  # fmt: skip

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        if before.verdict is not Verdict.ABSENT or not finding.facts:
            return []
        folder = f"{self.home}/.ssh"
        files = (self.path, f"{self.path}.pub", f"{folder}/known_hosts")
        return [
            self._command(f"Remove {self.path} and the note of the server's key", "rm", "-f", "--", *files),
            self._command(f"Remove {folder}, when it is empty", "rmdir", "--ignore-fail-on-non-empty", "--", folder),
        ]

    @property
    def server(self) -> str:
        """The host name in the repository's address."""
        if self.url.startswith("ssh://"):
            return urlsplit(self.url).hostname or ""
        return self.url.partition(":")[0].rpartition("@")[2]

    def _where(self) -> str:
        """The server as ssh-keyscan's arguments; a port other than 22 only stands in an ssh:// address."""
        port = urlsplit(self.url).port if self.url.startswith("ssh://") else None
        return f"-p {port} {shlex.quote(self.server)}" if port else shlex.quote(self.server)

    def _command(self, says: str, *argv: str) -> HostCommand:
        return HostCommand(says=says, argv=argv, user=self.user, env={"HOME": self.home}, timeout=60.0)
