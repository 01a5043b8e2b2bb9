"""systemctl, logger, reboot, shutdown: what process 1 is asked to do."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sys
from typing import Any

from iris_migrate.rehearsal.host.stand_ins import accounts


def ask(root: str, request: dict[str, Any]) -> dict[str, Any] | None:
    """Init's answer; None when it is not there."""
    name = "\0practice-host-" + hashlib.sha256(os.fsencode(root)).hexdigest()[:24]
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        try:
            connection.connect(name)
            connection.send(json.dumps(request).encode())
            data = connection.recv(1 << 20)
        except OSError:
            return None
    return json.loads(data) if data else None


def systemctl(root: str, argv: list[str]) -> int:
    answer = ask(root, {"do": "systemctl", "argv": argv, "user": accounts.me(root)})
    if answer is None:
        return accounts.fail("Failed to connect to bus: No such file or directory", 1)
    sys.stderr.write(answer["err"])
    sys.stdout.write(answer["out"])
    return int(answer["status"])


def main(name: str, root: str, argv: list[str]) -> int:
    match name:
        case "systemctl":
            return _systemctl(root, argv)
        case "reboot" | "shutdown":
            if name == "shutdown" and "-r" not in argv:
                return accounts.fail("shutdown: practice host: only -r (reboot) is offered", 1)
            return systemctl(root, ["reboot"])
    return _logger(root, argv)


def _systemctl(root: str, argv: list[str]) -> int:
    status = systemctl(root, argv)
    words = [word for word in argv if not word.startswith("-")]
    if words[:1] == ["status"] and status in (0, 3):
        from iris_migrate.rehearsal.host.stand_ins import journalctl

        for unit in words[1:]:
            sys.stdout.write("\n")
            journalctl.main("journalctl", root, ["-q", "-n", "10", "-u", unit])
    return status


def _logger(root: str, argv: list[str]) -> int:
    tag, level, words = accounts.me(root), 5, list(argv)
    levels = {"emerg": 0, "alert": 1, "crit": 2, "err": 3, "error": 3, "warning": 4, "notice": 5, "info": 6, "debug": 7}
    text: list[str] = []
    while words:
        word = words.pop(0)
        if word in ("-t", "--tag"):
            tag = words.pop(0)
        elif word in ("-p", "--priority"):
            level = levels.get(words.pop(0).rpartition(".")[2], 5)
        elif word not in ("--", "-i", "-s"):
            text.append(word)
    lines = [" ".join(text)] if text else [line.rstrip("\n") for line in sys.stdin]
    for line in lines:
        fields = {"SYSLOG_IDENTIFIER": tag, "PRIORITY": level, "_PID": os.getppid(), "_TRANSPORT": "syslog"}
        ask(root, {"do": "log", "message": line, "fields": fields})
    return 0
