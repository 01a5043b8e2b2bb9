"""The client's line numbers come off, and only they."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from src.source_text import SourceText

line = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=30)


@given(st.lists(line, min_size=1, max_size=20))
def test_numbered_and_bare_are_the_same_source(lines: list[str]) -> None:
    numbered = "\n".join(f"{number} | {text}" for number, text in enumerate(lines, 1))
    assert SourceText.of(numbered).lines == tuple(lines)


@given(st.lists(line, min_size=1, max_size=20))
def test_numbering_for_the_model_is_undone_by_reading(lines: list[str]) -> None:
    source = SourceText(tuple(lines))
    assert SourceText.of(source.numbered()) == source


@pytest.mark.parametrize(
    "sent",
    ["1 | a\n3 | b", "2 | a\n3 | b", "a | b\n1 | c", "1 | a\nb", "x = 1 | 2", "0 | a", "99999999999999999999 | a"],
)
def test_a_source_that_only_looks_numbered_is_left_alone(sent: str) -> None:
    assert SourceText.of(sent).text == sent


def test_line_ends_of_windows_and_a_last_line_end_do_not_count() -> None:
    assert SourceText.of("1 | a\r\n2 | b\r\n").lines == ("a", "b")
    assert SourceText.of("a\nb\n") == SourceText.of("a\nb")


@pytest.mark.parametrize("sent", ["", "\n", "  \t\n\n", "1 | ", "1 | \n2 |  \n3 | \t"])
def test_blank_files_are_known(sent: str) -> None:
    assert SourceText.of(sent).blank


@pytest.mark.parametrize(("sent", "minified"), [("x" * 5000, True), ("x" * 80 + "\n" * 300 + "y" * 1200, False)])
def test_a_minified_file_is_known_by_few_long_lines(sent: str, minified: bool) -> None:
    assert SourceText.of(sent).minified is minified
