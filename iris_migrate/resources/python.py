"""A Python virtual environment, and what is installed in it."""

from __future__ import annotations

import asyncio
import json
import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import ClassVar

from iris_migrate.changes import Change, HostCommand
from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge, unknown
from iris_migrate.resources.base import Resource
from iris_migrate.target import Shell, Target

HOST = frozenset({"host"})
STAMP = ".installed-by-iris-migrate"
_OF_VENV = ("pip", "setuptools")  # a new environment has these


@dataclass(frozen=True, kw_only=True)
class VirtualEnvironment(Resource):
    """A virtual environment is there, whole, of a Python that is new enough."""

    kind: ClassVar[str] = "python.virtualenv"
    uses: ClassVar[frozenset[str]] = HOST
    path: str
    python: str  # the command that makes it
    user: str
    minimum: str = "3.11"

    async def inspect(self, target: Target) -> Finding:
        python, pip, configuration = await asyncio.gather(
            target.host.stat(f"{self.path}/bin/python"),
            target.host.stat(f"{self.path}/bin/pip"),
            target.host.text(f"{self.path}/pyvenv.cfg"),
        )
        if configuration is None and python is None:
            return conclude([Evidence(f"virtual environment {self.path}", "there", "not there", Verdict.ABSENT)])
        found = re.search(r"^version\s*=\s*(\S+)", configuration or "", re.MULTILINE)
        version = found[1] if found else "none"
        new = _numbers(version) >= _numbers(self.minimum)
        whole = "whole" if python and pip and configuration else "unfinished"
        evidence = [
            judge(f"virtual environment {self.path}", "whole", whole),
            Evidence("its Python", f"{self.minimum} or newer", version, Verdict.HOLDS if new else Verdict.DIFFERS),
        ]
        return conclude(evidence, facts={"there": True})

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        clear = ("--clear",) if finding.facts else ()
        says = f"Make {'a new' if clear else 'the'} virtual environment {self.path} with {self.python}"
        return [HostCommand(says=says, argv=(self.python, "-m", "venv", *clear, self.path), user=self.user)]

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        if not finding.facts or before.verdict is not Verdict.ABSENT:
            return []  # one that was there is not brought back: it was broken
        return [HostCommand(says=f"Remove {self.path}", argv=("rm", "-rf", "--", self.path), user=self.user)]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


@dataclass(frozen=True, kw_only=True)
class Requirements(Resource):
    """What a requirements file asks for is installed, and nothing was changed since.

    A stamp in the environment holds the digests of the requirements and of the set that was installed (its lock); the
    stamp's time stands for the environment's when a service is compared with what is on the disk.
    """

    kind: ClassVar[str] = "python.requirements"
    uses: ClassVar[frozenset[str]] = HOST
    venv: str
    file: str
    user: str
    extra: tuple[str, ...] = ()  # further requirements
    args: tuple[str, ...] = ()  # further arguments of pip

    async def inspect(self, target: Target) -> Finding:
        wanted, seen = await asyncio.gather(target.host.digest(self.file), target.host.shell(self._probe(), root=True))
        if wanted is None:
            return unknown(f"{self.file} is not there; it comes with the checkout")
        if seen.status != 0:
            return conclude([Evidence(f"packages in {self.venv}", "installed", "no environment", Verdict.ABSENT)])
        stamp, installed, lock = _parts(seen)
        asked = f"requirements of {self.file}"
        facts = {"installed": installed, "stamped": bool(stamp)}
        if not stamp:
            return conclude([Evidence(asked, "installed", "never completely", Verdict.ABSENT)], facts=facts)
        same = stamp.get("lock") == lock
        evidence = [
            judge(asked, _short(self._request(wanted)), _short(stamp.get("request", ""))),
            judge(f"packages in {self.venv}", "as installed", "as installed" if same else "changed since"),
        ]
        return conclude(evidence, facts=facts)

    def _request(self, file_digest: str) -> str:
        return " ".join((file_digest, *self.extra))

    def _probe(self) -> str:
        """Prints the stamp, an empty line, the names of what is installed, and the digest of those names."""
        return (
            f"cd {shlex.quote(self.venv)} || exit 1; cat {STAMP} 2>/dev/null; echo;"
            f" {_LISTING} ; echo; {_LISTING} | sha256sum"
        )

    def plan(self, finding: Finding) -> list[Change]:
        if not finding.verdict.plans:
            return []
        pip = (f"{self.venv}/bin/python", "-m", "pip", "install", "--disable-pip-version-check", "--no-input")
        says = f"Install what {posixpath.basename(self.file)} asks for" + "".join(f", {name}" for name in self.extra)
        return [
            HostCommand(
                says=says, argv=(*pip, *self.args, "-r", self.file, *self.extra), user=self.user, timeout=900.0
            ),
            self._stamp(),
        ]

    def _stamp(self) -> HostCommand:
        """Notes what was asked for and what came of it, in one move; a crash before it installs again."""
        request = f'printf "request=%s" "$(sha256sum < {shlex.quote(self.file)} | cut -d" " -f1)"'
        extra = "".join(f"; printf ' %s' {shlex.quote(name)}" for name in self.extra)
        lock = f'; printf "\\nlock=%s\\n" "$({_LISTING} | sha256sum | cut -d" " -f1)"'
        script = f"cd {shlex.quote(self.venv)} && {{ {request}{extra}{lock}; }} > {STAMP}.new && mv {STAMP}.new {STAMP}"
        return HostCommand(says="Note what was installed", argv=("sh", "-c", script), user=self.user, timeout=60.0)

    def undo(self, before: Finding, finding: Finding) -> list[Change]:
        """Back to the versions that were there; what came in addition is removed."""
        was, now = before.facts.get("installed", ()), finding.facts.get("installed", ())
        stamped = bool(before.facts.get("stamped"))
        if not now or (was == now and stamped):
            return []
        old, new = dict(map(_name_version, was)), dict(map(_name_version, now))
        pip, user = (f"{self.venv}/bin/python", "-m", "pip"), self.user
        changes: list[Change] = []
        if added := tuple(name for name in new if name not in old and name not in _OF_VENV):
            argv = (*pip, "uninstall", "-q", "-y", *added)
            changes.append(HostCommand(says="Remove the packages that were added", argv=argv, user=user))
        if pins := tuple(f"{name}=={version}" for name, version in old.items() if new.get(name) != version):
            argv = (*pip, "install", "-q", "--disable-pip-version-check", "--no-input", *self.args, *pins)
            changes.append(HostCommand(says="Install the versions of before", argv=argv, user=user, timeout=900.0))
        if stamped:
            return [*changes, self._stamp()]
        gone = HostCommand(says="Forget what was installed", argv=("rm", "-f", f"{self.venv}/{STAMP}"), user=user)
        return [*changes, gone]


