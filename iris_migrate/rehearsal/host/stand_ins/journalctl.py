"""journalctl over the practice host's journal: filters, formats, cursors, following."""

from __future__ import annotations

import json
import os
import re
import select
import sys
import time
from typing import Any

from iris_migrate.rehearsal.host.stand_ins import accounts

VALUED = {
    "-u": "unit", "--unit": "unit", "-t": "identifier", "--identifier": "identifier", "-p": "priority",
    "--priority": "priority",
    "-o": "output", "--output": "output", "--output-fields": "fields", "--after-cursor": "after", "--cursor": "cursor",
    "-c": "cursor", "-S": "since", "--since": "since", "-U": "until", "--until": "until", "-g": "grep",
    "--grep": "grep",
    "--cursor-file": "cursor-file", "--vacuum-size": "vacuum", "--vacuum-time": "vacuum", "--vacuum-files": "vacuum",
}  # fmt: skip
ALONE = {
    "-f": "follow", "--follow": "follow", "--no-pager": "", "--show-cursor": "show-cursor", "-r": "reverse",
    "--reverse": "reverse",
    "-q": "quiet", "--quiet": "quiet", "-a": "all", "--all": "all", "-x": "", "--catalog": "", "-e": "end",
    "--pager-end": "end",
    "--no-tail": "no-tail", "--no-hostname": "no-hostname", "-l": "", "--full": "", "--utc": "", "-m": "",
    "--merge": "",
    "-k": "kernel", "--dmesg": "kernel", "--disk-usage": "disk-usage", "--flush": "nothing",
    "--rotate": "nothing", "--sync": "nothing",
    "--header": "nothing", "--system": "", "--verify": "nothing",
}  # fmt: skip
LEVELS = {"emerg": 0, "alert": 1, "crit": 2, "err": 3, "error": 3, "warning": 4, "notice": 5, "info": 6, "debug": 7}
ALWAYS = ("__CURSOR", "__REALTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP", "_BOOT_ID")
FORMATS = (
    "short",
    "short-iso",
    "short-precise",
    "short-iso-precise",
    "short-full",
    "short-unix",
    "short-monotonic",
    "json",
    "json-pretty",
    "cat",
    "export",
    "with-unit",
    "verbose",
)
Entry = dict[str, Any]


class Refused(Exception):
    """What journalctl says on standard error before it exits with 1."""


def main(name: str, root: str, argv: list[str]) -> int:
    try:
        return Reader(root, argv).run()
    except Refused as refusal:
        return accounts.fail(str(refusal), 1)


