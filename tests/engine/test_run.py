"""The run: what is asked, what is sent, what is said, over the sandbox resources."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iris_migrate.engine.consent import Choice, Decision
from iris_migrate.engine.events import ChangeCarriedOut, ChangeIntended, Output, Status, Waiting
from iris_migrate.engine.executor import Defect
from iris_migrate.engine.lease import LeaseHeld
from iris_migrate.engine.run import Stopped
from iris_migrate.findings import Finding, Verdict
from iris_migrate.values import Secret, StepKey, Unresolved, text
from tests.engine.world import Person, World, step


def note(folder: Path, name: str, content: object, **options: object):  # type: ignore[no-untyped-def]
    return step(name, "note", with_={"path": str(folder / name), "content": content}, **options)


async def test_steps_are_brought_to_hold_in_the_order_of_what_they_name(tmp_path: Path) -> None:
    world = World(
        tmp_path, (note(tmp_path, "b", text("saw ", Unresolved("a", "word"))), note(tmp_path, "a", "hello world"))
    )
    await world.run.all()
    assert (tmp_path / "b").read_text() == "saw hello"
    assert set(world.run.statuses.values()) == {Status.HOLDS}


async def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    world = World(tmp_path, (note(tmp_path, "a", "x"),))
    await world.run.all()
    before = (tmp_path / "a").stat().st_mtime_ns
    world.events.clear()
    await world.again().all()
    assert world.of(ChangeIntended) == [] and (tmp_path / "a").stat().st_mtime_ns == before


async def test_nothing_is_sent_before_it_was_consented_to(tmp_path: Path) -> None:
    person = Person(decisions=[Decision(Choice.SKIP)])
    world = World(tmp_path, (note(tmp_path, "a", "x"),), person)
    await world.run.all()
    assert not (tmp_path / "a").exists() and world.of(ChangeIntended) == []
    assert world.run.statuses["a"] is Status.READY


async def test_a_plan_that_changed_while_it_was_read_is_shown_again(tmp_path: Path) -> None:
    path = tmp_path / "a"
    world = World(tmp_path, (note(tmp_path, "a", "new"),))

    def somebody_writes(step_id: str, again: str) -> None:
        if not again:
            path.write_text("somebody else")
            world.clock.time += 60  # the operator read for a minute

    world.person.before_answering = somebody_writes
    await world.run.all()
    assert [again for _, _, again in world.person.shown] == ["", "the plan has changed since it was shown"]
    assert path.read_text() == "new"


async def test_a_failed_change_tells_its_lines_and_a_retry_is_another_change(tmp_path: Path) -> None:
    flag, made = tmp_path / "flag", tmp_path / "made"
    script = f"echo trying; test -e {flag} && touch {made}"
    task = step("t", "task", with_={"path": str(made), "argv": ("sh", "-c", script)})
    world = World(tmp_path, (task,), Person(on_failure=[Decision(Choice.RETRY)]))
    world.listeners.append(lambda event: flag.touch() if world.person.failures else None)
    await world.run.all()
    assert world.person.failures[0].lines == ("trying",)
    assert "status 1" in world.person.failures[0].why
    assert world.run.statuses["t"] is Status.HOLDS
    first, second = world.of(ChangeIntended)
    assert first.change_id != second.change_id


async def test_what_a_command_only_began_is_looked_at_again_before_it_is_sent_again(tmp_path: Path) -> None:
    made = tmp_path / "made"
    world = World(tmp_path, (step("t", "task", with_={"path": str(made), "argv": ("true",)}),))
    world.listeners.append(lambda event: made.touch() if isinstance(event, Waiting) else None)
    await world.run.all()
    assert world.run.statuses["t"] is Status.HOLDS
    assert len(world.of(ChangeIntended)) == 1


async def test_what_is_carried_out_twice_without_effect_fails(tmp_path: Path) -> None:
    task = step("t", "task", with_={"path": str(tmp_path / "never"), "argv": ("true",)})
    world = World(tmp_path, (task,))
    with pytest.raises(Stopped):
        await world.run.all()
    assert len(world.of(ChangeIntended)) == 2
    assert "nothing has changed" in world.person.failures[0].why


async def test_a_converging_step_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "v").write_text(json.dumps(["converging", "converging", "holds"]))
    world = World(tmp_path, (step("v", "verdicts", with_={"path": str(tmp_path / "v")}),))
    await world.run.all()
    assert world.run.statuses["v"] is Status.HOLDS


@pytest.mark.parametrize("moment", ["unknown", "converging", "differs"])
async def test_what_the_last_look_finds_otherwise_is_looked_at_once_more(tmp_path: Path, moment: str) -> None:
    (tmp_path / "v").write_text(json.dumps(["holds", moment, "holds"]))
    held = step("v", "verdicts", with_={"path": str(tmp_path / "v")})
    world = World(tmp_path, (held, note(tmp_path, "a", "x")))
    await world.run.all()
    assert set(world.run.statuses.values()) == {Status.HOLDS}


async def test_what_does_not_hold_in_time_fails_with_what_was_seen(tmp_path: Path) -> None:
    (tmp_path / "v").write_text(json.dumps(["differs"]))
    checks = step("v", "verdicts", with_={"path": str(tmp_path / "v")}, timeout=30.0)
    world = World(tmp_path, (checks,))
    with pytest.raises(Stopped):
        await world.run.all()
    [failure] = world.person.failures
    assert failure.evidence[0].seen == "differs" and "30 s" in failure.why


async def test_thinking_about_a_plan_takes_none_of_the_time_that_the_step_has(tmp_path: Path) -> None:
    made = str(tmp_path / "made")
    slow = step("t", "coming", with_={"path": made, "argv": ("touch", made)}, timeout=20.0, retry_every=5.0)
    world = World(tmp_path, (slow,))

    def thinks(step_id: str, again: str) -> None:
        world.clock.time += 600

    world.person.before_answering = thinks
    await world.run.all()
    assert world.run.statuses["t"] is Status.HOLDS and world.of(Waiting)


@pytest.mark.parametrize("critical", [True, False])
async def test_only_a_critical_step_blocks_those_that_need_it(tmp_path: Path, critical: bool) -> None:
    (tmp_path / "v").write_text(json.dumps(["differs"]))
    checks = step("v", "verdicts", with_={"path": str(tmp_path / "v")}, timeout=4.0, critical=critical)
    world = World(
        tmp_path, (checks, note(tmp_path, "a", "x", needs=("v",))), Person(on_failure=[Decision(Choice.SKIP)])
    )
    await world.run.all()
    assert world.run.statuses["v"] is not Status.HOLDS
    assert (tmp_path / "a").exists() is not critical


async def test_an_operators_step_is_confirmed_by_the_answer(tmp_path: Path) -> None:
    world = World(tmp_path, (step("d", "deed", with_={"path": str(tmp_path / "d")}),), Person(answers={"d": "yes"}))
    await world.run.all()
    assert world.run.statuses["d"] is Status.CONFIRMED and world.run.details["d"] == "by tester"


async def test_an_operators_step_is_satisfied_by_doing_it(tmp_path: Path) -> None:
    world = World(tmp_path, (step("d", "deed", with_={"path": str(tmp_path / "d")}),))
    world.listeners.append(lambda event: (tmp_path / "d").touch() if world.clock.time > 1_800_000_010 else None)
    await world.run.all()
    assert world.run.statuses["d"] is Status.HOLDS


async def test_an_operators_step_that_nobody_does_stops_the_run(tmp_path: Path) -> None:
    world = World(tmp_path, (step("d", "deed", with_={"path": str(tmp_path / "d")}),))
    with pytest.raises(Stopped):
        await world.run.all()
    assert world.run.statuses["d"] is Status.NEEDS_OPERATOR


async def test_a_waiver_is_kept_with_its_reason(tmp_path: Path) -> None:
    person = Person(decisions=[Decision(Choice.WAIVE, "not here")])
    world = World(tmp_path, (note(tmp_path, "a", "x"),), person)
    await world.run.all()
    assert world.run.statuses["a"] is Status.WAIVED
    await world.again().all()
    assert world.run.statuses["a"] is Status.WAIVED and world.run.details["a"] == "not here"


async def test_an_expired_waiver_no_longer_counts(tmp_path: Path) -> None:
    world = World(tmp_path, (note(tmp_path, "a", "x"),))
    world.record.waive(world.clock.now(), world.run.checklist.name, "a", "for a day", "me", world.clock.now() + 86_400)
    world.clock.time += 90_000
    await world.run.all()
    assert world.run.statuses["a"] is Status.HOLDS


async def test_undo_puts_back_what_was_before_the_first_change(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    world = World(tmp_path, (note(tmp_path, "a", "new"),))
    await world.run.all()
    await world.run.undo(world.steps[0])
    assert (tmp_path / "a").read_text() == "old"


async def test_undo_goes_back_to_where_the_step_last_held(tmp_path: Path) -> None:
    world = World(tmp_path, (note(tmp_path, "a", "first"),))
    await world.run.all()
    world.clock.time += 60
    world.steps = (note(tmp_path, "a", "second"),)
    await world.again().all()
    await world.run.undo(world.steps[0])
    assert (tmp_path / "a").read_text() == "first"


async def test_on_failure_undo_puts_back_at_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    spoiling = f"printf spoiled > {tmp_path}/a; exit 1"
    with_ = {"path": str(tmp_path / "a"), "content": "new", "argv": ("sh", "-c", spoiling)}
    world = World(tmp_path, (step("t", "checked", with_=with_, on_failure="undo"),))
    with pytest.raises(Stopped):
        await world.run.all()
    assert (tmp_path / "a").read_text() == "old"
    assert world.person.failures[0].put_back and world.person.failures[0].why.startswith("failed, put back")


async def test_nothing_is_called_put_back_when_nothing_was(tmp_path: Path) -> None:
    with_ = {"path": "/none", "argv": ("sh", "-c", "exit 1")}
    world = World(tmp_path, (step("t", "task", with_=with_, on_failure="undo"),))
    with pytest.raises(Stopped):
        await world.run.all()
    assert not world.person.failures[0].put_back
    assert "not put back (t: nothing was changed by this step" in world.person.failures[0].why


async def test_a_secret_is_sent_and_stands_nowhere_else(tmp_path: Path) -> None:
    vault = step("v", "vault", with_={"path": str(tmp_path / "a"), "content": text("key=", Secret("password"))})
    world = World(tmp_path, (vault,), environment={"PASSWORD": "hunter2-x"})
    await world.run.all()
    assert (tmp_path / "a").read_text() == "key=hunter2-x"
    assert b"hunter2-x" not in b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert "hunter2-x" not in repr(world.events) + repr(world.person.shown)


async def test_evidence_that_contains_a_secret_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("hunter2-x")
    world = World(tmp_path, (note(tmp_path, "a", "other"),), environment={"PASSWORD": "hunter2-x"})
    world.secrets.value("password")
    await world.run.look()
    assert world.run.inspection.found["a"].finding.evidence[0].seen == "‹secret password›"


async def test_lines_that_contain_a_secret_are_hidden(tmp_path: Path) -> None:
    task = step(
        "t", "task", with_={"path": str(tmp_path / "x"), "argv": ("sh", "-c", f"echo hunter2-x; touch {tmp_path}/x")}
    )
    world = World(tmp_path, (task,), environment={"PASSWORD": "hunter2-x"})
    world.secrets.value("password")
    await world.run.all()
    assert [line for event in world.of(Output) for line in event.lines] == ["‹secret password›"]


async def test_a_missing_secret_is_asked_for_before_anything_is_sent(tmp_path: Path) -> None:
    world = World(tmp_path, (note(tmp_path, "a", text("key=", Secret("password"))),))
    with pytest.raises(Stopped):
        await world.run.all()
    assert world.run.statuses["a"] is Status.NEEDS_OPERATOR and "PASSWORD" in world.run.details["a"]
    assert not (tmp_path / "a").exists() and world.of(ChangeIntended) == []


async def test_a_change_with_an_unknown_output_is_never_sent(tmp_path: Path) -> None:
    world = World(tmp_path, (note(tmp_path, "a", Unresolved("b", "word")),))
    await world.run.inspection.look()
    changes = world.run.inspection.found["a"].preview()
    with pytest.raises(Defect):
        await world.run.executor.execute(1, StepKey("m", "a"), changes, Finding(Verdict.ABSENT))
    assert not (tmp_path / "a").exists()


async def test_two_programs_do_not_work_on_one_migration(tmp_path: Path) -> None:
    world = World(tmp_path, (note(tmp_path, "a", "x"),))
    await world.run.lease.take(world.person)
    other = World(tmp_path, (note(tmp_path, "a", "x"),))
    with pytest.raises(LeaseHeld, match="on this machine"):
        await other.run.all()
    await world.run.lease.release()
    await other.run.all()
    assert other.run.statuses["a"] is Status.HOLDS


@pytest.mark.parametrize("moment", [ChangeIntended, ChangeCarriedOut])
async def test_a_program_that_ends_at_a_change_goes_on_when_it_is_started_again(tmp_path: Path, moment: type) -> None:
    class Killed(BaseException):
        pass

    world = World(tmp_path, (note(tmp_path, "a", "x"), note(tmp_path, "b", text(Unresolved("a", "word"), "y"))))
    killed: list[str] = []

    def kill(event: object) -> None:
        if isinstance(event, moment) and event.step not in killed:
            killed.append(event.step)
            raise Killed

    world.listeners.append(kill)
    for _ in range(9):
        try:
            await world.run.all()
            break
        except Killed:
            await world.run.lease.release()
            world.record.close()
            world.again()
    assert (tmp_path / "b").read_text() == "xy" and killed == ["a", "b"]
    assert world.record.open_intents() == []


async def test_an_experiment_that_was_cut_off_is_not_made_twice(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    counted = tmp_path / "count"
    world = World(tmp_path, (step("p", "proof", with_={"path": str(tmp_path / "p"), "count": str(counted)}),))

    def kill(event: object) -> None:
        if (
            isinstance(event, ChangeIntended)
            and event.change.says == "write it down"
            and len(world.of(ChangeIntended)) < 4
        ):
            raise Killed

    world.listeners.append(kill)
    for _ in range(2):
        with pytest.raises(Killed):
            await world.run.all()
        await world.run.lease.release()
        world.record.close()
        world.again()
    await world.run.all()
    assert counted.read_text() == "x" and world.run.statuses["p"] is Status.HOLDS


async def test_a_retry_after_a_look_sends_the_whole_list(tmp_path: Path) -> None:
    counted = tmp_path / "count"
    proof = step("p", "proof", with_={"path": str(tmp_path / "p"), "count": str(counted)})
    world = World(tmp_path, (proof,))
    await world.run.all()
    (tmp_path / "p").unlink()
    await world.again().all()
    assert counted.read_text() == "xx"


async def test_an_experiment_that_shows_something_else_has_failed_and_shows_its_lines(tmp_path: Path) -> None:
    """It is not asked about again because of the note that it has left itself."""
    with_ = {
        "path": str(tmp_path / "a"),
        "content": "good",
        "argv": ("sh", "-c", f"echo seen; printf bad > {tmp_path}/a"),
    }
    (tmp_path / "a").write_text("old")
    world = World(tmp_path, (step("t", "checked", with_=with_),))
    with pytest.raises(Stopped):
        await world.run.all()
    assert len(world.person.shown) == 1
    (failure,) = world.person.failures
    assert "what came of it is not what should be" in failure.why and failure.lines == ("seen",)
    assert failure.evidence[0].seen == "bad"


async def test_a_secret_that_a_command_repeats_is_not_in_the_record(tmp_path: Path) -> None:
    with_ = {"path": str(tmp_path / "a"), "argv": ("sh", "-c", f"cat {tmp_path}/vault; touch {tmp_path}/a")}
    vault = step("v", "vault", with_={"path": str(tmp_path / "vault"), "content": text(Secret("password"))})
    world = World(tmp_path, (vault, step("t", "task", with_=with_)), environment={"PASSWORD": "swordfish"})
    await world.run.all()
    assert world.run.statuses["t"] is Status.HOLDS
    world.record.close()
    assert not any(b"swordfish" in path.read_bytes() for path in (tmp_path / "state").iterdir())
