"""The deployment script: forward when the service is healthy, back when it is not, and refusals that change nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from iris_migrate.language.checklist import Checklist
from tests.checklists.conftest import Ran, Run

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

# A service that answers its health; `@SAYS@` is what each commit says.
SERVICE = """
import http.server, json, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(@SAYS@).encode()
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""
# systemd as far as the script asks it: one service, its pid in a file; a dead one waits for its restart.
SYSTEMCTL = r"""#!/bin/sh
pid=$(cat @STATE@/pid 2>/dev/null)
case "$1" in
restart | reload)
    [ -z "$pid" ] || { kill "$pid"; while kill -0 "$pid"; do sleep 0.05; done; } 2>/dev/null
    @PYTHON@ @BACKEND@/src/server.py @PORT@ >/dev/null 2>&1 &
    echo $! >@STATE@/pid
    sleep 0.3 ;;
reset-failed) ;;
show)
    alive=false; kill -0 "$pid" 2>/dev/null && alive=true
    case "$3" in
    MainPID) $alive && echo "MainPID=$pid" || echo MainPID=0 ;;
    ActiveState) $alive && echo ActiveState=active || echo ActiveState=activating ;;
    SubState) $alive && echo SubState=running || echo SubState=auto-restart ;;
    NRestarts) echo NRestarts=0 ;;
    esac ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
"""
ONLY_IN_A_TRIAL = "import sys\nif sys.argv[1] == '@PORT@':\n    sys.exit('not here')\n" + SERVICE.replace(
    "@SAYS@", '{"status": "healthy", "agent": "ready"}'
)
HEALTHY = {"status": "healthy", "agent": "ready"}


class Site:
    """A repository, a checkout of it, and a service that runs from there."""

    def __init__(self, folder: Path, checklist: Checklist, port: int, run: Run) -> None:
        self.folder, self._run = folder, run
        self.root = folder / "host"
        self.checkout = self.root / "opt/iris"
        self.backend = self.checkout / "backend"
        # The same script with shorter waits.
        script: str = checklist.step("deploy-script").with_["content"]
        self.deploy_script = script.replace("sleep 2\n", "sleep 0.2\n").replace('"$seconds" -lt 60', '"$seconds" -lt 3')
        self.drill = checklist.step("deploy-goes-back").with_["script"]
        self._programs(port)
        self._repository()

    def _programs(self, port: int) -> None:
        python = shutil.which("python3")
        programs = self.folder / "bin"
        programs.mkdir()
        values = {"@STATE@": str(self.folder), "@BACKEND@": str(self.backend), "@PORT@": str(port), "@PYTHON@": python}
        script = SYSTEMCTL
        for name, value in values.items():
            script = script.replace(name, str(value))
        for name, text in {"systemctl": script, "journalctl": "#!/bin/sh\necho the last lines\n"}.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)

    def _repository(self) -> None:
        origin = self.folder / "origin"
        self.git("init", "--quiet", "--initial-branch=main", str(origin), at=self.folder)
        self.origin = origin
        self.commit(HEALTHY, "first")
        self.checkout.parent.mkdir(parents=True)
        self.git("clone", "--quiet", str(origin), str(self.checkout), at=self.folder)
        pip = self.backend / "venv/bin/python"
        pip.parent.mkdir(parents=True)
        pip.write_text('#!/bin/sh\n[ "$1 $2" = "-m pip" ] && ! grep -q no-such-package "$(eval echo \\${$#})"\n')
        pip.chmod(0o755)
        gunicorn = self.backend / "venv/bin/gunicorn"
        gunicorn.write_text(
            '#!/bin/sh\nwhile [ "$1" != --bind ]; do shift; done\nexec python3 src/server.py ${2##*:}\n'
        )
        gunicorn.chmod(0o755)
        sbin = self.root / "usr/local/sbin"
        sbin.mkdir(parents=True)
        (sbin / "iris-deploy").write_text(self.deploy_script)
        subprocess.run([self.folder / "bin/systemctl", "restart"], check=True, timeout=30)

    def git(self, *arguments: str, at: Path | None = None) -> str:
        names = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        done = subprocess.run(
            ["git", *names, *arguments], cwd=at or self.origin, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, says: object, message: str, *, requirements: str = "flask\n", source: str = "") -> str:
        """A commit on the origin's main whose service says this."""
        backend = self.origin / "backend"
        (backend / "src").mkdir(parents=True, exist_ok=True)
        (backend / "src/server.py").write_text(source or SERVICE.replace("@SAYS@", repr(says)))
        (backend / "requirements.txt").write_text(requirements)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD", at=self.checkout)

    def deploy(self, *arguments: str) -> Ran:
        return self._run(self.deploy_script, {}, *arguments)

    def says(self, port: int) -> object:
        """What the service answers, as soon as it does: it was perhaps started just now."""
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    return json.load(answer)
            except urllib.error.URLError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def end(self) -> None:
        subprocess.run(["sh", "-c", f'kill "$(cat {self.folder}/pid)"'], check=False, capture_output=True)


