"""Copying: to the terminal's clipboard by OSC 52, also through tmux and screen; and to a file, which always works."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App

LONGEST = 74_000  # bytes that terminals take in one OSC 52


def osc52(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """The sequence that puts a text on the clipboard of the terminal one sits at."""
    data = base64.b64encode(text.encode()[:LONGEST]).decode()
    sequence = f"\x1b]52;c;{data}\x07"
    if environment.get("TMUX"):
        return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environment.get("TERM", "").startswith("screen"):
        return f"\x1bP{sequence}\x1b\\"
    return sequence


def save(text: str, folder: Path, name: str, now: float) -> Path:
    """Write a text to a new file that only its owner can read. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    kept = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in name)[:60]
    path = folder / f"{kept}-{stamp}.txt"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
        file.write(text if text.endswith("\n") else text + "\n")
    return path


def copied(app: App[Any], text: str, folder: Path, name: str, now: float) -> str:
    """Copy and save; answers with what to tell. The terminal does not say whether it took it, so the file is named."""
    if not text.strip():
        return "There is nothing to copy here."
    driver = app._driver
    if driver is not None:
        driver.write(osc52(text))
    try:
        path = save(text, folder, name, now)
    except OSError as error:
        return f"Copied, if your terminal allows it; it could not be saved: {error}"
    return f"Copied, if your terminal allows it; saved in {path}"
