"""The stand-ins' one door: `python main.py NAME ROOT ARGUMENTS…` runs the module that knows NAME."""

from __future__ import annotations

import sys

# name -> module; those with a file NAME.sh are shell scripts instead
MODULES = {
    "systemctl": "init_client", "logger": "init_client", "reboot": "init_client", "shutdown": "init_client",
    "journalctl": "journalctl", "chown": "chown", "chgrp": "chown", "install": "install", "stat": "stat",
    "id": "accounts", "whoami": "accounts", "getent": "accounts", "useradd": "accounts", "groupadd": "accounts",
    "usermod": "accounts", "userdel": "accounts", "groupdel": "accounts", "adduser": "accounts",
    "apt-get": "apt", "apt": "apt", "apt-cache": "apt", "apt-mark": "apt", "dpkg": "dpkg", "dpkg-query": "dpkg",
    "ss": "ss", "systemd-analyze": "analyze", "df": "df", "logrotate": "logrotate", "certbot": "certbot",
    "nginx": "nginx", "timedatectl": "small", "loginctl": "small", "hostnamectl": "small",
    "sshd": "sshd",
}  # fmt: skip
SCRIPTS = ("sudo", "python3", "sync", "runuser")
NEED_LIBRARIES = ("certbot",)
LATER = ("nginx", "certbot", "python3-venv")  # come with a package
BASE = tuple(name for name in (*MODULES, *SCRIPTS) if name not in LATER)


def main() -> int:
    name, root = sys.argv[1:3]
    sys.path.insert(0, __file__.rpartition("/iris_migrate/")[0])
    from importlib import import_module

    module = import_module("iris_migrate.rehearsal.host.stand_ins." + MODULES[name])
    try:
        status: int = module.main(name, root, sys.argv[3:])
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr.close()
        import os

        os._exit(141)
    except KeyboardInterrupt:
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
