"""Lambda: URLs, event sources, settings that moto drops, and lists that it does not have."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from iris_migrate.rehearsal.aws.answers import Answer, json_result
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Rule, RuleBook
from iris_migrate.rehearsal.aws.rules.function_policies import function_named
from iris_migrate.rehearsal.aws.rules.function_versions import ACCOUNT_CONCURRENCY, FunctionRule

_API = "https://docs.aws.amazon.com/lambda/latest/api/"
_DELETING = 10.0  # seconds that a deleted mapping is still shown; assumed, "a few seconds" in the API reference
_DROPPED = ("LoggingConfig", "DeadLetterConfig", "FileSystemConfigs", "SnapStart")


@dataclass(slots=True)
class FunctionUrls(FunctionRule):
    """A function has one URL, which ends with a slash and can be listed."""

    says = "a second URL of a function is ResourceConflictException (409); the address ends with /; URLs can be listed"
    source = _API + "API_CreateFunctionUrlConfig.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("lambda:CreateFunctionUrlConfig", self.once)
        book.behind("lambda:CreateFunctionUrlConfig", self.ends_with_slash)
        book.ahead("lambda:DeleteFunctionUrlConfig", self.there)
        book.ahead("lambda:GetFunctionUrlConfig", self.there)
        book.ahead("lambda:ListFunctionUrlConfigs", self.urls)

    def once(self, request: AwsRequest) -> Answer | None:
        function = self.function(request)
        if function is None or function.url_config is None:
            return None
        text = (
            f"Failed to create function url config for [functionArn = {function.function_arn}]. "
            "Error message:  FunctionUrlConfig exists for this Lambda function"
        )
        return self.refuse(request, "ResourceConflictException", text, 409)

    def ends_with_slash(self, request: AwsRequest, answer: Answer) -> Answer:
        function = self.function(request)
        if answer.status >= 300 or function is None or function.url_config is None:
            return answer
        config = function.url_config
        config.url = config.url.rstrip("/") + "/"
        config.config["Qualifier"] = request.params.get("Qualifier") or ""
        return replace(answer, body=json.dumps({**json.loads(answer.body), "FunctionUrl": config.url}).encode())

    def there(self, request: AwsRequest) -> Answer | None:
        function = self.function(request)
        if function is not None and function.url_config is not None:
            return None
        text = "The resource you requested does not exist."
        return self.refuse(request, "ResourceNotFoundException", text, 404)

    def urls(self, request: AwsRequest) -> Answer:
        function = self.function(request)
        if function is None:
            text = f"Function not found: {function_named(request).arn}"
            return self.refuse(request, "ResourceNotFoundException", text, 404)
        config = function.url_config
        return json_result({"FunctionUrlConfigs": [config.to_dict()] if config is not None else []})


@dataclass(slots=True)
class MappingsLinger(FunctionRule):
    """A deleted event source mapping is shown as Deleting for some seconds; the function's end leaves it there."""

    says = "DeleteEventSourceMapping shows Deleting for some seconds; meanwhile a second call is ResourceInUseException"
    source = _API + "API_DeleteEventSourceMapping.html"
    _going: dict[str, tuple[float, dict[str, Any]]] = field(default_factory=dict)

    def enter(self, book: RuleBook) -> None:
        book.ahead("lambda:DeleteEventSourceMapping", self.again)
        book.behind("lambda:DeleteEventSourceMapping", self.deleted)
        book.ahead("lambda:GetEventSourceMapping", self.shown)
        book.behind("lambda:ListEventSourceMappings", self.listed)

    def _lingering(self) -> dict[str, dict[str, Any]]:
        now = self.practice.clock.now()
        self._going = {name: item for name, item in self._going.items() if item[0] > now}
        return {name: told for name, (_, told) in self._going.items()}

    def again(self, request: AwsRequest) -> Answer | None:
        wanted = str(request.params.get("UUID"))
        if wanted in self._lingering():
            text = "Cannot delete the event source mapping because it is in use."
            return self.refuse(request, "ResourceInUseException", text, 400)
        if self.practice.state(request).get_event_source_mapping(wanted) is None:
            return self.refuse(request, "ResourceNotFoundException", "The resource you requested does not exist.", 404)
        return None

    def deleted(self, request: AwsRequest, answer: Answer) -> Answer:
        if answer.status < 300:
            told = {**json.loads(answer.body), "State": "Deleting"}
            self._going[str(request.params["UUID"])] = (self.practice.clock.now() + _DELETING, told)
        return answer

    def shown(self, request: AwsRequest) -> Answer | None:
        wanted = str(request.params.get("UUID"))
        if wanted in (lingering := self._lingering()):
            return json_result(lingering[wanted])
        if self.practice.state(request).get_event_source_mapping(wanted) is None:
            return self.refuse(request, "ResourceNotFoundException", "The resource you requested does not exist.", 404)
        return None

    def listed(self, request: AwsRequest, answer: Answer) -> Answer:
        if answer.status != 200:
            return answer
        told = json.loads(answer.body)
        name = function_named(request).name
        there = {item["UUID"] for item in told["EventSourceMappings"]}
        for item in self._lingering().values():
            if item["UUID"] not in there and (not name or f":function:{name}" in item["FunctionArn"]):
                told["EventSourceMappings"].append(item)
        return replace(answer, body=json.dumps(told).encode())


