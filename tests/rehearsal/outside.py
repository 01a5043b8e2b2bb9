"""The old side as its clients reach it: by its public name, over TLS, through the world's proxy."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import httpx
import yaml

from iris_migrate.rehearsal.launch import World

SOURCE = {"filename": "greet.py", "language": "python", "source_code": "1 | def greet():\n2 |     return 'hello'\n"}


class Outside:
    """Somebody with a client's key, far away."""

    def __init__(self, world: World) -> None:
        self.key = world.env["IRIS_API_KEYS"].partition(",")[0]
        settings = yaml.safe_load(Path(world.env["IRIS_MIGRATE_SETTINGS"]).read_text())
        trust = ssl.create_default_context(cafile=settings["tls.ca"])
        self._client = httpx.Client(proxy=world.env["HTTPS_PROXY"], verify=trust, timeout=60)

    def get(self, url: str, **more: Any) -> httpx.Response:
        return self._client.get(url, **more)

    def analyze(self, endpoint: str, key: str | None = "", **more: Any) -> httpx.Response:
        """One analysis with a key; None sends none, empty the right one."""
        headers = {} if key is None else {"x-api-key": key or self.key}
        return self._client.post(f"{endpoint}/api/iris/analyze", json=SOURCE, headers=headers, **more)

    def health(self, endpoint: str) -> httpx.Response:
        return self.get(f"{endpoint}/api/iris/health")

    def resolves(self, url: str) -> bool:
        try:
            self.get(url)
        except httpx.ProxyError:
            return False
        return True
