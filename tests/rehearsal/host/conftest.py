"""The practice host's fixtures for its own tests."""

from tests.practice_host import practice_host, shared_practice_host

__all__ = ["practice_host", "shared_practice_host"]
