"""The git origin: a repository made from the shipped backend, served by git's own smart HTTP backend."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iris_migrate.rehearsal.serving import answer, read_body

NAME = "iris.git"
LEFT_OUT = ("tests", "venv", ".venv", "__pycache__", ".iris", ".env", "*.pyc", "*.egg-info", ".mypy_cache", ".*_cache")
# The same tree gives the same commit on every machine.
_WHEN = "2026-11-01T12:00:00+00:00"
_WHO = {
    "GIT_AUTHOR_NAME": "Practice",
    "GIT_AUTHOR_EMAIL": "practice@example.com",
    "GIT_AUTHOR_DATE": _WHEN,
    "GIT_COMMITTER_NAME": "Practice",
    "GIT_COMMITTER_EMAIL": "practice@example.com",
    "GIT_COMMITTER_DATE": _WHEN,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
}
_README = "# IRIS\n\nA repository of a rehearsal: the backend as it is shipped, in `backend/`.\n"
_BROKEN = "raise RuntimeError('this commit is broken on purpose: the rehearsal wants to see it taken back')\n"


class OriginError(Exception):
    """The repository cannot be made or served; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A bare repository. `good` runs; `newer` runs too and stands on branch `main`'s way; `bad` does not start."""

    folder: Path
    good: str
    newer: str
    bad: str


def shipped_backend() -> Path:
    """The backend's source: package data of an installed program, the repository's folder of a checkout."""
    here = Path(__file__).resolve().parents[1]
    for candidate in (here / "_data" / "backend", here.parent / "backend"):
        if (candidate / "requirements.txt").is_file():
            return candidate
    raise OriginError("The backend is not part of this installation. Install iris-migrate again.")


def make_origin(folder: Path, backend: Path) -> Origin:
    """Make the repository in `folder`. `main` is the good commit, `next` a newer good one, `bad` a broken one."""
    work = folder / "work"
    shutil.copytree(backend, work / "backend", ignore=shutil.ignore_patterns(*LEFT_OUT))
    (work / "README.md").write_text(_README)
    _git(work, "init", "--quiet", "--initial-branch=main")
    good = _commit(work, "The backend as it is shipped")
    _git(work, "checkout", "--quiet", "-b", "next")
    (work / "CHANGES.md").write_text("A later commit that runs as well.\n")
    newer = _commit(work, "A later commit that runs as well")
    _git(work, "checkout", "--quiet", "-b", "bad", "main")
    server = work / "backend" / "src" / "server.py"
    server.write_text(f"{server.read_text()}\n{_BROKEN}")
    bad = _commit(work, "Broken on purpose")
    _git(work, "checkout", "--quiet", "main")
    bare = folder / NAME
    _git(folder, "clone", "--quiet", "--bare", str(work), str(bare))
    # As the large hosts do: a commit may be fetched by its hash.
    _git(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
    shutil.rmtree(work)
    return Origin(bare, good, newer, bad)


def _commit(work: Path, message: str) -> str:
    _git(work, "add", "--all")
    _git(work, "commit", "--quiet", "--no-gpg-sign", "-m", message)
    return _git(work, "rev-parse", "HEAD").strip()


def _git(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | _WHO
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=60
        )
    except FileNotFoundError as error:
        raise OriginError("git is not installed on this machine; a rehearsal needs it.") from error
    except subprocess.CalledProcessError as error:
        raise OriginError(f"git {arguments[0]} failed: {error.stderr.strip()}") from error
    return done.stdout


def http_backend(folder: Path) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """A WSGI application over `git http-backend`, for reading only."""
    allowed = {"PATH_INFO", "QUERY_STRING", "REQUEST_METHOD", "CONTENT_TYPE", "REMOTE_ADDR", "SERVER_PROTOCOL"}

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        query = environ.get("QUERY_STRING", "")
        if "receive-pack" in environ["PATH_INFO"] + query:
            return answer(start_response, "403 Forbidden", b"This origin is for reading.\n", "text/plain")
        body = read_body(environ, limit=64 * 1024 * 1024)
        cgi = {name: str(value) for name, value in environ.items() if name in allowed}
        cgi |= {name: value for name, value in os.environ.items() if name == "PATH"} | _WHO
        cgi |= {"GIT_PROJECT_ROOT": str(folder), "GIT_HTTP_EXPORT_ALL": "1", "CONTENT_LENGTH": str(len(body))}
        for name in ("HTTP_CONTENT_ENCODING", "HTTP_GIT_PROTOCOL"):
            if name in environ:
                cgi[name] = cgi[name.removeprefix("HTTP_")] = environ[name]
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=cgi, capture_output=True, timeout=60, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
        status = headers.pop("Status", "200 OK" if done.returncode == 0 else "500 Internal Server Error")
        headers.pop("Content-Length", None)
        kind = headers.pop("Content-Type", "text/plain")
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(content))), *headers.items()])
        return [content]

    return application
