"""What lint says against a troubleshooting.yaml."""

from __future__ import annotations

import pytest

from iris_migrate.language.document import parse
from iris_migrate.language.explained import explained
from iris_migrate.language.model import TroubleshootingModel
from iris_migrate.language.source import shaped

FACTS = "facts: {unit: {ask: host.unit, name: a}}\n"


def said(text: str) -> list[str]:
    problems: list = []
    found = parse(text, "t.yaml")
    model = shaped(TroubleshootingModel, found, problems)
    assert model is not None, problems
    return [f"{problem.path}: {problem.says}" for problem in explained(model, found, ["start"])]


def cause(**keys: object) -> str:
    known = {"id": "down", "cause": "It is down.", "remedy": "Start it.", "when": ["unit.active == 'failed'"]} | keys
    lines = "".join(f"          {name}: {value!r}\n" for name, value in known.items() if value is not None)
    return f"{FACTS}symptoms:\n  stopped:\n    symptom: It does not run.\n    causes:\n        -\n{lines}"


def test_a_good_one_has_no_problems() -> None:
    assert said(cause(steps=["start"])) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (cause(when=["unit.active = 'x'"]), "is not JMESPath"),
        (cause(when=["unti.active == 'x'"]), "names no fact"),
        (cause(when=None), "asserts nothing"),
        (cause(steps=["strat"]), "no step 'strat'; did you mean 'start'?"),
        (cause(unless=["up"]), "no cause 'up'"),
        (cause().replace("host.unit,", "host.unti,"), "unknown kind of fact 'host.unti'; did you mean 'host.unit'?"),
        (cause().replace("ask: host.unit, name: a", "ask: step, step: b"), "no step 'b'"),
        (cause().replace("ask: host.unit, name: a", "ask: resource, resource: a.b"), "unknown resource 'a.b'"),
        (
            cause().replace("ask: host.unit, name: a", "ask: resource, resource: service.port, name: a, prot: 1"),
            "service.port takes no 'prot'; did you mean 'port'?",
        ),
        (cause() + "    see: [gone]\n", "no symptom 'gone'"),
        (cause().replace("facts: {", "facts: {spare: {ask: host.os}, "), "no cause asks for this fact"),
    ],
)
def test_a_wrong_one_is_told(text: str, words: str) -> None:
    assert any(words in line for line in said(text)), said(text)


def test_two_causes_of_one_id_are_told() -> None:
    text = cause()
    twice = text + text[text.index("        -\n") :]
    assert any("is the id of another cause too" in line for line in said(twice))
