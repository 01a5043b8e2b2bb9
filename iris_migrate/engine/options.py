"""What a frontend knows at the start; reading it costs nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """What a frontend knows at the start. `state` is the folder of records, pins and locks."""

    checklist: str = "lambda-to-ec2"
    settings: Path | None = None
    host: str = ""  # an address, where the same checklist is asked about several hosts
    flags: Mapping[str, str] = field(default_factory=dict)
    state: Path | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def state_folder(self) -> Path:
        """`--state`, IRIS_MIGRATE_STATE, or the user's state directory."""
        if self.state is not None:
            return self.state
        if named := self.environment.get("IRIS_MIGRATE_STATE"):
            return Path(named)
        import platformdirs

        return Path(platformdirs.user_state_dir("iris-migrate"))

    def settings_file(self) -> Path | None:
        named = self.environment.get("IRIS_MIGRATE_SETTINGS")
        return self.settings or (Path(named) if named else None)
