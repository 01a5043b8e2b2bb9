"""Lambda: versions, aliases, concurrency, and where code is fetched from."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, replace
from typing import Any

from iris_migrate.rehearsal.aws.answers import Answer
from iris_migrate.rehearsal.aws.plane.downloads import CODE_SECONDS
from iris_migrate.rehearsal.aws.plane.functions import find
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Rule, RuleBook
from iris_migrate.rehearsal.aws.rules.function_policies import function_named

_API = "https://docs.aws.amazon.com/lambda/latest/api/"
ACCOUNT_CONCURRENCY, UNRESERVED = 1000, 100


class FunctionRule(Rule):
    """A rule that looks at the function of a request."""

    def function(self, request: AwsRequest) -> Any:
        """moto's function without its qualifier; None when there is none."""
        return find(self.practice.state(request, "lambda"), function_named(request).name)

    def versions(self, request: AwsRequest) -> list[Any]:
        """The published versions, as moto keeps them."""
        storage = self.practice.state(request, "lambda")._lambdas
        kept = storage._functions.get(function_named(request).name)
        return kept["versions"] if kept else []


@dataclass(slots=True)
class VersionsStay(FunctionRule):
    """A version keeps the code it was published with, and its number is never given again."""

    says = "a published version keeps its image and code; numbers go up, also after a version was deleted"
    source = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html"

    def enter(self, book: RuleBook) -> None:
        book.behind("lambda:PublishVersion", self.published)

    def published(self, request: AwsRequest, answer: Answer) -> Answer:
        function = self.function(request)
        if answer.status >= 300 or function is None:
            return answer
        told = json.loads(answer.body)
        made = self.versions(request)[-1]
        if getattr(made, "practice_published", False):
            return answer  # nothing had changed: the newest one again
        made.practice_published, made.code = True, copy.deepcopy(made.code)
        number = max(int(getattr(function, "practice_newest", 0)) + 1, int(made.version))
        function.practice_newest = number
        made.practice_newest = number
        if str(number) != told["Version"]:
            arns = self.practice.state(request)._lambdas._arns
            made.set_version(number)
            for version in self.versions(request):
                arns[version.function_arn] = version
            told |= {"Version": str(number), "FunctionArn": made.function_arn}
        return replace(answer, body=json.dumps(told).encode())


@dataclass(slots=True)
class AliasHolds(FunctionRule):
    """A version that an alias points at stays; $LATEST alone cannot go."""

    says = "DeleteFunction of a version that an alias references is ResourceConflictException (409)"
    source = _API + "API_DeleteFunction.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("lambda:DeleteFunction", self.held)

    def held(self, request: AwsRequest) -> Answer | None:
        named = function_named(request)
        if not named.qualifier:
            return None
        if not named.qualifier.isdigit():
            text = "$LATEST version cannot be deleted without deleting the function."
            return self.refuse(request, "InvalidParameterValueException", text)
        function = self.function(request)
        if function is None:
            return None
        for alias in self.practice.state(request).list_aliases(named.name):
            weighted = (alias.routing_config or {}).get("AdditionalVersionWeights") or {}
            if named.qualifier in (alias.function_version, *weighted):
                text = f"Version {named.qualifier} of function {named.name} is referenced by alias {alias.name}"
                return self.refuse(request, "ResourceConflictException", text, 409)
        return None


@dataclass(slots=True)
class ConcurrencyShown(FunctionRule):
    """GetFunction tells the reserved concurrency, 0 too; 100 of the account's are never reserved."""

    says = f"reserved concurrency is told by GetFunction, and leaves {UNRESERVED} of {ACCOUNT_CONCURRENCY} unreserved"
    source = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"

    def enter(self, book: RuleBook) -> None:
        book.behind("lambda:GetFunction", self.told)
        book.behind("lambda:GetFunctionConcurrency", self.none)
        book.ahead("lambda:PutFunctionConcurrency", self.enough_left)

    def told(self, request: AwsRequest, answer: Answer) -> Answer:
        function = self.function(request)
        if answer.status != 200 or function is None or function.reserved_concurrency is None:
            return answer
        shown = {"ReservedConcurrentExecutions": int(function.reserved_concurrency)}
        return replace(answer, body=json.dumps({**json.loads(answer.body), "Concurrency": shown}).encode())

    def none(self, request: AwsRequest, answer: Answer) -> Answer:
        if answer.status == 200 and json.loads(answer.body).get("ReservedConcurrentExecutions") is None:
            return replace(answer, body=b"{}")
        return answer

    def enough_left(self, request: AwsRequest) -> Answer | None:
        wanted = int(request.params.get("ReservedConcurrentExecutions") or 0)
        others = sum(
            int(item.reserved_concurrency or 0)
            for item in self.practice.state(request).list_functions()
            if item.function_name != function_named(request).name
        )
        if not wanted or ACCOUNT_CONCURRENCY - others - wanted >= UNRESERVED:
            return None
        text = (
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{UNRESERVED}]."
        )
        return self.refuse(request, "InvalidParameterValueException", text)


@dataclass(slots=True)
class CodeAddress(FunctionRule):
    """The archive of a function or of a layer is fetched from an address that lives for ten minutes."""

    says = f"GetFunction and GetLayerVersion give an address of the archive that works for {CODE_SECONDS:g} s"
    source = _API + "API_GetFunction.html"

    def enter(self, book: RuleBook) -> None:
        book.behind("lambda:GetFunction", self.function_code)
        for operation in ("GetLayerVersion", "GetLayerVersionByArn"):
            book.behind(f"lambda:{operation}", self.layer_code)

    def function_code(self, request: AwsRequest, answer: Answer) -> Answer:
        named = function_named(request)
        version = find(self.practice.state(request), named.name, named.qualifier)
        if answer.status != 200 or version is None or version.package_type != "Zip":
            return answer
        told = json.loads(answer.body)
        name = f"snapshots/{request.account}/{named.name}-{version.code_sha_256}"
        told.setdefault("Code", {"RepositoryType": "S3"})["Location"] = self._address(request, name, version.code_bytes)
        return replace(answer, body=json.dumps(told).encode())

    def layer_code(self, request: AwsRequest, answer: Answer) -> Answer:
        if answer.status != 200:
            return answer
        told = json.loads(answer.body)
        layer = self.practice.state(request).layers_versions_by_arn(told["LayerVersionArn"])
        if layer is not None:
            name = f"snapshots/{request.account}/{layer.name}-{layer.version}"
            told["Content"]["Location"] = self._address(request, name, layer.code_bytes)
        return replace(answer, body=json.dumps(told).encode())

    def _address(self, request: AwsRequest, name: str, data: bytes) -> str:
        host = f"prod-04-2014-tasks.s3.{request.region}.amazonaws.com"
        return self.practice.plane.downloads.offer(host, name, data, CODE_SECONDS)


RULES: tuple[type[Rule], ...] = (VersionsStay, AliasHolds, ConcurrencyShown, CodeAddress)
