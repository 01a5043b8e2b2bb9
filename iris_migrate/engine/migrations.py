"""Which migration this is: its record here, or its tags in AWS; one application has one at a time in a region."""

from __future__ import annotations

import secrets as randomness
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iris_migrate.engine.record import Record
from iris_migrate.engine.target import HOST_ADDRESS, HOST_INSTANCE
from iris_migrate.target import Clock, Unreadable

if TYPE_CHECKING:
    from iris_migrate.connections.aws import AwsConnection, Identity


class WrongAccount(Exception):
    """The migration was begun in another account or region; the message names both."""


class Migrations:
    """The records of one state folder, and what AWS says about the instances that migrations made."""

    def __init__(self, folder: Path, aws: AwsConnection, clock: Clock) -> None:
        self._folder, self._aws, self._clock = folder, aws, clock

    async def open(self, app: str, region: str, identity: Identity | None) -> tuple[Record, str]:
        """Record and id of an application's migration: the one begun before, the one that AWS knows, or a new one."""
        now = self._clock.now()
        region = identity.region if identity else region
        for path in sorted(self._folder.glob("*.sqlite"), key=lambda path: path.stat().st_mtime, reverse=True):
            record = Record(path)
            if record.fact("app") == app and record.fact("region") in (region, None):
                self._check_account(record, identity)
                return record, str(record.fact("migration"))
            record.close()
        migration = await self._known_to_aws(app) if identity else ""
        migration = migration or randomness.token_hex(8)
        record = Record(self._folder / f"{migration}.sqlite")
        record.set_fact(now, "migration", migration)
        record.set_fact(now, "app", app)
        self._check_account(record, identity)
        return record, migration

    def _check_account(self, record: Record, identity: Identity | None) -> None:
        if identity is None:
            return
        now = self._clock.now()
        for name, seen in (("account", identity.account), ("region", identity.region)):
            known = record.fact(name)
            if known is not None and known != seen:
                raise WrongAccount(
                    f"This migration was begun in {name} {known}; you are signed in to {seen}. Sign in to {known},"
                    " or begin another migration with another --state folder."
                )
            record.set_fact(now, name, seen)
        record.set_fact(now, "identity", identity.arn)

    async def _known_to_aws(self, app: str) -> str:
        """The migration id on an instance of this application: a machine without a record goes on with it."""
        tags = [{tag["Key"]: tag["Value"] for tag in item.get("Tags", ())} for item in await self._instances(app)]
        found = {str(tag["iris-migrate:migration"]) for tag in tags}
        return found.pop() if len(found) == 1 else ""

    async def _instances(self, app: str) -> Sequence[Any]:
        """The instances that migrations of this application made, as AWS describes them."""
        return await self._aws.read_all(
            "ec2", "DescribeInstances", "Reservations[].Instances[]",
            Filters=(
                {"Name": "tag:app", "Values": ("iris-migrate",)}, {"Name": "tag:Name", "Values": (app,)},
                {"Name": "tag-key", "Values": ("iris-migrate:migration",)},
                {"Name": "instance-state-name", "Values": ("pending", "running", "stopping", "stopped")},
            ),
        )  # fmt: skip

    async def host(self, app: str, record: Record) -> dict[str, str]:
        """Where a migration's host is, for a checklist that does not make it: from the record, else from AWS."""
        if address := record.fact(HOST_ADDRESS):
            return {HOST_ADDRESS: str(address), HOST_INSTANCE: str(record.fact(HOST_INSTANCE) or "")}
        try:
            instances = await self._instances(app)
        except Unreadable:
            return {}
        ours = [item for item in instances if item.get("PublicIpAddress")]
        if len(ours) != 1:
            return {}
        return {HOST_ADDRESS: str(ours[0]["PublicIpAddress"]), HOST_INSTANCE: str(ours[0]["InstanceId"])}
