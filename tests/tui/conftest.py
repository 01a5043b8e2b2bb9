"""The practice host for screens at work on one."""

from tests.practice_host import practice_host

__all__ = ["practice_host"]