class Reader:
    """One call of journalctl."""

    def __init__(self, root: str, argv: list[str]) -> None:
        self.root = root
        self.path = f"{root}/var/log/journal/practice.jsonl"
        self.given: dict[str, list[str]] = {}
        self.matches: list[tuple[str, str]] = []
        self.lines: str | None = None
        self.boot: str | None = None
        self._parse(list(argv))
        self.output = self._last("output") or "short"
        if self.output not in FORMATS:
            raise Refused(f"Unknown output format '{self.output}'.")
        self.wanted = {field for value in self.given.get("fields", []) for field in value.split(",")}
        self.units = {item if "." in item else f"{item}.service" for item in self.given.get("unit", [])}
        self.low, self.high = self._priorities()
        self.since = moment(self._last("since")) if self._last("since") else None
        self.until = moment(self._last("until")) if self._last("until") else None
        pattern = self._last("grep")
        self.grep = re.compile(pattern, 0 if re.search("[A-Z]", pattern) else re.IGNORECASE) if pattern else None
        self.identifiers = set(self.given.get("identifier", []))

    def _last(self, name: str) -> str:
        return (self.given.get(name) or [""])[-1]

    def _parse(self, words: list[str]) -> None:
        while words:
            word = words.pop(0)
            option, equals, value = word.partition("=")
            if word.startswith("--") and equals and option in VALUED:
                self.given.setdefault(VALUED[option], []).append(value)
            elif word in VALUED:
                if not words:
                    raise Refused(f"journalctl: option requires an argument -- '{word.lstrip('-')}'")
                self.given.setdefault(VALUED[word], []).append(words.pop(0))
            elif word in ALONE:
                self.given.setdefault(ALONE[word], []).append("yes")
            elif option in ("-n", "--lines"):
                follows = bool(words) and bool(re.fullmatch(r"\d+|all", words[0]))
                self.lines = value if equals else words.pop(0) if follows else "10"
            elif re.fullmatch(r"-n(\d+|all)", word):
                self.lines = word[2:]
            elif option in ("-b", "--boot"):
                follows = bool(words) and bool(re.fullmatch(r"-?\d+|[0-9a-f]{32}|all", words[0])) and not equals
                self.boot = value if equals else words.pop(0) if follows else "0"
            elif re.fullmatch(r"[A-Z_][A-Z0-9_]*=.*", word):
                self.matches.append((option, value))
            elif word[:2] in VALUED and not word.startswith("--"):
                self.given.setdefault(VALUED[word[:2]], []).append(word[2:])
            elif re.fullmatch(r"-[a-zA-Z]{2,}", word):
                words[:0] = [f"-{letter}" for letter in word[1:-1]] + [f"-{word[-1]}"]
            elif word.startswith("--"):
                raise Refused(f"journalctl: unrecognized option '{word}'")
            elif word.startswith("-"):
                raise Refused(f"journalctl: invalid option -- '{word[1:]}'")
            elif word != "+":
                raise Refused(f"Failed to add match '{word}': Invalid argument")

    def _priorities(self) -> tuple[int, int]:
        text = self._last("priority")
        if not text:
            return 0, 7
        low, dots, high = text.partition("..")
        levels = [
            LEVELS.get(item, int(item) if item.isdigit() and int(item) < 8 else -1)
            for item in ([low, high] if dots else [low])
        ]
        if -1 in levels:
            raise Refused(f"Unknown log level {text}")
        return (min(levels), max(levels)) if dots else (0, levels[0])

    # --- what is shown

    def wants(self, entry: Entry) -> bool:
        if not self.low <= int(entry.get("PRIORITY", 6)) <= self.high:
            return False
        if (
            self.units
            and entry.get("_SYSTEMD_UNIT") not in self.units
            and not (entry.get("UNIT") in self.units and entry.get("_PID") == "1")
        ):
            return False
        if self.identifiers and entry.get("SYSLOG_IDENTIFIER") not in self.identifiers:
            return False
        if "kernel" in self.given and entry.get("_TRANSPORT") != "kernel":
            return False
        by_field: dict[str, set[str]] = {}
        for field, value in self.matches:
            by_field.setdefault(field, set()).add(value)
        if any(entry.get(field) not in values for field, values in by_field.items()):
            return False
        at = int(entry["__REALTIME_TIMESTAMP"]) / 1e6
        if (self.since is not None and at < self.since) or (self.until is not None and at > self.until):
            return False
        return self.grep is None or bool(self.grep.search(message(entry)))

    def run(self) -> int:
        if accounts.me(self.root) not in ("root", self._login()):
            sys.stderr.write("Hint: You are currently not seeing messages from other users and the system.\n")
            raise Refused("No journal files were opened due to insufficient permissions.")
        if "nothing" in self.given or "vacuum" in self.given:
            return 0
        if "disk-usage" in self.given:
            size = os.path.getsize(self.path) if os.path.exists(self.path) else 0
            print(f"Archived and active journals take up {max(size, 8 << 20) / (1 << 20):.1f}M in the file system.")
            return 0
        with open(self.path, "rb") as file:
            return self._read(file)

    def _login(self) -> str:
        with open(f"{self.root}/.practice/settings.json") as file:
            return str(json.load(file)["user"])

    def _read(self, file: Any) -> int:
        entries = [json.loads(line) for line in file.read().splitlines(keepends=True) if line.endswith(b"\n")]
        position = file.tell()
        entries = self._of_boot(entries)
        shown = [entry for entry in self._after(entries) if self.wants(entry)]
        any_before = bool(shown) or any(self.wants(entry) for entry in entries)
        started = self._last("after") or self._last("cursor") or self.since is not None or "no-tail" in self.given
        shown = self._tail(shown, bool(started))
        if "reverse" in self.given:
            shown.reverse()
        for entry in shown:
            self.show(entry)
        following = "follow" in self.given
        if not shown and not following and "quiet" not in self.given and self.output.startswith("short"):
            sys.stdout.write("-- No entries --\n")
        cursor = (shown or entries or [{"__CURSOR": ""}])[-1]["__CURSOR"]
        if "show-cursor" in self.given and not following and cursor:
            sys.stdout.write(f"-- cursor: {cursor}\n")
        sys.stdout.flush()
        if following:
            # As journald's reader does: without a starting point, a unit that has no entry yet loses its first lines.
            self._follow(file, position, loses=not any_before and not started and self.lines != "all")
        return 1 if self.grep is not None and not shown else 0

    def _of_boot(self, entries: list[Entry]) -> list[Entry]:
        if self.boot is None or self.boot == "all" or not entries:
            return entries
        boots = list(dict.fromkeys(entry["_BOOT_ID"] for entry in entries))
        if re.fullmatch(r"-?\d{1,4}", self.boot):
            index = len(boots) - 1 + int(self.boot) if int(self.boot) <= 0 else int(self.boot) - 1
            if not 0 <= index < len(boots):
                raise Refused(
                    f"Data from the specified boot ({self.boot}) is not available: No such boot ID in journal"
                )
            return [entry for entry in entries if entry["_BOOT_ID"] == boots[index]]
        return [entry for entry in entries if entry["_BOOT_ID"] == self.boot]

    def _after(self, entries: list[Entry]) -> list[Entry]:
        cursor = self._last("after") or self._last("cursor")
        if self._last("cursor-file"):
            try:
                with open(self._last("cursor-file")) as file:
                    cursor = file.read().strip()
            except FileNotFoundError:
                cursor = ""
        if not cursor:
            return entries
        parts = dict(re.findall(r"(\w)=([0-9a-f]+)", cursor))
        if not {"s", "i", "t"} & set(parts):
            raise Refused("Failed to seek to cursor: Invalid argument")
        own = bool(entries) and f"s={parts.get('s')};" in entries[0]["__CURSOR"]
        after = 0 if self._last("cursor") else 1
        for index, entry in enumerate(entries):
            number = int(entry["__CURSOR"].split(";")[1][2:], 16)
            if own and "i" in parts:
                if number >= int(parts["i"], 16) + after:
                    return entries[index:]
            elif int(entry["__REALTIME_TIMESTAMP"]) > int(parts.get("t", "0"), 16):
                return entries[index:]
        return []

    def _tail(self, shown: list[Entry], started: bool) -> list[Entry]:
        """`-n N` is the last N; after a cursor or a time, the first N."""
        lines = self.lines
        if lines is None and "follow" in self.given and not started:
            lines = "10"
        if lines is None and "end" in self.given:
            lines = "1000"
        if lines in (None, "all"):
            return shown
        count = int(lines or 0)
        if self._last("after") or self._last("cursor"):
            return shown[:count] if "follow" not in self.given else shown
        return shown[-count:] if count else []

    def _follow(self, file: Any, position: int, *, loses: bool) -> None:
        """New entries as they come; ends when nobody reads any more."""
        gone = select.poll()
        gone.register(1, select.POLLERR | select.POLLHUP)
        rest, first = b"", 0.0
        while True:
            if gone.poll(50):
                return
            file.seek(position)
            data = file.read()
            if not data:
                continue
            position += len(data)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                entry = json.loads(line)
                if not self.wants(entry):
                    continue
                first = first or time.monotonic()
                if not loses or time.monotonic() - first > 0.25:
                    self.show(entry)
            sys.stdout.flush()

    # --- formats

    def show(self, entry: Entry) -> None:
        if self.output in ("json", "json-pretty"):
            chosen = {k: v for k, v in entry.items() if not self.wanted or k in self.wanted or k in ALWAYS}
            if "all" not in self.given:
                chosen = {k: None if isinstance(v, (str, list)) and len(v) > 4096 else v for k, v in chosen.items()}
            text = json.dumps(
                chosen, ensure_ascii=False, separators=(",", ":"), indent="\t" if self.output == "json-pretty" else None
            )
            sys.stdout.write(text + "\n")
            return
        body = message(entry)
        if self.output == "cat":
            sys.stdout.write(body + "\n")
            return
        if isinstance(entry["MESSAGE"], list) and "all" not in self.given:
            body = f"[{len(entry['MESSAGE'])}B blob data]"
        host = "" if "no-hostname" in self.given else f"{entry['_HOSTNAME']} "
        pid = f"[{entry['_PID']}]" if "_PID" in entry else ""
        who = f"{entry.get('SYSLOG_IDENTIFIER', 'unknown')}{pid}"
        sys.stdout.write(f"{self._when(entry)} {host}{who}: {body}\n")

    def _when(self, entry: Entry) -> str:
        at = int(entry["__REALTIME_TIMESTAMP"])
        seconds, micro = divmod(at, 1_000_000)
        local = time.localtime(seconds)
        match self.output:
            case "short-iso":
                return time.strftime("%Y-%m-%dT%H:%M:%S%z", local)
            case "short-iso-precise":
                return time.strftime("%Y-%m-%dT%H:%M:%S", local) + f".{micro:06d}" + time.strftime("%z", local)
            case "short-unix":
                return f"{seconds}.{micro:06d}"
            case "short-monotonic":
                return f"[{int(entry['__MONOTONIC_TIMESTAMP']) / 1e6:12.6f}]"
            case "short-precise":
                return time.strftime("%b %d %H:%M:%S", local) + f".{micro:06d}"
            case "short-full" | "with-unit":
                return time.strftime("%a %Y-%m-%d %H:%M:%S %Z", local)
        return time.strftime("%b %d %H:%M:%S", local)


