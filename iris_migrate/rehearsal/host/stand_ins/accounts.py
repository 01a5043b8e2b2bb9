"""Users and groups of the practice host, and the commands that make and name them."""

from __future__ import annotations

import os
import sys

STANDARD = (("root", 0), ("daemon", 1), ("www-data", 33), ("nobody", 65534))
GROUPS = (
    ("root", 0),
    ("daemon", 1),
    ("adm", 4),
    ("sudo", 27),
    ("www-data", 33),
    ("systemd-journal", 101),
    ("nogroup", 65534),
)


def first(root: str, user: str) -> None:
    """The accounts of a new host: the system's, and the login user with its home."""
    homes = {"root": f"{root}/root", "www-data": f"{root}/var/www"}
    lines = [
        f"{name}:x:{number}:{number}:{name}:{homes.get(name, '/nonexistent')}:/usr/sbin/nologin"
        for name, number in STANDARD
    ]
    groups = [f"{name}:x:{number}:" for name, number in GROUPS]
    home = f"{root}/home/{user}"
    os.makedirs(home, exist_ok=True)
    lines.append(f"{user}:x:1000:1000:{user}:{home}:/bin/bash")
    groups = [line + user if line.startswith(("adm:", "sudo:")) else line for line in [*groups, f"{user}:x:1000:"]]
    _write(root, "passwd", lines)
    _write(root, "group", groups)
    from iris_migrate.rehearsal.host.stand_ins import ownership

    ownership.record(home, root, user, user)


def _lines(root: str, table: str) -> list[list[str]]:
    with open(f"{root}/etc/{table}") as file:
        return [line.rstrip("\n").split(":") for line in file if line.strip()]


def _write(root: str, table: str, lines: list[str]) -> None:
    temporary = f"{root}/etc/.{table}.new"
    with open(temporary, "w") as file:
        file.write("\n".join(lines) + "\n")
    os.replace(temporary, f"{root}/etc/{table}")


def user_line(root: str, name: str) -> list[str] | None:
    return next((line for line in _lines(root, "passwd") if name in (line[0], line[2])), None)


def group_line(root: str, name: str) -> list[str] | None:
    return next((line for line in _lines(root, "group") if name in (line[0], line[2])), None)


def me(root: str) -> str:
    """The user that this process believes to be."""
    name = os.environ.get("PRACTICE_USER")
    if name:
        return name
    import json

    with open(f"{root}/.practice/settings.json") as file:
        return str(json.load(file)["user"])


def fail(text: str, status: int) -> int:
    sys.stderr.write(text + "\n")
    return status


def main(name: str, root: str, argv: list[str]) -> int:
    match name:
        case "id":
            return _id(root, argv)
        case "whoami":
            print(me(root))
            return 0
        case "getent":
            return _getent(root, argv)
    if me(root) != "root":
        return fail(f"{name}: Permission denied.\n{name}: cannot lock /etc/passwd; try again later.", 1)
    return _Change(name, root, argv).run()


def _groups_of(root: str, user: list[str]) -> list[list[str]]:
    own = [line for line in _lines(root, "group") if line[2] == user[3]]
    return own + [line for line in _lines(root, "group") if user[0] in line[3].split(",") and line not in own]


def _id(root: str, argv: list[str]) -> int:
    flags = "".join(word.lstrip("-") for word in argv if word.startswith("-") and not word.startswith("--"))
    flags += "".join({"--user": "u", "--group": "g", "--groups": "G", "--name": "n"}.get(word, "") for word in argv)
    names = [word for word in argv if not word.startswith("-")]
    wanted = names[0] if names else me(root)
    user = user_line(root, wanted)
    if user is None:
        return fail(f"id: '{wanted}': no such user", 1)
    groups = _groups_of(root, user)
    column = 0 if "n" in flags else 2
    if "u" in flags:
        text = user[column]
    elif "g" in flags:
        text = groups[0][column] if groups else user[3]
    elif "G" in flags:
        text = " ".join(line[column] for line in groups)
    else:
        listed = ",".join(f"{line[2]}({line[0]})" for line in groups)
        text = f"uid={user[2]}({user[0]}) gid={user[3]}({groups[0][0] if groups else user[3]}) groups={listed}"
    print(text)
    return 0


def _getent(root: str, argv: list[str]) -> int:
    if not argv:
        return fail("getent: wrong number of arguments", 1)
    table, keys = argv[0], argv[1:]
    if table in ("passwd", "group"):
        find = user_line if table == "passwd" else group_line
        found = [find(root, key) for key in keys] if keys else list(_lines(root, table))
        for line in found:
            if line is not None:
                print(":".join(line))
        return 2 if None in found else 0
    import subprocess  # costly to import, rarely needed

    return subprocess.run(["/usr/bin/getent", *argv], check=False).returncode


# option -> whether it takes a value
OPTIONS = {
    "-r": False, "--system": False, "-m": False, "--create-home": False, "-M": False,
    "--no-create-home": False, "-U": False,
    "--user-group": False, "-N": False, "--no-user-group": False, "-o": False, "-a": False, "--append": False,
    "-L": False,
    "--group": False, "--disabled-password": False, "--disabled-login": False, "--quiet": False, "-f": False,
    "--force": False,
    "-d": True, "--home-dir": True, "--home": True, "-s": True, "--shell": True, "-g": True, "--gid": True, "-G": True,
    "--groups": True, "-aG": True, "-c": True, "--comment": True, "--gecos": True, "-u": True, "--uid": True,
    "-k": True,
    "--ingroup": True,
}  # fmt: skip


