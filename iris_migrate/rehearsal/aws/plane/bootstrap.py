"""The program of an execution environment: loads a handler, then answers events, one JSON line each.

Started as a script by `runtime.py`, with the function's variables as its whole environment; imports nothing of ours.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sys
import traceback


class Context:
    """What a handler gets as its second argument, as far as handlers use it."""

    def __init__(self, told: dict[str, str]) -> None:
        self.aws_request_id = told["request_id"]
        self.invoked_function_arn = told["arn"]
        self.function_name = told["name"]
        self.function_version = told["version"]
        self.memory_limit_in_mb = told["memory"]


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a handler prints past sys.stdout does not disturb the answers
    folder, wanted = sys.argv[1:3]
    sys.path.insert(0, folder)
    module, _, name = wanted.rpartition(".")
    handler, broken = None, None
    try:
        handler = getattr(importlib.import_module(module.replace("/", ".")), name)
    except Exception as error:
        broken = {
            "errorMessage": f"Unable to import module {module!r}: {error}",
            "errorType": "Runtime.ImportModuleError",
        }
    for line in sys.stdin:
        asked = json.loads(line)
        said = io.StringIO()
        answer: dict[str, object] = {"error": broken} if broken else {}
        if handler is not None:
            try:
                with contextlib.redirect_stdout(said):
                    answer = {"result": handler(asked["event"], Context(asked["context"]))}
                json.dumps(answer)
            except Exception as error:
                frames = traceback.format_tb(error.__traceback__)
                told = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": frames}
                answer = {"error": told}
        answers.write(json.dumps(answer | {"said": said.getvalue()[-65536:]}) + "\n")
        answers.flush()


main()
