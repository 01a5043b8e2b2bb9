"""Specials survive in values, are shown by name, and are filled exactly once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_migrate.changes import AwsCall, HostCommand, HostFile
from iris_migrate.encoding import canonical, change_id, decode, encode
from iris_migrate.values import (
    AnswerRef,
    Kept,
    Secret,
    StepKey,
    Text,
    Unresolved,
    digest,
    fill,
    specials,
    text,
    unresolved,
)

leaf = st.one_of(
    st.text(), st.integers(), st.booleans(), st.none(),
    st.builds(Secret, st.text(min_size=1)), st.builds(Unresolved, st.text(min_size=1), st.text(min_size=1)),
    st.builds(AnswerRef, st.text(min_size=1)), st.builds(Kept, st.text(min_size=1)),
)  # fmt: skip
names = st.text(min_size=1).filter(lambda name: not name.startswith("$"))
values = st.recursive(leaf, lambda inner: st.one_of(
    st.lists(inner, max_size=4).map(tuple), st.dictionaries(names, inner, max_size=4),
), max_leaves=12)  # fmt: skip


@given(values)
def test_every_change_comes_back_from_the_record_as_it_was(params: object) -> None:
    call = AwsCall(says="x", service="ec2", operation="RunInstances", params={"p": params})
    assert decode(encode(call)) == call


@given(values)
def test_filling_leaves_no_special_behind(params: object) -> None:
    assert list(specials(fill(params, lambda item: "known"))) == []


@given(st.lists(st.one_of(st.text(), st.builds(Secret, st.text(min_size=1))), max_size=6))
def test_a_text_shows_secrets_by_name_only(parts: list[str | Secret]) -> None:
    joined = text(*parts)
    filled = fill(joined, lambda item: "\0value\0")
    assert "\0value\0" not in str(joined)
    assert str(filled).count("\0value\0") == sum(isinstance(part, Secret) for part in parts)


def test_a_whole_special_keeps_the_type_of_what_replaces_it() -> None:
    assert fill({"port": Unresolved("web", "port")}, lambda item: 80) == {"port": 80}


def test_unresolved_names_each_output_once_in_order() -> None:
    a, b = Unresolved("a", "x"), Unresolved("b", "y")
    assert unresolved({"one": text("http://", b, "/", a), "two": (b,)}) == (b, a)


def test_unresolved_is_found_inside_a_change() -> None:
    change = HostFile(says="write", path="/etc/x", content=text("a", Unresolved("s", "o")))
    assert unresolved(change) == (Unresolved("s", "o"),)


def test_digest_keeps_the_borders_of_its_parts() -> None:
    assert digest("ab", "c") != digest("a", "bc")


def test_a_secret_on_a_command_line_is_refused() -> None:
    with pytest.raises(ValueError, match="standard input"):
        HostCommand(says="login", argv=("login", text("--password=", Secret("p"))))


def test_a_change_keeps_its_id_over_a_crash_and_changes_it_after_a_result() -> None:
    key = StepKey("m", "s", 0)
    change = HostCommand(says="x", argv=("true",))
    assert change_id(key, 0, change) == change_id(StepKey("m", "s", 0), 0, HostCommand(says="x", argv=("true",)))
    others = {
        change_id(key, 1, change),
        change_id(StepKey("m", "s", 1), 0, change),
        change_id(StepKey("m", "t"), 0, change),
    }
    assert change_id(key, 0, change) not in others and len(others) == 3


def test_canonical_does_not_depend_on_the_order_of_names() -> None:
    assert canonical({"a": 1, "b": (2,)}) == canonical({"b": [2], "a": 1})


def test_a_plain_text_is_a_str() -> None:
    assert text("a", "b") == "ab"
    assert isinstance(text("a", Secret("s")), Text)


def test_an_item_of_a_secret() -> None:
    assert Secret("keys", 1).pick("a, b") == "b"
