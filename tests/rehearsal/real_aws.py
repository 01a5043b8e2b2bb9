"""A real account in the place of the practice AWS, for `make test-aws`: clients that tag, remember and remove all."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.rehearsal import rule_document

TAGS = {"iris-migrate": "test-aws"}
_TAGGED_AS = {
    "apigatewayv2.CreateApi": "Tags", "apigatewayv2.CreateDomainName": "Tags", "lambda.CreateFunction": "Tags",
    "api-gateway.CreateRestApi": "tags", "ecr.CreateRepository": "tags", "iam.CreateRole": "Tags",
}  # fmt: skip
_LISTS = ("ecr.CreateRepository", "iam.CreateRole")  # take tags as a list of Key and Value
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class RealClients:
    """boto3 clients of the account that the environment names; whatever is made is tagged, and removed by `end`."""

    def __init__(self) -> None:
        self._session = boto3.Session()
        self._made: dict[str, Any] = {}
        self._left: list[tuple[str, Callable[[], Any]]] = []
        self._role = ""
        for event in _TAGGED_AS:
            self._session.events.register(f"provide-client-params.{event}", self._tag)
        for event, remove in _REMOVES.items():
            self._session.events.register(f"after-call.{event}", self._remember(event, remove))

    @property
    def region(self) -> str:
        return str(self._session.region_name)

    def account(self) -> str:
        return str(self.sts.get_caller_identity()["Account"])

    def who(self) -> str:
        """The identity without its account, which is to be typed."""
        return str(self.sts.get_caller_identity()["Arn"]).rpartition(":")[2]

    def __getattr__(self, service: str) -> Any:
        if service not in self._made:
            retries = {"mode": "standard", "total_max_attempts": 8}  # AWS' own pace: DeleteRestApi once in 30 s
            config = Config(retries=retries, connect_timeout=5, read_timeout=30)
            self._made[service] = self._session.client({"lambda_": "lambda"}.get(service, service), config=config)
        return self._made[service]

    def role(self) -> str:
        """A role without permissions, made once; Lambda takes it some seconds after."""
        if not self._role:
            name = f"iris-migrate-test-{secrets.token_hex(4)}"
            made = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST))
            self._role = str(made["Role"]["Arn"])
            if not os.environ.get("AWS_ENDPOINT_URL"):
                time.sleep(10)  # IAM tells no moment at which other services know a new role
        return self._role

    def end(self) -> list[str]:
        """Remove what tests have left; answers with what could not be removed."""
        failed = []
        for name, remove in reversed(self._left):
            try:
                remove()
            except ClientError as error:
                if (
                    "NotFound" not in error.response["Error"]["Code"]
                    and "NoSuch" not in error.response["Error"]["Code"]
                ):
                    failed.append(f"{name}: {error}")
        return failed

    def _tag(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        event = f"{model.service_model.service_id.hyphenize()}.{model.name}"
        name = _TAGGED_AS[event]
        own = [{"Key": key, "Value": value} for key, value in TAGS.items()]
        params[name] = [*params.get(name, ()), *own] if event in _LISTS else {**params.get(name, {}), **TAGS}

    def _remember(self, event: str, remove: Callable[[RealClients, Mapping[str, Any]], Callable[[], Any]]) -> Any:
        def heard(http_response: Any, parsed: Mapping[str, Any], **_: Any) -> None:
            if http_response.status_code < 300:
                self._left.append((event, remove(self, parsed)))

        return heard


_REMOVES: Mapping[str, Callable[[RealClients, Mapping[str, Any]], Callable[[], Any]]] = {
    "apigatewayv2.CreateApi": lambda aws, made: lambda: aws.apigatewayv2.delete_api(ApiId=made["ApiId"]),
    "api-gateway.CreateRestApi": lambda aws, made: lambda: aws.apigateway.delete_rest_api(restApiId=made["id"]),
    "lambda.CreateFunction": lambda aws, made: lambda: aws.lambda_.delete_function(FunctionName=made["FunctionName"]),
    "ecr.CreateRepository": lambda aws, made: (
        lambda: aws.ecr.delete_repository(repositoryName=made["repository"]["repositoryName"], force=True)
    ),
    "iam.CreateRole": lambda aws, made: lambda: aws.iam.delete_role(RoleName=made["Role"]["RoleName"]),
}


class RealAws:
    """The pytest plugin of `make test-aws`: picks the tests that can run there, and keeps what is seen."""

    def __init__(self, clients: RealClients, document: Path, kept: Path) -> None:
        self.clients = clients
        self._document, self._kept = document, kept
        self._where = os.environ.get("AWS_ENDPOINT_URL") or f"AWS {clients.region}"
        self._outcomes: dict[str, dict[str, bool]] = defaultdict(dict)
        self._rules: dict[str, set[str]] = {}

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        kept = [item for item in items if rule_document.runs_on_aws(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
        self._rules = {item.nodeid: set(rule_document.rules_of(item)) for item in kept}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.failed:
            for rule in self._rules.get(report.nodeid, ()):
                name = report.nodeid.rpartition("::")[2]
                self._outcomes[rule][name] = report.passed and self._outcomes[rule].get(name, True)

    def pytest_sessionfinish(self) -> None:
        at = time.strftime("%Y-%m-%d", time.gmtime())
        found = {
            rule: {"at": at, "where": self._where, "outcome": "holds" if all(tests.values()) else "differs",
                   "tests": ", ".join(sorted(tests))}
            for rule, tests in self._outcomes.items()
        }  # fmt: skip
        runnable = set().union(*self._rules.values()) if self._rules else set()
        rule_document.write({**rule_document.seen(), **found}, runnable, self._document, self._kept)
