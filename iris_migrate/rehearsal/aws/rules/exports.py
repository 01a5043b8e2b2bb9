"""API Gateway: APIs as OpenAPI documents with its extensions, as a backup fetches them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iris_migrate.rehearsal.aws.answers import Answer
from iris_migrate.rehearsal.aws.plane import http_api, rest_api
from iris_migrate.rehearsal.aws.request import AwsRequest
from iris_migrate.rehearsal.aws.rules.book import Rule, RuleBook
from iris_migrate.rehearsal.aws.rules.gateway import HttpApiRule
from iris_migrate.rehearsal.aws.rules.rest import RestApiRule

_GUIDE = "https://docs.aws.amazon.com/apigateway/latest/developerguide/"
_ANY = "x-amazon-apigateway-any-method"


@dataclass(slots=True)
class HttpApiExport(HttpApiRule):
    """OpenAPI 3.0 of an HTTP API: of a stage what it has released, else what is there now."""

    says = "ExportApi gives OpenAPI 3.0.1, with integrations and authorizers when extensions are asked for"
    source = _GUIDE + "http-api-export.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("apigatewayv2:ExportApi", self.export)

    def export(self, request: AwsRequest) -> Answer:
        api, params = self.api(request), request.params
        if api is None:
            return self.no_api(request)
        if params.get("Specification") != "OAS30":
            return self.refuse(request, "BadRequestException", "Invalid specification specified")
        name = params.get("StageName")
        if name and name not in api.stages:
            return self.refuse(request, "NotFoundException", "Invalid stage identifier specified", 404)
        released = http_api.released_at(api, api.stages[name]) if name else http_api.snapshot(api)
        extended = str(params.get("IncludeExtensions", True)).lower() != "false"
        document = _document(api.name, api.version or "", f"{api.api_endpoint}/")
        for route in released["routes"]:
            method, _, path = str(route["routeKey"]).partition(" ")
            entry: dict[str, Any] = {
                "responses": {"default": {"description": f"Default response for {route['routeKey']}"}}
            }
            if extended:
                entry |= _integration(
                    released["integrations"].get(str(route["target"] or "").removeprefix("integrations/"))
                )
            if (authorizer := released["authorizers"].get(route["authorizerId"])) is not None:
                entry["security"] = [{authorizer["name"]: []}]
                document["components"]["securitySchemes"][authorizer["name"]] = _scheme(authorizer, extended)
            place = document["paths"].setdefault(path or "/$default", {})
            place[_ANY if method in ("ANY", "$default") else method.lower()] = entry
        return _told(document, str(params.get("OutputType") or "JSON"))


@dataclass(slots=True)
class RestApiExport(RestApiRule):
    """OpenAPI 3.0 of a stage of a REST API: what its deployment took."""

    says = "GetExport gives what the stage's deployment took; integrations and authorizers with extensions=apigateway"
    source = _GUIDE + "api-gateway-export-api.html"

    def enter(self, book: RuleBook) -> None:
        book.ahead("apigateway:GetExport", self.export)

    def export(self, request: AwsRequest) -> Answer | None:
        api, params = self.api(request), request.params
        if api is None:
            return self.gone(request, "API")
        stage = api.stages.get(str(params.get("stageName")))
        if stage is None:
            return self.gone(request, "stage")
        if params.get("exportType") != "oas30":
            return None
        released = rest_api.released_at(api, stage)
        extensions = str((params.get("parameters") or {}).get("extensions") or "")
        extended = bool({"apigateway", "integrations"} & set(extensions.split(",")))
        host = f"https://{api.id}.execute-api.{api.region_name}.amazonaws.com"
        document = _document(api.name, api.version or "", f"{host}/{stage.name}")
        for resource in released["resources"]:
            for name, method in (resource.get("resourceMethods") or {}).items():
                entry: dict[str, Any] = {"responses": {}}
                if extended and method.get("methodIntegration"):
                    entry["x-amazon-apigateway-integration"] = _plain(method["methodIntegration"])
                authorizer = released["authorizers"].get(method.get("authorizerId"))
                if authorizer is not None:
                    entry["security"] = [{authorizer["name"]: []}]
                    document["components"]["securitySchemes"][authorizer["name"]] = _scheme(authorizer, extended)
                place = document["paths"].setdefault(resource["path"], {})
                place[_ANY if name == "ANY" else name.lower()] = entry
        return _told(document, "YAML" if "yaml" in str(params.get("accepts")) else "JSON")


def _document(title: str, version: str, url: str) -> dict[str, Any]:
    return {
        "openapi": "3.0.1",
        "info": {"title": title, "version": version},
        "servers": [{"url": url}],
        "paths": {},
        "components": {"securitySchemes": {}},
    }


def _integration(item: Mapping[str, Any] | None) -> dict[str, Any]:
    if item is None:
        return {}
    told = {
        "type": str(item["integrationType"]).lower(),
        "httpMethod": item["integrationMethod"],
        "uri": item["integrationUri"],
        "payloadFormatVersion": item["payloadFormatVersion"],
        "timeoutInMillis": item["timeoutInMillis"],
        "connectionType": item["connectionType"],
        "requestParameters": item["requestParameters"],
    }
    return {"x-amazon-apigateway-integration": _plain(told)}


def _scheme(authorizer: Mapping[str, Any], extended: bool) -> dict[str, Any]:
    source = authorizer.get("identitySource")
    told: dict[str, Any] = {"type": "apiKey", "name": "Unused", "in": "header"}
    if extended:
        told["x-amazon-apigateway-authorizer"] = _plain(
            {
                "type": str(authorizer.get("authorizerType") or authorizer.get("type") or "REQUEST").lower(),
                "identitySource": ",".join(source) if isinstance(source, list) else source,
                "authorizerUri": authorizer.get("authorizerUri"),
                "authorizerPayloadFormatVersion": authorizer.get("authorizerPayloadFormatVersion"),
                "authorizerResultTtlInSeconds": authorizer.get("authorizerResultTtlInSeconds"),
                "enableSimpleResponses": authorizer.get("enableSimpleResponses"),
            }
        )
    return told


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if value not in (None, [], {})}


def _told(document: Mapping[str, Any], kind: str) -> Answer:
    if kind == "YAML":
        import yaml

        return Answer(
            200, yaml.safe_dump(dict(document), sort_keys=False).encode(), {"Content-Type": "application/yaml"}
        )
    return Answer(200, json.dumps(document).encode(), {"Content-Type": "application/json"})


RULES: tuple[type[Rule], ...] = (HttpApiExport, RestApiExport)
