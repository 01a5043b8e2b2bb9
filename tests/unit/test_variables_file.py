"""A value that the variables file accepts is what python-dotenv reads back; what it would change is refused by name."""

from __future__ import annotations

import io
import shlex
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iris_migrate.resources.variables import NotReadAlike, line
from iris_migrate.values import Secret, fill

dotenv = pytest.importorskip("dotenv")

values = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
signs = st.text(st.sampled_from("a b'\"\\$#{}=\n\t%!`;&"), max_size=12)


def read_back(text: str) -> dict[str, str | None]:
    return dict(dotenv.dotenv_values(stream=io.StringIO(text), interpolate=True))


def accepted(value: str) -> str | None:
    try:
        return str(line("NAME", value))
    except NotReadAlike as refused:
        assert "NAME" in str(refused)
        return None


@given(values | signs)
@example("p${HOME}x")
@example("abc #def")
@example("ends with a backslash\\")
@example(" spaces around ")
@example('"quoted"')
def test_what_is_accepted_is_read_back_unchanged(value: str) -> None:
    text = accepted(value)
    if text is not None:
        assert read_back(text) == {"NAME": value}


@given(values | signs)
def test_systemd_would_read_the_same(value: str) -> None:
    """systemd takes what stands between single quotes as it is, and a bare value of plain characters too.

    Its reader is no library; of these two forms a shell makes the same.
    """
    text = accepted(value)
    if text is not None:
        assert text.endswith("\n")
        assert shlex.split(text) == [f"NAME={value}"]


@pytest.mark.parametrize("value", ["p${HOME}x", "it's", "a\\b", "two\nlines", "nul\0"])
def test_what_is_read_two_ways_is_refused(value: str) -> None:
    assert accepted(value) is None


def test_a_secret_is_written_in_quotes_and_named_only() -> None:
    written: Any = line("KEY", Secret("openai_api_key"))
    assert str(written) == "KEY='‹secret openai_api_key›'\n"
    assert read_back(fill(written, lambda _: "sk-$x #y")) == {"KEY": "sk-$x #y"}
