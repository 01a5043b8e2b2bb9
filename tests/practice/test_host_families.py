"""The families of phases 1 to 4 on a practice host: planned, carried out by the executor, found again, undone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iris_migrate.findings import Finding, Verdict
from iris_migrate.rehearsal.origin import Origin, make_origin
from iris_migrate.resources.base import build
from iris_migrate.values import Secret, StepKey, text
from tests.practice.site import Site, opened, put
from tests.practice_host import PracticeAccess, practice_host

__all__ = ["practice_host"]
pytestmark = pytest.mark.slow
KEYS = {"openai_api_key": "sk-canary-0123456789", "iris_api_keys": "canary-one,canary-two"}
SERVER = """\
import http.server, os, socket
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server = http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), http.server.SimpleHTTPRequestHandler)
notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"].replace("@", "\\0", 1))
server.serve_forever()
"""


@pytest.fixture
async def site(practice_host: PracticeAccess, tmp_path: Path) -> AsyncIterator[Site]:
    ports = practice_host.host.ports
    flags = {
        "os": "practice", "host.root": str(practice_host.root), "app_port": str(ports.app),
        "http.port": str(ports.http), "https.port": str(ports.https), "service.user": "iris",
    }  # fmt: skip
    async with opened(practice_host, tmp_path, flags, KEYS) as site:
        yield site


async def there_and_back(site: Site, resource: Any, first: Verdict = Verdict.ABSENT) -> tuple[Finding, Finding]:
    """It does not hold, is made to, plans nothing then, and is undone."""
    before, after = await site.make(resource)
    assert (before.verdict, after.verdict) == (first, Verdict.HOLDS), after
    assert resource.plan(after) == []
    assert (await site.undo(resource, before, after)).verdict is first
    return before, after


async def made(site: Site, *steps: str) -> None:
    for step in steps:
        found = (await site.make(site.step(step)))[1]
        assert found.verdict is Verdict.HOLDS, (step, found)


def of(site: Site, kind: str, **with_: Any) -> Any:
    return build(kind, with_, StepKey("m", kind.replace(".", "-")), site.clock.now())


async def test_users_directories_files_and_links(site: Site) -> None:
    await there_and_back(site, site.step("service-user"))
    await made(site, "service-user")
    await there_and_back(site, site.step("app-directory"))
    folder, path = site.root / "srv", str(site.root / "srv/x.conf")
    plain = of(site, "files.file", path=path, content="one\n", owner="iris")
    await there_and_back(site, plain)
    put(Path(path), "by hand\n")
    await there_and_back(site, plain, Verdict.DIFFERS)
    assert Path(path).read_text() == "by hand\n"
    await there_and_back(site, of(site, "files.absent", path=path), Verdict.DIFFERS)
    assert Path(path).read_text() == "by hand\n"
    await there_and_back(site, of(site, "files.symlink", path=str(folder / "link"), to=path))
    volume = await site.look(of(site, "files.volume", path=str(folder), free_mb=1))
    assert volume.verdict is Verdict.HOLDS


async def test_a_secret_file_is_replaced_and_its_old_content_comes_back_unread(site: Site) -> None:
    path = put(site.root / "srv/key", "the old secret\n", 0o600)
    secret = of(site, "files.secret_file", path=str(path), content=text("key=", Secret("openai_api_key"), "\n"))
    await site.carry_out(secret, [], await site.look(secret))
    before, after = await site.make(secret)
    assert after.verdict is Verdict.HOLDS, after
    assert path.read_text() == "key=sk-canary-0123456789\n"
    kept = site.record.newest_changes("", "files-secret_file")[0].change_id
    named = replace(before, facts={**before.facts, "kept": kept})  # as the engine names it
    await site.carry_out(secret, secret.undo(named, after), after)
    assert path.read_text() == "the old secret\n"
    recorded = "".join(str(change) for change in site.record.changes())
    assert "canary" not in recorded
    assert "the old secret" not in recorded


async def test_the_variables_stand_in_a_file_of_the_service(site: Site) -> None:
    await made(site, "service-user")
    (site.root / "opt/iris/backend").mkdir(parents=True)
    variables = site.step("variables")
    await there_and_back(site, variables)
    await made(site, "variables")
    text = (site.root / "opt/iris/backend/.env").read_text()
    assert "OPENAI_API_KEY='sk-canary-0123456789'\n" in text
    assert "IRIS_API_KEY='canary-one,canary-two'\n" in text
    put(site.root / "opt/iris/backend/.env", text + "MORE=1\n", 0o600)
    assert (await site.look(variables)).verdict is Verdict.DIFFERS


async def test_packages_are_installed_upgraded_once_and_removed(site: Site) -> None:
    installed = of(site, "packages.installed", names=("logrotate",), manager="apt")
    before = await site.look(installed)
    if before.verdict is Verdict.ABSENT:
        await there_and_back(site, installed)
    await made(site, "packages")
    await there_and_back(site, site.step("upgraded"))


@pytest.fixture
def origin(site: Site, tmp_path: Path) -> Origin:
    """A repository with three commits, on the host's own disk: reading it needs no network."""
    put(tmp_path / "backend/src/server.py", "print('one')\n")
    put(tmp_path / "backend/requirements.txt", "# nothing\n")
    return make_origin(site.root / "srv", tmp_path / "backend")


