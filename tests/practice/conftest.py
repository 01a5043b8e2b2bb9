"""The one finished world of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.practice import finished as worlds


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[worlds.Finished]:
    """A world after a whole migration; what a test changes there it puts back."""
    with worlds.finished_world(tmp_path_factory.mktemp("finished")) as found:
        yield found
