"""The practice AWS for the tests of connections: one process for all, cleared of faults between two tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connections.cloud import CloudProcess


@pytest.fixture(scope="session")
def cloud_process() -> Iterator[CloudProcess]:
    cloud = CloudProcess()
    yield cloud
    cloud.stop()


@pytest.fixture
def cloud(cloud_process: CloudProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudProcess]:
    """The practice AWS, and an environment that leads nowhere else."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in cloud_process.environment.items():
        monkeypatch.setenv(name, value)
    yield cloud_process
    cloud_process.clear()