async def test_a_checkout_is_made_moved_mended_and_taken_back(site: Site, origin: Origin) -> None:
    await made(site, "packages", "service-user", "app-directory", "service-home")
    url, app = str(origin.folder), site.root / "opt/iris"
    first = site.step("checkout", url=url, commit=origin.good)
    await there_and_back(site, first)
    assert not (app / ".git").exists()
    await site.make(first)
    await there_and_back(site, site.step("checkout", url=url, commit=origin.newer), Verdict.DIFFERS)
    assert (await site.look(first)).outputs == {"commit": origin.good}
    put(app / "backend/src/server.py", "print('by hand')\n")
    await there_and_back(site, first, Verdict.DIFFERS)
    assert (app / "backend/src/server.py").read_text() == "print('by hand')\n"
    await site.make(first)
    branch = site.step("checkout", url=url, commit="next")
    _, after = await site.make(branch)
    assert (after.verdict, after.outputs) == (Verdict.HOLDS, {"commit": origin.newer})


async def test_a_deploy_key_is_made_and_leaves_nothing_behind(site: Site) -> None:
    await made(site, "service-user", "service-home")
    home, access = site.root / "var/lib/iris", site.access
    # The practice host's own SSH server stands for the repository's: it has not been given the key.
    url = f"ssh://git@{access.address}:{access.port}/srv/iris.git"
    key = of(site, "repository.deploy_key", url=url, user="iris", home=str(home))
    before, after = await site.make(key)
    assert (before.verdict, after.verdict) == (Verdict.ABSENT, Verdict.DIFFERS), after
    assert "ssh-ed25519" in (home / ".ssh/known_hosts").read_text()
    assert (await site.undo(key, before, after)).verdict is Verdict.ABSENT
    assert list(home.iterdir()) == []


async def test_an_environment_is_made_filled_and_watched(site: Site, origin: Origin) -> None:
    await made(site, "packages", "service-user", "app-directory", "service-home")
    await site.make(site.step("checkout", url=str(origin.folder), commit=origin.good))
    environment = site.step("virtualenv")
    before, after = await site.make(environment)
    assert (before.verdict, after.verdict) == (Verdict.ABSENT, Verdict.HOLDS), after
    requirements = site.step("requirements", extra=())
    await there_and_back(site, requirements)
    await site.make(requirements)
    packages = next((site.root / "opt/iris/backend/venv/lib").glob("python*/site-packages"))
    (packages / "stray-1.0.dist-info").mkdir()
    changed = await site.look(requirements)
    assert changed.verdict is Verdict.DIFFERS
    assert changed.evidence[1].seen == "changed since"
    config = site.step("gunicorn-config")
    await there_and_back(site, config)
    put(site.root / "opt/iris/backend/gunicorn_config.py", 'bind = "0.0.0.0:80"\n')
    assert (await site.look(config)).verdict is Verdict.WARNS
    assert (await site.undo(environment, before, after)).verdict is Verdict.ABSENT


