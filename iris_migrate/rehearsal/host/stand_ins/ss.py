"""ss: the TCP sockets of the practice host's own processes, read from /proc; and its SSH server's."""

from __future__ import annotations

import json
import os
import re
import socket
import sys

from iris_migrate.rehearsal.host.stand_ins import accounts, init_client

STATES = {"0A": "LISTEN", "01": "ESTAB", "06": "TIME-WAIT", "08": "CLOSE-WAIT"}


def address(text: str) -> tuple[str, int]:
    """`0100007F:1F90` of /proc/net/tcp as address and port."""
    raw, _, port = text.partition(":")
    data = bytes.fromhex(raw)
    words = b"".join(data[index : index + 4][::-1] for index in range(0, len(data), 4))
    return socket.inet_ntop(socket.AF_INET if len(words) == 4 else socket.AF_INET6, words), int(port, 16)


def own_sockets(root: str) -> dict[str, list[tuple[str, int, int]]]:
    """Socket inode -> (program, pid, descriptor) of the host's processes."""
    found: dict[str, list[tuple[str, int, int]]] = {}
    for pid in (init_client.ask(root, {"do": "processes"}) or {"pids": []})["pids"]:
        try:
            with open(f"/proc/{pid}/comm") as file:
                program = file.read().strip()
            for name in os.listdir(f"/proc/{pid}/fd"):
                link = os.readlink(f"/proc/{pid}/fd/{name}")
                if link.startswith("socket:["):
                    found.setdefault(link[8:-1], []).append((program, pid, int(name)))
        except OSError:
            continue
    return found


def main(name: str, root: str, argv: list[str]) -> int:
    flags, filters = "", []
    for word in argv:
        if word.startswith("--"):
            flags += {
                "--listening": "l",
                "--tcp": "t",
                "--numeric": "n",
                "--processes": "p",
                "--no-header": "H",
                "--all": "a",
            }.get(word, "")
        elif word.startswith("-"):
            flags += word[1:]
        else:
            filters.append(word)
    unknown = set(flags) - set("ltnpuaHO46eimosx")
    if unknown:
        return accounts.fail(f"ss: invalid option -- '{unknown.pop()}'", 255)
    wanted = {"0A"} if "l" in flags else set(STATES) if "a" in flags else {"01"}
    ports = {int(port) for port in re.findall(r"sport\s*=+\s*:(\d+)", " ".join(filters))}
    if "H" not in flags:
        sys.stdout.write("State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n")
    if "u" in flags and "t" not in flags:
        return 0
    with open(f"{root}/.practice/settings.json") as file:
        ssh_port = int(json.load(file)["ports"]["ssh"])
    sockets = own_sockets(root)
    for table in ("tcp", "tcp6"):
        if ("4" in flags and table == "tcp6") or ("6" in flags and table == "tcp"):
            continue
        for fields in _table(table):
            if fields[3] not in wanted:
                continue
            host, port = address(fields[1])
            holders = sockets.get(fields[9], [])
            if port == ssh_port and fields[3] == "0A":
                holders = [("sshd", 1, 3)]  # it runs in another process of this machine
            if not holders or (ports and port not in ports):
                continue
            _line(fields, host, port, holders if "p" in flags else [])
    return 0


def _table(name: str) -> list[list[str]]:
    try:
        with open(f"/proc/net/{name}") as file:
            return [line.split() for line in file.readlines()[1:]]
    except OSError:
        return []


def _line(fields: list[str], host: str, port: int, holders: list[tuple[str, int, int]]) -> None:
    there, there_port = address(fields[2])
    local = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    peer = (f"[{there}]" if ":" in there else there) + f":{there_port or '*'}"
    sent, _, received = fields[4].partition(":")
    queue = int(sent, 16) or (128 if fields[3] == "0A" else 0)
    users = ",".join(f'("{program}",pid={pid},fd={descriptor})' for program, pid, descriptor in holders)
    process = f" users:({users})" if users else ""
    sys.stdout.write(f"{STATES[fields[3]]:<6} {int(received or '0', 16):<6} {queue:<6} {local} {peer}{process}\n")
