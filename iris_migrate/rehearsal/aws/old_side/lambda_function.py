"""The handler of the old function: seed data of the practice world, packed with the backend's own modules.

It answers as IRIS on Lambda did: no cache that lasts, no key check of its own (the authorizer had that). Runs in an
execution environment, where `src` is the backend; imports nothing of iris_migrate.
"""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.request

from src.analysis import shaped  # type: ignore[import-not-found]
from src.answers import from_text, new_text  # type: ignore[import-not-found]
from src.contract import parse_request  # type: ignore[import-not-found]
from src.errors import IrisError, ModelFailed, NoModelKey  # type: ignore[import-not-found]
from src.prompt import ModelReply, instructions_for, question_about  # type: ignore[import-not-found]
from src.source_text import SourceText  # type: ignore[import-not-found]

MODEL = os.environ.get("IRIS_MODEL", "gpt-5-nano-2025-08-07")


def handler(event: dict, context: object) -> dict:  # type: ignore[type-arg]
    """One request of API Gateway (payload format 1.0 or 2.0) or of the function's URL."""
    http = event.get("requestContext", {}).get("http", {})
    method = http.get("method") or event.get("httpMethod", "")
    path = event.get("rawPath") or event.get("path", "")
    stage = event.get("requestContext", {}).get("stage", "")
    path = path.removeprefix(f"/{stage}") if stage else path
    if (method, path) == ("GET", "/api/iris/health"):
        return _told(200, {"status": "healthy", "agent": "ready", "agent_ready": True, "agent_error": False})
    if (method, path) != ("POST", "/api/iris/analyze"):
        return _told(404, {"success": False, "error": "There is nothing at this path."})
    body = event.get("body") or ""
    raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    try:
        return _told(200, _analysed(raw))
    except IrisError as error:
        return _told(error.status, {"success": False, "error": str(error)})


def _analysed(raw: bytes) -> dict:  # type: ignore[type-arg]
    asked = parse_request(raw)
    source = SourceText.of(asked.source_code)
    reply, tokens = _model(source, asked.language)
    intent, blocks = shaped(reply, len(source.lines))
    answer = from_text(new_text(intent, blocks, tokens, 0, 0.0))
    if answer is None:
        raise ModelFailed
    told: dict = json.loads(answer.body(asked.metadata, paid=True))  # type: ignore[type-arg]
    return told


def _model(source: SourceText, language: str) -> tuple[ModelReply, tuple[int, int]]:
    key = os.environ.get("OPENAI_API_KEY")
    if not key:
        raise NoModelKey
    question = {
        "model": MODEL,
        "instructions": instructions_for(source),
        "input": question_about(source, language),
        "text": {
            "format": {
                "type": "json_schema",
                "name": "ModelReply",
                "strict": True,
                "schema": ModelReply.model_json_schema(),
            }
        },
        "store": False,
    }
    base = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{base}/responses", json.dumps(question).encode(), headers)  # noqa: S310 - ours
    try:
        with urllib.request.urlopen(request, timeout=25) as answer:  # noqa: S310
            said = json.load(answer)
        text = next(
            part["text"]
            for item in said["output"]
            if item["type"] == "message"
            for part in item["content"]
            if part["type"] == "output_text"
        )
        usage = said.get("usage") or {}
        return ModelReply.model_validate_json(text), (usage.get("input_tokens", 0), usage.get("output_tokens", 0))
    except (urllib.error.URLError, OSError, ValueError, KeyError, StopIteration) as error:
        raise ModelFailed from error


def _told(status: int, value: dict) -> dict:  # type: ignore[type-arg]
    return {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": json.dumps(value)}
