"""The old side as it was: image, functions with versions and alias, HTTP API with authorizer, logs, metrics."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

APP = "iris"
DAYS = 14
_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
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
_AUTHORIZER = """\
import hmac, os

def handler(event, context):
    given = (event.get("headers") or {}).get("x-api-key", "")
    print("key", given)
    keys = os.environ["IRIS_API_KEYS"].split(",")
    return {"isAuthorized": any(hmac.compare_digest(given, key) for key in keys)}
"""
ROUTES = ("POST /api/iris/analyze", "GET /api/iris/health", "ANY /api/iris/{proxy+}")


@dataclass(frozen=True, slots=True)
class OldSide:
    """What the seed made; `endpoint` is what installed clients have compiled in."""

    api_id: str
    endpoint: str
    function: str
    authorizer: str


@dataclass(frozen=True, slots=True)
class Secrets:
    openai_api_key: str
    iris_api_keys: str
    openai_base_url: str


class Seed:
    """Makes the old side through the practice AWS's own socket."""

    def __init__(self, session: Any, endpoint: str, region: str, account: str, now: float, secrets: Secrets) -> None:
        self._session, self._endpoint, self._region, self._account = session, endpoint, region, account
        self._now, self._secrets = datetime.fromtimestamp(now, UTC), secrets

    def _client(self, service: str) -> Any:
        from botocore.config import Config

        config = Config(retries={"total_max_attempts": 1}, proxies={})
        return self._session.client(service, endpoint_url=self._endpoint, region_name=self._region, config=config)

    def make(self) -> OldSide:
        """The whole old side."""
        iam, ecr, functions = self._client("iam"), self._client("ecr"), self._client("lambda")
        role = self._role(iam)
        first, second = self._images(ecr)
        function = self._function(functions, role, first, second)
        authorizer = self._authorizer(functions, role)
        api_id, endpoint = self._api(functions, function, authorizer)
        self._log_groups(api_id)
        self._metrics(api_id)
        return OldSide(api_id, endpoint, function, authorizer)

    def _role(self, iam: Any) -> str:
        name = f"{APP}-backend-role"
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST))
        iam.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=json.dumps(_LOGS))
        return str(made["Role"]["Arn"])

    # --- image -----------------------------------------------------------------------------------------------------

    def _images(self, ecr: Any) -> tuple[str, str]:
        """Two images, the newer one also behind an index with an attestation, as buildx pushes it. Their URIs."""
        repository = f"{APP}-backend"
        uri = ecr.create_repository(repositoryName=repository)["repository"]["repositoryUri"]
        ecr.put_lifecycle_policy(
            repositoryName=repository,
            lifecyclePolicyText=json.dumps(
                {
                    "rules": [
                        {
                            "rulePriority": 1,
                            "selection": {
                                "tagStatus": "untagged",
                                "countType": "imageCountMoreThan",
                                "countNumber": 50,
                            },
                            "action": {"type": "expire"},
                        }
                    ]
                }
            ),
        )
        self._put(ecr, repository, self._manifest(ecr, repository, "v1"), _MANIFEST, "v1")
        new = self._put(ecr, repository, self._manifest(ecr, repository, "v2"), _MANIFEST, "v2")
        attestation = self._put(ecr, repository, self._manifest(ecr, repository, "provenance"), _MANIFEST, "")
        children = [
            {"mediaType": _MANIFEST, "digest": digest, "size": size, "platform": platform}
            for (digest, size), platform in (
                (new, {"architecture": "amd64", "os": "linux"}),
                (attestation, {"architecture": "unknown", "os": "unknown"}),
            )
        ]
        index = json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": children})
        self._put(ecr, repository, index, _INDEX, "latest")
        return f"{uri}:v1", f"{uri}:v2"

    def _manifest(self, ecr: Any, repository: str, what: str) -> str:
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Labels": {"practice": what}}}).encode()
        layer = f"practice layer of {what}\n".encode() * 64
        described = [(_CONFIG, config), (_LAYER, layer)]
        for _, blob in described:
            self._layer(ecr, repository, blob)
        parts = [{"mediaType": kind, "digest": _digest(blob), "size": len(blob)} for kind, blob in described]
        return json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST, "config": parts[0], "layers": parts[1:]})

    @staticmethod
    def _layer(ecr: Any, repository: str, blob: bytes) -> None:
        upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
        ecr.upload_layer_part(
            repositoryName=repository, uploadId=upload, partFirstByte=0, partLastByte=len(blob) - 1, layerPartBlob=blob
        )
        ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[_digest(blob)])

    @staticmethod
    def _put(ecr: Any, repository: str, manifest: str, kind: str, tag: str) -> tuple[str, int]:
        digest = _digest(manifest.encode())
        tagged = {"imageTag": tag} if tag else {}
        ecr.put_image(
            repositoryName=repository,
            imageManifest=manifest,
            imageManifestMediaType=kind,
            imageDigest=digest,
            **tagged,
        )
        return digest, len(manifest)

    # --- functions and API -----------------------------------------------------------------------------------------

    def _function(self, functions: Any, role: str, first: str, second: str) -> str:
        name = f"{APP}-backend"
        variables = {
            "OPENAI_API_KEY": self._secrets.openai_api_key,
            "OPENAI_BASE_URL": self._secrets.openai_base_url,
            "CACHE_DIR": "/tmp/iris/cache",  # noqa: S108 - what people do on Lambda, and lose
            "CACHE_TTL_DAYS": "30",
            "FLASK_ENV": "production",
        }
        functions.create_function(
            FunctionName=name,
            PackageType="Image",
            Code={"ImageUri": first},
            Role=role,
            Timeout=120,
            MemorySize=1024,
            Environment={"Variables": variables},
            Tags={"app": APP},
        )
        functions.publish_version(FunctionName=name, Description="first")
        functions.update_function_code(FunctionName=name, ImageUri=second)
        newest = functions.publish_version(FunctionName=name, Description="second")["Version"]
        functions.create_alias(FunctionName=name, Name="live", FunctionVersion=newest)
        return name

    def _authorizer(self, functions: Any, role: str) -> str:
        name = f"{APP}-authorizer"
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as code:
            code.writestr(zipfile.ZipInfo("authorizer.py", (2026, 1, 1, 0, 0, 0)), _AUTHORIZER)
        functions.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Handler="authorizer.handler",
            Code={"ZipFile": archive.getvalue()},
            Role=role,
            Timeout=10,
            Environment={"Variables": {"IRIS_API_KEYS": self._secrets.iris_api_keys}},
        )
        return name

    def _api(self, functions: Any, function: str, authorizer: str) -> tuple[str, str]:
        gateway = self._client("apigatewayv2")
        made = gateway.create_api(Name=f"{APP}-api", ProtocolType="HTTP")
        api_id = made["ApiId"]
        arn = f"arn:aws:lambda:{self._region}:{self._account}:function"
        invoke = f"arn:aws:apigateway:{self._region}:lambda:path/2015-03-31/functions/{{}}/invocations"
        integration = gateway.create_integration(
            ApiId=api_id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=f"{arn}:{function}:live",
            PayloadFormatVersion="2.0",
            TimeoutInMillis=30000,
        )["IntegrationId"]
        authorizer_id = gateway.create_authorizer(
            ApiId=api_id,
            Name=authorizer,
            AuthorizerType="REQUEST",
            AuthorizerUri=invoke.format(f"{arn}:{authorizer}"),
            AuthorizerPayloadFormatVersion="2.0",
            EnableSimpleResponses=True,
            AuthorizerResultTtlInSeconds=300,
            IdentitySource=["$request.header.x-api-key"],
        )["AuthorizerId"]
        for route in ROUTES:
            open_ = route.startswith("GET ")
            guarded = {} if open_ else {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizer_id}
            gateway.create_route(ApiId=api_id, RouteKey=route, Target=f"integrations/{integration}", **guarded)
        gateway.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
        source = f"arn:aws:execute-api:{self._region}:{self._account}:{api_id}/*"
        for name in (function, authorizer):
            functions.add_permission(
                FunctionName=name,
                StatementId="api",
                Action="lambda:InvokeFunction",
                Principal="apigateway.amazonaws.com",
                SourceArn=source,
            )
        return api_id, f"https://{api_id}.execute-api.{self._region}.amazonaws.com"

    # --- logs and metrics ------------------------------------------------------------------------------------------

    def _log_groups(self, api_id: str) -> None:
        logs = self._client("logs")
        said = {
            f"/aws/lambda/{APP}-backend": "INFO cache miss, asking the model",
            f"/aws/lambda/{APP}-authorizer": f"key {self._secrets.iris_api_keys.partition(',')[0]}",
            f"/aws/apigateway/{APP}-api": f'{{"apiId":"{api_id}","status":"200"}}',
        }
        for group, message in said.items():
            logs.create_log_group(logGroupName=group)
            logs.create_log_stream(logGroupName=group, logStreamName="practice")
            events = [
                {"timestamp": int((self._now - timedelta(hours=hours)).timestamp() * 1000), "message": message}
                for hours in (30, 20, 3)
            ]
            logs.put_log_events(logGroupName=group, logStreamName="practice", logEvents=events)

    def _metrics(self, api_id: str) -> None:
        """An hourly point for each hour with calls: none at night and at weekends, so silences occur."""
        metrics = self._client("cloudwatch")
        hours = [self._now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=at) for at in range(DAYS * 24)]
        points = [(hour, _calls(hour)) for hour in hours if _calls(hour)]
        for namespace, name, dimension, value in (
            ("AWS/Lambda", "Invocations", "FunctionName", f"{APP}-backend"),
            ("AWS/ApiGateway", "Count", "ApiId", api_id),
        ):
            data = [
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": dimension, "Value": value}],
                    "Timestamp": hour,
                    "Value": calls,
                    "Unit": "Count",
                }
                for hour, calls in points
            ]
            metrics.put_metric_data(Namespace=namespace, MetricData=data)


def _calls(hour: datetime) -> float:
    if hour.weekday() >= 5 or not 7 <= hour.hour <= 18:
        return 0.0
    return float(round(6 + 5 * math.sin((hour.hour - 7) / 11 * math.pi)))


def _digest(blob: bytes) -> str:
    return "sha256:" + hashlib.sha256(blob).hexdigest()