def message(entry: Entry) -> str:
    found = entry["MESSAGE"]
    return bytes(found).decode(errors="replace") if isinstance(found, list) else str(found)


def moment(text: str) -> float:
    """A time as `--since` takes it, in seconds since the epoch."""
    now = time.time()
    day = time.strftime("%Y-%m-%d", time.localtime(now))
    if text == "now":
        return now
    if text in ("today", "yesterday", "tomorrow"):
        start = time.mktime(time.strptime(day, "%Y-%m-%d"))
        return start + {"today": 0, "yesterday": -86400, "tomorrow": 86400}[text]
    if re.fullmatch(r"@\d+(\.\d+)?", text):
        return float(text[1:])
    relative = re.fullmatch(r"([-+]?)\s*((?:\d+\s*[a-z]+\s*)+?)(\s*ago)?", text)
    if relative and (relative.group(1) or relative.group(3)):
        units = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
        total = 0.0
        for count, unit in re.findall(r"(\d+)\s*([a-z]+)", relative.group(2)):
            total += int(count) * (
                2629800 if unit.startswith("mo") else 0.001 if unit.startswith("ms") else units.get(unit[0], 1)
            )
        return now + (total if relative.group(1) == "+" else -total)
    zone = text.endswith((" UTC", "Z"))
    plain = text.removesuffix(" UTC").removesuffix("Z").replace("T", " ")
    plain, _, fraction = plain.partition(".")
    for shape in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%H:%M:%S", "%H:%M"):
        try:
            parsed = time.strptime(
                plain if "%Y" in shape else f"{day} {plain}", shape if "%Y" in shape else f"%Y-%m-%d {shape}"
            )
        except ValueError:
            continue
        import calendar

        return (calendar.timegm(parsed) if zone else time.mktime(parsed)) + float(f"0.{fraction or 0}")
    raise Refused(f"Failed to parse timestamp: {text}")
