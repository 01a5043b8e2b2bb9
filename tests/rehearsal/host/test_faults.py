"""The practice host's faults, one by one: what they break, and that mending ends them."""

from __future__ import annotations

import platform

import paramiko
import pytest

from iris_migrate.rehearsal.host.machine import PracticeHostError
from tests.practice_host import PracticeAccess, run


def test_the_connection_is_cut_at_the_wanted_command_which_still_runs(practice_host: PracticeAccess) -> None:
    practice_host.host.fault("ssh-drop", at_command=2)
    transport = practice_host.connect()
    assert run(transport, "echo one").out == "one\n"
    cut = run(transport, "sleep 0.2; touch ran; echo two")
    assert (cut.status, cut.out) == (-1, "")
    assert not transport.is_active()
    assert (
        practice_host.run("for i in 1 2 3 4 5 6 7 8 9; do [ -e ran ] && break; sleep 0.1; done; ls ran").out == "ran\n"
    )


def test_the_connection_is_cut_after_so_many_bytes(practice_host: PracticeAccess) -> None:
    practice_host.host.fault("ssh-drop", after_bytes=100_000)
    transport = practice_host.connect()
    cut = run(transport, "head -c 10000000 /dev/zero")
    assert cut.status == -1 and len(cut.out) < 10_000_000
    assert practice_host.run("head -c 1000000 /dev/zero | wc -c").out == "1000000\n"


def test_a_slow_host_refuses_connections_until_it_is_mended(practice_host: PracticeAccess) -> None:
    practice_host.host.fault("slow", seconds=60)
    with pytest.raises((OSError, EOFError, paramiko.SSHException)):
        practice_host.run("true")
    practice_host.host.mend("slow")
    assert practice_host.run("true").status == 0


def test_a_changed_host_key_is_another_one_and_the_known_fingerprint_stays(practice_host: PracticeAccess) -> None:
    known = list(practice_host.host.fingerprints)
    practice_host.host.fault("host-key-changed")
    transport = practice_host.connect()
    assert f"{transport.get_remote_server_key().fingerprint} (ED25519)" not in known
    transport.close()
    practice_host.host.mend("host-key-changed")
    transport = practice_host.connect()
    assert [f"{transport.get_remote_server_key().fingerprint} (ED25519)"] == practice_host.host.fingerprints == known
    transport.close()


def test_one_session_at_a_time(practice_host: PracticeAccess) -> None:
    practice_host.host.fault("max-sessions", sessions=1)
    transport = practice_host.connect()
    channel = transport.open_session()
    channel.exec_command("echo $$; exec sleep 300")
    pid = channel.recv(20).decode().strip()
    with pytest.raises(paramiko.SSHException):
        transport.open_session()
    channel.close()
    with pytest.raises(paramiko.SSHException):  # the silent process holds its slot after the channel has closed
        transport.open_session()
    practice_host.run(f"kill {pid}")
    for _ in range(200):
        try:
            assert run(transport, "echo free").out == "free\n"
            break
        except paramiko.SSHException:
            continue
    else:
        raise AssertionError("the slot was not given back")
    transport.close()


def test_ten_sessions_by_default(practice_host: PracticeAccess) -> None:
    transport = practice_host.connect()
    channels = [transport.open_session() for _ in range(10)]
    with pytest.raises(paramiko.ChannelException) as refused:
        transport.open_session()
    assert refused.value.code == 2 and len(channels) == 10
    transport.close()


@pytest.mark.skipif(platform.machine() not in ("x86_64", "aarch64"), reason="the filter knows two machines")
def test_a_full_disk_refuses_every_program_in_the_kernels_words(practice_host: PracticeAccess) -> None:
    practice_host.run("sudo apt-get -q update && sudo apt-get -qy install git python3-venv; echo old > old")
    practice_host.host.fault("disk-full")
    words = "No space left on device"
    for command in (
        "cat > new", "mktemp", "mkdir folder", "git init repo", "python3 -m venv v", "cp old copy", "printf x >> old",
        "sudo apt-get install -y sqlite3", "sudo sh -c 'echo x > ../../etc/x'",
    ):  # fmt: skip
        ran = practice_host.run(command, b"text")
        assert ran.status != 0 and words in ran.out + ran.err, (command, ran)
    assert practice_host.run("cat old; echo x > ~/../../run/lock/x; cat ~/../../run/lock/x").out == "old\nx\n"
    assert practice_host.run("df -P . | tail -1").out.split()[3:5] == ["0", "100%"]
    assert practice_host.run("exit 7").status == 7 and practice_host.run("kill -s TERM $$").status == -1
    practice_host.host.mend("disk-full")
    assert practice_host.run("cat > new && cat new", b"text").out == "text"
    assert practice_host.run("df -P . | tail -1").out.split()[3] != "0"


def test_the_package_manager_is_locked_or_without_its_mirror(practice_host: PracticeAccess) -> None:
    practice_host.run("sudo apt-get update")
    practice_host.host.fault("apt-lock")
    locked = practice_host.run("sudo apt-get install -y git")
    assert locked.status == 100 and "Could not get lock /var/lib/dpkg/lock-frontend" in locked.err
    practice_host.host.mend("apt-lock")
    practice_host.host.fault("package-mirror-down")
    down = practice_host.run("sudo apt-get install -y git")
    assert down.status == 100 and "Failed to fetch" in down.err
    assert practice_host.run("sudo apt-get update").status == 0, "apt-get update only warns"
    practice_host.host.mend("package-mirror-down")
    assert practice_host.run("sudo apt-get install -y git").status == 0


def test_an_unknown_fault_is_refused(practice_host: PracticeAccess) -> None:
    with pytest.raises(PracticeHostError, match="knows no fault 'gremlins'"):
        practice_host.host.fault("gremlins")


def test_another_address_takes_over(practice_host: PracticeAccess) -> None:
    transport = practice_host.connect()
    before = practice_host.address
    practice_host.address = before.rpartition(".")[0] + ".253"
    practice_host.host.start(practice_host.address)
    assert practice_host.run("echo here").out == "here\n"
    assert not transport.is_active()
    practice_host.address = before
    with pytest.raises(OSError):
        practice_host.run("true")
