"""paramiko without `invoke`: it wants that for OpenSSH configuration files, which we never read; it costs 0.06 s."""

from __future__ import annotations

import sys
from typing import Any

_modules: dict[str, Any] = sys.modules  # None in it makes an import fail, which paramiko allows for
_there = "invoke" in _modules
if not _there:
    _modules["invoke"] = None
try:
    import paramiko
finally:
    if not _there:
        del _modules["invoke"]

__all__ = ["paramiko"]
