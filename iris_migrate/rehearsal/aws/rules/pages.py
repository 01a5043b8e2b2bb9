"""API Gateway: lists come in pages, of both kinds of API."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, replace

from iris_migrate.rehearsal.aws.answers import Answer
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Rule, RuleBook

_FIRST = (
    "GetRestApis", "GetResources", "GetAuthorizers", "GetDeployments", "GetModels", "GetRequestValidators",
    "GetGatewayResponses", "GetUsagePlans", "GetUsagePlanKeys", "GetApiKeys", "GetDomainNames", "GetBasePathMappings",
    "GetVpcLinks",
)  # fmt: skip
_SECOND = (
    "GetApis", "GetRoutes", "GetIntegrations", "GetAuthorizers", "GetStages", "GetDeployments", "GetModels",
    "GetDomainNames", "GetApiMappings", "GetVpcLinks",
)  # fmt: skip
PAGE = 25  # the default of REST APIs as documented; for HTTP APIs nothing is said, the same is assumed
MOST = 500


@dataclass(slots=True)
class Pages(Rule):
    """A list is whole only when the last page had no token."""

    says = f"lists of API Gateway come in pages of {PAGE}, at most {MOST} when asked for"
    source = "https://docs.aws.amazon.com/apigateway/latest/api/API_GetResources.html"

    def enter(self, book: RuleBook) -> None:
        for service, operations in (("apigateway", _FIRST), ("apigatewayv2", _SECOND)):
            for operation in operations:
                book.behind(f"{service}:{operation}", self.page)

    def page(self, request: AwsRequest, answer: Answer) -> Answer:
        if answer.status != 200:
            return answer
        first = request.service == "apigateway"
        told = json.loads(answer.body)
        key = "item" if "item" in told else "items"
        items = told.get(key) or []
        size, token = (
            request.params.get(name) for name in (("limit", "position") if first else ("MaxResults", "NextToken"))
        )
        try:
            begin = int(base64.urlsafe_b64decode(str(token)).decode()) if token else 0
        except (ValueError, binascii.Error):
            return self.refuse(request, "BadRequestException", "Invalid position parameter")
        count = max(1, min(int(size or PAGE), MOST))
        told[key] = items[begin : begin + count]
        if begin + count < len(items):
            more = base64.urlsafe_b64encode(str(begin + count).encode()).decode()
            told["position" if first else "nextToken"] = more
        return replace(answer, body=json.dumps(told).encode())


RULES: tuple[type[Rule], ...] = (Pages,)
