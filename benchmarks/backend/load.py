"""Load by wrk: one POST, again and again, over kept connections."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Load:
    """What one run of wrk measured."""

    per_second: float
    p50_ms: float
    p99_ms: float
    requests: int


def have_wrk() -> bool:
    """Debian's package `wrk`."""
    return shutil.which("wrk") is not None


def write_script(folder: Path, body: bytes, headers: dict[str, str]) -> Path:
    """The request as wrk wants it; the body is read from a file, so that nothing needs quoting."""
    (folder / "body.json").write_bytes(body)
    lines = [
        'wrk.method = "POST"',
        f'wrk.body = io.open("{folder / "body.json"}", "rb"):read("*a")',
        *(f'wrk.headers["{name.replace("_", "-")}"] = "{value}"' for name, value in headers.items()),
    ]
    script = folder / "post.lua"
    script.write_text("\n".join(lines))
    return script


def run(port: int, script: Path, seconds: int, connections: int = 16, path: str = "/api/iris/analyze") -> Load:
    """Run wrk; any answer but 200, or a broken connection, spoils the measurement."""
    threads = min(2, connections)
    command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script)]
    out = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True
    ).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise AssertionError(f"not every request was answered with 200:\n{out}")
    return Load(
        float(_found(r"Requests/sec:\s+([\d.]+)", out)),
        _milliseconds(out, "50"),
        _milliseconds(out, "99"),
        int(_found(r"(\d+) requests in", out)),
    )


def _milliseconds(out: str, percent: str) -> float:
    number, unit = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", out).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit]


def _found(pattern: str, out: str) -> str:
    match = re.search(pattern, out)
    if match is None:
        raise AssertionError(f"wrk said something unexpected:\n{out}")
    return match[1]
