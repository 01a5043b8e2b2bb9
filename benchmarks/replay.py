"""The floor of a run: one process with boto3 and one SSH connection that sends what the run sent, looking at nothing.

It takes the changes from the record of a finished run, puts the names of a fresh world in their places, sends them in
order, and waits where the run had to wait: for the boot, the name, the service to count as running, others' deeds.
"""

from __future__ import annotations

import json
import os
import shlex
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import dns.resolver
import httpx
import jmespath
import paramiko
import yaml

from iris_migrate.changes import (
    AwsCall,
    Change,
    HostCommand,
    HostFile,
    HostScript,
    HttpCall,
    LocalCommand,
    LocalEdit,
    LocalKey,
    Save,
)
from iris_migrate.connections.host.command import reading
from iris_migrate.encoding import decode
from iris_migrate.rehearsal.launch import World
from iris_migrate.values import AnswerRef, Secret, fill

IDS = {"security-group": "id", "instance": "id", "elastic-ip": "public_ip"}


class Replay:
    """Sends one run's changes to another world."""

    def __init__(self, source: World, target: World) -> None:
        self.old, self.new = (
            yaml.safe_load(Path(w.env["IRIS_MIGRATE_SETTINGS"]).read_text()) for w in (source, target)
        )
        self.names = {str(self.old[name]): str(self.new[name]) for name in self.old if name in self.new}
        self.names |= {source.env["IRIS_MIGRATE_STATE"]: target.env["IRIS_MIGRATE_STATE"]}
        [record] = Path(source.env["IRIS_MIGRATE_STATE"], "migrations").glob("*.sqlite")
        self.db = sqlite3.connect(record)
        self.secrets = {
            name: target.env[self.new[name]["env"]] for name in self.new if isinstance(self.new[name], dict)
        }
        self.answers: dict[str, Any] = {}
        self.ssh: paramiko.SSHClient | None = None
        self.sent = 0

    def run(self) -> float:
        """Send everything; answers the seconds it took."""
        started = time.monotonic()
        for step, data in self.db.execute("SELECT step, data FROM intents ORDER BY rowid").fetchall():
            self._send(step, decode(json.loads(self._renamed(data))))
            self.sent += 1
        self._steady()
        return time.monotonic() - started

    def _renamed(self, text: str) -> str:
        for old in sorted(self.names, key=len, reverse=True):
            if len(old) >= 4:
                text = text.replace(old, self.names[old])
        return text

    def _send(self, step: str, change: Change) -> None:
        filled = {
            name: fill(getattr(change, name), self._known) for name in change.__dataclass_fields__ if name != "kind"
        }
        match change:
            case AwsCall():
                self._aws(step, change, filled["params"])
            case LocalKey():
                subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", change.path], check=True)
                self.answers["public_key"] = Path(f"{change.path}.pub").read_text().strip()
            case LocalEdit():
                Path(change.path).write_text(str(filled["content"]))
            case LocalCommand():
                subprocess.run(filled["argv"], cwd=change.cwd, env={**os.environ, **filled["env"]}, check=True)
                time.sleep(1.0)  # the tester and the colleague act on what was compiled
            case HttpCall():
                self._http(change, filled)
            case Save():
                self._shell(f"cat -- {shlex.quote(str(filled['source']['host']))}", root=True)
            case HostFile():
                path = shlex.quote(change.path)
                write = f'set -e; t=$(mktemp {path}.XXXXXX); cat >"$t"; chown {change.owner}:{change.group} "$t";'
                self._shell(
                    f'{write} chmod {change.mode} "$t"; mv -T "$t" {path}', root=True, data=str(filled["content"])
                )
            case HostCommand():
                words = " ".join(shlex.quote(str(word)) for word in filled["argv"])
                self._command(
                    change, f"{_exports(filled['env'])}{f'cd {shlex.quote(change.cwd)} && ' * bool(change.cwd)}{words}"
                )
                if "start" in words and "systemctl" in words and self.new.get("app", "iris") in words:
                    self._steady()
            case HostScript():
                self._command(change, f"{_exports(filled['env'])}{filled['script']}")

    def _aws(self, step: str, call: AwsCall, params: dict[str, Any]) -> None:
        client = boto3.client(call.service)
        answer = getattr(client, _snake(call.operation))(**params)
        self._learned(call.answers, answer)
        if call.operation == "RunInstances":
            name = answer["Instances"][0]["InstanceId"]
            self._learn(step, name)
            client.get_waiter("instance_running").wait(InstanceIds=[name], WaiterConfig={"Delay": 1})
        elif call.operation == "CreateSecurityGroup":
            self._learn(step, answer["GroupId"])
        elif call.operation == "AllocateAddress":
            self._learn(step, answer["PublicIp"])
        elif call.operation == "AssociateAddress":
            self._connect()

    def _learn(self, step: str, value: str) -> None:
        row = self.db.execute(
            "SELECT finding FROM findings WHERE step=? AND verdict='holds' ORDER BY rowid LIMIT 1", (step,)
        ).fetchone()
        self.names[str(json.loads(row[0])["outputs"][IDS[step]])] = value
        self.address = value

    def _connect(self) -> None:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # a floor: the run itself pins
        for _ in range(200):
            try:
                client.connect(
                    self.address, self.new["ssh.port"], self.user(),
                    key_filename=self.new["ssh.key"], allow_agent=False, look_for_keys=False,
                )  # fmt: skip
                break
            except (OSError, paramiko.SSHException):
                time.sleep(0.1)
        self.ssh = client
        self._await_name()

    def user(self) -> str:
        """Whom the host lets in."""
        from iris_migrate.language.data import checklists_folder

        return str(yaml.safe_load((checklists_folder() / "profiles.yaml").read_text())[self.new["os"]]["user"])

    def filled(self, value: Any) -> Any:
        """A value of a change with the secrets and answers in it."""
        return fill(value, self._known)

    def _await_name(self) -> None:
        address, _, port = self.new["resolver"].partition(":")
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [address], int(port)
        for _ in range(200):
            try:
                resolver.resolve(self.new["domain"], "A")
                return
            except dns.exception.DNSException:
                time.sleep(0.1)

    def _steady(self) -> None:
        time.sleep(10.0)  # a service counts as running after ten seconds

    def _command(self, change: HostCommand | HostScript, script: str) -> None:
        stdin = getattr(change, "stdin", None)
        data = "" if stdin is None else str(fill(stdin, self._known))
        output = self._shell(script, root=change.root, user=change.user, data=data, ok=change.ok)
        if change.answers:
            self._learned(change.answers, json.loads(output.splitlines()[-1]))

    def _shell(
        self, script: str, *, root: bool = False, user: str = "", data: str = "", ok: tuple[int, ...] = (0,)
    ) -> str:
        assert self.ssh is not None
        sudo = f"sudo -n -u {user} " if user else "sudo -n " if root else ""
        transport = self.ssh.get_transport()
        assert transport is not None
        channel = transport.open_session()
        channel.set_combine_stderr(True)
        sent = script.encode()
        channel.exec_command(f"{sudo}{reading(len(sent), root=False).removeprefix('exec ')}")
        channel.sendall(sent + data.encode())
        channel.shutdown_write()
        output = b""
        while piece := channel.recv(65536):
            output += piece
        status = channel.recv_exit_status()
        channel.close()
        if status not in ok:
            raise SystemExit(f"the replay failed with {status}: {script[:300]}\n{output.decode()[-1500:]}")
        return output.decode(errors="replace")

    def _http(self, change: HttpCall, filled: dict[str, Any]) -> None:
        url = httpx.URL(str(filled["url"]))
        connect = str(filled["connect"]) or url.host
        address = self.address if connect == url.host and url.host == self.new["domain"] else connect
        verify = httpx.create_ssl_context(verify=self.new["tls.ca"])
        outside = address == url.host  # the old side is reached through the world's proxy
        with httpx.Client(verify=verify, timeout=change.timeout, trust_env=outside) as client:
            answer = client.request(
                change.method, url.copy_with(host=address), headers={**filled["headers"], "Host": url.netloc.decode()},
                json=filled["json"], extensions={"sni_hostname": url.host},
            )  # fmt: skip
        body = answer.json() if "json" in answer.headers.get("content-type", "") else answer.text
        seen = {"status": answer.status_code, "headers": dict(answer.headers), "body": body}
        if change.fails_if and jmespath.search(change.fails_if, seen):
            raise SystemExit(f"the replay failed with {answer.status_code}: {change.says}")
        self._learned(change.answers, seen)

    def _learned(self, answers: Mapping[str, str], seen: Any) -> None:
        self.answers.update({name: jmespath.search(path, seen) for name, path in answers.items()})

    def _known(self, item: Any) -> Any:
        if isinstance(item, Secret):
            return item.pick(self.secrets[item.name])
        if isinstance(item, AnswerRef):
            value = self.answers.get(item.answer, "")
            return value if item.template == "{}" else item.template.replace("{}", str(value))
        return item


def _settings(world: World) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(Path(world.env["IRIS_MIGRATE_SETTINGS"]).read_text())
    return found


def _snake(operation: str) -> str:
    from botocore import xform_name

    return str(xform_name(operation))


def _exports(env: dict[str, Any]) -> str:
    return "".join(f"export {name}={shlex.quote(str(value))}; " for name, value in env.items())
