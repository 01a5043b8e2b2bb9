"""The client on the workstation: a checkout whose endpoint is found by searching, never by a known path."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from iris_migrate.changes import Change, LocalCommand, LocalEdit, OperatorAsk
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.base import Ref, Resource
from iris_migrate.target import Target, Unreadable

BUILT = ("dist", "out", "build")  # folders that a build writes
_SCRIPTS = (".js", ".cjs", ".mjs")


def in_folder(path: str, checkout: str, names: tuple[str, ...]) -> bool:
    """Whether a path lies in a folder with one of these names, below the checkout."""
    inside = path.removeprefix(checkout.rstrip("/")).lstrip("/")
    return any(part in names for part in PurePosixPath(inside).parts[:-1])


def counted(paths: Mapping[str, str] | list[str]) -> str:
    names = sorted(paths)
    return f"{len(names)}: {', '.join(names[:3])}{', …' if len(names) > 3 else ''}" if names else "none"


@dataclass(frozen=True, kw_only=True)
class Endpoint(Resource):
    """No source names the old endpoint any more, and one names the new. Each hit becomes an edit with its diff."""

    kind: ClassVar[str] = "extension.endpoint"
    uses: ClassVar[frozenset[str]] = frozenset({"local"})
    checkout: str
    old: str
    new: Ref
    built: tuple[str, ...] = BUILT

    async def inspect(self, target: Target) -> Finding:
        if not self.old.strip("/"):
            raise Unreadable("the old endpoint is not known: set old_endpoint")
        old = self._sources(await target.local.search(self.checkout, self.old.rstrip("/")))
        new = self._sources(await target.local.search(self.checkout, str(self.new).rstrip("/")))
        if not old and not new:
            seen = f"neither {self.old} nor {self.new} stands in a source below {self.checkout}"
            return conclude([Evidence("sources with an endpoint", "at least one", seen, Verdict.UNKNOWN)])
        return conclude(
            [
                judge("sources with the old endpoint", "none", counted(old)),
                Evidence("sources with the new endpoint", str(self.new), counted(new), self._found(new)),
            ],
            facts={"old": dict(old), "new": dict(new)},
        )

    def _sources(self, found: Mapping[str, str]) -> dict[str, str]:
        return {path: text for path, text in found.items() if not in_folder(path, self.checkout, self.built)}

    @staticmethod
    def _found(new: Mapping[str, str]) -> Verdict:
        return Verdict.HOLDS if new else Verdict.DIFFERS

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        if "old" not in finding.facts:  # the printed plan: nobody has looked yet
            says = f"Replace {self.old or 'the old endpoint'} by {self.new} in the sources below {self.checkout}"
            return [OperatorAsk(says=says, question="Is no source left that names the old endpoint?")]
        old, new = self.old.rstrip("/"), str(self.new).rstrip("/")
        return [
            LocalEdit(says=f"Name the new endpoint in {path}", path=path, was=was, content=was.replace(old, new))
            for path, was in sorted(finding.facts["old"].items())
        ]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        now = {**finding.facts.get("old", {}), **finding.facts.get("new", {})}
        return [
            LocalEdit(says=f"Put the old endpoint back in {path}", path=path, was=now[path], content=was)
            for path, was in sorted(before.facts.get("old", {}).items())
            if path in now and now[path] != was
        ]


@dataclass(frozen=True, kw_only=True)
class ApiKeyHeader(Resource):
    """The client still sends its key. Without it the service would be an open proxy to a paid model key;
    someone who wants that all the same has to waive this step, with a reason."""

    kind: ClassVar[str] = "extension.api_key_header"
    uses: ClassVar[frozenset[str]] = frozenset({"local"})
    check_only: ClassVar[bool] = True
    checkout: str
    header: str
    built: tuple[str, ...] = BUILT

    async def inspect(self, target: Target) -> Finding:
        found = await target.local.search(self.checkout, self.header)
        kept = [path for path in found if not in_folder(path, self.checkout, self.built) and _is_code(path)]
        verdict = Verdict.HOLDS if kept else Verdict.DIFFERS
        return conclude(
            [Evidence("sources that send the key", f"at least one with {self.header}", counted(kept), verdict)]
        )


def _is_code(path: str) -> bool:
    return path.endswith((".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts"))


@dataclass(frozen=True, kw_only=True)
class Compiled(Resource):
    """A built bundle names the new endpoint, none names the old, and no source is younger than it.

    `command` is run beside the package.json that has such a script; `folder` says where when there are several.
    """

    kind: ClassVar[str] = "extension.compiled"
    uses: ClassVar[frozenset[str]] = frozenset({"local"})
    outputs: ClassVar[frozenset[str]] = frozenset({"bundle"})
    checkout: str
    old: str
    new: Ref
    command: tuple[str, ...]
    folder: str = ""
    built: tuple[str, ...] = BUILT

    async def inspect(self, target: Target) -> Finding:
        folder = self.folder or await self._package(target)
        found = await target.local.search(self.checkout, str(self.new).rstrip("/"))
        new = self._bundles(found)
        old_found = await target.local.search(self.checkout, self.old.rstrip("/")) if self.old.strip("/") else {}
        old = [path for path in self._bundles(old_found) if path not in new]
        texts = {path: old_found[path] for path in old} | {path: found[path] for path in new}
        facts = {"folder": folder, "bundles": texts}
        evidence = [judge("bundles with only the old endpoint", "none", counted(old))]
        if not new:
            evidence.append(Evidence("bundles with the new endpoint", str(self.new), "none", Verdict.ABSENT))
            return conclude(evidence, facts=facts)
        evidence.append(Evidence("bundles with the new endpoint", str(self.new), counted(new), Verdict.HOLDS))
        younger = await self._younger(target, folder, new[0])
        evidence.append(judge(f"sources younger than {new[0]}", "none", counted(younger)))
        return conclude(evidence, {"bundle": new[0]}, facts)

    def _bundles(self, found: Mapping[str, str]) -> list[str]:
        return sorted(path for path in found if path.endswith(_SCRIPTS) and in_folder(path, self.checkout, self.built))

    async def _package(self, target: Target) -> str:
        """The folder whose package.json has the script that the command runs; the checkout when it is no npm script."""
        if self.command[:2] != ("npm", "run") or len(self.command) < 3:
            return self.checkout
        script = self.command[2]
        found = await target.local.search(self.checkout, f'"{script}"')
        folders = sorted(
            str(PurePosixPath(path).parent)
            for path, text in found.items()
            if PurePosixPath(path).name == "package.json" and _has_script(text, script)
        )
        if len(folders) == 1:
            return folders[0]
        if not folders:
            raise Unreadable(f"no package.json below {self.checkout} has a script {script!r}: set extension.compile")
        raise Unreadable(f"several folders have a script {script!r}: {', '.join(folders[:4])}. Set extension.folder")

    async def _younger(self, target: Target, folder: str, bundle: str) -> list[str]:
        pruned: list[str] = []
        for name in ("node_modules", ".git", *self.built):
            pruned += ["-o", "-name", name] if pruned else ["-name", name]
        suffixes: list[str] = []
        for suffix in ("*.ts", "*.tsx", "*.js", "*.jsx", "*.mjs", "*.cjs"):
            suffixes += ["-o", "-name", suffix] if suffixes else ["-name", suffix]
        argv = ["find", folder, "-type", "d", "(", *pruned, ")", "-prune"]
        argv += ["-o", "-type", "f", "(", *suffixes, ")", "-newer", bundle, "-print"]
        answer = await target.local.run(argv)
        if answer.status != 0:
            raise Unreadable(f"the age of the sources below {folder} cannot be read: {answer.err.strip()}")
        return answer.out.split("\n")[:-1]

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        folder = str(finding.facts.get("folder") or self.folder or self.checkout)
        return [LocalCommand(says=f"Compile the extension in {folder}", argv=self.command, cwd=folder)]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        """The bundles as they were before: sources have a step of their own, and may be undone after this one."""
        was, now = before.facts.get("bundles", {}), finding.facts.get("bundles", {})
        return [
            LocalEdit(
                says=f"Put back the earlier {path}" if path in was else f"Remove the compiled {path}",
                path=path,
                was=now[path],
                content=was.get(path),
            )
            for path in sorted(now)
            if was.get(path) != now[path]
        ]


def _has_script(text: str, script: str) -> bool:
    try:
        return script in json.loads(text).get("scripts", {})
    except (ValueError, AttributeError, TypeError):
        return False
