"""timedatectl, loginctl, hostnamectl: the little that is asked of them."""

from __future__ import annotations

import sys
import time

from iris_migrate.rehearsal.host.stand_ins import accounts


def main(name: str, root: str, argv: list[str]) -> int:
    words = [word for word in argv if not word.startswith("-")]
    if name == "timedatectl" and words[:1] in ([], ["status"]):
        now = time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime())
        sys.stdout.write(f"Universal time: {now}\nSystem clock synchronized: yes\nNTP service: active\n")
        return 0
    if name == "timedatectl" and words[:1] == ["show"]:
        wanted = [item.partition("=")[2] for item in argv if item.startswith("--property=")]
        wanted += [argv[index + 1] for index, item in enumerate(argv) if item == "-p"]
        known = {"Timezone": "Etc/UTC", "LocalRTC": "no", "CanNTP": "yes", "NTP": "yes", "NTPSynchronized": "yes"}
        for key, value in known.items():
            if not wanted or key in wanted:
                sys.stdout.write((value if "--value" in argv else f"{key}={value}") + "\n")
        return 0
    if name == "hostnamectl" and words[:1] in ([], ["status"]):
        sys.stdout.write(" Static hostname: practice\nOperating System: Practice host 1\n")
        return 0
    if name == "loginctl" and words[:1] in (["enable-linger"], ["list-sessions"]):
        return 0
    return accounts.fail(f"{name}: practice host: {' '.join(words)} is not offered", 1)
