"""The wire: what a request must look like, and what an answer looks like."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import InvalidRequest

Language = Literal["python", "javascript", "typescript", "javascriptreact", "typescriptreact"]


class AnalyzeRequest(BaseModel):
    """The body of POST /api/iris/analyze."""

    model_config = ConfigDict(strict=True, extra="ignore")

    filename: str
    language: Language
    source_code: str
    metadata: dict[str, Any] = Field(default_factory=dict)


class ResponsibilityBlock(BaseModel):
    """One labelled group of lines, in reading order."""

    label: str
    description: str
    ranges: list[tuple[int, int]] = Field(description="1-based, inclusive: [[start, end], …]")


class AnalyzeResponse(BaseModel):
    """A successful answer; `metadata` is what was sent plus the four figures."""

    success: Literal[True]
    file_intent: str
    responsibility_blocks: list[ResponsibilityBlock] = Field(min_length=1)
    metadata: dict[str, Any]


class ErrorResponse(BaseModel):
    """Every error, whatever its status."""

    success: Literal[False]
    error: str


@dataclass(frozen=True)
class Asked:
    """A request that was checked; `metadata` is what goes back to the client, as JSON text."""

    language: str
    source_code: str
    metadata: bytes


FIGURES = ("input_tokens", "output_tokens", "estimated_cost_usd", "cache_hit")  # ours in the metadata of an answer


def parse_request(body: bytes) -> Asked:
    """The request, or a sentence that names the field at fault; it never quotes what was sent."""
    try:
        sent = AnalyzeRequest.model_validate_json(body)
        metadata = {name: value for name, value in sent.metadata.items() if name not in FIGURES}
        text = json.dumps(metadata, allow_nan=False, separators=(",", ":"))
        return Asked(sent.language, sent.source_code, text.encode())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        raise InvalidRequest(_sentence(first["type"], field)) from None
    except ValueError:
        raise InvalidRequest("The field metadata holds a number that JSON does not know.") from None


_SHAPES = {"filename": "a string", "source_code": "a string", "metadata": "a JSON object"}


def _sentence(kind: str, field: str) -> str:
    if kind == "json_invalid":
        return "The body is not valid JSON."
    if not field:
        return "The body must be a JSON object with filename, language and source_code."
    if kind == "missing":
        return f"The field {field} is missing."
    if field == "language":
        return f"The field language must be one of {', '.join(get_args(Language))}."
    return f"The field {field} must be {_SHAPES.get(field, 'of another type')}."
