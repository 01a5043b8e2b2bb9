"""An answer: what the model said about a source, how it is kept as text, and how it is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .contract import FIGURES, ResponsibilityBlock

_FORMAT = 1
_NOTHING_PAID = json.dumps(dict(zip(FIGURES, (0, 0, 0, 1), strict=True))).encode()[1:]


class _Kept(BaseModel):
    """The text form in the cache."""

    model_config = ConfigDict(extra="forbid")

    format: int = Field(ge=_FORMAT, le=_FORMAT)
    stored: float
    file_intent: str
    responsibility_blocks: list[ResponsibilityBlock] = Field(min_length=1)
    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    cost_nano: int = Field(ge=0)


@dataclass(frozen=True)
class Answer:
    """`head` is the response up to the metadata, made once; cost is in billionths of a dollar."""

    head: bytes
    stored: float
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nano: int = 0

    def body(self, metadata: bytes, *, paid: bool) -> bytes:
        """The whole response; only the request that caused the model call shows tokens and cost."""
        figures = _NOTHING_PAID
        if paid:
            values = (self.input_tokens, self.output_tokens, self.cost_nano / 1e9, 0)
            figures = json.dumps(dict(zip(FIGURES, values, strict=True))).encode()[1:]
        comma = b"," if metadata != b"{}" else b""
        return self.head + metadata[:-1] + comma + figures + b"}"


def new_text(intent: str, blocks: list[ResponsibilityBlock], tokens: tuple[int, int], nano: int, now: float) -> str:
    """The text that the cache keeps."""
    return _Kept(
        format=_FORMAT,
        stored=now,
        file_intent=intent,
        responsibility_blocks=blocks,
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        cost_nano=nano,
    ).model_dump_json()


def from_text(text: str) -> Answer | None:
    """The answer that was kept; None when the text is not one of ours."""
    try:
        kept = _Kept.model_validate_json(text)
    except ValidationError:
        return None
    head = {
        "success": True,
        "file_intent": kept.file_intent,
        "responsibility_blocks": [block.model_dump() for block in kept.responsibility_blocks],
    }
    opened = json.dumps(head, separators=(",", ":"))[:-1] + ',"metadata":'
    return Answer(opened.encode(), kept.stored, kept.input_tokens, kept.output_tokens, kept.cost_nano)


def for_blank_file(line_count: int) -> Answer:
    """What is said about a file without content; the client takes no answer without a block."""
    block = ResponsibilityBlock(
        label="Empty file", description="There is nothing here but white space.", ranges=[(1, line_count)]
    )
    answer = from_text(new_text("This file is empty.", [block], (0, 0), 0, 0.0))
    if answer is None:
        raise AssertionError("the blank answer does not have the shape of an answer")
    return answer
