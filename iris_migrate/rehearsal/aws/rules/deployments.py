"""REST APIs: what a deployment takes, and what it leaves as it was."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from iris_migrate.rehearsal.aws.answers import Answer, json_result
from iris_migrate.rehearsal.aws.plane.rest_api import snapshot
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Rule, RuleBook

_GUIDE = "https://docs.aws.amazon.com/apigateway/latest/developerguide/"


@dataclass(slots=True)
class RedeployedOnly(Rule):
    """Changes of a REST API are live at a stage once it is deployed there; settings of the stage stay."""

    says = "a stage answers with what its deployment took: deleted methods stay live until it is deployed again"
    source = _GUIDE + "how-to-deploy-api.html"
    _stages: dict[tuple[str, str], Any] = field(default_factory=dict)

    def enter(self, book: RuleBook) -> None:
        book.ahead("apigateway:CreateDeployment", self.remember)
        book.behind("apigateway:CreateDeployment", self.taken)

    def remember(self, request: AwsRequest) -> None:
        """moto makes the stage anew; AWS only points it at the new deployment."""
        api = self.practice.state(request).apis.get(str(request.params.get("restApiId")))
        stage = api.stages.get(str(request.params.get("stageName") or "")) if api else None
        if stage is not None:
            self._stages[api.id, stage.name] = stage

    def taken(self, request: AwsRequest, answer: Answer) -> Answer:
        api_id, stage_name = str(request.params.get("restApiId")), str(request.params.get("stageName") or "")
        before = self._stages.pop((api_id, stage_name), None)
        if answer.status >= 300:
            return answer
        api = self.practice.state(request).apis[api_id]
        made = str(json.loads(answer.body)["id"])
        api.deployments[made].practice_snapshot = snapshot(api)
        if before is not None:
            before.deployment_id = made
            before.variables = {**before.variables, **(request.params.get("variables") or {})}
            api.stages[stage_name] = before
        return answer


@dataclass(slots=True)
class EndpointOffAfterDeployment(Rule):
    """Disabling the default endpoint of a REST API takes effect with the next change of a stage."""

    says = "disableExecuteApiEndpoint counts from the next deployment to a stage or change of a stage; then 403"
    source = _GUIDE + "rest-api-disable-default-endpoint.html"

    def enter(self, book: RuleBook) -> None:
        for operation in ("CreateDeployment", "UpdateStage", "CreateStage"):
            book.behind(f"apigateway:{operation}", self.settle)
        book.behind("apigateway:UpdateRestApi", self.wanted)

    def wanted(self, request: AwsRequest, answer: Answer) -> Answer:
        """moto takes every text for true, "False" too."""
        api = self.practice.state(request).apis.get(str(request.params.get("restApiId")))
        for change in request.params.get("patchOperations") or ():
            if answer.status == 200 and change.get("path") == "/disableExecuteApiEndpoint":
                api.disableExecuteApiEndpoint = str(change.get("value")).lower() == "true"
                return json_result(api.to_dict())
        return answer

    def settle(self, request: AwsRequest, answer: Answer) -> Answer:
        api = self.practice.state(request).apis.get(str(request.params.get("restApiId")))
        if answer.status < 300 and api is not None and request.params.get("stageName"):
            api.practice_disabled = str(api.disableExecuteApiEndpoint).lower() == "true"
        return answer


@dataclass(slots=True)
class DeploymentInUse(Rule):
    """A deployment that a stage points at cannot be deleted, whichever stage it was made for."""

    says = "DeleteDeployment is refused while any stage points at it"
    source = _GUIDE + "set-up-deployments.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("apigateway:DeleteDeployment", self.pointed_at)

    def pointed_at(self, request: AwsRequest) -> Answer | None:
        api = self.practice.state(request).apis.get(str(request.params.get("restApiId")))
        wanted = request.params.get("deploymentId")
        if api is None or wanted not in api.deployments:
            return None
        if not any(stage.deployment_id == wanted for stage in api.stages.values()):
            del api.deployments[wanted]  # moto asks for the stage that the deployment was made with
            return Answer(202, b"")
        text = "Active stages pointing to this deployment must be moved or deleted"
        return self.refuse(request, "BadRequestException", text)


RULES: tuple[type[Rule], ...] = (RedeployedOnly, EndpointOffAfterDeployment, DeploymentInUse)