# Reads the sources as text, never runs them: what each module imports without condition, and whether it is to be had.
_IMPORTS = """
import ast, importlib.util, json, os, sys
root, package = sys.argv[1:3]
sys.path.insert(0, root)
missing, broken = {}, {}
def there(path):
    return os.path.isfile(path + ".py") or os.path.isdir(path)
for folder, _, files in os.walk(os.path.join(root, package)):
    for file in sorted(files):
        path = os.path.join(folder, file)
        if not file.endswith(".py"):
            continue
        try:
            body = ast.parse(open(path, "rb").read()).body
        except (SyntaxError, ValueError) as error:
            broken[os.path.relpath(path, root)] = "line %s: %s" % (getattr(error, "lineno", "?"), error.args[0])
            continue
        for node in body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            if isinstance(node, ast.ImportFrom) and node.level and node.module:
                base = folder
                for _ in range(node.level - 1):
                    base = os.path.dirname(base)
                if not there(os.path.join(base, *node.module.split("."))):
                    broken[os.path.relpath(path, root)] = "line %s: no module %s" % (node.lineno, node.module)
            for name in names:
                top = name.split(".")[0]
                if os.path.isdir(os.path.join(root, top)):
                    if not there(os.path.join(root, *name.split("."))):
                        broken[os.path.relpath(path, root)] = "line %s: no module %s" % (node.lineno, name)
                elif top not in sys.builtin_module_names and importlib.util.find_spec(top) is None:
                    missing.setdefault(top, "%s line %s" % (os.path.relpath(path, root), node.lineno))
print(json.dumps({"missing": missing, "broken": broken}))
"""
# Root must not run what the service's user may have put into the environment: the probe takes the folder's owner.
_AS_OWNER = 'set --; [ -O . ] || set -- setpriv --reuid "$(stat -c %u .)" --regid "$(stat -c %g .)" --clear-groups'


@dataclass(frozen=True, kw_only=True)
class Imports(Resource):
    """What the modules of an application import is there, and each can be parsed. Read as text; nothing is run."""

    kind: ClassVar[str] = "python.imports"
    uses: ClassVar[frozenset[str]] = HOST
    check_only: ClassVar[bool] = True
    venv: str
    folder: str  # from which the application is imported
    package: str  # a folder in it

    async def inspect(self, target: Target) -> Finding:
        words = (f"{self.venv}/bin/python", "-I", "-B", "-c", _IMPORTS, self.folder, self.package)
        script = f'cd {shlex.quote(self.folder)} || exit 1; {_AS_OWNER}; exec "$@" {shlex.join(words)}'
        answer = await target.host.shell(script, root=True)
        try:
            seen = json.loads(answer.out)
        except ValueError:
            reason = (answer.err or answer.out).strip().splitlines()[-1:] or [f"status {answer.status}"]
            return unknown(f"the imports of {self.folder}/{self.package} cannot be told: {reason[0][:200]}")
        missing, broken = seen["missing"], seen["broken"]
        evidence = [
            judge(f"packages that {self.package} imports", "all there", _listed(missing) or "all there"),
            judge(f"modules of {self.package}", "all whole", _listed(broken) or "all whole"),
        ]
        return conclude(evidence, facts={"missing": missing, "broken": broken})


def _listed(found: dict[str, str]) -> str:
    return ", ".join(f"{name} ({where})" for name, where in sorted(found.items()))


_LISTING = "{ ls -1d lib/python*/site-packages/*.dist-info 2>/dev/null | LC_ALL=C sort; }"


def _parts(seen: Shell) -> tuple[dict[str, str], tuple[str, ...], str]:
    """The stamp, what is installed, and the lock, from the probe's answer."""
    lines = seen.out.splitlines()
    stamp = dict(line.split("=", 1) for line in lines if line.startswith(("request=", "lock=")))
    installed = tuple(posixpath.basename(line) for line in lines if line.endswith(".dist-info"))
    lock = next((line.split()[0] for line in reversed(lines) if line.strip()), "")
    return stamp, installed, lock


def _name_version(entry: str) -> tuple[str, str]:
    """`flask-3.1.2.dist-info` as flask and 3.1.2."""
    name, _, version = entry.removesuffix(".dist-info").rpartition("-")
    return name, version


def _short(request: str) -> str:
    """A request for people: its digest cut to 12 characters."""
    file_digest, _, extra = request.partition(" ")
    return f"{file_digest[:12]}{' and ' + extra if extra else ''} installed"
