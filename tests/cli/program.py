"""The program with the family `sandbox` of the engine's tests: `python -m tests.cli.program ARGUMENTS`."""

from __future__ import annotations

import sys

from iris_migrate.cli import main
from tests.engine import sandbox

sys.modules["iris_migrate.resources.sandbox"] = sandbox

if __name__ == "__main__":
    sys.exit(main())