async def test_a_service_is_written_started_watched_and_stopped(site: Site) -> None:
    await made(site, "service-user")
    port = site.access.host.ports.app
    server = put(site.root / "opt/app/server.py", SERVER)
    variables = put(site.root / "opt/app/.env", f"PORT={port}\nCACHE_DIR=/var/cache\n", 0o600)
    unit = site.root / "etc/systemd/system/app.service"
    content = (
        f"[Service]\nType=notify\nEnvironmentFile={variables}\nExecStart=/usr/bin/env python3 {server}\n"
        "ExecReload=/bin/kill -s HUP $MAINPID\n[Install]\nWantedBy=multi-user.target\n"
    )
    written = of(site, "service.unit_file", path=str(unit), content=content)
    await there_and_back(site, written)
    await site.make(written)
    await there_and_back(site, of(site, "service.enabled", name="app"), Verdict.DIFFERS)
    current = of(site, "service.current", name="app", restart_on=(str(unit), str(variables)))
    running = of(site, "service.running", name="app", seconds=0.0)
    before, after = await site.make(current)
    assert after.verdict is Verdict.HOLDS, after
    assert (await site.look(running)).verdict is Verdict.HOLDS
    assert (await site.look(of(site, "service.listens", port=port))).verdict is Verdict.HOLDS
    names = of(site, "service.variables", name="app", names=("CACHE_DIR",))
    assert (await site.look(names)).verdict is Verdict.HOLDS
    young = await site.look(of(site, "service.running", name="app", seconds=3600.0))
    assert young.verdict is Verdict.CONVERGING
    assert young.until is not None

    put(variables, f"PORT={port}\nCACHE_DIR=/var/cache\nMORE=1\n", 0o600)
    stale = await site.look(current)
    assert stale.verdict is Verdict.DIFFERS, stale
    _, mended = await site.make(current)
    assert mended.verdict is Verdict.HOLDS, mended
    more = of(site, "service.variables", name="app", names=("MORE",))
    assert (await site.look(more)).verdict is Verdict.HOLDS

    put(unit, content.replace(str(variables), f"{variables}  # Load env variables"))
    seen = " ".join(item.seen for item in (await site.look(written)).evidence)
    assert "ends with a comment" in seen
    await site.make(written)
    assert (await site.undo(current, before, mended)).verdict is not Verdict.HOLDS
    await there_and_back(site, running, (await site.look(running)).verdict)


async def test_nginx_serves_what_is_on_the_disk(site: Site) -> None:
    await made(site, "packages", "nginx-folder", "nginx-proxy", "nginx-errors")
    await there_and_back(site, site.step("nginx-site"))
    await made(site, "nginx-site")
    running = site.step("nginx-running", seconds=0.0)
    if (await site.look(running)).verdict is not Verdict.HOLDS:
        await site.make(running)
    current = site.step("nginx-current")
    if (await site.look(current)).verdict is Verdict.DIFFERS:
        await site.make(current)
    assert (await site.look(current)).verdict is Verdict.HOLDS
    place = site.root / "etc/nginx/iris.d/proxy.conf"
    put(place, place.read_text() + "# changed\n")
    changed = await site.look(current)
    assert changed.verdict is Verdict.DIFFERS
    changes = current.plan(changed)
    assert changes[0].says == "Test nginx' configuration"
    await site.carry_out(current, changes, changed)
    while (found := await site.look(current)).verdict is Verdict.CONVERGING:  # an old worker may be finishing
        await asyncio.sleep(0.05)
    assert found.verdict is Verdict.HOLDS, found
