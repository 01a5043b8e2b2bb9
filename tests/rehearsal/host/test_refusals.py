"""The table of refusals, replayed against the stand-ins."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from iris_migrate.rehearsal import host as package
from tests.practice_host import PracticeAccess

TABLE: list[dict[str, Any]] = yaml.safe_load((Path(package.__file__).parent / "refusals.yaml").read_text())


@pytest.mark.parametrize("row", TABLE, ids=[row["id"] for row in TABLE])
def test_a_stand_in_refuses_what_the_real_tool_refuses(
    shared_practice_host: PracticeAccess, row: dict[str, Any]
) -> None:
    root = str(shared_practice_host.root)
    if "setup" in row:
        shared_practice_host.run(row["setup"].replace("{root}", root))
    ran = shared_practice_host.run(row["command"].replace("{root}", root))
    said = re.sub("[‘’]", "'", ran.out + ran.err)
    assert ran.status == row["status"], ran
    assert re.search(row["words"], said, re.MULTILINE), ran


def test_no_row_stands_twice() -> None:
    assert len({row["id"] for row in TABLE}) == len(TABLE)
