"""Eventual consistency: for a while a read does not see what was just made."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree import ElementTree

from iris_migrate.rehearsal.aws.answers import EC2_NAMESPACE, Answer, failure
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Practice

_TAG = f"{{{EC2_NAMESPACE}}}"
# Prefix of an id -> what EC2 answers when it is asked by that id, and the element that holds it in a list.
_NOT_FOUND = {
    "i": ("InvalidInstanceID.NotFound", "instanceId"),
    "eipalloc": ("InvalidAllocationID.NotFound", "allocationId"),
    "sg": ("InvalidGroup.NotFound", "groupId"),
    "key": ("InvalidKeyPair.NotFound", "keyPairId"),
}
_MAKES = re.compile(r"RunInstances|AllocateAddress|CreateSecurityGroup|(Create|Import)KeyPair")
_STALE = frozenset({"lambda", "apigateway", "apigatewayv2", "ecr", "iam"})
_LISTS = {
    "DescribeInstances": "i",
    "DescribeAddresses": "eipalloc",
    "DescribeSecurityGroups": "sg",
    "DescribeKeyPairs": "key",
}


@dataclass(slots=True)
class Lag:
    """Knows which ids are too young to be seen; `FaultTable.lag` is for how long (seconds of the world's clock)."""

    practice: Practice
    _made: dict[str, float] = field(default_factory=dict)

    def made(self, request: AwsRequest, answer: Answer) -> None:
        """Remember what this answer brought into being."""
        lag = self.practice.faults.lag
        if lag <= 0 or request.service != "ec2" or answer.status != 200 or not _MAKES.fullmatch(request.operation):
            return
        root = ElementTree.fromstring(answer.body)  # noqa: S314 - moto's own answer
        for element in root.iter():
            kind = (element.text or "").partition("-")[0]
            if kind in _NOT_FOUND and element.tag == _TAG + _NOT_FOUND[kind][1] and element.text:
                self._made.setdefault(element.text, self.practice.clock.now() + lag)

    def hide(self, request: AwsRequest, answer: Answer) -> Answer:
        """The answer to a read without what is too young; NotFound when it was asked for by id."""
        young = {name for name, until in self._made.items() if until > self.practice.clock.now()}
        kind = _LISTS.get(request.operation) if request.service == "ec2" else None
        if not young or kind is None or answer.status != 200:
            return answer
        code, element_name = _NOT_FOUND[kind]
        for asked in _strings(request.params):
            if asked in young and asked.startswith(f"{kind}-"):
                return failure(request, code, f"The ID '{asked}' does not exist")
        root = ElementTree.fromstring(answer.body)  # noqa: S314 - moto's own answer
        _prune(root, _TAG + element_name, young)
        ElementTree.register_namespace("", EC2_NAMESPACE)
        return replace(answer, body=ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for name, item in value.items() if name != "Filters" for text in _strings(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _strings(item)]
    return []


def _prune(element: ElementTree.Element, tag: str, young: set[str]) -> None:
    """Remove the items that name a young id; a reservation whose instances are all gone goes too."""
    for child in list(element):
        named = child.find(tag)
        if named is not None and named.text in young:
            element.remove(child)
            continue
        _prune(child, tag, young)
        instances = child.find(f"{_TAG}instancesSet")
        if instances is not None and not len(instances):
            element.remove(child)


@dataclass(slots=True)
class StaleReads:
    """What was read before a change is read again for a while after it: of Lambda, API Gateway, ECR and IAM.

    Only what somebody has read before can be stale here; a first question after a change is answered with the truth.
    """

    practice: Practice
    _known: dict[tuple[str, ...], Answer] = field(default_factory=dict)
    _changed: dict[tuple[str, str], float] = field(default_factory=dict)

    def look(self, request: AwsRequest, answer: Answer) -> Answer:
        """The answer, or an older one to the same question."""
        lag = self.practice.faults.lag
        if lag <= 0 or request.service not in _STALE:
            return answer
        family = (request.account, request.service.removesuffix("v2"))
        if request.writes:
            if answer.status < 300:
                self._changed[family] = self.practice.clock.now()
            return answer
        name = (*family, request.operation, request.fingerprint())
        if self.practice.clock.now() < self._changed.get(family, 0.0) + lag and name in self._known:
            return self._known[name]
        self._known[name] = answer
        return answer
