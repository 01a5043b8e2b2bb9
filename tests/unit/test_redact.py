"""Nothing from outside reaches a terminal as a control sequence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_migrate.redact import clean, clean_bytes


@pytest.mark.parametrize(
    ("dirty", "expected"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://example.com\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP1$r0m\x1b\\x", "x"),
        ("\x9b31mred\x9d0;title\x9cx", "redx"),
        ("a\r\nb\x00\x07\x7f", "a\nb"),
        ("\x1b]0;never ended", "0;never ended"),
        ("\x1b[", ""),
        ("\x1bcreset", "reset"),
        ("safe\u202egnp.exe", "safegnp.exe"),
        ("größe ✓ ›", "größe ✓ ›"),
    ],
)
def test_control_sequences_go_and_text_stays(dirty: str, expected: str) -> None:
    assert clean(dirty) == expected


def test_c1_controls_written_in_utf8_go_too() -> None:
    assert clean_bytes(b"\xc2\x9b31mred \x9b31m\xff") == "red \ufffd31m\ufffd"


@given(st.text())
def test_nothing_a_terminal_obeys_is_left(text: str) -> None:
    left = clean(text)
    assert not any((c < " " and c not in "\n\t") or "\x7f" <= c <= "\x9f" for c in left)
    assert clean(left) == left