@pytest.fixture
def site(tmp_path: Path, checklist: Checklist, port: int, run: Run) -> Iterator[Site]:
    site = Site(tmp_path, checklist, port, run)
    yield site
    site.end()


def test_a_good_commit_is_deployed(site: Site, port: int) -> None:
    wanted = site.commit({**HEALTHY, "version": 2}, "second")
    done = site.deploy()
    assert (done.status, site.head) == (0, wanted), done.out
    assert site.says(port) == {**HEALTHY, "version": 2}


def test_an_earlier_commit_can_be_named(site: Site) -> None:
    first = site.head
    site.commit({**HEALTHY, "version": 2}, "second")
    assert site.deploy().status == 0
    assert site.deploy(first).status == 0
    assert site.head == first


@pytest.mark.parametrize(
    "broken",
    [
        {"source": "raise SystemExit('cannot start')"},
        {"says": {"status": "ok", "agent_ready": False, "agent_error": True}},
        {"requirements": "no-such-package\n"},
    ],
    ids=["cannot start", "says ok and is broken", "requirements cannot be installed"],
)
def test_a_broken_commit_is_put_back(site: Site, port: int, broken: dict[str, object]) -> None:
    was = site.head
    site.commit(broken.pop("says", HEALTHY), "broken", **broken)
    site.deploy_script = site.deploy_script.replace("+ 60))", "+ 3))")  # waits less, else the same
    done = site.deploy()
    assert (done.status, site.head) == (1, was), done.out
    assert "has been running all the time" in done.out
    assert site.says(port) == HEALTHY
    assert site.git("worktree", "list", at=site.checkout).count("\n") == 0


def test_what_is_only_broken_in_the_service_is_put_back(site: Site, port: int) -> None:
    was = site.head
    site.commit(HEALTHY, "healthy in a trial alone", source=ONLY_IN_A_TRIAL.replace("@PORT@", str(port)))
    done = site.deploy()
    assert (done.status, site.head) == (1, was), done.out
    assert "the last lines" in done.out
    assert site.says(port) == HEALTHY


def test_changes_made_by_hand_are_not_lost(site: Site) -> None:
    was = site.head
    site.commit({**HEALTHY, "version": 2}, "second")
    (site.backend / "src/server.py").write_text("# by hand\n")
    done = site.deploy()
    assert (done.status, site.head) == (3, was)
    assert (site.backend / "src/server.py").read_text() == "# by hand\n"


def test_what_does_not_exist_is_refused(site: Site) -> None:
    was = site.head
    assert (site.deploy("no-such-branch").status, site.head) == (3, was)


def test_two_at_once_are_refused(site: Site) -> None:
    lock = site.root / "var/lib/iris-migrate/deploy.lock"
    lock.mkdir(parents=True)
    assert site.deploy().status == 3
    lock.rmdir()
    assert site.deploy().status == 0
    assert not lock.exists()


def test_the_drill_shows_that_it_goes_back(site: Site, run: Run, port: int) -> None:
    was = site.head
    done = run(site.drill)
    assert done.status == 0, done.out
    assert json.loads(done.last) == {"status": 1, "back": True}
    assert site.head == was
    assert site.says(port) == HEALTHY
    assert site.git("status", "--porcelain", "--untracked-files=no", at=site.checkout) == ""
