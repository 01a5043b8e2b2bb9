"""Lambda: who may invoke a function, and invoking it."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass

from iris_migrate.rehearsal.aws.answers import Answer, json_result
from iris_migrate.rehearsal.aws.plane.functions import FunctionName, find
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Rule, RuleBook

_API = "https://docs.aws.amazon.com/lambda/latest/api/"


def function_named(request: AwsRequest) -> FunctionName:
    """The function of a request: a name, `name:qualifier`, a partial or a whole ARN, with `Qualifier` beside it."""
    given = str(request.params.get("FunctionName") or "")
    whole = FunctionName.of(given)
    if whole is None:
        name, _, qualifier = given.rpartition("function:")[2].partition(":")
        whole = FunctionName(request.account, request.region, name, qualifier)
    qualifier = str(request.params.get("Qualifier") or whole.qualifier)
    return FunctionName(whole.account, whole.region, whole.name, qualifier)


@dataclass(slots=True)
class PolicyOfAQualifier(Rule):
    """Each qualifier has a policy of its own; a statement id is there once."""

    says = "a version or alias has a resource policy of its own; a statement id is refused the second time"
    source = _API + "API_AddPermission.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("lambda:AddPermission", self.add)
        book.ahead("lambda:GetPolicy", self.get)
        book.ahead("lambda:RemovePermission", self.remove)
        book.behind("lambda:DeleteFunction", self.forget)
        book.behind("lambda:DeleteAlias", self.forget_alias)

    def _missing(self, request: AwsRequest, named: FunctionName) -> Answer | None:
        if find(self.practice.state(request), named.name, named.qualifier) is None:
            return self.refuse(request, "ResourceNotFoundException", f"Function not found: {named.arn}", 404)
        return None

    def add(self, request: AwsRequest) -> Answer:
        named = function_named(request)
        if missing := self._missing(request, named):
            return missing
        statement = self.practice.plane.permissions.add(named, request.params)
        if statement is None:
            text = (
                f"The statement id ({request.params['StatementId']}) provided already exists. "
                "Please provide a new statement id, or remove the existing statement."
            )
            return self.refuse(request, "ResourceConflictException", text, 409)
        return json_result({"Statement": json.dumps(statement)}, 201)

    def get(self, request: AwsRequest) -> Answer:
        named = function_named(request)
        if missing := self._missing(request, named):
            return missing
        policy = self.practice.plane.permissions.policy(named)
        if policy is None:
            return self.refuse(request, "ResourceNotFoundException", "The resource you requested does not exist.", 404)
        return json_result({"Policy": policy.document(), "RevisionId": policy.revision})

    def remove(self, request: AwsRequest) -> Answer:
        named = function_named(request)
        if missing := self._missing(request, named):
            return missing
        if not self.practice.plane.permissions.remove(named, str(request.params["StatementId"])):
            text = f"Statement {request.params['StatementId']} is not found in resource policy."
            return self.refuse(request, "ResourceNotFoundException", text, 404)
        return Answer(204, b"")

    def forget(self, request: AwsRequest, answer: Answer) -> Answer:
        if answer.status < 300:
            named = function_named(request)
            self.practice.plane.permissions.forget(named.account, named.region, named.name, named.qualifier)
        return answer

    def forget_alias(self, request: AwsRequest, answer: Answer) -> Answer:
        if answer.status < 300:
            named = function_named(request)
            alias = str(request.params["Name"])
            self.practice.plane.permissions.forget(named.account, named.region, named.name, alias)
        return answer


@dataclass(slots=True)
class Invoking(Rule):
    """An invocation runs the function's code; with no concurrency left it is refused."""

    says = "with reserved concurrency 0 every invocation is refused with TooManyRequestsException (429)"
    source = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("lambda:Invoke", self.invoke)

    def invoke(self, request: AwsRequest) -> Answer:
        named = function_named(request)
        payload = request.params.get("Payload") or b"null"
        try:
            event = json.loads(payload)
        except ValueError:
            text = "Could not parse request body into json: Could not parse payload into json"
            return self.refuse(request, "InvalidRequestContentException", text, 400)
        kind = str(request.params.get("InvocationType") or "RequestResponse")
        if kind == "DryRun":
            return Answer(204, b"")
        if kind == "Event":
            invoke = self.practice.plane.functions.invoke
            threading.Thread(target=invoke, args=(named, event), name="practice-event", daemon=True).start()
            return Answer(202, b"", {"Content-Type": "application/json"})
        outcome = self.practice.plane.functions.invoke(named, event)
        headers = {"Content-Type": "application/json", "X-Amz-Executed-Version": outcome.version or "$LATEST"}
        match outcome.kind:
            case "missing":
                return self.refuse(request, "ResourceNotFoundException", f"Function not found: {named.arn}", 404)
            case "throttled":
                return self.refuse(request, "TooManyRequestsException", "Rate Exceeded.", 429)
            case "failed" | "timed-out":
                headers["X-Amz-Function-Error"] = "Unhandled"
        return Answer(200, json.dumps(outcome.result).encode(), headers)


RULES: tuple[type[Rule], ...] = (PolicyOfAQualifier, Invoking)
