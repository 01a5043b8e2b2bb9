"""An AWS that answers from a table: for screens in states that a practice world does not show twice alike."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from iris_migrate.connections.aws import Identity
from iris_migrate.connections.aws_errors import AwsUnavailable
from iris_migrate.engine.options import Options
from iris_migrate.target import AwsError
from iris_migrate.tui.app import IrisApp

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC).timestamp()
_URI = "arn:aws:lambda:us-east-1:123456789012:function:iris-backend:live"
_GUARD = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:"
ANSWERS: Mapping[str, Any] = {
    "lambda:ListFunctions": [
        {"FunctionName": "iris-authorizer", "Runtime": "python3.12", "MemorySize": 128, "Timeout": 10},
        {"FunctionName": "iris-backend", "PackageType": "Image", "MemorySize": 1024, "Timeout": 120},
    ],
    "lambda:GetFunction": {"Code": {"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/iris-backend:v2"}},
    "lambda:GetFunctionConfiguration": {
        "Environment": {"Variables": {"API_TOKEN": "sk-hidden-value", "CACHE_TTL_DAYS": "30"}}
    },
    "apigatewayv2:GetApis": [
        {"ApiId": "a1b2c3", "Name": "iris-api", "ProtocolType": "HTTP", "ApiEndpoint": "https://a1b2c3.example.com"}
    ],
    "apigatewayv2:GetIntegrations": [{"IntegrationId": "i1", "IntegrationUri": _URI}],
    "apigatewayv2:GetRoutes": [
        {"RouteKey": "POST /api/iris/analyze", "Target": "integrations/i1", "AuthorizerId": "g1"},
        {"RouteKey": "GET /api/iris/health", "Target": "integrations/i1"},
    ],
    "apigatewayv2:GetAuthorizers": [{"AuthorizerId": "g1", "AuthorizerUri": f"{_GUARD}iris-authorizer/invocations"}],
    "apigatewayv2:GetStages": [{"StageName": "$default"}],
    "apigateway:GetRestApis": [],
    "ecr:DescribeImages": [{}] * 4,
    "cloudwatch:GetMetricStatistics": {
        "Datapoints": [
            {"Timestamp": datetime.fromtimestamp(NOW, UTC) - timedelta(days=day, hours=1), "Sum": 20.0 + day}
            for day in range(14)
        ]
    },
    "iam:SimulatePrincipalPolicy": AwsError("AccessDenied", "no", "iam:SimulatePrincipalPolicy"),
}


class CannedAws:
    """`answers` by action; an exception is raised. `opens` is the error of the first call, if any."""

    account, region = "123456789012", "us-east-1"

    def __init__(self, answers: Mapping[str, Any] = ANSWERS, opens: str = "", alias: str = "example") -> None:
        self._answers, self._opens, self._alias = answers, opens, alias

    async def open(self) -> Identity:
        if self._opens:
            raise AwsUnavailable(self._opens)
        return Identity(self.account, "arn:aws:iam::123456789012:user/operator", self.region)

    async def alias(self) -> str:
        return self._alias

    async def read(self, service: str, operation: str, **params: Any) -> Any:
        found = self._answers[f"{service}:{operation}"]
        if isinstance(found, Exception):
            raise found
        return found

    async def read_all(self, service: str, operation: str, key: str, **params: Any) -> Any:
        return await self.read(service, operation, **params)

    async def may(self, action: str, params: Mapping[str, Any]) -> str:
        return "denied" if action == "ec2:DescribeAddresses" else "allowed"

    def forget(self) -> None: ...


class CannedApp(IrisApp):
    """The app on a canned AWS, in a folder of its own, at a time that stands still."""

    def __init__(
        self, folder: Path, aws: CannedAws | None = None, *, theme: str = "dark", rehearsal: bool = False,
        settings: str = "{}\n",
    ) -> None:  # fmt: skip
        super().__init__(argparse.Namespace(theme=theme), rehearsal=rehearsal)
        self._aws = aws or CannedAws()
        self.settings = folder / "settings.yaml"
        self.settings.write_text(settings)
        self._options = Options(settings=self.settings, state=folder / "state", environment={})

    def aws_at(self, profile: str, region: str) -> Any:
        return self._aws

    def now(self) -> float:
        return NOW

    def elapsed(self) -> float:
        return 761.0
