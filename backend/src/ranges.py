"""Line ranges made disjoint: the first block that names a line keeps it, and a block left empty is dropped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

Range = tuple[int, int]


class Block(Protocol):
    """Anything that names line ranges."""

    @property
    def ranges(self) -> Sequence[Sequence[int]]: ...


AnyBlock = TypeVar("AnyBlock", bound=Block)


def settle(blocks: Iterable[AnyBlock], line_count: int) -> list[tuple[AnyBlock, list[Range]]]:
    """Give each block its own lines, sorted, merged and inside the file."""
    taken: list[Range] = []
    settled = []
    for block in blocks:
        free = subtract(merge(_inside(block.ranges, line_count)), taken)
        if free:
            settled.append((block, free))
            taken = merge([*taken, *free])
    return settled


def merge(ranges: Iterable[Range]) -> list[Range]:
    """Sorted ranges with what overlaps or touches joined."""
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def subtract(wanted: list[Range], taken: list[Range]) -> list[Range]:
    """What of the sorted ranges `wanted` no range of the sorted `taken` covers."""
    left = []
    for start, end in wanted:
        at = start
        for first, last in taken:
            if first > end:
                break
            if at < first:
                left.append((at, first - 1))
            at = max(at, last + 1)
        if at <= end:
            left.append((at, end))
    return left


def _inside(ranges: Sequence[Sequence[int]], line_count: int) -> list[Range]:
    """Pairs cut to the file; what is no range, or lies outside, is left out."""
    kept = []
    for pair in ranges:
        if len(pair) == 2 and pair[0] <= pair[1]:
            start, end = max(1, pair[0]), min(line_count, pair[1])
            if start <= end:
                kept.append((start, end))
    return kept
