"""The description of the wire, made from the same models that check it."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from .configuration import VERSION
from .contract import AnalyzeRequest, AnalyzeResponse, ErrorResponse

_PLACE = "#/components/schemas/{model}"


@cache
def description() -> dict[str, Any]:
    """OpenAPI 3.1 for the public paths."""
    models = [(AnalyzeRequest, "validation"), (AnalyzeResponse, "serialization"), (ErrorResponse, "serialization")]
    _, schemas = models_json_schema(models, ref_template=_PLACE)  # type: ignore[arg-type]
    return {
        "openapi": "3.1.0",
        "info": {"title": "IRIS", "version": VERSION, "description": "Prepares a developer to read one source file."},
        "paths": {
            "/api/iris/analyze": {"post": _analyze()},
            "/api/iris/health": {"get": _health()},
            "/api/iris/stats": {"get": _stats()},
        },
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
        },
    }


def _analyze() -> dict[str, Any]:
    return {
        "operationId": "analyze",
        "summary": "The file intent and the responsibility blocks of one source",
        "security": [{"key": []}],
        "requestBody": {"required": True, "content": _content("AnalyzeRequest")},
        "responses": {
            "200": {"description": "The answer", "content": _content("AnalyzeResponse")},
            **_errors(400, 401, 413, 429, 500, 502, 503, 504),
        },
    }


def _health() -> dict[str, Any]:
    state = {"description": "What works and what does not", "content": {"application/json": {"schema": _HEALTH}}}
    return {"operationId": "health", "summary": "Can it do its job", "responses": {"200": state, "503": state}}


def _stats() -> dict[str, Any]:
    schema = {"type": "object", "required": ["success", "hits", "misses", "saved_usd", "process_start", "cache"]}
    return {
        "operationId": "stats",
        "summary": "Hits, tokens and money since the start",
        "security": [{"key": []}],
        "responses": {
            "200": {"description": "The figures", "content": {"application/json": {"schema": schema}}},
            **_errors(401, 429, 500, 503),
        },
    }


_HEALTH = {
    "type": "object",
    "required": ["status", "agent", "agent_ready", "agent_error", "version", "cache"],
    "properties": {
        "status": {"enum": ["healthy", "unhealthy"]},
        "agent": {"type": "string"},
        "agent_ready": {"type": "boolean"},
        "agent_error": {"type": "boolean"},
        "problems": {"type": "array", "items": {"type": "string"}},
        "version": {"type": "string"},
        "commit": {"type": "string"},
        "cache": {
            "type": "object",
            "required": ["directory", "writable", "entries", "bytes"],
            "properties": {
                "directory": {"type": "string"},
                "writable": {"type": "boolean"},
                "entries": {"type": ["integer", "null"]},
                "bytes": {"type": ["integer", "null"]},
            },
        },
    },
}


def _content(model: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _PLACE.format(model=model)}}}


_MEANINGS = {
    400: "The request does not have the agreed shape",
    401: "The key is missing or wrong",
    413: "The request is too large",
    429: "Too many requests",
    500: "Something went wrong",
    502: "The model failed, declined or answered nonsense",
    503: "No key, no place or no model service",
    504: "The model took too long",
}


def _errors(*statuses: int) -> dict[str, Any]:
    described: dict[str, Any] = {}
    for status in statuses:
        described[str(status)] = {"description": _MEANINGS[status], "content": _content("ErrorResponse")}
        if status in {429, 503}:
            described[str(status)]["headers"] = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}}
    return described
