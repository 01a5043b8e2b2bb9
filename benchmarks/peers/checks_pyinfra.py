"""The twenty checks as a pyinfra deploy that only reads facts."""

import json

from pyinfra import host
from pyinfra.facts.deb import DebPackages
from pyinfra.facts.files import Directory, Link
from pyinfra.facts.server import Command

THINGS, PORT = host.data.things, host.data.listens
told = {}
for number in range(1, 13):
    found = host.get_fact(Directory, path=f"{THINGS}/folder-{number}")
    told[f"folder-{number}"] = bool(found) and found["mode"] == 755
installed = host.get_fact(DebPackages)
for name in ("openssh-server", "coreutils", "bash", "not-there-at-all"):
    told[f"package-{name}"] = name in installed
for number in (1, 2):
    link = host.get_fact(Link, path=f"{THINGS}/link-{number}")
    told[f"link-{number}"] = bool(link) and link["link_target"] == f"{THINGS}/folder-1"
seen = host.get_fact(Command, command=f"ss -H -ltn 'sport = :{PORT}'")
told["listens"] = "127.0.0.1" in str(seen)
told["command"] = str(host.get_fact(Command, command=f"test -d {THINGS} && echo yes || echo no")).strip() == "yes"
print("VERDICTS", json.dumps(told))
