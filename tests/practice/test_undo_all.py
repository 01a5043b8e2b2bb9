"""Every class is carried out and undone on a practice world: a whole migration is taken back, step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from iris_migrate.auto import AutoOperator
from iris_migrate.changes import OperatorAsk
from iris_migrate.engine.options import Options
from iris_migrate.engine.run import Run
from iris_migrate.engine.session import Session
from iris_migrate.findings import Finding, Verdict
from iris_migrate.language.checklist import Step
from iris_migrate.resources.base import CannotUndo, build
from iris_migrate.values import StepKey
from tests.practice.faults import Ground
from tests.practice.finished import Finished
from tests.practice.test_bridge import KINDS as BRIDGE
from tests.practice.test_decommission import BACK, KINDS
from tests.practice.test_decommission_choices import KINDS as CHOICES
from tests.practice.test_decommission_rest import KINDS as REST_KINDS
from tests.practice.test_every_step import Looker, environment, ground, looker
from tests.resources.cases import classes

__all__ = ["ground", "looker"]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("journey")]

# Classes whose undo sends nothing, by design.
FOLLOWS = {
    "nginx.current": "what nginx serves follows its files, which have steps of their own",
    "certificate.served": "what nginx shows follows the certificate, which has a step of its own",
    "ssh.server": "what the server runs with follows its file, which has a step of its own",
    "service.port": "what was ended was in the way, and how it was started is not known",
}
# Classes that only ask the operator, who does it; with parameters to build one.
ASKS: Mapping[str, Mapping[str, Any]] = {
    "dns.resolves": {"name": "iris.example.com", "address": "192.0.2.1"},
    "operator.confirms": {"question": "Is it done?"},
}
# The old side's classes: tests of the decommission (make test-long) carry them out and undo them, in worlds of theirs.
ELSEWHERE = KINDS | BACK | REST_KINDS | CHOICES | BRIDGE
# Directories are only removed when they are empty: what others put there is nobody's to delete.
NOT_EMPTY = {"app-directory", "cache-directory", "challenge-folder"}


@dataclass(frozen=True)
class Extra:
    """A class that an undisturbed run has no work for, carried out and undone by itself.

    `step`: a shipped step, with other parameters in `with_`; else the class `kind` with `with_`. `prepare` is a host
    script after which it does not hold; `after` is the verdict that its plan leads to.
    """

    kind: str
    with_: Mapping[str, Any] = field(default_factory=dict)
    step: str = ""
    prepare: str = ":"
    after: Verdict = Verdict.HOLDS
    settings: Mapping[str, str] = field(default_factory=dict)


EXTRAS = (
    Extra("files.absent", {"path": "$host_root/srv/stray"}, prepare='echo stray >"$host_root/srv/stray"'),
    Extra("files.symlink", {"path": "$host_root/srv/link", "to": "$paths_env"}),
    Extra("files.secret_file", {"path": "$host_root/srv/secret", "content": "not one\n"}),
    Extra("gunicorn.config", {"path": "$host_root/srv/gunicorn_config.py"}, step="gunicorn-config"),
    Extra("workstation.file", {"path": "$desk/watch.sh", "content": "echo watch\n"}),
    Extra("logs.rotation", step="log-rotation", settings={"logs": "files"}),
    Extra(
        "repository.deploy_key",
        # The practice host's own SSH server stands for the repository's: it has not been given the key.
        {"url": "ssh://git@$elastic_ip:$ssh_port/srv/iris.git", "user": "$service_user", "home": "$service_home"},
        after=Verdict.DIFFERS,
    ),
    Extra("certificate.renewal", step="renewal-timer", prepare="sudo -n systemctl disable --now certbot.timer"),
    Extra(
        "service.port",
        step="port-free",
        prepare="""
            sudo -n systemctl stop "$service_name"
            cd "$host_root/srv"
            setsid python3 -m http.server --bind 127.0.0.1 "$app_port" >/dev/null 2>&1 </dev/null &
            for _ in $(seq 100); do ss -H -ltn "sport = :$app_port" | grep -q . && break; sleep 0.1; done
        """,
    ),
    Extra("service.running", step="service-running", prepare='sudo -n systemctl stop "$service_name"'),
    Extra("nginx.running", step="nginx-running", prepare="sudo -n systemctl stop nginx"),
    Extra(
        "certificate.served",
        step="certificate-served",
        prepare="""
            sudo -n systemctl start nginx "$service_name"
            cd "$host_root/etc/letsencrypt/live/$domain"
            was=$(readlink fullchain.pem) key=$(readlink privkey.pem)
            ln -sfn "../../archive/$domain/fullchain1.pem" fullchain.pem
            ln -sfn "../../archive/$domain/privkey1.pem" privkey.pem
            sudo -n systemctl reload nginx
            old=$(openssl x509 -in fullchain.pem -noout -serial)
            for _ in $(seq 100); do  # a reload is begun, not done, when the command returns
                served=$(openssl s_client -connect "$elastic_ip:$https_port" -servername "$domain" \\
                    </dev/null 2>/dev/null | openssl x509 -noout -serial) || served=
                [ "$served" = "$old" ] && break
                sleep 0.1
            done
            ln -sfn "$was" fullchain.pem
            ln -sfn "$key" privkey.pem
        """,
    ),
)


@dataclass
class Way:
    """What came of undoing each step of a whole migration."""

    undone: dict[str, tuple[Verdict, Verdict]] = field(default_factory=dict)  # verdicts before and after
    sent: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)


async def undo_everything() -> Way:
    way = Way()
    session = await Session(Options(), AutoOperator(say=print)).open()
    run = session.start_run()
    await run.look()
    for step in reversed(session.checklist.steps):
        way.kinds[step.id] = step.resource
        if not step.left_out and session.record.newest_changes(session.checklist.name, step.id):
            await undo_one(session, run, step, way)
    await session.end_run(run, "done")
    await session.close()
    return way


async def undo_one(session: Session, run: Run, step: Step, way: Way) -> None:
    before = session.inspected(step.id).finding.verdict
    try:
        outcome = await run.undo(step)
    except CannotUndo as reason:
        way.refused[step.id] = str(reason)
        return
    way.sent[step.id] = len(outcome.sent)
    way.undone[step.id] = (before, session.inspected(step.id).finding.verdict)
    if outcome.failed is not None:
        way.failed[step.id] = " ".join((outcome.error, *outcome.lines[-3:]))


async def there_and_back(session: Session, extra: Extra, filled: Callable[[Any], Any]) -> tuple[Finding, ...]:
    """Before, after its plan, after its undo; what comes to rest by itself is waited for."""
    kind, with_ = extra.kind, dict(filled(extra.with_))
    await session.inspect([extra.step or "ssh"])  # the host's address with it
    if extra.step:
        resource = session.inspected(extra.step).resource
        step = session.checklist.step(extra.step)
        named = {name: getattr(resource, name) for name in step.with_}
        kind, with_ = step.resource, {**named, **with_}
    resource = build(kind, with_, session.key(f"extra-{kind.replace('.', '-')}"), session.clock.now())
    run = session.start_run()

    async def look(wanted: Verdict | None) -> Finding:
        for _ in range(100):
            session.target.forget()
            found = await resource.inspect(session.target)
            if found.verdict is not Verdict.CONVERGING and wanted in (None, found.verdict):
                break
            await session.clock.sleep(0.3)
        return found

    async def send(changes: list[Any], before: Finding) -> None:
        outcome = await run.executor.execute(run.number, resource.key, changes, before)
        assert outcome.failed is None, (outcome.error, outcome.lines)

    before = await look(None)
    assert before.verdict.plans, before
    await send(resource.plan(before), before)
    after = await look(extra.after)
    changes = resource.undo(before, after)
    assert changes or kind in FOLLOWS
    await send(changes, after)
    back = await look(before.verdict if changes else None)
    await session.end_run(run, "done")
    return before, after, back


def only_asks(kind: str, with_: Mapping[str, Any]) -> bool:
    """Whether all that a class ever plans is a question to the operator: nothing that an executor could send."""
    planned = build(kind, with_, StepKey("m", "asks"), 0.0).plan(Finding(Verdict.ABSENT))
    return bool(planned) and all(isinstance(change, OperatorAsk) for change in planned)


@pytest.mark.parametrize("extra", EXTRAS, ids=lambda extra: extra.kind)
def test_a_class_without_work_in_a_whole_run_goes_there_and_back(extra: Extra, looker: Looker, ground: Ground) -> None:
    ground.act({"host": extra.prepare}, lambda _: None)
    session = looker.session("lambda-to-ec2", extra.settings)
    before, after, back = looker.runner.run(there_and_back(session, extra, ground.filled))
    assert after.verdict is extra.after, after
    if extra.kind not in FOLLOWS:
        assert back.verdict is before.verdict, back


@pytest.fixture(scope="module")
def way(finished: Finished) -> Iterator[Way]:
    """Used after the extras: it leaves nothing to try them on."""
    with environment(finished.world.environment()):
        yield asyncio.run(undo_everything())


def test_each_step_that_changed_something_is_undone(way: Way) -> None:
    assert way.refused == {}
    assert set(way.failed) <= NOT_EMPTY, way.failed
    assert all("Directory not empty" in why for why in way.failed.values()), way.failed
    assert len(way.undone) >= 40
    still = {step for step, (_, after) in way.undone.items() if after is Verdict.HOLDS and way.sent[step]}
    assert still - set(way.failed) == set(), "undone, and yet it holds"
    assert {way.kinds[step] for step, count in way.sent.items() if not count} <= set(FOLLOWS)


def test_nothing_is_left_in_aws(finished: Finished, way: Way) -> None:
    env = finished.world.env
    session = boto3.Session(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], region_name=env["AWS_REGION"])
    ec2 = session.client("ec2", endpoint_url=env["AWS_ENDPOINT_URL"])
    instances = [item for group in ec2.describe_instances()["Reservations"] for item in group["Instances"]]
    assert {item["State"]["Name"] for item in instances} <= {"shutting-down", "terminated"}
    assert instances, "it was there"
    assert ec2.describe_addresses()["Addresses"] == []
    assert ec2.describe_key_pairs()["KeyPairs"] == []
    assert [item["GroupName"] for item in ec2.describe_security_groups()["SecurityGroups"]] == ["default"]


def test_every_class_is_carried_out_and_undone(way: Way) -> None:
    found = {cls.kind for cls in classes() if not cls.check_only}
    assert all(only_asks(kind, with_) for kind, with_ in ASKS.items())
    done = {way.kinds[step] for step, count in way.sent.items() if step not in way.failed}
    exercised = done | {extra.kind for extra in EXTRAS} | set(ASKS) | ELSEWHERE
    assert found - exercised == set()
    assert exercised - found == set(), "a class that is no longer there"
