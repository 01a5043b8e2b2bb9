"""logrotate: reads its configuration as the real one does, rotates, compresses, runs the scripts, keeps its state."""

from __future__ import annotations

import glob
import gzip
import os
import re
import shlex
import shutil
import subprocess
import sys
import time

from iris_migrate.rehearsal.host.stand_ins import accounts, chown, ownership

FLAGS = {
    "compress", "nocompress", "delaycompress", "nodelaycompress", "missingok", "nomissingok", "notifempty", "ifempty",
    "copytruncate", "nocopytruncate", "sharedscripts", "nosharedscripts", "dateext", "nodateext", "nocreate",
    "copy", "nocopy",
    "hourly", "daily", "weekly", "monthly", "yearly", "noolddir", "nomail", "allowhardlink", "shred", "noshred",
}  # fmt: skip
VALUED = {
    "rotate", "size", "minsize", "maxsize", "maxage", "dateformat", "olddir", "su", "extension",
    "compresscmd", "compressext", "uncompresscmd", "compressoptions", "start", "tabooext", "mail", "create",
    "createolddir", "shredcycles",
}  # fmt: skip
SCRIPTS = {"postrotate", "prerotate", "firstaction", "lastaction", "preremove"}
PERIODS = {"hourly": 3600, "daily": 86400, "weekly": 604800, "monthly": 2629800, "yearly": 31557600}


class Block:
    """`paths { … }`; starts with what the global part said."""

    def __init__(self, patterns: list[str], options: dict[str, str], place: str) -> None:
        self.patterns, self.options, self.place = patterns, dict(options), place
        self.scripts: dict[str, str] = {}

    def has(self, name: str) -> bool:
        return name in self.options

    def put(self, word: str, value: str) -> None:
        opposite = word[2:] if word.startswith("no") and word != "notifempty" else "no" + word
        self.options.pop({"ifempty": "notifempty", "notifempty": "ifempty"}.get(word, opposite), None)
        if word in PERIODS:
            for other in PERIODS:
                self.options.pop(other, None)
        self.options[word] = value


def main(name: str, root: str, argv: list[str]) -> int:
    if accounts.me(root) != "root":
        return accounts.fail("error: error creating output file /var/lib/logrotate/status.tmp: Permission denied", 1)
    forced, debug, state, files = False, False, f"{root}/var/lib/logrotate/status", []
    words = list(argv)
    while words:
        word = words.pop(0)
        if word in ("-f", "--force"):
            forced = True
        elif word in ("-d", "--debug"):
            debug = True
        elif word in ("-s", "--state"):
            state = words.pop(0)
        elif word.startswith("--state="):
            state = word.partition("=")[2]
        elif word in ("-v", "--verbose", "-df", "-fd", "-vf", "-fv"):
            forced, debug = forced or "f" in word.strip("-v"), debug or "d" in word.removeprefix("--verbose")
        elif word.startswith("-"):
            return accounts.fail(f"logrotate: bad argument {word}: unknown option", 1)
        else:
            files.append(word)
    if not files:
        return accounts.fail("Usage: logrotate [OPTION...] <configfile>", 1)
    work = Rotation(root, forced, debug, state)
    for path in files:
        work.read(path)
    return work.run()


