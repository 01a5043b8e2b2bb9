"""Ranges never overlap afterwards, whatever the model said."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
from src.ranges import merge, settle


@dataclass(frozen=True)
class Block:
    ranges: list[list[int]]


def lines_of(ranges: list[tuple[int, int]]) -> set[int]:
    return {line for start, end in ranges for line in range(start, end + 1)}


numbers = st.integers(-5, 40)
blocks = st.lists(st.builds(Block, st.lists(st.lists(numbers, min_size=0, max_size=3), max_size=5)), max_size=5)


@given(blocks, st.integers(1, 30))
def test_each_line_goes_to_the_first_block_that_names_it(named: list[Block], line_count: int) -> None:
    settled = {id(block): lines_of(ranges) for block, ranges in settle(named, line_count)}
    taken: set[int] = set()
    for block in named:
        wanted = lines_of([(r[0], r[1]) for r in block.ranges if len(r) == 2]) & set(range(1, line_count + 1))
        assert settled.pop(id(block), set()) == wanted - taken
        taken |= wanted
    assert not settled


@given(blocks, st.integers(1, 30))
def test_ranges_are_sorted_apart_and_inside_the_file(named: list[Block], line_count: int) -> None:
    for _, ranges in settle(named, line_count):
        assert ranges
        assert all(1 <= start <= end <= line_count for start, end in ranges)
        assert all(after[0] > before[1] + 1 for before, after in itertools.pairwise(ranges))


def test_what_touches_is_joined() -> None:
    assert merge([(4, 6), (1, 3), (9, 9), (5, 7)]) == [(1, 7), (9, 9)]


def test_a_block_left_empty_is_dropped() -> None:
    first, second = Block([[1, 10]]), Block([[3, 4], [20, 30]])
    assert settle([first, second], 10) == [(first, [(1, 10)])]


def test_a_block_is_split_where_another_was_first() -> None:
    first, second = Block([[4, 5]]), Block([[1, 9]])
    assert settle([first, second], 9) == [(first, [(4, 5)]), (second, [(1, 3), (6, 9)])]
