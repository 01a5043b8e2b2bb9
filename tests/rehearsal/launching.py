"""What a launch needs: a key pair, a group, an image, and the parameters that the checklist uses."""

from __future__ import annotations

import secrets
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.rehearsal.conftest import Clients, until

UBUNTU = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"


def public_key(private: Ed25519PrivateKey | None = None) -> bytes:
    key = private or Ed25519PrivateKey.generate()
    return key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)


def launch_parameters(aws: Clients, private: Ed25519PrivateKey | None = None, **changes: Any) -> dict[str, Any]:
    """A launch as the checklist wants it, with a key pair and a group of its own."""
    name = f"test-{secrets.token_hex(4)}"
    aws.ec2.import_key_pair(KeyName=name, PublicKeyMaterial=public_key(private))
    vpc = aws.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    group = aws.ec2.create_security_group(GroupName=name, Description="a test's", VpcId=vpc)["GroupId"]
    parameters: dict[str, Any] = {
        "ImageId": aws.ssm.get_parameter(Name=UBUNTU)["Parameter"]["Value"],
        "InstanceType": "t3.micro",
        "KeyName": name,
        "SecurityGroupIds": [group],
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": secrets.token_hex(16),
        "DisableApiTermination": False,
        "CreditSpecification": {"CpuCredits": "standard"},
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "BlockDeviceMappings": [
            {
                "DeviceName": "/dev/sda1",
                "Ebs": {"VolumeSize": 30, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True},
            }
        ],
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}],
    }
    return parameters | changes


def launch(aws: Clients, private: Ed25519PrivateKey | None = None, **changes: Any) -> str:
    """The id of a new instance that has booted."""
    made = aws.ec2.run_instances(**launch_parameters(aws, private, **changes))["Instances"][0]["InstanceId"]
    in_state(aws, made, "running")
    return str(made)


def described(aws: Clients, instance: str) -> dict[str, Any]:
    found: dict[str, Any] = aws.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    return found


def in_state(aws: Clients, instance: str, state: str) -> dict[str, Any]:
    """The instance, once it is in this state."""
    found: dict[str, Any] = until(
        lambda: seen if (seen := described(aws, instance))["State"]["Name"] == state else None,
        f"{instance} {state}",
    )
    return found


def terminate(aws: Clients, instance: str) -> None:
    aws.ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": False})
    aws.ec2.terminate_instances(InstanceIds=[instance])
    in_state(aws, instance, "terminated")
