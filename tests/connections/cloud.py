"""The practice AWS as tests use it: started once, reached by its endpoint, told its faults."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


class CloudProcess:
    """The child process of practice_cloud.py."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.connections.practice_cloud"]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._told: dict[str, str] = self._hear()

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to work on it, and nothing of this machine's own AWS settings."""
        return {
            "AWS_ENDPOINT_URL": self._told["url"],
            "AWS_ACCESS_KEY_ID": self._told["key"],
            "AWS_SECRET_ACCESS_KEY": self._told["secret"],
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nonexistent/config",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
        }

    def fault(self, kind: str, **how: Any) -> None:
        self._ask({"do": "fault", "kind": kind, **how})

    def clear(self) -> None:
        self._ask({"do": "clear"})

    def calls(self, after: int = 0) -> list[dict[str, Any]]:
        """The ledger's entries after a number."""
        entries: list[dict[str, Any]] = self._ask({"do": "calls", "after": after})
        return entries

    def stop(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait(timeout=20)

    def _ask(self, command: dict[str, Any]) -> Any:
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(command) + "\n")
        self._child.stdin.flush()
        return self._hear()

    def _hear(self) -> Any:
        assert self._child.stdout is not None
        return json.loads(self._child.stdout.readline())
