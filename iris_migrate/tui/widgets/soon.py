"""Calling something a little later, surely: Textual's one-shot timers are lost on a machine that is busy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.widget import Widget


def soon(widget: Widget, seconds: float, callback: Callable[[], object]) -> None:
    """Call back in the widget's own order of messages.

    `set_timer` skips a tick that is already over when its task first runs; with one tick that is the only one
    (textual 8.2.8, timer.py `_run`), and a screen that waits for it stays as it was for ever.
    """
    asyncio.get_running_loop().call_later(seconds, _call, widget, callback)


def _call(widget: Widget, callback: Callable[[], object]) -> None:
    if widget.is_attached:
        widget.call_later(callback)
