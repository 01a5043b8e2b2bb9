"""One flight for all who ask at the same time; a failure is shared; nobody waits for the dead."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import ask
from flask import Flask
from model_server import ModelServer, failure
from service import until
from src.admission import Admission
from src.board import Board, anonymous_file
from src.errors import Busy, ModelFailed, ModelTimedOut
from src.flights import Flights


class Locks:
    """Locks of another worker, held until the test lets go."""

    def __init__(self) -> None:
        self.held_elsewhere = threading.Event()
        self.asked = 0

    def try_lock(self, key: str) -> bool:
        self.asked += 1
        return not self.held_elsewhere.is_set()

    def unlock(self, key: str) -> None:
        """Nothing to do."""


@pytest.fixture
def locks() -> Locks:
    return Locks()


def fly_together(
    flights: Flights[str], count: int, fly: Callable[[], str], until_ready: Callable[[], None]
) -> list[Future[tuple[str, bool]]]:
    with ThreadPoolExecutor(count) as pool:
        asked = [pool.submit(flights.get, "k", lambda: None, fly, 20.0) for _ in range(count)]
        until_ready()
    return asked


def test_one_of_many_flies(locks: Locks) -> None:
    flights: Flights[str] = Flights(locks, Board.alone())
    go, flown = threading.Event(), []

    def fly() -> str:
        go.wait(20)
        flown.append(1)
        return "answer"

    def all_wait() -> None:
        until(lambda: threading.active_count() >= 10, "not all are asking")
        go.set()

    results = [future.result() for future in fly_together(flights, 10, fly, all_wait)]
    assert {answer for answer, _ in results} == {"answer"}
    assert sum(flew for _, flew in results) == len(flown)
    assert len(flown) < 10


def test_those_who_wait_share_the_failure(locks: Locks) -> None:
    flights: Flights[str] = Flights(locks, Board.alone())
    go, flown = threading.Event(), []

    def fly() -> str:
        flown.append(1)
        go.wait(20)
        raise ModelFailed

    def all_wait() -> None:
        until(lambda: bool(flown), "nobody flies")
        go.set()

    failed = [future.exception() for future in fly_together(flights, 2, fly, all_wait)]
    assert [type(error) for error in failed] == [ModelFailed, ModelFailed]


def test_the_next_one_after_a_failure_flies_again(locks: Locks) -> None:
    flights: Flights[str] = Flights(locks, Board.alone())

    def fail() -> str:
        raise ModelFailed

    with pytest.raises(ModelFailed):
        flights.get("k", lambda: None, fail, 20)
    assert flights.get("k", lambda: None, lambda: "answer", 20) == ("answer", True)


def test_a_failure_in_another_worker_is_shared_by_those_who_waited_for_it() -> None:
    descriptor = anonymous_file()
    here, there = Board(descriptor), Board(descriptor)
    locks = Locks()
    waiting: Flights[str] = Flights(locks, here)
    flying: Flights[str] = Flights(Locks(), there)
    locks.held_elsewhere.set()

    def fail() -> str:
        raise ModelTimedOut

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(waiting.get, "k", lambda: None, lambda: "paid twice", 20.0)
        until(lambda: locks.asked > 0, "nobody waits")
        with pytest.raises(ModelTimedOut):
            flying.get("k", lambda: None, fail, 20)
        locks.held_elsewhere.clear()
    assert isinstance(asked.exception(), ModelTimedOut)


def test_the_answer_of_another_worker_is_found_after_waiting(locks: Locks) -> None:
    flights: Flights[str] = Flights(locks, Board.alone())
    locks.held_elsewhere.set()
    kept: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(flights.get, "k", lambda: kept[0] if kept else None, lambda: "paid twice", 20.0)
        until(lambda: locks.asked > 0, "nobody waits")
        kept.append("theirs")
        locks.held_elsewhere.clear()
    assert asked.result() == ("theirs", False)


def test_patience_ends(locks: Locks) -> None:
    locks.held_elsewhere.set()
    with pytest.raises(ModelTimedOut):
        Flights[str](locks, Board.alone()).get("k", lambda: None, lambda: "never", 0.05)


def test_a_thread_that_is_ended_leaves_nobody_waiting(locks: Locks) -> None:
    flights: Flights[str] = Flights(locks, Board.alone())

    def end() -> str:
        raise SystemExit

    with pytest.raises(SystemExit):
        flights.get("k", lambda: None, end, 20)
    assert flights.get("k", lambda: None, lambda: "answer", 20) == ("answer", True)


def test_the_last_two_threads_are_kept_free() -> None:
    admission = Admission(threads=5, model_slots=8)
    with admission.place(), admission.place(), admission.place(), pytest.raises(Busy), admission.place():
        raise AssertionError("a fourth of five threads was given away")
    with admission.place():
        pass


def test_model_calls_have_their_own_smaller_number() -> None:
    admission = Admission(threads=10, model_slots=1)
    with admission.model_call(0.01), pytest.raises(Busy), admission.model_call(0.01):
        raise AssertionError("two calls at once")
    with admission.model_call(0.01):
        pass


def test_a_failed_flight_is_one_call_and_an_error_for_each(
    make_app: Callable[..., Flask], model: ModelServer, tmp_path: Path
) -> None:
    app = make_app()
    model.delay = 0.5
    model.answers = lambda number: failure(500, "server_error")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(app.test_client()), range(8)))
    assert {answer.status_code for answer in answers} == {502}
    assert {answer.json["success"] for answer in answers} == {False}
    assert len(model.calls) < 8
