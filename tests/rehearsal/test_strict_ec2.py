"""The practice EC2 refuses, remembers and takes its time as the real one does."""

from __future__ import annotations

import pytest

from tests.rehearsal.conftest import Clients, Control, refused
from tests.rehearsal.launching import described, in_state, launch, launch_parameters, terminate


def test_an_instance_shows_what_was_asked_for(aws: Clients) -> None:
    asked = launch_parameters(aws, DisableApiTermination=True)
    answer = aws.ec2.run_instances(**asked)["Instances"][0]
    assert answer["State"]["Name"] == "pending"
    seen = in_state(aws, answer["InstanceId"], "running")
    assert seen["InstanceType"] == "t3.micro"
    assert seen["MetadataOptions"]["HttpTokens"] == "required"
    assert seen["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    volume = aws.ec2.describe_volumes(VolumeIds=[seen["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]])["Volumes"][0]
    assert (volume["Size"], volume["VolumeType"], volume["Encrypted"]) == (30, "gp3", True)
    protected = aws.ec2.describe_instance_attribute(InstanceId=seen["InstanceId"], Attribute="disableApiTermination")
    assert protected["DisableApiTermination"]["Value"] is True
    credit = aws.ec2.describe_instance_credit_specifications(InstanceIds=[seen["InstanceId"]])
    assert credit["InstanceCreditSpecifications"][0]["CpuCredits"] == "standard"
    refused("OperationNotPermitted", aws.ec2.terminate_instances, InstanceIds=[seen["InstanceId"]])
    terminate(aws, seen["InstanceId"])


def test_burstable_instances_have_unlimited_credits_unless_told_otherwise(aws: Clients) -> None:
    asked = launch_parameters(aws)
    del asked["CreditSpecification"]
    made = aws.ec2.run_instances(**asked)["Instances"][0]["InstanceId"]
    ids = {"InstanceIds": [made]}
    shown = aws.ec2.describe_instance_credit_specifications(**ids)["InstanceCreditSpecifications"]
    assert shown[0]["CpuCredits"] == "unlimited"
    wanted = [
        {"InstanceId": made, "CpuCredits": "standard"},
        {"InstanceId": "i-00000000000000000", "CpuCredits": "standard"},
    ]
    changed = aws.ec2.modify_instance_credit_specification(InstanceCreditSpecifications=wanted)
    assert [item["InstanceId"] for item in changed["SuccessfulInstanceCreditSpecifications"]] == [made]
    assert changed["UnsuccessfulInstanceCreditSpecifications"][0]["Error"]["Code"] == "InvalidInstanceID.NotFound"
    shown = aws.ec2.describe_instance_credit_specifications(**ids)["InstanceCreditSpecifications"]
    assert shown[0]["CpuCredits"] == "standard"
    terminate(aws, made)


