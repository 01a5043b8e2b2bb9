"""The machine images of the practice AWS and the public SSM parameters that name them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CANONICAL, DEBIAN, AMAZON = "099720109477", "136693071363", "137112412989"
RELEASED = "2026-10-15T00:00:00.000Z"


@dataclass(frozen=True, slots=True)
class Image:
    """One image. Its id is made from its name: practice images exist nowhere else."""

    parameters: tuple[str, ...]
    name: str
    owner: str
    architecture: str
    description: str
    root_device: str = "/dev/sda1"

    @property
    def id(self) -> str:
        return "ami-0" + hashlib.sha256(self.name.encode()).hexdigest()[:16]

    def for_moto(self) -> dict[str, Any]:
        return {
            "ami_id": self.id,
            "name": self.name,
            "owner_id": self.owner,
            "architecture": self.architecture,
            "description": self.description,
            "creation_date": RELEASED,
            "public": True,
            "state": "available",
            "image_type": "machine",
            "image_location": f"amazon/{self.name}",
            "hypervisor": "xen",
            "platform": None,
            "root_device_name": self.root_device,
            "root_device_type": "ebs",
            "sriov": "simple",
            "virtualization_type": "hvm",
        }


def images() -> tuple[Image, ...]:
    """The images that profiles of a checklist may name."""
    return tuple(_ubuntu()) + tuple(_debian()) + tuple(_amazon())


def public_parameters() -> dict[str, str]:
    """SSM parameter name -> image id."""
    return {parameter: image.id for image in images() for parameter in image.parameters}


def write_images(path: Path) -> None:
    """The file that moto reads (MOTO_AMIS_PATH) in place of its own images."""
    path.write_text(json.dumps([image.for_moto() for image in images()]))


def _ubuntu() -> Iterator[Image]:
    for release, codename, disk in (("22.04", "jammy", "gp2"), ("24.04", "noble", "gp3")):
        for label, architecture in (("amd64", "x86_64"), ("arm64", "arm64")):
            ssd = "hvm-ssd-gp3" if disk == "gp3" else "hvm-ssd"
            yield Image(
                (f"/aws/service/canonical/ubuntu/server/{release}/stable/current/{label}/hvm/ebs-{disk}/ami-id",),
                f"ubuntu/images/{ssd}/ubuntu-{codename}-{release}-{label}-server-20261015",
                CANONICAL,
                architecture,
                f"Canonical, Ubuntu, {release}, {label} {codename} image",
            )


def _debian() -> Iterator[Image]:
    for label, architecture in (("amd64", "x86_64"), ("arm64", "arm64")):
        yield Image(
            (f"/aws/service/debian/release/12/latest/{label}",),
            f"debian-12-{label}-20261015-2272",
            DEBIAN,
            architecture,
            "Debian 12 (20261015-2272)",
            "/dev/xvda",
        )


def _amazon() -> Iterator[Image]:
    for architecture in ("x86_64", "arm64"):
        yield Image(
            (
                f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}",
                f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-{architecture}",
            ),
            f"al2023-ami-2023.9.20261015.0-kernel-6.1-{architecture}",
            AMAZON,
            architecture,
            "Amazon Linux 2023 AMI 2023.9.20261015.0 HVM kernel-6.1",
            "/dev/xvda",
        )
