"""Puts the practice AWS together: moto's settings, which count before its import, an operator, the address space."""

from __future__ import annotations

import os
import random
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iris_migrate.rehearsal.aws.images import write_images
from iris_migrate.rehearsal.aws.sessions import share_sessions
from iris_migrate.rehearsal.clock import PracticeClock

if TYPE_CHECKING:
    from iris_migrate.rehearsal.aws.app import PracticeAws
    from iris_migrate.rehearsal.aws.instances import Instances, MachineMaker
    from iris_migrate.rehearsal.aws.plane.assembly import DataPlane
    from iris_migrate.rehearsal.aws.plane.onward import Connect

ACCOUNT = "123456789012"
SECOND = "210987654321"  # an account with nothing in it, to restore into
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Cloud:
    """The practice AWS with the keys of its operators: one of the account, one of the empty second account."""

    app: PracticeAws
    instances: Instances
    plane: DataPlane
    access_key: str
    secret_key: str
    second_access_key: str
    second_secret_key: str


def prepare_moto(folder: Path) -> None:
    """Set what moto reads while it is imported, and only then. For a process of its own: it is the environment.

    Raises RuntimeError when moto is there already: it would accept what AWS refuses.
    """
    if "moto.settings" in sys.modules:
        raise RuntimeError("moto was imported before its settings were made; call prepare_moto first")
    share_sessions()
    amis = folder / "images.json"
    write_images(amis)
    os.environ.pop("MOTO_ACCOUNT_ID", None)  # it would make all keys belong to one account
    os.environ.update(
        {
            "MOTO_AMIS_PATH": str(amis),
            "MOTO_ENABLE_AMI_VALIDATION": "1",
            "MOTO_ENABLE_KEYPAIR_VALIDATION": "1",
            "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "1",
            "MOTO_LAMBDA_STUB_ECR": "false",
            "MOTO_LAMBDA_DATA_DIR": str(folder / "lambda"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(folder / "no-aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "no-aws-credentials"),
        }
    )


def make_cloud(
    clock: PracticeClock,
    make_machine: MachineMaker,
    folder: Path,
    connect: Connect,
    *,
    boot_seconds: float = 1.5,
    public_address: Callable[[], str] | None = None,
) -> Cloud:
    """The practice AWS, empty but for its operators. Call `prepare_moto` first.

    `folder` is for the code of functions; `connect` reaches what an HTTP_PROXY integration names; `public_address`
    gives the addresses that it hands out, default: free ones of loopback.
    """
    from moto.core.config import default_user_config

    from iris_migrate.rehearsal.aws.app import PracticeAws
    from iris_migrate.rehearsal.aws.faults import FaultTable
    from iris_migrate.rehearsal.aws.instances import Instances
    from iris_migrate.rehearsal.aws.plane.assembly import make_plane
    from iris_migrate.rehearsal.aws.rules.book import Practice, moto_state

    default_user_config["lambda"] = {"use_docker": False}
    _hand_out(public_address or free_address)
    key, second = _operator(ACCOUNT), _operator(SECOND)
    instances = Instances(clock, make_machine, boot_seconds=boot_seconds)

    def state(service: str, region: str, account: str) -> Any:
        return moto_state(service, account, region)

    plane = make_plane(clock, state, (ACCOUNT, SECOND), REGION, folder, connect)
    practice = Practice(ACCOUNT, REGION, clock, FaultTable(), instances, plane)
    app = PracticeAws(practice, {key.access_key_id: ACCOUNT, second.access_key_id: SECOND})
    keys = (key.access_key_id, key.secret_access_key, second.access_key_id, second.secret_access_key)
    return Cloud(app, instances, plane, *keys)


def _operator(account: str) -> Any:
    """The access key of a new user."""
    from iris_migrate.rehearsal.aws.rules.book import moto_state

    iam = moto_state("iam", account, "aws")
    iam.create_user(REGION, "operator")
    return iam.create_access_key("operator")


def free_address() -> str:
    """A loopback address outside 127.0.0.0/16, where other programs of this machine live."""
    return f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"  # noqa: S311 - no secret


def _hand_out(address: Callable[[], str]) -> None:
    """Public addresses of practice instances are this machine's own, so that nothing else is ever reached."""
    from moto.ec2.models import elastic_ip_addresses, elastic_network_interfaces

    elastic_ip_addresses.random_ip = address  # type: ignore[attr-defined]
    elastic_network_interfaces.random_public_ip = address  # type: ignore[attr-defined]


def free_port(address: str = "127.0.0.1") -> int:
    """A TCP port that was free on this address a moment ago."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
