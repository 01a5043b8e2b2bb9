"""The image that an instance is launched from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from iris_migrate.findings import Evidence, Finding, Verdict, conclude, judge
from iris_migrate.resources.base import Resource
from iris_migrate.target import AwsError, Target


@dataclass(frozen=True, kw_only=True)
class Image(Resource):
    """The publisher's SSM parameter names an image that is available here and fits on the volume.

    The parameter moves on with each release; that is no difference for an instance that was launched before.
    """

    kind: ClassVar[str] = "ec2.image"
    calls: ClassVar[frozenset[str]] = frozenset({"ssm:GetParameter", "ec2:DescribeImages"})
    outputs: ClassVar[frozenset[str]] = frozenset({"image_id", "root_device"})
    uses: ClassVar[frozenset[str]] = frozenset({"aws"})
    check_only: ClassVar[bool] = True
    parameter: str
    architecture: str = "x86_64"
    volume_gb: int = 30

    async def inspect(self, target: Target) -> Finding:
        asked = f"image that {self.parameter} names"
        try:
            answer = await target.aws.read("ssm", "GetParameter", Name=self.parameter)
        except AwsError as error:
            if error.code != "ParameterNotFound":
                raise
            seen = f"no such parameter in {target.aws.region}"
            evidence = Evidence(asked, "an image", seen, Verdict.ABSENT)
            return conclude([evidence], reason=f"{seen}: choose another system with the setting `os`")
        image_id = str(answer["Parameter"]["Value"])
        found = await target.aws.read("ec2", "DescribeImages", ImageIds=[image_id])
        image = next(iter(found.get("Images") or ()), None)
        if image is None:
            return conclude([Evidence(asked, "an image", f"{image_id}, which is not there", Verdict.ABSENT)])
        root = str(image.get("RootDeviceName", ""))
        evidence_list = [
            Evidence(asked, "an image", f"{image_id} ({image.get('Name', 'without a name')})", Verdict.HOLDS),
            judge(f"{image_id} state", "available", image.get("State", "unknown")),
            judge(f"{image_id} architecture", self.architecture, image.get("Architecture", "unknown")),
            self._size(image_id, _root_size(image, root)),
        ]
        return conclude(evidence_list, {"image_id": image_id, "root_device": root})

    def _size(self, image_id: str, size: int) -> Evidence:
        verdict = Verdict.HOLDS if size <= self.volume_gb else Verdict.DIFFERS
        return Evidence(f"{image_id} root volume", f"at most {self.volume_gb} GB", f"{size} GB", verdict)


def _root_size(image: object, root: str) -> int:
    """Size of the root volume in GB as the image has it; 0 when it does not tell."""
    devices = image.get("BlockDeviceMappings") or () if isinstance(image, dict) else ()
    sizes = [int((item.get("Ebs") or {}).get("VolumeSize", 0)) for item in devices if item.get("DeviceName") == root]
    return sizes[0] if sizes else 0
