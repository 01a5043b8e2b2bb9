"""The Start screen's frame is painted before anything of ours but the screens is imported."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import asyncio, json, sys
from iris_migrate.tui.app import IrisApp
from iris_migrate.tui.screens.start import StartScreen

seen = []

async def read(self):
    strips = self._compositor.render_strips()
    seen.append("\\n".join(strip.text for strip in strips))
    seen.append(sorted(sys.modules))
    self.app.exit(0)

StartScreen._read = read

async def main():
    app = IrisApp()
    async with app.run_test(size=(80, 24)) as pilot:
        while not seen:
            await pilot.pause(0.01)

asyncio.run(main())
print(json.dumps(seen))
"""
HEAVY = ("boto3", "botocore", "paramiko", "pydantic", "yaml", "jinja2", "sqlite3", "httpx", "cryptography")


def test_what_is_imported_when_the_first_frame_is_there() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    shown, modules = json.loads(done.stdout)
    assert "Migrate" in shown
    assert [name for name in HEAVY if name in modules] == []
    ours = [name for name in modules if name.startswith("iris_migrate.") and not name.startswith("iris_migrate.tui")]
    assert ours == []
