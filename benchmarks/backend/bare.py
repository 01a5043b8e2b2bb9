"""The floor: a bare Flask view that parses the same POST and returns the same JSON under the same gunicorn settings."""

from __future__ import annotations

import json
import os
from pathlib import Path

from flask import Flask, Response, jsonify, request

ANSWER = json.loads(Path(os.environ["BARE_ANSWER"]).read_text())

app = Flask("bare")


@app.post("/api/iris/analyze")
def analyze() -> Response:
    """Parse, look at one field, answer."""
    sent = request.get_json()
    if not isinstance(sent["source_code"], str):
        raise TypeError
    return jsonify(ANSWER)


@app.get("/api/iris/health")
def health() -> Response:
    """So that the start can be waited for."""
    return jsonify({"status": "healthy"})
