"""A world starts, is used through its sockets alone, and leaves nothing behind, however it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import paramiko
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from iris_migrate.rehearsal.launch import LaunchError, World, start_world
from iris_migrate.rehearsal.world import sweep_leftovers
from tests.rehearsal.conftest import Clients, Control, until
from tests.rehearsal.launching import launch, terminate

PARENT = """
import sys
from iris_migrate.rehearsal.launch import start_world
world = start_world()
print(world.process.pid, world.ready["state"], world.env["AWS_ENDPOINT_URL"], flush=True)
sys.stdin.read()
"""


def processes_of(folder: str) -> list[int]:
    """Processes whose command line or environment names a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            said = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if folder.encode() in said:
            found.append(int(entry.name))
    return found


def answers(address: str) -> bool:
    parts = urlsplit(address)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname or "", parts.port or 0)) == 0


def nothing_left(state: str, endpoint: str) -> bool:
    return not processes_of(state) and not answers(endpoint) and not Path(state).exists()


def with_a_running_host(world: World) -> str:
    """Boot an instance, so that there is a host to leave behind; its address."""
    aws = Clients(world)
    made = launch(aws)
    seen = aws.ec2.describe_instances(InstanceIds=[made])["Reservations"][0]["Instances"][0]
    ssh = yaml.safe_load(Path(world.env["IRIS_MIGRATE_SETTINGS"]).read_text())["ssh.port"]
    address = f"http://{seen['PublicIpAddress']}:{ssh}"
    until(lambda: answers(address), "the host answers")
    return address


def test_an_orderly_end_leaves_nothing() -> None:
    with start_world(more=["--boot-seconds", "0.1"]) as world:
        host = with_a_running_host(world)
        state, endpoint = str(world.ready["state"]), world.env["AWS_ENDPOINT_URL"]
        assert answers(endpoint)
    assert world.process.returncode == 0
    assert nothing_left(state, endpoint)
    assert not answers(host)


def test_a_killed_parent_takes_its_world_along() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid, state, endpoint = parent.stdout.readline().split()
    assert answers(endpoint)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    until(lambda: not Path(f"/proc/{pid}").exists(), "the world ends")
    assert nothing_left(state, endpoint)


def test_a_terminated_world_keeps_the_operators_state(tmp_path: Path) -> None:
    world = start_world(state=tmp_path)
    (tmp_path / "record.sqlite").write_text("the operator's")
    with pytest.raises(LaunchError, match=f"already runs.*kill {world.process.pid}"):
        start_world(state=tmp_path)
    world.process.terminate()
    assert world.process.wait(30) == 0
    world.stop()
    assert [path.name for path in tmp_path.iterdir()] == ["record.sqlite"]


def test_what_a_killed_world_left_is_removed_by_the_next_with_faults_of_its_own(tmp_path: Path) -> None:
    killed = start_world(state=tmp_path, more=["--boot-seconds", "0.1"])
    host = with_a_running_host(killed)
    killed.process.kill()
    killed.process.wait()
    killed.stop()
    assert (tmp_path / "world").exists()
    with start_world(state=tmp_path, faults=["bad-commit", "slow-boot=3"]) as again:
        said = Control(again).get()
        assert said["state"] == str(tmp_path)
        assert not answers(host)
        values = yaml.safe_load(Path(again.env["IRIS_MIGRATE_SETTINGS"]).read_text())
        assert values["repository.commit"] == said["commits"]["bad"]
        assert said["faults"] == {"bad-commit": "", "slow-boot": "3"}
    assert list(tmp_path.iterdir()) == []
    assert processes_of(str(tmp_path)) == []


def test_only_folders_of_dead_worlds_are_leftovers(tmp_path: Path, world: World) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name, note in (
        ("iris-rehearsal-dead", {"pid": ended.pid}),
        ("iris-rehearsal-living", {"pid": world.process.pid}),
        ("iris-rehearsal-broken", {}),
        ("somebody-elses", {"pid": ended.pid}),
    ):
        (tmp_path / name / "world").mkdir(parents=True)
        (tmp_path / name / "world/world.json").write_text(json.dumps(note))
    assert [path.name for path in sweep_leftovers(tmp_path)] == ["iris-rehearsal-dead"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "iris-rehearsal-broken",
        "iris-rehearsal-living",
        "somebody-elses",
    ]


def test_an_unknown_fault_is_told_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match="No fault is called 'rain'"):
        start_world(state=tmp_path, faults=["rain"])
    assert list(tmp_path.iterdir()) == []


def test_the_instances_host_answers_where_the_address_leads(world: World, aws: Clients, control: Control) -> None:
    values = yaml.safe_load(Path(world.env["IRIS_MIGRATE_SETTINGS"]).read_text())
    private = Ed25519PrivateKey.generate()
    made = launch(aws, private)
    address = aws.ec2.allocate_address(Domain="vpc")
    aws.ec2.associate_address(AllocationId=address["AllocationId"], InstanceId=made)
    ip = address["PublicIp"]
    until(lambda: control.get("instances")[made]["listens"] == ip, "the host moves to the address")
    until(lambda: control.get("names").get(values["domain"], {}).get("A") == ip, "the domain's record is made")
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    key_file = Path(str(world.ready["state"])) / "test-key"
    key_file.write_bytes(pem)
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(
        ip, values["ssh.port"], "ubuntu", key_filename=str(key_file), allow_agent=False, look_for_keys=False, timeout=10
    )
    try:
        shown = client.get_transport().get_remote_server_key().fingerprint  # type: ignore[union-attr]
        assert shown in aws.ec2.get_console_output(InstanceId=made)["Output"]
        _, output, _ = client.exec_command("id -un")
        assert output.read().decode().strip() == "ubuntu"
    finally:
        client.close()
    key_file.unlink()
    aws.ec2.release_address(AllocationId=address["AllocationId"])
    until(lambda: values["domain"] not in control.get("names"), "the record goes with the address")
    terminate(aws, made)
    until(lambda: control.get("instances")[made]["listens"] is None, "the host is off")
    assert control.get("instances")[made]["trouble"] == ""


def test_the_control_address_says_what_stands_in(world: World, control: Control) -> None:
    said = control.get()
    assert said["rehearsal"] is True
    assert said["stand_ins"] == world.ready["stand_ins"]
    assert any(item.startswith("AWS: moto") for item in said["stand_ins"])
    assert set(control.get("faults")["known"]) >= {
        "throttle",
        "slow-boot",
        "ssh-drop",
        "disk-full",
        "bad-commit",
        "host-key-changed",
        "no-permission",
        "expired-login",
    }
    assert json.dumps(said).find(world.env["OPENAI_API_KEY"]) == -1
