"""A stand-in for the model: speaks the OpenAI Responses API with structured output, and counts what it is asked."""

from __future__ import annotations

import hmac
import itertools
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from iris_migrate.rehearsal.clock import PracticeClock
from iris_migrate.rehearsal.control import ControlError
from iris_migrate.rehearsal.serving import answer_json, read_body

_NUMBERED = re.compile(r"^\s*(\d+) \| (.*)$", re.MULTILINE)
_BEGINS = re.compile(r"(?:export\s+|default\s+|async\s+)*(?:def|class|function|const|interface|type|enum)\s+(\w+)|@\w")
_CHARACTERS_A_TOKEN = 4
MOST_BLOCKS = 7


@dataclass(frozen=True, slots=True)
class Failure:
    """The next `times` calls answer with this status; 429 and 503 say after how many seconds to come again."""

    status: int
    times: int
    retry_after: float | None = None


@dataclass(slots=True)
class ModelServer:
    """A WSGI application. `key` is the one API key that it takes; `delay` is seconds before each answer."""

    key: str
    clock: PracticeClock
    delay: float = 0.0
    _failure: Failure | None = None
    _statuses: dict[int, int] = field(default_factory=dict)
    _last: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, value, headers = self._respond(environ)
        with self._lock:
            self._statuses[status] = self._statuses.get(status, 0) + 1
        return answer_json(start_response, value, f"{status} Practice", x_request_id=secrets.token_hex(8), **headers)

    def shown(self, _: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What was asked so far, without the sources that were sent."""
        with self._lock:
            calls = dict(sorted(self._statuses.items()))
            return {
                "calls": sum(calls.values()),
                "answered": calls.get(200, 0),
                "by_status": calls,
                "delay_ms": round(self.delay * 1000),
                "failing": self._failure is not None,
                "last": dict(self._last),
            }

    def change(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """`{"delay_ms": n}`, `{"fail": {"status": n, "times": n, "retry_after": s}}`, `{"fail": null}`."""
        if not set(body) <= {"delay_ms", "fail"} or not body:
            raise ControlError('Send {"delay_ms": n} or {"fail": {"status": n, "times": n}}; "fail": null ends it.')
        try:
            if "delay_ms" in body:
                self.delay = max(0.0, float(body["delay_ms"]) / 1000)
            if "fail" in body:
                self._fail(body["fail"])
        except (TypeError, ValueError, KeyError) as error:
            raise ControlError(f"That is no delay or failure of the model: {error!r}") from error
        return self.shown()

    def _fail(self, wanted: Mapping[str, Any] | None) -> None:
        with self._lock:
            if wanted is None:
                self._failure = None
                return
            after = wanted.get("retry_after")
            self._failure = Failure(
                int(wanted["status"]), int(wanted.get("times", 1)), None if after is None else float(after)
            )

    def _respond(self, environ: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
        if environ["PATH_INFO"] != "/v1/responses" or environ["REQUEST_METHOD"] != "POST":
            return 404, _error("not_found", "The practice model answers POST /v1/responses only."), {}
        body = read_body(environ)
        given = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.key.encode()):
            return 401, _error("invalid_api_key", "Incorrect API key provided."), {}
        try:
            asked = json.loads(body)
            model, text = str(asked["model"]), _text_of(asked.get("input"))
        except (ValueError, KeyError, TypeError):
            return 400, _error("invalid_request_error", "The body is not a request of the Responses API."), {}
        if self.delay:
            time.sleep(self.delay)
        failure = self._take_failure()
        if failure is not None:
            after = {"retry_after": f"{failure.retry_after:g}"} if failure.retry_after is not None else {}
            return failure.status, _error("practice_failure", "A failure of the rehearsal."), after
        reply = _reply(asked, text)
        usage = _usage(f"{asked.get('instructions') or ''}{text}", reply)
        with self._lock:
            self._last = {"model": model, "input_tokens": usage["input_tokens"], "at": self.clock.now()}
        return 200, _response(asked, model, reply, usage, self.clock.now()), {}

    def _take_failure(self) -> Failure | None:
        with self._lock:
            failure = self._failure
            if failure is None:
                return None
            left = failure.times - 1
            self._failure = Failure(failure.status, left, failure.retry_after) if left > 0 else None
            return failure


def _text_of(asked: Any) -> str:
    """The input as one text: a string, or messages with parts."""
    if isinstance(asked, str):
        return asked
    if not isinstance(asked, list) or not asked:
        raise TypeError("input")
    texts = []
    for message in asked:
        content = message["content"]
        texts += [content] if isinstance(content, str) else [str(part.get("text", "")) for part in content]
    return "\n".join(texts)


def _reply(asked: Mapping[str, Any], text: str) -> str:
    """What the model says: in the schema asked for, about the lines it was shown."""
    layout = (asked.get("text") or {}).get("format") or {}
    if layout.get("type") != "json_schema":
        return "The practice model has read it."
    schema = layout.get("schema") or {}
    return json.dumps(_Writer(schema, _blocks(text)).write(schema, ""), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Block:
    name: str
    first: int
    last: int


def _blocks(text: str) -> list[Block]:
    """Top-level parts of a numbered source: each begins at an unindented definition; not overlapping, in order."""
    lines = [(int(number), code) for number, code in _NUMBERED.findall(text)]
    written = [number for number, code in lines if code.strip()]
    if not written:
        return [Block("text", 1, 1)]
    starts: list[tuple[int, str]] = []
    for number, code in lines:
        begins = _BEGINS.match(code)
        if begins and not (starts and starts[-1][1] == "" and starts[-1][0] == number - 1):
            starts.append((number, begins.group(1) or ""))
        elif begins:
            starts[-1] = (starts[-1][0], begins.group(1) or "")
    if not starts or starts[0][0] > written[0]:
        starts.insert(0, (written[0], "preparation"))
    ends = [start - 1 for start, _ in starts[1:]] + [written[-1]]
    blocks = []
    for (first, name), end in zip(starts, ends, strict=True):
        inside = [number for number in written if first <= number <= end]
        if inside:
            blocks.append(Block(name or "part", inside[0], inside[-1]))
    while len(blocks) > MOST_BLOCKS:
        blocks[-2:] = [Block(blocks[-2].name, blocks[-2].first, blocks[-1].last)]
    return blocks


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes a value for a JSON schema; what repeats is written once for each block of the source."""

    root: Mapping[str, Any]
    blocks: list[Block]

    def write(self, schema: Mapping[str, Any], name: str, block: Block | None = None) -> Any:
        schema = self._resolved(schema)
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type")
        kind = next((item for item in kind if item != "null"), "null") if isinstance(kind, list) else kind
        match kind:
            case "object":
                inner = schema.get("properties") or {}
                return {key: self.write(value, key, block) for key, value in inner.items()}
            case "array":
                return self._items(schema.get("items") or {}, name, block)
            case "integer" | "number":
                return block.first if block else self.blocks[0].first
            case "boolean":
                return True
            case "null":
                return None
        return self._words(name, block)

    def _items(self, items: Mapping[str, Any], name: str, block: Block | None) -> list[Any]:
        items = self._resolved(items)
        about = block or self.blocks[0]
        if items.get("type") == "object":
            return [self.write(items, name, each) for each in self.blocks]
        if items.get("type") == "array":
            return [self._items(items.get("items") or {}, name, about)]
        if items.get("type") == "integer":
            return [about.first, about.last]
        return [self.write(items, name, about)]

    def _words(self, name: str, block: Block | None) -> str:
        if block is None:
            parts = ", ".join(itertools.islice((each.name for each in self.blocks), 3))
            return f"Stands in for an analysis: holds {parts}."
        if name in ("label", "name", "title"):
            return f"Part {block.name}"
        return f"Lines {block.first} to {block.last}, around {block.name}; written by the practice model."

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        for _ in range(8):
            if "$ref" in schema:
                found: Any = self.root
                for part in str(schema["$ref"]).removeprefix("#/").split("/"):
                    found = found[part]
                schema = found
            elif "anyOf" in schema:
                schema = next((item for item in schema["anyOf"] if item.get("type") != "null"), {})
            else:
                break
        return schema


def _usage(asked: str, reply: str) -> dict[str, Any]:
    read, wrote = (max(1, len(text) // _CHARACTERS_A_TOKEN) for text in (asked, reply))
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": wrote,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + wrote,
    }


def _response(asked: Mapping[str, Any], model: str, reply: str, usage: Mapping[str, Any], now: float) -> dict[str, Any]:
    content = {"type": "output_text", "text": reply, "annotations": [], "logprobs": []}
    message = {
        "id": f"msg_{secrets.token_hex(12)}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [content],
    }
    return {
        "id": f"resp_{secrets.token_hex(12)}",
        "object": "response",
        "created_at": int(now),
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": asked.get("instructions"),
        "max_output_tokens": asked.get("max_output_tokens"),
        "metadata": {},
        "model": model,
        "output": [message],
        "parallel_tool_calls": True,
        "reasoning": {"effort": (asked.get("reasoning") or {}).get("effort"), "summary": None},
        "store": bool(asked.get("store", True)),
        "temperature": 1.0,
        "text": asked.get("text") or {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
    }


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