class Rotation:
    """One run over all blocks."""

    def __init__(self, root: str, forced: bool, debug: bool, state: str) -> None:
        self.root, self.forced, self.debug, self.state_path = root, forced, debug, state
        self.defaults = Block([], {}, "")
        self.blocks: list[Block] = []
        self.status = 0
        self.state = self._load_state()

    def error(self, text: str) -> None:
        sys.stderr.write(f"error: {text}\n")
        self.status = 1

    # --- configuration

    def read(self, path: str) -> None:
        if os.path.isdir(path):
            for item in sorted(os.listdir(path)):
                if not item.endswith((".dpkg-old", ".dpkg-new", ".bak", "~", ".swp")) and not item.startswith("."):
                    self.read(os.path.join(path, item))
            return
        try:
            with open(path) as file:
                lines = file.read().splitlines()
        except OSError as error:
            self.error(f"cannot stat {path}: {error.strerror}")
            return
        if os.stat(path).st_mode & 0o022:
            self.error(f"Ignoring {path} because it is writable by group or others.")
            return
        block, index = self.defaults, 0
        while index < len(lines):
            line, place = lines[index].strip(), f"{path}:{index + 1}"
            index += 1
            if not line or line.startswith("#"):
                continue
            if line.endswith("{") and not line.startswith(tuple(SCRIPTS)):
                patterns = shlex.split(line[:-1])
                while not patterns and index < len(lines):
                    patterns = shlex.split(lines[index])
                block = Block(patterns, self.defaults.options, place)
            elif line == "}":
                self.blocks.append(block)
                block = self.defaults
            elif line.split()[0] in SCRIPTS:
                script = []
                while index < len(lines) and lines[index].strip() != "endscript":
                    script.append(lines[index])
                    index += 1
                index += 1
                block.scripts[line.split()[0]] = "\n".join(script) + "\n"
            elif line.startswith("/"):
                following = lines[index].strip() if index < len(lines) else ""
                if following == "{":
                    block, index = Block(shlex.split(line), self.defaults.options, place), index + 1
                else:
                    self.error(f"{place} unexpected text after {line}")
            else:
                self._option(block, line, place)
        if block is not self.defaults:
            self.error(f"{path}: unexpected end of file, missing }}")

    def _option(self, block: Block, line: str, place: str) -> None:
        word, _, value = line.partition(" ")
        value = value.strip()
        if word == "include":
            self.read(value)
        elif word in FLAGS or word in VALUED:
            if word == "rotate" and not re.fullmatch(r"-?\d+", value):
                self.error(f"{place} bad rotation count '{value}'")
            if word in ("create", "su"):
                names = [item for item in value.split() if not item.isdigit()]
                tables = (accounts.user_line, accounts.group_line)
                for item, find, what in zip(names, tables, ("user", "group"), strict=False):
                    if find(self.root, item) is None:
                        self.error(f"{place} unknown {what} '{item}'")
            block.put(word, value)
        else:
            self.error(f"{place} unknown option '{word}' -- ignoring line")

    # --- rotation

    def run(self) -> int:
        for block in self.blocks:
            self._block(block)
        if not self.debug:
            os.makedirs(os.path.dirname(self.state_path), exist_ok=True)
            with open(self.state_path, "w") as file:
                file.write("logrotate state -- version 2\n")
                file.writelines(f'"{path}" {when}\n' for path, when in sorted(self.state.items()))
        return self.status

    def _load_state(self) -> dict[str, str]:
        try:
            with open(self.state_path) as file:
                return dict(found.groups() for line in file if (found := re.match(r'"(.*)" (\S+)', line)))  # type: ignore[misc]
        except OSError:
            return {}

    def _block(self, block: Block) -> None:
        logs: list[str] = []
        for pattern in block.patterns:
            found = sorted(glob.glob(pattern))
            if not found and not block.has("missingok"):
                self.error(f"stat of {pattern} failed: No such file or directory")
            logs += [item for item in found if os.path.isfile(item)]
        due = [item for item in logs if self._due(block, item)]
        if self.debug:
            for log in logs:
                sys.stderr.write(
                    f"considering log {log}\n  log {'needs' if log in due else 'does not need'} rotating\n"
                )
            return
        shared = block.has("sharedscripts")
        if due and shared and not self._script(block, "prerotate", block.patterns[0]):
            return
        for log in due:
            if not shared and not self._script(block, "prerotate", log):
                continue
            self._rotate(block, log)
            if not shared:
                self._script(block, "postrotate", log)
        if due and shared:
            self._script(block, "postrotate", " ".join(block.patterns))
        for log in due:
            self._compress(block, log)

    def _due(self, block: Block, log: str) -> bool:
        size = os.path.getsize(log)
        if block.has("notifempty") and not size:
            return False
        if self.forced:
            return True
        if block.has("size"):
            return size > _bytes(block.options["size"])
        if block.has("maxsize") and size > _bytes(block.options["maxsize"]):
            return True
        period = next((seconds for name, seconds in PERIODS.items() if block.has(name)), PERIODS["weekly"])
        last = self.state.get(log)
        if last is None:
            self.state[log] = time.strftime("%Y-%-m-%-d-%-H:%-M:%-S")
            return False
        return time.time() - time.mktime(time.strptime(last, "%Y-%m-%d-%H:%M:%S")) >= period

    def _rotate(self, block: Block, log: str) -> None:
        count = int(block.options.get("rotate", "0"))
        stat = os.stat(log)
        owner = ownership.owner(log, self.root)
        for number in range(max(count, 1), 0, -1):
            for ending in ("", ".gz"):
                old = f"{log}.{number}{ending}"
                if os.path.exists(old):
                    if number >= max(count, 1):
                        os.unlink(old)
                    else:
                        os.replace(old, f"{log}.{number + 1}{ending}")
        if block.has("copytruncate"):
            shutil.copy2(log, f"{log}.1")
            os.truncate(log, 0)
        else:
            os.replace(log, f"{log}.1")
            if not block.has("nocreate"):
                self._create(block, log, stat.st_mode & 0o7777, owner)
        ownership.record(f"{log}.1", self.root, *owner)
        if not count:
            os.unlink(f"{log}.1")
        self.state[log] = time.strftime("%Y-%-m-%-d-%-H:%-M:%-S")

    def _create(self, block: Block, log: str, mode: int, owner: tuple[str, str]) -> None:
        if not block.has("create"):
            return
        words = block.options["create"].split()
        if words and words[0].isdigit():
            mode = int(words.pop(0), 8)
        user, group = [*words, "", ""][:2]
        os.close(os.open(log, os.O_CREAT | os.O_WRONLY, mode))
        os.chmod(log, mode)
        try:
            named = chown.parse_owner(f"{user}:{group}" if group else user, self.root) if user else owner
        except ValueError:
            named = owner
        ownership.record(log, self.root, *named)

    def _compress(self, block: Block, log: str) -> None:
        if not block.has("compress"):
            return
        number = 2 if block.has("delaycompress") else 1
        plain = f"{log}.{number}"
        if os.path.exists(plain):
            owner = ownership.owner(plain, self.root)
            with open(plain, "rb") as file, gzip.open(plain + ".gz", "wb") as packed:
                shutil.copyfileobj(file, packed)
            ownership.record(plain + ".gz", self.root, *owner)
            os.unlink(plain)

    def _script(self, block: Block, name: str, log: str) -> bool:
        if name not in block.scripts:
            return True
        done = subprocess.run(["/bin/sh", "-c", block.scripts[name], "logrotate_script", log], check=False)
        if done.returncode:
            shared = "shared " if block.has("sharedscripts") else ""
            self.error(f"error running {shared}{name} script for {log} of '{' '.join(block.patterns)} '")
        return done.returncode == 0


def _bytes(text: str) -> int:
    factor = {"k": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:], 1)
    return int(text.rstrip("kMG")) * factor
