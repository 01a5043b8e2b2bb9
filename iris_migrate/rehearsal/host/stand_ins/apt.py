"""apt-get, apt, apt-cache, apt-mark: install what the catalogue knows, refuse the rest in apt's words."""

from __future__ import annotations

import os
import re
import sys

from iris_migrate.rehearsal.host.stand_ins import accounts, init_client, packages

VALUED = {"-o", "--option", "-t", "-c"}
FLAGS = {
    "-y", "--yes", "--assume-yes", "-q", "-qq", "--quiet", "-s", "--simulate", "--dry-run", "--just-print", "--no-act",
    "--no-install-recommends", "--no-install-suggests", "-f", "--fix-broken", "--only-upgrade", "--reinstall",
    "--purge",
    "--auto-remove", "--autoremove", "--allow-downgrades", "--no-remove", "--with-new-pkgs", "--upgradable",
    "-u", "-V", "--installed",
    "--allow-releaseinfo-change", "--no-upgrade", "--download-only", "-d", "--fix-missing", "--show-upgraded",
    "--trivial-only",
}  # fmt: skip
MIRROR = "http://archive.example.com/ubuntu"


def out(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(name: str, root: str, argv: list[str]) -> int:
    words, flags, names = list(argv), set(), []
    while words:
        word = words.pop(0)
        if word in VALUED:
            words.pop(0)
        elif word.startswith(("-o", "--option=", "-q=")) or word in FLAGS:
            flags.add(word)
        elif word == "--":
            names += words
            words = []
        elif re.fullmatch(r"-[yqsdfuV]+", word):
            flags.update(f"-{letter}" for letter in word[1:])
        elif word.startswith("-"):
            return accounts.fail(
                f"E: Command line option {word!r} is not understood in combination with the other options", 100
            )
        else:
            names.append(word)
    if not names:
        return accounts.fail("E: Invalid operation", 100)
    return Apt(name, root, names[0], names[1:], flags).run()


class Apt:
    """One call."""

    def __init__(self, command: str, root: str, verb: str, names: list[str], flags: set[str]) -> None:
        self.command, self.root, self.verb, self.names, self.flags = command, root, verb, names, flags
        self.simulated = bool(flags & {"-s", "--simulate", "--dry-run", "--just-print", "--no-act"})

    def run(self) -> int:
        verbs = {
            "update": self._update, "install": self._install, "upgrade": self._upgrade, "dist-upgrade": self._upgrade,
            "full-upgrade": self._upgrade, "remove": self._remove, "purge": self._remove, "autoremove": self._nothing,
            "clean": self._nothing, "autoclean": self._nothing, "check": self._nothing, "policy": self._policy,
            "list": self._list, "hold": self._nothing, "unhold": self._nothing, "showhold": self._nothing,
            "manual": self._nothing,
        }  # fmt: skip
        if self.verb not in verbs:
            return accounts.fail(f"E: Invalid operation {self.verb}", 100)
        changes = self.verb not in ("policy", "list", "showhold", "check")
        if changes and not self.simulated:
            refused = self._locked()
            if refused:
                return refused
        return verbs[self.verb]()

    def _fault(self, name: str) -> bool:
        return os.path.exists(f"{self.root}/.practice/faults/{name}")

    def _locked(self) -> int:
        if accounts.me(self.root) != "root":
            lock = "/var/lib/apt/lists/lock" if self.verb == "update" else "/var/lib/dpkg/lock-frontend"
            what = (
                "E: Unable to lock directory /var/lib/apt/lists/"
                if self.verb == "update"
                else (f"E: Unable to acquire the dpkg frontend lock ({lock}), are you root?")
            )
            return accounts.fail(f"E: Could not open lock file {lock} - open (13: Permission denied)\n{what}", 100)
        if self._fault("apt-lock"):
            return accounts.fail(
                "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1234 (unattended-upgr)\n"
                "N: Be aware that removing the lock file is not a solution and may break your system.\n"
                "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), "
                "is another process using it?",
                100,
            )
        return 0

    @property
    def _lists(self) -> str:
        return f"{self.root}/var/lib/apt/lists/archive.example.com_ubuntu_Packages"

    def _update(self) -> int:
        if self._fault("package-mirror-down"):
            out(f"Err:1 {MIRROR} noble InRelease")
            out("  Could not connect to archive.example.com:80 (192.0.2.1). - connect (111: Connection refused)")
            out("Reading package lists...")
            sys.stderr.write(
                f"W: Failed to fetch {MIRROR}/dists/noble/InRelease  Could not connect to "
                "archive.example.com:80 (192.0.2.1).\n"
                "W: Some index files failed to download. They have been ignored, or old ones used instead.\n"
            )
            return 0
        out(f"Hit:1 {MIRROR} noble InRelease")
        try:
            with open(self._lists, "w") as file:
                file.writelines(
                    f"Package: {name}\nVersion: {item.upgrade or item.version}\n\n"
                    for name, item in packages.KNOWN.items()
                )
        except OSError as error:
            return accounts.fail(f"E: Write error - write ({error.errno}: {error.strerror})", 100)
        out("Reading package lists...")
        return 0

    def _install(self) -> int:
        out("Reading package lists...\nBuilding dependency tree...\nReading state information...")
        have = packages.installed(self.root)
        wanted: list[str] = []
        failed = 0
        for name in (item.partition("=")[0] for item in self.names):
            known = name in packages.KNOWN and (os.path.exists(self._lists) or name in have)
            if not known:
                failed = accounts.fail(f"E: Unable to locate package {name}", 100)
            elif name not in have:
                wanted += [*(item for item in packages.KNOWN[name].depends if item not in have), name]
            else:
                out(f"{name} is already the newest version ({have[name]}).")
        return failed or self._change(list(dict.fromkeys(wanted)), {}, have)

    def _upgrade(self) -> int:
        out(
            "Reading package lists...\nBuilding dependency tree...\n"
            "Reading state information...\nCalculating upgrade..."
        )
        have = packages.installed(self.root)
        newer = self._newer(have)
        return self._change([], newer, have)

    def _newer(self, have: dict[str, str]) -> dict[str, str]:
        if not os.path.exists(self._lists):
            return {}
        return {
            name: item.upgrade
            for name, item in packages.KNOWN.items()
            if item.upgrade and have.get(name) not in (None, item.upgrade)
        }

    def _change(self, new: list[str], newer: dict[str, str], have: dict[str, str]) -> int:
        if newer:
            out("The following packages will be upgraded:\n  " + " ".join(newer))
        if new:
            out("The following NEW packages will be installed:\n  " + " ".join(new))
        out(f"{len(newer)} upgraded, {len(new)} newly installed, 0 to remove and 0 not upgraded.")
        if self.simulated:
            for name in [*newer, *new]:
                # As the real one: what is there in brackets, and where the new one comes from.
                had = f"[{have[name]}] " if name in newer else ""
                source = "Practice:1/practice-security" if name in newer else "Practice:1/practice"
                version = newer.get(name) or packages.KNOWN[name].version
                out(f"Inst {name} {had}({version} {source} [amd64])")
                out(f"Conf {name} ({version} {source} [amd64])")
            return 0
        if not new and not newer:
            return 0
        if self._fault("package-mirror-down"):
            name = (new or list(newer))[0]
            return accounts.fail(
                f"E: Failed to fetch {MIRROR}/pool/main/{name}.deb  Could not connect to "
                "archive.example.com:80 (192.0.2.1)."
                " - connect (111: Connection refused)\n"
                "E: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?",
                100,
            )
        if not self.flags & {"-y", "--yes", "--assume-yes", "-qq"}:
            out("Do you want to continue? [Y/n] Abort.")
            return 1
        return self._carry_out(new, newer, have)

    def _carry_out(self, new: list[str], newer: dict[str, str], have: dict[str, str]) -> int:
        start: list[str] = []
        for name in [*newer, *new]:
            version = newer.get(name) or packages.KNOWN[name].version
            out(f"Unpacking {name} ({version}) ...")
            try:
                start += packages.bring(self.root, name) if name in new else []
                have[name] = version
                packages.save(self.root, have)
            except packages.Missing as missing:
                return accounts.fail(
                    f"E: practice host: this machine has no {missing}; install it here to rehearse with {name}",
                    100,
                )
            except OSError as error:
                return accounts.fail(
                    f"dpkg: error processing archive {name}.deb (--unpack):\n"
                    " cannot copy extracted data: failed to write "
                    f"({error.strerror})\nE: Sub-process /usr/bin/dpkg returned an error code (1)",
                    100,
                )
            out(f"Setting up {name} ({version}) ...")
        if start:
            init_client.systemctl(self.root, ["daemon-reload"])
        for unit in start:
            init_client.systemctl(self.root, ["enable", "--now", unit])
        return 0

    def _remove(self) -> int:
        have = packages.installed(self.root)
        gone = [name for name in self.names if name in have]
        out("The following packages will be REMOVED:\n  " + " ".join(gone))
        if not self.simulated:
            packages.save(self.root, {name: version for name, version in have.items() if name not in gone})
            for name in gone:
                for stand_in in packages.KNOWN[name].stand_ins:
                    init_client.systemctl(self.root, ["disable", "--now", stand_in])
                    os.unlink(f"{self.root}/stand-ins/{stand_in}")
        return 0

    def _nothing(self) -> int:
        return 0

    def _policy(self) -> int:
        have = packages.installed(self.root)
        for name in self.names:
            if name in packages.KNOWN:
                candidate = packages.KNOWN[name].upgrade or packages.KNOWN[name].version
                out(f"{name}:\n  Installed: {have.get(name, '(none)')}\n  Candidate: {candidate}")
        return 0

    def _list(self) -> int:
        out("Listing...")
        have = packages.installed(self.root)
        if "--upgradable" in self.flags:
            for name, version in self._newer(have).items():
                out(f"{name}/noble {version} amd64 [upgradable from: {have[name]}]")
        else:
            for name, version in sorted(have.items()):
                out(f"{name}/noble,now {version} amd64 [installed]")
        return 0
