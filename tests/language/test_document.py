"""YAML is read as plain data with lines; nothing in a file can crash the reader."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iris_migrate.language.document import MAX_BYTES, parse

DEEP = 100_000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0644", "0644"),
        ("22:80", "22:80"),
        ("yes", "yes"),
        ("on: off", {"on": "off"}),
        ("2024-02-01", "2024-02-01"),
        ("1e5", "1e5"),
        ("-3", -3),
        ("1.5", 1.5),
        ("true", True),
        ("~", None),
        ("", None),
        ("'5'", "5"),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
    ],
)
def test_scalars_are_read_as_yaml_1_2_does(text: str, value: object) -> None:
    assert parse(text, "f").data == value


def test_each_place_has_its_line() -> None:
    document = parse("a:\n  - id: x\n    b: 1\n  - c\n", "f")
    assert [document.line(place) for place in ((), ("a",), ("a", 0, "b"), ("a", 1), ("a", 0, "nothing"))] == [
        1,
        1,
        3,
        4,
        2,
    ]
    assert document.name(("a", 0, "b")) == "a.x.b"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * DEEP, "nested deeper than 40 levels"),
        ("- " * DEEP, "nested deeper than 40 levels"),
        ("{a: " * DEEP, "nested deeper than 40 levels"),
        ("a: &x [*x]", "aliases (*name) are not allowed; write the value out"),
        ("a: &x 1\nb: *x", "aliases (*name) are not allowed; write the value out"),
        ("a: !!python/name:os.system x", "expected plain data"),
        ("a: !!int x", "is not a value that can be read"),
        ("1" * 5000, "is not a value that can be read"),
        ("? [a]\n: b", "expected a name as the key"),
        ("a: 1\n--- \nb: 1", "not valid YAML"),
        ("a: '" + "x" * MAX_BYTES + "'", "larger than 1024 KiB"),
        ("a: \x00", "not valid YAML"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, says: str) -> None:
    (problem,) = parse(text, "f").problems
    assert says in problem.says


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"#%@`,? \n\t~0.\x00é"), max_size=80))
def test_any_text_is_data_or_a_problem(text: str) -> None:
    document = parse(text, "f")
    assert (
        document.problems or document.data is None or isinstance(document.data, str | int | float | bool | list | dict)
    )
