"""Reads what `verify` writes for other programs, as those programs do: by the public rules of each format."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import xmlschema
import yaml

SCHEMA = Path(__file__).with_name("junit.xsd")
# The plugin guidelines: text, a bar, then 'label'=value[unit];[warn];[crit];[min];[max] separated by blanks.
_LABEL = r"(?:'(?:[^'=]|'')+'|[^'= ]+)"
_RANGE = r"(?:@?(?:~|-?[0-9.]+)?:?(?:-?[0-9.]+)?)?"
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
_DATUM = re.compile(
    rf"({_LABEL})=({_NUMBER})(s|us|ms|%|B|KB|MB|TB|c)?(?:;{_RANGE}(?:;{_RANGE}(?:;(?:{_NUMBER})?(?:;(?:{_NUMBER})?)?)?)?)?"
)
_POINT = re.compile(r"(ok|not ok) ([0-9]+) - ((?:[^#\\]|\\.)*?)(?: # (SKIP|TODO)(?: (.*))?)?")


def junit(text: str) -> dict[str, tuple[str, str]]:
    """Cases to (failure, error, skipped or nothing; its message). The document is valid, and its counts are right."""
    schema = xmlschema.XMLSchema(str(SCHEMA))
    schema.validate(text)
    root = ElementTree.fromstring(text)
    found = {}
    for suite in root.iter("testsuite"):
        cases = list(suite.iter("testcase"))
        assert int(suite.get("tests", "")) == len(cases)
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(name, "")) == sum(case.find(tag) is not None for case in cases)
        for case in cases:
            problem = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
            found[str(case.get("name"))] = ("", "") if problem is None else (problem.tag, str(problem.get("message")))
    return found


@dataclass(frozen=True)
class Plugin:
    state: str
    says: str
    figures: dict[str, float]


def nagios(text: str, status: int) -> Plugin:
    """One line by the plugin guidelines, whose word and exit code say the same."""
    assert text.endswith("\n") and text.count("\n") == 1 and text.count("|") <= 1
    head, _, data = text.rstrip("\n").partition("|")
    word = re.fullmatch(r"IRIS (OK|WARNING|CRITICAL|UNKNOWN) - (.+)", head)
    assert word is not None, head
    assert ("OK", "WARNING", "CRITICAL", "UNKNOWN").index(word[1]) == status
    figures = {}
    for datum in data.split(" ") if data else ():
        found = _DATUM.fullmatch(datum)
        assert found is not None, datum
        figures[found[1]] = float(found[2])
    return Plugin(word[1], word[2], figures)


@dataclass(frozen=True)
class Point:
    ok: bool
    directive: str
    says: str
    data: Any


def tap(text: str) -> dict[str, Point]:
    """Test points by step: version, plan, numbers in order, YAML blocks that can be read."""
    version, plan, *rest = text.splitlines()
    assert version == "TAP version 14"
    lines, found = iter(rest), {}
    block: list[str] | None = None
    last: tuple[str, Point] | None = None
    for line in lines:
        if block is not None:
            if line == "  ...":
                assert last is not None
                found[last[0]] = Point(last[1].ok, last[1].directive, last[1].says, yaml.safe_load("\n".join(block)))
                block = None
            else:
                block.append(line[2:])
        elif line == "  ---":
            block = []
        else:
            point = _POINT.fullmatch(line)
            assert point is not None, line
            assert int(point[2]) == len(found) + 1
            step = point[3].partition(":")[0]
            last = (step, Point(point[1] == "ok", point[4] or "", point[5] or "", None))
            found[step] = last[1]
    assert plan == f"1..{len(found)}" and block is None
    return found


def json_lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]
