"""A result as JUnit XML: a suite a phase, a case a step; what could not be told is an error, not a failure."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from iris_migrate.engine.results import CheckResult, StepResult
from iris_migrate.redact import clean
from iris_migrate.reports.outcomes import Outcome, outcome, says

_TAGS = {Outcome.FAILED: "failure", Outcome.OPEN: "failure", Outcome.UNTOLD: "error", Outcome.ASIDE: "skipped"}
_ILLEGAL = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot hold


def document(results: Sequence[CheckResult]) -> str:
    """The whole document, with its declaration and a line's end."""
    root = Element("testsuites", name="iris-migrate")
    for result in results:
        for phase, title in result.phases.items():
            steps = [step for step in result.steps if step.phase == phase]
            _suite(root, result, f"{phase} {title}", steps)
    _counts(root, [step for result in results for step in result.steps])
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(root: Element, result: CheckResult, title: str, steps: Sequence[StepResult]) -> None:
    where = f"{result.host} " if result.host else ""
    suite = SubElement(root, "testsuite", name=_text(f"{where}{result.checklist} {title}"))
    _counts(suite, steps)
    suite.set("timestamp", time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(result.at)))
    suite.set("hostname", _text(result.host or "localhost"))
    for step in steps:
        name = f"{result.checklist}@{result.host}" if result.host else result.checklist
        case = SubElement(suite, "testcase", name=_text(step.id), classname=_text(f"{name}.{step.phase}"))
        case.set("time", f"{step.seconds:.3f}")
        if (tag := _TAGS.get(outcome(step))) is not None:
            found = SubElement(case, tag, message=_text(says(step, result) or step.status.value))
            if tag != "skipped":
                found.set("type", step.status.value)
                found.text = _text("\n".join(_both(step)))
        lines = [step.title, *(f"{e.verdict.value}: {e.asked}: {e.seen}" for e in step.evidence), *step.hints]
        SubElement(case, "system-out").text = _text("\n".join(lines))


def _both(step: StepResult) -> Iterable[str]:
    """What speaks against it now, and what was seen when it held."""
    for item in step.wrong:
        yield f"{item.asked}: expected {item.expected}, seen {item.seen}"
        if step.held is not None and (then := step.held.before(item.asked)):
            yield f"    when it held: {then}"


def _counts(element: Element, steps: Sequence[StepResult]) -> None:
    tags = Counter(_TAGS.get(outcome(step), "") for step in steps)
    counts = (("tests", len(steps)), ("failures", tags["failure"]), ("errors", tags["error"]))
    for name, count in counts:
        element.set(name, str(count))
    if element.tag == "testsuite":
        element.set("skipped", str(tags["skipped"]))
    element.set("time", f"{sum(step.seconds for step in steps):.3f}")


def _text(text: str) -> str:
    return _ILLEGAL.sub("", clean(text))
