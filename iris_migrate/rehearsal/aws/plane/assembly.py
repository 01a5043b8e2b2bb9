"""Puts the data plane together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iris_migrate.rehearsal.aws.plane.authorizers import Authorizers
from iris_migrate.rehearsal.aws.plane.blobs import Blobs
from iris_migrate.rehearsal.aws.plane.downloads import Downloads
from iris_migrate.rehearsal.aws.plane.front import Front
from iris_migrate.rehearsal.aws.plane.functions import Functions, State
from iris_migrate.rehearsal.aws.plane.http_api import HttpApis
from iris_migrate.rehearsal.aws.plane.onward import Connect, Onward
from iris_migrate.rehearsal.aws.plane.permissions import Permissions
from iris_migrate.rehearsal.aws.plane.rest_api import RestApis
from iris_migrate.rehearsal.aws.plane.runtime import Runtime
from iris_migrate.rehearsal.aws.plane.traffic import Traffic
from iris_migrate.rehearsal.clock import PracticeClock


@dataclass(frozen=True, slots=True)
class DataPlane:
    """What rules of the control plane and answers to the outside share."""

    front: Front
    functions: Functions
    permissions: Permissions
    blobs: Blobs
    traffic: Traffic
    downloads: Downloads
    runtime: Runtime

    def end(self) -> None:
        self.runtime.end()


def make_plane(
    clock: PracticeClock, state: State, accounts: Sequence[str], region: str, folder: Path, connect: Connect
) -> DataPlane:
    """`folder` is for unpacked code; `connect` reaches what an HTTP_PROXY integration names."""
    permissions, blobs, downloads, runtime = Permissions(), Blobs(), Downloads(clock), Runtime(folder)
    traffic = Traffic(clock, state)
    functions = Functions(state, permissions, blobs, traffic, runtime)
    authorizers, onward = Authorizers(functions, clock), Onward(connect)
    http = HttpApis(functions, authorizers, onward, traffic, clock)
    rest = RestApis(functions, authorizers, onward, traffic, clock)
    front = Front(state, accounts, region, http, rest, functions, downloads, clock)
    return DataPlane(front, functions, permissions, blobs, traffic, downloads, runtime)
