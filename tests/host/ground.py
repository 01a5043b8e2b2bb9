"""The faults of tests/practice planted on a real host: the same scripts, by root over SSH."""

from __future__ import annotations

import io
import shlex
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.host.site import Site
from tests.practice.faults import Ground


@dataclass
class RealGround(Ground):
    """`keep` is a folder of the same path on both sides: what is made here is carried over."""

    site: Site = field(kw_only=True)

    def act(self, action: Mapping[str, Any], carry_out: Callable[[Sequence[str]], None]) -> None:
        super().act(action, carry_out)
        if "workstation" in action:
            self._carry_over()

    def _on_host(self, script: str) -> None:
        named = "".join(f"{name}={shlex.quote(self.names[name])}; " for name in self._used(script))
        self.site.said(f"set -e; {named}mkdir -p {shlex.quote(self.names['keep'])}\n{script}")

    def _carry_over(self) -> None:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(self.names["keep"], arcname=".")
        keep = shlex.quote(self.names["keep"])
        done = self.site.run(f"mkdir -p {keep} && tar -xf - --no-same-owner -C {keep}", packed.getvalue())
        assert done.status == 0, done.err


def keeping(names: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The names with the folders that faults use."""
    return {**names, "keep": str(folder / "keep"), "desk": str(folder)}
