"""What an archive names, as it is called where it is brought back: account and region of ARNs, ids of APIs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from iris_migrate.values import Text, Unresolved, text

# Places in the archive: they say where something lies, not what it is called.
_PLACES = ("from", "sealed", "manifests")
# What of a function names things of its account that no archive holds.
_BOUND: Mapping[str, str] = {
    "VpcConfig": "subnets and security groups", "KMSKeyArn": "a key of KMS", "FileSystemConfigs": "a file system",
    "DeadLetterConfig": "a queue or topic", "Layers": "layers",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """An account and a region."""

    account: str
    region: str

    def __str__(self) -> str:
        return f"{self.account} {self.region}"


@dataclass(frozen=True)
class Names:
    """From what the archive says (`was`) to what it is called at the place where it is brought back (`now`).

    `apis` gives for the id of each archived API the step that tells its id here: it may be another.
    """

    was: Place
    now: Place
    apis: Mapping[str, str]

    def here(self, value: Any) -> Any:
        """The same value with account and region of its ARNs, registries and addresses replaced."""
        return _each(value, self._placed)

    def named(self, value: Any) -> Any:
        """That, with each API's id as it will be."""
        return _each(value, lambda said: self._linked(self._placed(said)))

    def _placed(self, said: str) -> str:
        if self.was == self.now or not _OF_AWS.search(said):
            return said
        said = re.sub(rf"(?<![0-9]){re.escape(self.was.account)}(?![0-9])", self.now.account, said)
        return re.sub(rf"(?<![a-z0-9-]){re.escape(self.was.region)}(?![a-z0-9-])", self.now.region, said)

    def _linked(self, said: str) -> Any:
        if not self.apis:
            return said
        pieces = self._ids.split(said)
        found = text(*(Unresolved(self.apis[piece], "id") if piece in self.apis else piece for piece in pieces))
        return found.parts[0] if isinstance(found, Text) and len(found.parts) == 1 else found

    @cached_property
    def _ids(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![A-Za-z0-9])({'|'.join(map(re.escape, self.apis))})(?![A-Za-z0-9])")


_OF_AWS = re.compile(r"arn:aws|\.amazonaws\.com")


def _each(value: Any, change: Callable[[str], Any]) -> Any:
    """Every string of a value changed, but keys and places in the archive."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: item if name in _PLACES else _each(item, change) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_each(item, change) for item in value)
    return value


def bound(kept: Mapping[str, Any]) -> Iterable[str]:
    """What of an archive cannot be made in another account, each as a sentence."""
    for api in kept["apis"]:
        if api["kind"] == "REST":
            yield f"REST API {api['id']} is brought back only where it still is"
        for item in kept["integrations"]:
            if item["api"] == api["id"] and item["spec"].get("ConnectionId"):
                yield f"an integration of API {api['id']} needs a VPC link"
    for function in (*kept["functions"], *kept["guards"]):
        fields = {name for state in (function["latest"], *function["versions"]) for name in state["fields"]}
        for name in sorted(fields & set(_BOUND)):
            yield f"function {function['id']} needs {_BOUND[name]} ({name}) of its account"
