"""One host's network: a namespace, a pair of interfaces, a way out through this machine."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from pathlib import Path

from iris_migrate.rehearsal.systemd.needs import program

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
INSIDE = "eth0"


class NetworkError(Exception):
    """A command of `ip` or `iptables` failed; the message holds what it said."""


def name(number: int) -> str:
    """The name of the namespace and of the interface outside."""
    return f"iris-rh-{number}"


def subnet(number: int) -> str:
    """The first three parts of every address of this host's network."""
    return f"10.77.{number}"


def gateway(number: int) -> str:
    """This machine, as the host sees it."""
    return f"{subnet(number)}.1"


def colleague(number: int) -> str:
    """A second address of this machine: somebody else's."""
    return f"{subnet(number)}.254"


def is_free(number: int) -> bool:
    """Whether nothing of this machine uses the network already."""
    wanted = ipaddress.ip_network(f"{subnet(number)}.0/24")
    for route in json.loads(_run("ip", "-json", "-4", "route", "show", "table", "all").stdout or "[]"):
        said = str(route.get("dst", "default"))
        if said != "default" and ipaddress.ip_network(said, strict=False).overlaps(wanted):
            return False
    return name(number) not in {item.get("name") for item in json.loads(_run("ip", "-json", "netns").stdout or "[]")}


def bring_up(number: int) -> None:
    """Make namespace, interfaces and the way out. The host has no address yet."""
    us, inside = name(number), ("ip", "-n", name(number))
    _must("ip", "netns", "add", us)
    _must("ip", "link", "add", us, "type", "veth", "peer", "name", INSIDE, "netns", us)
    _must("ip", "addr", "add", f"{gateway(number)}/24", "dev", us)
    _must("ip", "addr", "add", f"{colleague(number)}/24", "dev", us)
    _must("ip", "link", "set", us, "up")
    _must(*inside, "link", "set", "lo", "up")
    _must(*inside, "link", "set", INSIDE, "up")
    for table, add, rule in _rules(number):
        _must("iptables", "-w", *table, add, *rule)
    set_forwarding("1")


def set_address(number: int, address: str) -> None:
    """Give the host this address and no other, and the way out."""
    inside = ("ip", "-n", name(number))
    _must(*inside, "addr", "flush", "dev", INSIDE, "scope", "global")
    _must(*inside, "addr", "add", f"{address}/24", "dev", INSIDE)
    restore_way_out(number)


def cut_way_out(number: int) -> None:
    """Nothing beyond this machine can be reached any more; this machine still reaches the host."""
    _must("ip", "-n", name(number), "route", "replace", "unreachable", "default")


def restore_way_out(number: int) -> None:
    inside = ("ip", "-n", name(number))
    _run(*inside, "route", "del", "unreachable", "default")
    _must(*inside, "route", "replace", "default", "via", gateway(number))


def processes(number: int) -> set[int]:
    """The ids of all processes inside the namespace."""
    return {int(line) for line in _run("ip", "netns", "pids", name(number)).stdout.split()}


def take_down(number: int) -> None:
    """Remove it all; what is not there is no error."""
    for table, _, rule in _rules(number):
        while _run("iptables", "-w", *table, "-D", *rule).returncode == 0:
            pass
    _run("ip", "link", "del", name(number))
    _run("ip", "netns", "del", name(number))


def forwarding() -> str:
    return _FORWARDING.read_text().strip()


def set_forwarding(value: str) -> None:
    if forwarding() != value:
        _FORWARDING.write_text(value)


def _rules(number: int) -> list[tuple[list[str], str, list[str]]]:
    """(table, how it is added, chain and rule): the way out and back, also past a policy that drops."""
    us, net = name(number), f"{subnet(number)}.0/24"
    return [
        (["-t", "nat"], "-A", ["POSTROUTING", "-s", net, "!", "-d", net, "-j", "MASQUERADE"]),
        ([], "-I", ["FORWARD", "-i", us, "-j", "ACCEPT"]),
        ([], "-I", ["FORWARD", "-o", us, "-j", "ACCEPT"]),
        ([], "-I", ["INPUT", "-i", us, "-j", "ACCEPT"]),
    ]


def _run(command: str, *rest: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program(command), *rest], capture_output=True, text=True, check=False)


def _must(command: str, *rest: str) -> None:
    done = _run(command, *rest)
    if done.returncode:
        raise NetworkError(f"{command} {' '.join(rest)}: {done.stderr.strip()}")
