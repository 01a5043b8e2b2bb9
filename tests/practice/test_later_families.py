"""The families of phases 5 to 8 on a practice host: planned, carried out by the executor, found again, undone."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from iris_migrate.findings import Verdict
from iris_migrate.resources.base import build
from iris_migrate.values import StepKey
from tests.practice.site import Site, opened, put
from tests.practice_host import PracticeAccess, practice_host

__all__ = ["practice_host"]
PASSPHRASE = "correct horse battery staple"


@pytest.fixture
async def site(practice_host: PracticeAccess, tmp_path: Path) -> AsyncIterator[Site]:
    access = practice_host
    flags = {
        "os": "practice",
        "host.root": str(access.root),
        "domain": "iris.example.com",
        "backup.folder": str(tmp_path / "backups"),
        "app_port": str(access.host.ports.app),
    }
    async with opened(access, tmp_path, flags, {"backup_passphrase": PASSPHRASE}) as site:
        yield site


async def test_the_journal_gets_its_limits_and_loses_them_again(site: Site) -> None:
    limits = site.step("journal-limits")
    before, after = await site.make(limits)
    assert (before.verdict, after.verdict) == (Verdict.ABSENT, Verdict.HOLDS)
    assert "SystemMaxUse=300M" in (site.root / "etc/systemd/journald.conf.d/iris.conf").read_text()
    assert (await site.undo(limits, before, after)).verdict is Verdict.ABSENT


async def test_log_files_are_rotated_where_the_unit_can_be_reloaded(site: Site) -> None:
    unit = put(site.root / "etc/systemd/system/iris-backend.service", "[Service]\nExecStart=/bin/true\n")
    assert site.access.run("sudo useradd --system --no-create-home iris").status == 0
    rotation = site.step("log-rotation")
    before, after = await site.make(rotation)
    assert (before.verdict, after.verdict) == (Verdict.ABSENT, Verdict.UNKNOWN), after
    unit.write_text("[Service]\nExecStart=/bin/true\nExecReload=/bin/kill -s HUP $MAINPID\n")
    assert (await site.look(rotation)).verdict is Verdict.HOLDS, await site.look(rotation)
    assert (await site.undo(rotation, before, after)).verdict is Verdict.ABSENT


async def test_an_experiment_is_made_once_and_voided_by_what_it_stands_on(site: Site) -> None:
    counter = put(site.root / "srv/counter", "")
    stands_on = put(site.root / "srv/unit", "one")
    script = f'echo run >>{counter}; echo talk; echo \'{{"good": true, "says": "it\'\\\'\'s \\"ä\\""}}\''
    with_ = {
        "folder": str(site.root / "var/lib/iris-migrate/proofs"), "name": "try", "says": "Try it", "script": script,
        "expect": "good", "files": (str(stands_on),),
    }  # fmt: skip
    proof = build("proofs.experiment", with_, StepKey("m", "try-it"), site.clock.now())
    before, after = await site.make(proof)
    assert (before.verdict, after.verdict) == (Verdict.ABSENT, Verdict.HOLDS), after
    evidence = json.loads((site.root / "var/lib/iris-migrate/proofs/try-it.json").read_text())["evidence"]
    assert evidence == {"good": True, "says": 'it\'s "ä"'}
    assert (await site.look(proof)).verdict is Verdict.HOLDS
    assert counter.read_text() == "run\n", "looking does not repeat it"
    stands_on.write_text("two")
    assert (await site.look(proof)).verdict is Verdict.DIFFERS
    stands_on.write_text("one")
    assert (await site.undo(proof, before, after)).verdict is Verdict.ABSENT


async def test_a_trace_in_the_log_is_kept_and_outlives_the_log(site: Site) -> None:
    traces = site.step("extension-tested", after="")
    assert (await site.look(traces)).verdict is Verdict.ABSENT
    site.record.add_answer(site.clock.now(), "extension-tested", "yes", "operator")
    waiting = await site.look(traces)
    assert waiting.verdict is Verdict.CONVERGING, "a yes alone is not enough"
    line = '127.0.0.1 - - [15/Jan/2027:08:00:00 +0000] "POST /api/iris/analyze HTTP/1.1" %s 512 "-" "%s"\n'
    log = site.root / "var/log/nginx/access.log"
    put(log, line % (401, "iris-vscode/1.0") + line % (200, "curl/8"))
    assert (await site.look(traces)).verdict is Verdict.CONVERGING, "refused, or somebody else"
    put(log, line % (200, "iris-vscode/1.0"))
    before, after = await site.make(traces)
    assert (before.verdict, after.verdict) == (Verdict.ABSENT, Verdict.HOLDS), after
    log.unlink()
    assert (await site.look(traces)).verdict is Verdict.HOLDS


async def test_errors_in_a_log_file_count_by_their_time(site: Site) -> None:
    import time

    log = site.root / "var/log/iris/error.log"
    stamp = time.strftime("[%Y-%m-%d %H:%M:%S %z]")
    check = build("monitor.log_errors", {"unit": "iris", "file": str(log)}, StepKey("m", "errors"), 0)
    put(log, "[2020-01-01 00:00:00 +0000] [7] [ERROR] long ago\n" + f"{stamp} [7] [INFO] all is well\n")
    assert (await site.look(check)).verdict is Verdict.HOLDS
    put(log, f"{stamp} [7] [ERROR] the disk is full\n")
    found = await site.look(check)
    assert found.verdict is Verdict.WARNS
    assert "the disk is full" in found.evidence[0].seen


async def test_a_log_that_cannot_be_read_is_never_clean(site: Site) -> None:
    from iris_migrate.target import Unreadable

    check = build("monitor.log_errors", {"unit": "iris", "file": "/srv/none.log"}, StepKey("m", "errors"), 0)
    with pytest.raises(Unreadable):
        await site.look(check)


async def test_host_disk_and_cache_are_measured(site: Site) -> None:
    put(site.root / "var/iris/cache/cache.db", "x" * 3_000_000)
    cache = str(site.root / "var/iris/cache")
    for step, other in (("cutover-host", {}), ("cutover-cache", {}), ("cutover-disk", {"warn": 101.0, "fail": 102.0})):
        assert (await site.look(site.step(step, **other))).verdict is Verdict.HOLDS, step
    small = build("monitor.cache_size", {"path": cache, "warn_mb": 1, "fail_mb": 2}, StepKey("m", "c"), 0)
    assert (await site.look(small)).verdict is Verdict.DIFFERS
    service = await site.look(site.step("cutover-service"))
    assert service.verdict is Verdict.ABSENT


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
async def test_a_backup_is_made_fetched_and_restored(site: Site) -> None:
    put(site.root / "opt/iris/backend/.env", "OPENAI_API_KEY=sk-canary-0123456789\n", 0o600)
    put(site.root / "var/iris/cache/ab/cd.val", "an answer")
    cache, env, restored = (site.step(name) for name in ("backup-cache", "backup-env", "backups-restored"))
    assert (await site.look(restored)).verdict is Verdict.UNKNOWN, "there is nothing to restore yet"
    for backup in (cache, env):
        before, after = await site.make(backup)
        assert (before.verdict, after.verdict) == (Verdict.ABSENT, Verdict.HOLDS), after
    fetched = sorted(site.backups.iterdir())
    assert [path.name.rsplit("-", 3)[0] for path in fetched] == ["iris-cache", "iris-env"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in fetched)
    assert b"sk-canary" not in b"".join(path.read_bytes() for path in fetched)
    _, proven = await site.make(restored)
    assert proven.verdict is Verdict.HOLDS, proven
    fetched[1].write_bytes(b"another")
    assert (await site.look(env)).verdict is Verdict.DIFFERS
    recorded = "".join(str(change) for change in site.record.changes())
    assert PASSPHRASE not in recorded
    assert "sk-canary" not in recorded
    assert (await site.undo(env, before, after)).verdict is Verdict.ABSENT
