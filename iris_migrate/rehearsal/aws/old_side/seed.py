"""Makes the old side through the practice AWS's own socket, as people once did."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from iris_migrate.rehearsal.aws.old_side import gateways, history, registry
from iris_migrate.rehearsal.aws.old_side.code import AUTHORIZER_HANDLER, HANDLER, archive, authorizer_archive
from iris_migrate.rehearsal.aws.old_side.gateways import APP, Front, Targets
from iris_migrate.rehearsal.old_sides import OldSidePlan

STACK = "iris-serverless"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
_LOGS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": "*",
        }
    ],
}


@dataclass(frozen=True, slots=True)
class OldSide:
    """What the seed made; `endpoint` is what installed clients have compiled in. Empty where there is none."""

    api_id: str = ""
    endpoint: str = ""
    kind: str = ""
    function: str = ""
    authorizer: str = ""
    repository: str = ""
    function_url: str = ""
    domain: str = ""
    second_api: str = ""
    second_endpoint: str = ""

    def shown(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Secrets:
    openai_api_key: str
    iris_api_keys: str
    openai_base_url: str


@dataclass(slots=True)
class Seed:
    """`client` gives a boto3 client of the practice AWS; `registry_state` moto's own registry."""

    plan: OldSidePlan
    client: Callable[[str], Any]
    registry_state: Callable[[], Any]
    region: str
    account: str
    now: datetime
    secrets: Secrets
    _clients: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def at(cls, endpoint: str, session: Any, region: str, account: str, now: float, **more: Any) -> Seed:
        """A seed that talks to an address."""
        from botocore.config import Config

        config = Config(retries={"total_max_attempts": 1}, proxies={})

        def client(service: str) -> Any:
            return session.client(service, endpoint_url=endpoint, region_name=region, config=config)

        return cls(client=client, region=region, account=account, now=datetime.fromtimestamp(now, UTC), **more)

    def make(self) -> OldSide:
        """The whole old side."""
        if self.plan.has("empty"):
            return OldSide()
        role = self._role()
        repository = "" if self.plan.has("zip") and not self.plan.has("many-images") else f"{APP}-backend"
        if repository:
            uri = registry.make_repository(self._of("ecr"), repository)
            registry.push_images(self._of("ecr"), repository)
        function = self._function(role, "" if self.plan.has("zip") else uri)
        authorizer = self._authorizer(role)
        if repository and self.plan.has("many-images"):
            registry.fill(self.registry_state(), self.account, repository)
        front = self._front(function, authorizer)
        second = self._second(authorizer) if self.plan.has("shared-authorizer") else None
        key = self.secrets.iris_api_keys.partition(",")[0]
        history.log_groups(self._of("logs"), front.api_id, key, self.now)
        history.metrics(self._of("cloudwatch"), front.dimension, self.now)
        domain = ""
        if self.plan.has("custom-domain"):
            first, latter = self._of("apigateway"), self._of("apigatewayv2")
            domain = gateways.map_domain(first, latter, front, self.account, self.region)
        return OldSide(
            api_id=front.api_id,
            endpoint=front.endpoint,
            kind=front.kind,
            function=function,
            authorizer=authorizer,
            repository=repository,
            function_url=self._url(function) if self.plan.has("function-url") else "",
            domain=domain,
            second_api=second.api_id if second else "",
            second_endpoint=second.endpoint if second else "",
        )

    def _of(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.client(service)
        return self._clients[service]

    def _arn(self, function: str) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{function}"

    def _role(self) -> str:
        iam, name = self._of("iam"), f"{APP}-backend-role"
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST))
        iam.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=json.dumps(_LOGS))
        return str(made["Role"]["Arn"])

    def _function(self, role: str, uri: str) -> str:
        """Two versions and an alias; an image when there is a repository for it."""
        functions, name = self._of("lambda"), f"{APP}-backend"
        variables = {
            "OPENAI_API_KEY": self.secrets.openai_api_key,
            "OPENAI_BASE_URL": self.secrets.openai_base_url,
            "CACHE_DIR": "/tmp/iris/cache",  # noqa: S108 - what people do on Lambda, and lose
            "CACHE_TTL_DAYS": "30",
            "FLASK_ENV": "production",
        }
        tags = {"app": APP}
        if self.plan.has("cloudformation"):
            tags |= {
                "aws:cloudformation:stack-name": STACK,
                "aws:cloudformation:stack-id": f"arn:aws:cloudformation:{self.region}:{self.account}:stack/{STACK}/1",
                "aws:cloudformation:logical-id": "BackendFunction",
            }
        common = {
            "FunctionName": name,
            "Role": role,
            "Timeout": 120,
            "MemorySize": 1024,
            "Environment": {"Variables": variables},
            "Tags": tags,
        }
        if uri:
            functions.create_function(PackageType="Image", Code={"ImageUri": f"{uri}:v1"}, **common)
        else:
            code = {"ZipFile": archive()}
            functions.create_function(Runtime="python3.12", Handler=HANDLER, Code=code, **common)
        functions.publish_version(FunctionName=name, Description="first")
        if uri:
            functions.update_function_code(FunctionName=name, ImageUri=f"{uri}:v2")
        else:
            functions.update_function_configuration(FunctionName=name, Description="IRIS")
        newest = functions.publish_version(FunctionName=name, Description="second")["Version"]
        functions.create_alias(FunctionName=name, Name="live", FunctionVersion=newest)
        return name

    def _authorizer(self, role: str) -> str:
        name = f"{APP}-authorizer"
        self._of("lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Handler=AUTHORIZER_HANDLER,
            Code={"ZipFile": authorizer_archive()},
            Role=role,
            Timeout=10,
            Environment={"Variables": {"IRIS_API_KEYS": self.secrets.iris_api_keys}},
        )
        return name

    def _front(self, function: str, authorizer: str) -> Front:
        group = f"/aws/apigateway/{APP}-api"
        log_group = f"arn:aws:logs:{self.region}:{self.account}:log-group:{group}"
        targets = Targets(
            self.region,
            self.account,
            f"{self._arn(function)}:live",
            self._arn(authorizer),
            log_group if self.plan.has("access-log") else "",
        )
        if self.plan.has("rest"):
            front = gateways.make_rest_api(self._of("apigateway"), targets, f"{self.secrets.iris_api_keys:x<24}"[:64])
        else:
            front = gateways.make_http_api(self._of("apigatewayv2"), targets)
        self._permit(front, function, "live")
        self._permit(front, authorizer, "")
        return front

    def _second(self, authorizer: str) -> Front:
        """Somebody else's API, whose authorizer asks the same function."""
        targets = Targets(self.region, self.account, self._arn(authorizer), self._arn(authorizer))
        front = gateways.make_http_api(self._of("apigatewayv2"), targets, "team-tools")
        self._permit(front, authorizer, "", "team-tools")
        return front

    def _permit(self, front: Front, function: str, qualifier: str, statement: str = "api") -> None:
        qualified = {"Qualifier": qualifier} if qualifier else {}
        self._of("lambda").add_permission(
            FunctionName=function,
            StatementId=statement,
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:{self.region}:{self.account}:{front.api_id}/*",
            **qualified,
        )

    def _url(self, function: str) -> str:
        functions = self._of("lambda")
        functions.add_permission(
            FunctionName=function,
            StatementId="url",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType="NONE",
        )
        return str(functions.create_function_url_config(FunctionName=function, AuthType="NONE")["FunctionUrl"])