@dataclass(slots=True)
class SettingsKept(FunctionRule):
    """What a function was given is what it tells."""

    says = "LoggingConfig, DeadLetterConfig, FileSystemConfigs and SnapStart are told as they were set"
    source = _API + "API_FunctionConfiguration.html"

    def enter(self, book: RuleBook) -> None:
        for operation in ("CreateFunction", "UpdateFunctionConfiguration"):
            book.behind(f"lambda:{operation}", self.keep)
        for operation in ("GetFunction", "GetFunctionConfiguration"):
            book.behind(f"lambda:{operation}", self.tell)

    def keep(self, request: AwsRequest, answer: Answer) -> Answer:
        function = self.function(request)
        given = {name: request.params[name] for name in _DROPPED if request.params.get(name)}
        if answer.status < 300 and function is not None:
            function.practice_settings = {**getattr(function, "practice_settings", {}), **given}
        return answer

    def tell(self, request: AwsRequest, answer: Answer) -> Answer:
        function = self.function(request)
        if answer.status != 200 or function is None:
            return answer
        told = json.loads(answer.body)
        group = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function.function_name}"}
        kept = {"LoggingConfig": group, **getattr(function, "practice_settings", {})}
        kept["LoggingConfig"] = {**group, **kept["LoggingConfig"]}
        told.get("Configuration", told).update(kept)
        return replace(answer, body=json.dumps(told).encode())


@dataclass(slots=True)
class EmptyLists(FunctionRule):
    """Questions that moto cannot answer, of which a world without such things has a plain answer."""

    says = "provisioned concurrency, recursion and runtime settings can be asked for; so can the account's limits"
    source = _API + "API_GetAccountSettings.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead(
            "lambda:ListProvisionedConcurrencyConfigs",
            lambda request: self._of(request, {"ProvisionedConcurrencyConfigs": []}),
        )
        book.ahead(
            "lambda:GetFunctionRecursionConfig", lambda request: self._of(request, {"RecursiveLoop": "Terminate"})
        )
        book.ahead("lambda:GetRuntimeManagementConfig", self.runtime)
        book.ahead("lambda:GetAccountSettings", self.account)

    def _of(self, request: AwsRequest, told: dict[str, Any]) -> Answer:
        if self.function(request) is not None:
            return json_result(told)
        text = f"Function not found: {function_named(request).arn}"
        return self.refuse(request, "ResourceNotFoundException", text, 404)

    def runtime(self, request: AwsRequest) -> Answer:
        return self._of(request, {"UpdateRuntimeOn": "Auto", "FunctionArn": function_named(request).arn})

    def account(self, request: AwsRequest) -> Answer:
        functions = list(self.practice.state(request).list_functions())
        reserved = sum(int(item.reserved_concurrency or 0) for item in functions)
        limits = {
            "TotalCodeSize": 80530636800,
            "CodeSizeUnzipped": 262144000,
            "CodeSizeZipped": 52428800,
            "ConcurrentExecutions": ACCOUNT_CONCURRENCY,
            "UnreservedConcurrentExecutions": ACCOUNT_CONCURRENCY - reserved,
        }
        usage = {"TotalCodeSize": sum(int(item.code_size or 0) for item in functions), "FunctionCount": len(functions)}
        return json_result({"AccountLimit": limits, "AccountUsage": usage})


RULES: tuple[type[Rule], ...] = (FunctionUrls, MappingsLinger, SettingsKept, EmptyLists)