def test_the_same_token_launches_once_and_only_with_the_same_parameters(aws: Clients) -> None:
    asked = launch_parameters(aws)
    first, second = (aws.ec2.run_instances(**asked)["Instances"][0]["InstanceId"] for _ in range(2))
    assert first == second
    refused("IdempotentParameterMismatch", aws.ec2.run_instances, **asked | {"InstanceType": "t3.small"})
    found = aws.ec2.describe_instances(Filters=[{"Name": "client-token", "Values": [asked["ClientToken"]]}])
    assert [item["InstanceId"] for item in found["Reservations"][0]["Instances"]] == [first]
    nothing = aws.ec2.describe_instances(Filters=[{"Name": "client-token", "Values": ["never-used"]}])
    assert nothing["Reservations"] == []
    terminate(aws, first)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ImageId": "ami-0123456789abcdef0"}, "InvalidAMIID.NotFound"),
        ({"KeyName": "nobody-imported-it"}, "InvalidKeyPair.NotFound"),
        ({"InstanceType": "t9.nano"}, "InvalidInstanceType.NotFound"),
        ({"SecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidGroup.NotFound"),
        ({"BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 4}}]}, "InvalidBlockDeviceMapping"),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)
def test_a_launch_that_ec2_would_refuse_is_refused(aws: Clients, change: dict[str, object], code: str) -> None:
    asked = launch_parameters(aws) | change
    before = len(aws.ec2.describe_instances()["Reservations"])
    refused(code, aws.ec2.run_instances, **asked)
    assert len(aws.ec2.describe_instances()["Reservations"]) == before


def test_a_sixth_address_is_over_the_quota(aws: Clients) -> None:
    made = []
    try:
        for _ in range(5 - len(aws.ec2.describe_addresses()["Addresses"])):
            made.append(aws.ec2.allocate_address(Domain="vpc"))
        refused("AddressLimitExceeded", aws.ec2.allocate_address, Domain="vpc")
    finally:
        for address in made:
            aws.ec2.release_address(AllocationId=address["AllocationId"])
    assert all(address["PublicIp"].startswith("127.") for address in made)


def test_an_address_waits_for_its_instance(aws: Clients) -> None:
    address = aws.ec2.allocate_address(Domain="vpc")
    made = aws.ec2.run_instances(**launch_parameters(aws))["Instances"][0]["InstanceId"]
    both = {"AllocationId": address["AllocationId"], "InstanceId": made}
    assert "pending" in refused("IncorrectInstanceState", aws.ec2.associate_address, **both)
    in_state(aws, made, "running")
    aws.ec2.associate_address(**both)
    assert described(aws, made)["PublicIpAddress"] == address["PublicIp"]
    aws.ec2.release_address(AllocationId=address["AllocationId"])
    terminate(aws, made)


def test_a_stop_keeps_the_elastic_address_and_a_type_changes_only_then(aws: Clients) -> None:
    instance = launch(aws)
    address = aws.ec2.allocate_address(Domain="vpc")
    aws.ec2.associate_address(AllocationId=address["AllocationId"], InstanceId=instance)
    bigger = {"InstanceId": instance, "InstanceType": {"Value": "t3.small"}}
    refused("IncorrectInstanceState", aws.ec2.modify_instance_attribute, **bigger)
    stopping = aws.ec2.stop_instances(InstanceIds=[instance])["StoppingInstances"][0]
    assert stopping["CurrentState"]["Name"] == "stopping"
    refused("IncorrectInstanceState", aws.ec2.start_instances, InstanceIds=[instance])
    in_state(aws, instance, "stopped")
    refused("IncorrectInstanceState", aws.ec2.reboot_instances, InstanceIds=[instance])
    aws.ec2.modify_instance_attribute(**bigger)
    starting = aws.ec2.start_instances(InstanceIds=[instance])["StartingInstances"][0]
    assert starting["CurrentState"]["Name"] == "pending"
    seen = in_state(aws, instance, "running")
    assert (seen["PublicIpAddress"], seen["InstanceType"]) == (address["PublicIp"], "t3.small")
    aws.ec2.release_address(AllocationId=address["AllocationId"])
    terminate(aws, instance)


def test_a_group_in_use_stays(aws: Clients) -> None:
    made = launch(aws)
    group = described(aws, made)["SecurityGroups"][0]["GroupId"]
    refused("DependencyViolation", aws.ec2.delete_security_group, GroupId=group)
    terminate(aws, made)
    aws.ec2.delete_security_group(GroupId=group)


def test_the_console_tells_the_host_key_once_booted(aws: Clients, control: Control) -> None:
    control.post("faults", {"add": "slow-boot=600"})
    try:
        made = aws.ec2.run_instances(**launch_parameters(aws))["Instances"][0]["InstanceId"]
        assert aws.ec2.get_console_output(InstanceId=made).get("Output", "") == ""
        control.post("clock", {"advance": 601})
        in_state(aws, made, "running")
        output = aws.ec2.get_console_output(InstanceId=made)["Output"]
    finally:
        control.post("faults", {"mend": "slow-boot"})
        terminate(aws, made)
    between = output.partition("-----BEGIN SSH HOST KEY FINGERPRINTS-----")[2].partition("-----END")[0]
    assert "256 SHA256:" in between
    assert between.count("(ED25519)") == 1


def test_reads_lag_behind_when_told_to(aws: Clients, control: Control, no_faults: None) -> None:
    control.post("faults", {"lag_ms": 3_600_000})
    made = aws.ec2.run_instances(**launch_parameters(aws))["Instances"][0]["InstanceId"]
    address = aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    refused("InvalidInstanceID.NotFound", aws.ec2.describe_instances, InstanceIds=[made])
    refused("InvalidAllocationID.NotFound", aws.ec2.describe_addresses, AllocationIds=[address])
    seen = [item for group in aws.ec2.describe_instances()["Reservations"] for item in group["Instances"]]
    assert made not in [item["InstanceId"] for item in seen]
    assert address not in [item["AllocationId"] for item in aws.ec2.describe_addresses()["Addresses"]]
    control.post("clock", {"advance": 3601})
    assert described(aws, made)["InstanceId"] == made
    aws.ec2.release_address(AllocationId=address)
    in_state(aws, made, "running")
    terminate(aws, made)
