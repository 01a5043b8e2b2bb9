"""Counters, slots and locks hold across processes, and a dead process lets go."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from src.board import Board, Window, anonymous_file, inherited

InChild = Callable[[Callable[[], object]], int]


@pytest.fixture
def in_child() -> Iterator[Callable[[Callable[[], object]], int]]:
    """Fork as gunicorn does; a child never returns into the test, and none is left."""
    children: list[int] = []

    def start(work: Callable[[], object]) -> int:
        child = os.fork()
        if child == 0:
            try:
                work()
            finally:
                os._exit(0)
        children.append(child)
        return child

    yield start
    for child in children:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def test_counts_of_several_processes_add_up(in_child: InChild) -> None:
    descriptor = anonymous_file()

    def count() -> None:
        board = Board(descriptor)
        for _ in range(500):
            board.add(hits=1, saved_nano=3)
            board.count([Window("k", 10**9, 100)])

    for child in [in_child(count) for _ in range(4)]:
        os.waitpid(child, 0)
    board = Board(descriptor)
    assert (board.counters()["hits"], board.counters()["saved_nano"]) == (2000, 6000)
    assert board.read_slot("k")[0] == 2000


def test_what_a_dead_process_counted_stays_and_its_column_is_used_again(in_child: InChild) -> None:
    descriptor = anonymous_file()
    for _ in range(40):
        os.waitpid(in_child(lambda: Board(descriptor).add(hits=1)), 0)
    assert Board(descriptor).counters()["hits"] == 40


def test_a_lock_is_held_against_other_processes_until_its_holder_dies(in_child: InChild) -> None:
    descriptor = anonymous_file()
    told, tell = os.pipe()

    def hold() -> None:
        board = Board(descriptor)
        board.try_lock("k")
        os.write(tell, b"x")
        signal.pause()

    child = in_child(hold)
    os.read(told, 1)
    board = Board(descriptor)
    assert not board.try_lock("k")
    assert board.try_lock("another")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert board.try_lock("k")


def test_a_process_killed_while_counting_does_not_stop_the_others(in_child: InChild) -> None:
    descriptor = anonymous_file()

    def count() -> None:
        board = Board(descriptor)
        while True:
            board.add(hits=1)

    board = Board(descriptor)
    for _ in range(20):
        child = in_child(count)
        seen = board.counters()["hits"]
        while board.counters()["hits"] == seen:
            pass
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        board.add(misses=1)
    assert board.counters()["misses"] == 20


def test_more_keys_than_slots_do_no_harm() -> None:
    board = Board.alone()
    for number in range(20_000):
        assert board.count([Window(str(number), 1, 100)]) is None
    assert board.count([Window("19999", 1, 100)]) is not None


def test_a_slot_tells_how_long_it_lasts() -> None:
    board = Board.alone()
    assert board.read_slot("k") == (0, 0.0)
    board.put_slot("k", 7, 100)
    value, left = board.read_slot("k")
    assert value == 7
    assert 0 < left <= 100


def test_the_later_moment_is_known_whichever_process_noted_it(in_child: InChild) -> None:
    descriptor = anonymous_file()
    board = Board(descriptor)
    for _ in range(5):
        board.stamp("cache_written")
        assert board.later("cache_written", "cache_failed")
        os.waitpid(in_child(lambda: Board(descriptor).stamp("cache_failed")), 0)
        assert not board.later("cache_written", "cache_failed")


def test_only_the_very_same_file_is_inherited() -> None:
    descriptor = anonymous_file()
    inode = os.fstat(descriptor).st_ino
    assert inherited(f"{descriptor}:{inode}") == descriptor
    for name in (f"{descriptor}:{inode + 1}", "", "x:y", "9999:1", f"{descriptor}"):
        assert inherited(name) is None
