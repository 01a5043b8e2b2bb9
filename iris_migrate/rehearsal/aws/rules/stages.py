"""HTTP APIs: stages that can be changed, and deployments, which moto does not have."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from iris_migrate.rehearsal.aws.answers import Answer, json_result
from iris_migrate.rehearsal.aws.plane.http_api import snapshot
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Rule, RuleBook
from iris_migrate.rehearsal.aws.rules.gateway import HttpApiRule

_API = "https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/"
_PLAIN = {
    "AutoDeploy": "auto_deploy",
    "ClientCertificateId": "client_certificate_id",
    "Description": "description",
    "StageVariables": "stage_variables",
}


@dataclass(slots=True)
class StageChanged(HttpApiRule):
    """A stage can be changed, its access log too."""

    says = "UpdateStage changes what it names and leaves the rest; DeleteAccessLogSettings ends the access log"
    source = _API + "apis-apiid-stages-stagename.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("apigatewayv2:UpdateStage", self.update)
        book.ahead("apigatewayv2:DeleteAccessLogSettings", self.end_log)
        book.behind("apigatewayv2:CreateStage", self.created)
        book.behind("apigatewayv2:GetStage", self.told)
        book.behind("apigatewayv2:GetStages", self.told_all)

    def _stage(self, request: AwsRequest) -> Any:
        api = self.api(request)
        return api.stages.get(request.params.get("StageName")) if api else None

    def _no_stage(self, request: AwsRequest) -> Answer:
        return self.refuse(request, "NotFoundException", "Invalid stage identifier specified", 404)

    def update(self, request: AwsRequest) -> Answer:
        stage, params = self._stage(request), request.params
        if stage is None:
            return self._no_stage(request)
        if (wanted := params.get("DeploymentId")) is not None:
            if wanted not in deployments(self.api(request)):
                return self.refuse(request, "NotFoundException", "Invalid deployment identifier specified", 404)
            stage.practice_deployment = wanted
        for name, attribute in _PLAIN.items():
            if name in params:
                setattr(stage, attribute, params[name])
        if "AccessLogSettings" in params:
            stage.access_log_settings = _wire(params["AccessLogSettings"])
        if "DefaultRouteSettings" in params:
            stage.default_route_settings = {**stage.default_route_settings, **_wire(params["DefaultRouteSettings"])}
        if "RouteSettings" in params:
            stage.route_settings = {key: _wire(item) for key, item in params["RouteSettings"].items()}
        return json_result(_shown(stage))

    def end_log(self, request: AwsRequest) -> Answer:
        stage = self._stage(request)
        if stage is None:
            return self._no_stage(request)
        stage.access_log_settings = None
        return Answer(204, b"")

    def created(self, request: AwsRequest, answer: Answer) -> Answer:
        stage = self._stage(request)
        if answer.status >= 300 or stage is None:
            return answer
        stage.practice_deployment = request.params.get("DeploymentId") or ""
        return replace(json_result(_shown(stage)), status=answer.status)

    def told(self, request: AwsRequest, answer: Answer) -> Answer:
        stage = self._stage(request)
        return json_result(_shown(stage)) if answer.status == 200 and stage is not None else answer

    def told_all(self, request: AwsRequest, answer: Answer) -> Answer:
        api = self.api(request)
        if answer.status != 200 or api is None:
            return answer
        return json_result({"items": [_shown(stage) for stage in api.stages.values()]})


@dataclass(slots=True)
class Deployments(HttpApiRule):
    """A stage without AutoDeploy answers with what its deployment took; one that is live cannot be deleted."""

    says = "without AutoDeploy changes are live after CreateDeployment; a deployment that a stage uses is kept"
    source = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("apigatewayv2:CreateDeployment", self.create)
        book.ahead("apigatewayv2:GetDeployments", self.all)
        book.ahead("apigatewayv2:GetDeployment", self.one)
        book.ahead("apigatewayv2:DeleteDeployment", self.delete)

    def create(self, request: AwsRequest) -> Answer:
        api = self.api(request)
        if api is None:
            return self.no_api(request)
        name = request.params.get("StageName")
        if name and name not in api.stages:
            return self.refuse(request, "NotFoundException", "Invalid stage identifier specified", 404)
        made = secrets.token_hex(5)
        told = {
            "deploymentId": made,
            "deploymentStatus": "DEPLOYED",
            "createdDate": datetime.fromtimestamp(self.practice.clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "description": request.params.get("Description") or "",
            "autoDeployed": False,
        }
        deployments(api)[made] = {"told": told, "snapshot": snapshot(api)}
        if name:
            api.stages[name].practice_deployment = made
        return json_result(told, 201)

    def all(self, request: AwsRequest) -> Answer:
        api = self.api(request)
        if api is None:
            return self.no_api(request)
        return json_result({"items": [item["told"] for item in deployments(api).values()]})

    def one(self, request: AwsRequest) -> Answer:
        api = self.api(request)
        found = deployments(api).get(str(request.params.get("DeploymentId"))) if api else None
        if found is None:
            return self.refuse(request, "NotFoundException", "Invalid deployment identifier specified", 404)
        return json_result(found["told"])

    def delete(self, request: AwsRequest) -> Answer:
        api, wanted = self.api(request), str(request.params.get("DeploymentId"))
        if api is None or wanted not in deployments(api):
            return self.refuse(request, "NotFoundException", "Invalid deployment identifier specified", 404)
        if any(getattr(stage, "practice_deployment", "") == wanted for stage in api.stages.values()):
            text = "Active stages pointing to this deployment must be moved or deleted"
            return self.refuse(request, "ConflictException", text, 409)
        del deployments(api)[wanted]
        return Answer(204, b"")


def deployments(api: Any) -> dict[str, dict[str, Any]]:
    """The deployments of an API; they are kept on moto's object, so that they go with it."""
    if not hasattr(api, "practice_deployments"):
        api.practice_deployments = {}
    kept: dict[str, dict[str, Any]] = api.practice_deployments
    return kept


def _shown(stage: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(stage.to_json(), default=str))
    deployment = getattr(stage, "practice_deployment", "")
    return {**told, "deploymentId": deployment} if deployment else told


def _wire(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name[:1].lower() + name[1:]: value for name, value in settings.items()}


RULES: tuple[type[Rule], ...] = (StageChanged, Deployments)