class _Change:
    """One of useradd, groupadd, usermod, userdel, groupdel, adduser."""

    def __init__(self, command: str, root: str, argv: list[str]) -> None:
        self.command, self.root = command, root
        self.given: dict[str, str] = {}
        self.names: list[str] = []
        self.wrong = ""
        words = list(argv)
        while words:
            word = words.pop(0)
            option, equals, value = word.partition("=")
            if not word.startswith("-"):
                self.names.append(word)
            elif option not in OPTIONS:
                self.wrong = word
            elif OPTIONS[option] and not (command == "groupadd" and option == "-r"):
                self.given[option] = value if equals else words.pop(0) if words else ""
            else:
                self.given[option] = ""

    def option(self, *names: str) -> str | None:
        return next((self.given[name] for name in names if name in self.given), None)

    def run(self) -> int:
        if self.wrong:
            return fail(f"{self.command}: unrecognized option '{self.wrong}'", 2)
        if not self.names:
            return fail(f"Usage: {self.command} [options] LOGIN", 2)
        work = {
            "useradd": self._add_user, "adduser": self._add_user, "groupadd": self._add_group, "usermod": self._modify,
            "userdel": self._remove_user, "groupdel": self._remove_group,
        }  # fmt: skip
        return work[self.command]()

    def _free(self, table: str, system: bool) -> int:
        taken = {int(line[2]) for line in _lines(self.root, table)}
        numbers = range(999, 100, -1) if system else range(1001, 60000)
        return next(number for number in numbers if number not in taken)

    def _append(self, table: str, line: str) -> None:
        _write(self.root, table, [":".join(item) for item in _lines(self.root, table)] + [line])

    def _add_user(self) -> int:
        name = self.names[0]
        if user_line(self.root, name):
            return fail(f"{self.command}: user '{name}' already exists", 9)
        system = self.option("-r", "--system") is not None
        wanted = self.option("-g", "--gid", "--ingroup")
        if wanted is not None:
            group = group_line(self.root, wanted)
            if group is None:
                return fail(f"{self.command}: group '{wanted}' does not exist", 6)
            gid = group[2]
        elif group_line(self.root, name):
            return fail(f"{self.command}: group {name} exists - if you want to add this user to that group, use -g.", 9)
        else:
            gid = str(self._free("group", system))
            self._append("group", f"{name}:x:{gid}:")
        uid = self.option("-u", "--uid") or str(self._free("passwd", system))
        home = self.option("-d", "--home-dir", "--home") or f"{self.root}/home/{name}"
        shell = self.option("-s", "--shell") or "/bin/sh"
        comment = self.option("-c", "--comment", "--gecos") or ""
        self._append("passwd", f"{name}:x:{uid}:{gid}:{comment}:{home}:{shell}")
        makes_home = self.option("-m", "--create-home") is not None
        if makes_home and home.startswith(self.root) and not os.path.exists(home):
            os.makedirs(home)
            from iris_migrate.rehearsal.host.stand_ins import ownership

            ownership.record(home, self.root, name, name)
        return (
            self._join(name, (self.option("-G", "--groups") or "").split(",")) if self.option("-G", "--groups") else 0
        )

    def _join(self, user: str, groups: list[str]) -> int:
        for group in groups:
            if group_line(self.root, group) is None:
                return fail(f"{self.command}: group '{group}' does not exist", 6)
        lines = _lines(self.root, "group")
        for line in lines:
            members = [item for item in line[3].split(",") if item]
            if line[0] in groups and user not in members:
                line[3] = ",".join([*members, user])
        _write(self.root, "group", [":".join(line) for line in lines])
        return 0

    def _add_group(self) -> int:
        if group_line(self.root, self.names[0]):
            if self.option("-f", "--force") is not None:
                return 0
            return fail(f"groupadd: group '{self.names[0]}' already exists", 9)
        self._append("group", f"{self.names[0]}:x:{self._free('group', self.option('-r', '--system') is not None)}:")
        return 0

    def _modify(self) -> int:
        name = self.names[0]
        if user_line(self.root, name) is None:
            return fail(f"usermod: user '{name}' does not exist", 6)
        lines = _lines(self.root, "passwd")
        for line in lines:
            if line[0] == name:
                line[6] = self.option("-s", "--shell") or line[6]
                line[5] = self.option("-d", "--home", "--home-dir") or line[5]
        _write(self.root, "passwd", [":".join(line) for line in lines])
        groups = self.option("-aG", "-G", "--groups")
        return self._join(name, groups.split(",")) if groups else 0

    def _remove_user(self) -> int:
        name = self.names[0]
        if user_line(self.root, name) is None:
            return fail(f"userdel: user '{name}' does not exist", 6)
        _write(self.root, "passwd", [":".join(line) for line in _lines(self.root, "passwd") if line[0] != name])
        kept = [line for line in _lines(self.root, "group") if not (line[0] == name and not line[3])]
        for line in kept:
            line[3] = ",".join(item for item in line[3].split(",") if item != name)
        _write(self.root, "group", [":".join(line) for line in kept])
        return 0

    def _remove_group(self) -> int:
        name = self.names[0]
        if group_line(self.root, name) is None:
            return fail(f"groupdel: group '{name}' does not exist", 6)
        _write(self.root, "group", [":".join(line) for line in _lines(self.root, "group") if line[0] != name])
        return 0
