"""Commands over SSH: streams, ends, users, owners, and what the host refuses."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest

from iris_migrate.rehearsal.host.guard import Guard, reads_script
from tests.practice_host import PracticeAccess, new_key, run

HOST = pytest.fixture(scope="module", name="host")


@HOST
def _host(shared_practice_host: PracticeAccess) -> PracticeAccess:
    return shared_practice_host


def test_a_command_gets_its_input_and_gives_its_output_and_status(host: PracticeAccess) -> None:
    ran = host.run("cat; echo oops >&2; exit 7", b"hello\n" * 1000)
    assert (ran.status, ran.out, ran.err) == (7, "hello\n" * 1000, "oops\n")


def test_large_outputs_on_both_pipes_arrive_whole(host: PracticeAccess) -> None:
    ran = host.run("head -c 3000000 /dev/zero | tr '\\0' a; head -c 3000000 /dev/zero | tr '\\0' b >&2")
    assert (len(ran.out), len(ran.err)) == (3_000_000, 3_000_000)


def test_a_command_ended_by_a_signal_has_no_status(host: PracticeAccess) -> None:
    assert host.run("kill -s TERM $$").status == -1


def test_only_the_authorised_key_and_user_come_in(host: PracticeAccess) -> None:
    other = host.key.parent / "other"
    new_key(other)
    for user, path in (("ubuntu", other), ("root", host.key)):
        transport = paramiko.Transport((host.address, host.port))
        with pytest.raises(paramiko.AuthenticationException):
            transport.connect(username=user, pkey=paramiko.Ed25519Key.from_private_key_file(str(path)))
        transport.close()


def test_the_host_key_is_the_one_whose_fingerprint_was_known_before(host: PracticeAccess) -> None:
    transport = host.connect()
    seen = transport.get_remote_server_key().fingerprint
    transport.close()
    assert [f"{seen} (ED25519)"] == host.host.fingerprints


def test_sudo_gives_another_user_and_a_fresh_environment(host: PracticeAccess) -> None:
    ran = host.run("SECRET=1 sudo -n sh -c 'id -un; echo ${SECRET:-none}; echo $SUDO_USER $HOME'")
    assert ran.out == f"root\nnone\nubuntu {host.root}/root\n"
    assert "unknown user nobody-there" in host.run("sudo -n -u nobody-there true").err
    assert host.run("sudo -n no-such-program").err == "sudo: no-such-program: command not found\n"


def test_an_owner_is_recorded_and_moves_with_the_file(host: PracticeAccess) -> None:
    host.run("sudo useradd --system --user-group --no-create-home keeper")
    ran = host.run(
        "touch a && sudo chown keeper:www-data a && mv a b && stat -c '%U:%G %a %n' b && cp b c && stat -c %U c"
    )
    assert ran.out == "keeper:www-data 644 b\nubuntu\n"


def test_files_below_a_given_away_folder_belong_to_its_owner(host: PracticeAccess) -> None:
    host.run("sudo useradd --system --user-group --no-create-home owner1")
    script = f"sudo install -d -o owner1 -g owner1 -m 0750 {host.root}/opt/x && sudo touch {host.root}/opt/x/y"
    assert (
        host.run(f"{script} && stat -c '%U %a' {host.root}/opt/x {host.root}/opt/x/y").out == "owner1 750\nowner1 644\n"
    )


def test_chown_refuses_as_the_real_one(host: PracticeAccess) -> None:
    host.run("touch f")
    assert host.run("sudo chown ghost:ghost f").err == "chown: invalid user: 'ghost:ghost'\n"
    assert host.run("chown root f").err == "chown: changing ownership of 'f': Operation not permitted\n"
    assert host.run("sudo chown root missing").err == "chown: cannot access 'missing': No such file or directory\n"


def test_stat_answers_for_many_files_and_tells_of_the_missing(host: PracticeAccess) -> None:
    ran = host.run(f"cd {host.root}; stat --printf '%n|%F|%U\\n' etc nowhere etc/os-release")
    assert ran.out == "etc|directory|root\netc/os-release|regular file|root\n"
    assert ran.status == 1 and "nowhere" in ran.err


@pytest.mark.parametrize(
    "command",
    [
        "cat /etc/passwd",
        "echo x > /opt/y",
        "rm -rf /home/me",
        "cp a /root/.ssh/b",
        "dd if=x of=/dev/sda",
        "/usr/bin/systemctl stop x",
    ],
)
def test_a_command_that_leaves_the_folder_is_refused(host: PracticeAccess, command: str) -> None:
    ran = host.run(command)
    assert ran.status == 126 and "practice host: refused: /" in ran.err


def test_a_path_without_the_stand_ins_is_refused(host: PracticeAccess) -> None:
    ran = host.run("env -i PATH=/usr/sbin:/usr/bin systemctl stop cron")
    assert ran.status == 126 and "PATH=/usr/sbin:/usr/bin leaves the stand-ins out" in ran.err


def test_a_script_that_leaves_the_folder_is_refused_before_the_line_runs(host: PracticeAccess) -> None:
    ran = host.run("sudo -n sh -s", b"touch before\ncat /etc/shadow\n")
    assert ran.status == 126 and "/etc/shadow" in ran.err


def test_file_contents_may_name_any_path(host: PracticeAccess) -> None:
    assert host.run("cat > conf", b"include /etc/nginx/mime.types;\n").status == 0


@pytest.mark.parametrize(
    "harmless",
    [
        "curl -s http://127.0.0.1/opt/x", "sed -n 's/var/etc/p' f", "cat /proc/self/status </dev/null", "ls /usr/lib",
        "grep -q 'location /api/iris/' f", "echo $HOME/etc/x", "x=${root}/var/log", "find . -path '*/run/*'",
        "/bin/kill -0 $$", "echo a/tmp/b", "PATH=$PATH:/usr/sbin:/sbin", "test -d /usr/local/bin",
    ],
)  # fmt: skip
def test_harmless_words_are_not_taken_for_paths(host: PracticeAccess, harmless: str) -> None:
    assert Guard(host.root, frozenset({"systemctl"})).offence(harmless) == ""


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("sh -s", True), ("sh", True), ("sudo -n sh -s -- a b", True), ("LC_ALL=C exec sh -s", True),
        ("timeout -k 1 5 sh", True), ("sudo -n -u iris sh -s", True), ("sh -c 'cat > x'", False), ("cat > x", False),
        ("sh script.sh", False), ("sh -euc 'x'", False),
    ],
)  # fmt: skip
def test_a_shell_that_reads_its_script_is_recognised(command: str, expected: bool) -> None:
    assert reads_script(command) is expected


def test_the_channel_stays_open_while_a_child_holds_its_output(host: PracticeAccess) -> None:
    transport = host.connect()
    channel = transport.open_session()
    # By way of another descriptor: a shell gives what it puts in the background an empty standard input.
    channel.exec_command("exec 3<&0; (read x <&3; echo late $x) & exit 3")
    assert channel.recv_exit_status() == 3
    channel.sendall(b"go\n")
    assert channel.makefile("rb").read() == b"late go\n"
    transport.close()


def test_a_writer_dies_when_its_channel_closes_and_a_silent_process_does_not(host: PracticeAccess) -> None:
    transport = host.connect()
    writer, silent = transport.open_session(), transport.open_session()
    writer.exec_command("echo $$ > writer; while :; do echo x; sleep 0.05; done")
    silent.exec_command("echo $$ > silent; exec sleep 300")
    folder = host.root / "home/ubuntu"
    pids = [_pid(folder / name) for name in ("writer", "silent")]
    writer.close()
    silent.close()
    _until(lambda: not _alive(pids[0]))
    assert _alive(pids[1])
    run(transport, f"kill {pids[1]}")
    _until(lambda: not _alive(pids[1]))
    transport.close()


def test_sftp_reads_below_the_folder_only(host: PracticeAccess) -> None:
    host.run("echo content > fetched")
    transport = host.connect()
    sftp = paramiko.SFTPClient.from_transport(transport)
    assert sftp is not None
    with sftp.open(f"{host.root}/home/ubuntu/fetched") as file:
        assert file.read() == b"content\n"
    with pytest.raises(OSError):
        sftp.open("/etc/passwd")
    transport.close()


def test_too_long_a_command_line_is_an_error_and_a_longer_one_ends_the_connection(host: PracticeAccess) -> None:
    assert "Argument list too long" in host.run(": " + "x" * 140_000).err
    with pytest.raises((paramiko.SSHException, EOFError, OSError)):
        host.run(": " + "x" * 300_000)


def test_packages_are_known_after_an_update_only(practice_host: PracticeAccess) -> None:
    early = practice_host.run("sudo apt-get install -y git")
    assert early.status == 100 and "Unable to locate package git" in early.err
    assert practice_host.run("git --version").status == 127
    assert practice_host.run("sudo apt-get update && sudo apt-get install -y git").status == 0
    assert practice_host.run("git --version").out.startswith("git version")
    assert practice_host.run("dpkg-query -W -f='${Package} ${Status}\\n' git").out == "git install ok installed\n"
    assert practice_host.run("sudo apt-get -s upgrade").out.count("Inst ") == 3
    assert practice_host.run("sudo apt-get -y upgrade && sudo apt-get -s upgrade | grep -c Inst").out.endswith("0\n")
    refused = practice_host.run("sudo apt-get install -y no-such-thing; apt-get install -y jq")
    assert "E: Unable to locate package no-such-thing" in refused.err and "are you root?" in refused.err


def _pid(path: Path) -> int:
    _until(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _until(condition: Callable[[], bool], within: float = 10.0) -> None:
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)
