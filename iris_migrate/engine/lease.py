"""Who works on this migration: a lock here, a file on the host, a tag on the instance."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
from pathlib import Path
from typing import IO, Any

from iris_migrate.engine.consent import Operator
from iris_migrate.engine.record import Record
from iris_migrate.engine.target import LiveTarget
from iris_migrate.target import Unreadable

HEARTBEAT = 60.0  # seconds between signs of life
DEAD = 600.0  # seconds without one after which a holder is thought gone
TAG = "iris-migrate:lease"


class LeaseHeld(Exception):
    """Somebody else works on this migration; the message says who and since when."""


def this_holder() -> str:
    """user@machine: the same after a crash, so that one takes one's own lease back without being asked."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


class Lease:
    """Taken by the first Change and renewed by later ones; looking never takes it."""

    def __init__(self, path: Path, *, migration: str, target: LiveTarget, record: Record, state_folder: str) -> None:
        self.holder = this_holder()
        self._path, self._migration, self._target, self._record = path, migration, target, record
        self._folder = state_folder
        self._lock: IO[str] | None = None
        self._since = 0.0
        self._beat = {"host": 0.0, "tag": 0.0}

    async def take(self, operator: Operator) -> None:
        """Take or renew it wherever it can be had now. Raises LeaseHeld."""
        now = self._target.clock.now()
        if self._lock is None:
            self._lock = self._lock_here()
            self._since = now
        if now - self._beat["tag"] > HEARTBEAT and (instance := self._target.instance):
            await self._on_instance(instance, operator, now)
        if now - self._beat["host"] > HEARTBEAT and self._target.connected:
            await self._on_host(operator, now)

    async def release(self) -> None:
        """Say that nobody works on it any more. A crash leaves it; the same holder takes it back."""
        if self._lock is None:
            return
        try:
            if self._beat["tag"] and self._target.instance:
                await self._tag(self._target.instance, "released")
            if self._beat["host"] and self._target.connected:
                await self._write("lease.json", {"holder": ""})
        except Unreadable:
            pass  # it runs out by itself
        self._lock.close()
        self._lock = None

    def _lock_here(self) -> IO[str]:
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            who = file.read().strip() or "another program"
            file.close()
            raise LeaseHeld(
                f"{who} on this machine is working on this migration. Wait for it, or end it;"
                " plan, verify and status work meanwhile."
            ) from None
        file.truncate(0)
        file.write(f"iris-migrate (process {os.getpid()})")
        file.flush()
        return file

    async def _on_instance(self, instance: str, operator: Operator, now: float) -> None:
        tags = await self._target.aws.read_all(
            "ec2", "DescribeTags", "Tags",
            Filters=({"Name": "resource-id", "Values": (instance,)}, {"Name": "key", "Values": (TAG,)}),
        )  # fmt: skip
        holder, since, beat = (*str(tags[0]["Value"]).split(" "), "0", "0")[:3] if tags else ("", "0", "0")
        await self._respect(holder, float(since), float(beat), operator, now)
        await self._tag(instance, f"{self.holder} {self._since:.0f} {now:.0f}")
        self._beat["tag"] = now

    async def _tag(self, instance: str, value: str) -> None:
        params: dict[str, Any] = {"Resources": [instance], "Tags": [{"Key": TAG, "Value": value}]}
        await self._target.aws_connection.call("ec2", "CreateTags", params)

    async def _on_host(self, operator: Operator, now: float) -> None:
        text = await self._target.host.text(f"{self._folder}/lease.json")
        found = json.loads(text) if text else {}
        await self._respect(found.get("holder", ""), found.get("since", 0), found.get("heartbeat", 0), operator, now)
        if not self._beat["host"]:
            await self._write("migration.json", self._migration_file())
        await self._write("lease.json", {"holder": self.holder, "since": self._since, "heartbeat": now})
        self._beat["host"] = now

    async def _respect(self, holder: str, since: float, beat: float, operator: Operator, now: float) -> None:
        if holder in ("", "released", self.holder) or now - beat > DEAD:
            return
        if not await operator.take_over(holder, since):
            raise LeaseHeld(f"{holder} is working on this migration. Wait for it to end, or take it over.")
        self._record.set_fact(now, "took over", holder)

    def _migration_file(self) -> dict[str, Any]:
        pins = self._target.pins
        return {"migration": self._migration, "instance": self._target.instance, "pins": pins}

    async def _write(self, name: str, data: dict[str, Any]) -> None:
        connection = await self._target.connection()
        content = (json.dumps(data, sort_keys=True) + "\n").encode()
        await connection.write_file(
            f"{self._folder}/{name}", content, mode="0600", owner="root", group="root", root=True,
            change=f"{self._migration}-{name}", keep=False,
        )  # fmt: skip
