"""Unit files read as systemd reads them: sections, repeated keys, continuations, quoting, drop-ins, environments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FOLDERS = ("etc/systemd/system", "run/systemd/system", "lib/systemd/system")
_SPAN = re.compile(r"([\d.]+)\s*(usec|us|msec|ms|seconds?|sec|s|minutes?|min|m|hours?|hr|h|days?|d|weeks?|w)?\s*")
_SCALE = {"u": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


class UnitFileError(Exception):
    """A unit file that systemd does not load; the message is what it says in the journal."""


@dataclass(slots=True)
class UnitFile:
    """What was loaded for a unit. `stamp` names the versions of the files, to tell when they changed on disk."""

    name: str
    path: Path
    sections: dict[str, list[tuple[str, str]]]
    stamp: tuple[tuple[str, int, int], ...]
    warnings: list[str] = field(default_factory=list)
    masked: bool = False

    def all(self, section: str, key: str) -> list[str]:
        """Every value of a key that may be repeated; an empty one forgets those before."""
        values: list[str] = []
        for name, value in self.sections.get(section, ()):
            if name == key:
                values = [*values, value] if value else []
        return values

    def one(self, section: str, key: str, default: str = "") -> str:
        values = self.all(section, key)
        return values[-1] if values else default

    def flag(self, section: str, key: str, default: bool = False) -> bool:
        value = self.one(section, key).lower()
        return value in ("1", "yes", "true", "on", "y", "t") if value else default

    def seconds(self, section: str, key: str, default: float) -> float:
        value = self.one(section, key)
        return span(value) if value else default


def span(text: str) -> float:
    """A time span as systemd writes it, in seconds: "10", "1min 30s", "250ms", "infinity"."""
    text = text.strip()
    if text == "infinity":
        return float("inf")
    total, end = 0.0, 0
    for found in _SPAN.finditer(text):
        if found.start() != end or not found.group():
            break
        unit = found.group(2) or "s"
        key = "ms" if unit.startswith("ms") else unit[0]
        total, end = total + float(found.group(1)) * _SCALE[key], found.end()
    if end != len(text) or not text:
        raise UnitFileError(f"Failed to parse time span: {text}")
    return total


def parse(text: str, path: str) -> tuple[dict[str, list[tuple[str, str]]], list[str]]:
    """Sections in order, and the warnings systemd would log. Comments stand only at the start of a line."""
    sections: dict[str, list[tuple[str, str]]] = {}
    warnings: list[str] = []
    section, pending = "", ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith(("#", ";")) or (not line and not pending):
            continue
        if line.endswith("\\"):
            pending += line[:-1] + " "
            continue
        line, pending = (pending + line).strip(), ""
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            sections.setdefault(section, [])
        elif "=" not in line:
            warnings.append(f"{path}:{number}: Missing '=', ignoring line.")
        elif not section:
            warnings.append(f"{path}:{number}: Assignment outside of section. Ignoring.")
        else:
            key, _, value = line.partition("=")
            sections[section].append((key.strip(), value.strip()))
    return sections, warnings


def _stamp(path: Path) -> tuple[str, int, int]:
    stat = path.stat()
    return str(path), stat.st_mtime_ns, stat.st_size


def _sources(root: Path, name: str) -> tuple[Path | None, list[Path]]:
    """The unit file that wins, and its drop-ins in the order in which they apply."""
    main = next(
        (
            root / folder / name
            for folder in FOLDERS
            if (root / folder / name).is_symlink() or (root / folder / name).exists()
        ),
        None,
    )
    dropins: dict[str, Path] = {}
    for folder in reversed(FOLDERS):
        for path in sorted((root / folder / f"{name}.d").glob("*.conf")):
            dropins[path.name] = path
    return main, [dropins[key] for key in sorted(dropins)]


def stamp(root: Path, name: str) -> tuple[tuple[str, int, int], ...]:
    """The versions of a unit's files as they are on disk now."""
    main, dropins = _sources(root, name)
    found = [path for path in ([main] if main else []) + dropins if path.exists()]
    return tuple(_stamp(path) for path in found)


def load(root: Path, name: str) -> UnitFile | None:
    """The unit as it stands on disk; None when there is none."""
    main, dropins = _sources(root, name)
    if main is None:
        return None
    if main.is_symlink() and str(main.readlink()) == "/dev/null":
        return UnitFile(name, main, {}, (), masked=True)
    if not main.exists():
        return None
    merged: dict[str, list[tuple[str, str]]] = {}
    warnings: list[str] = []
    for path in [main, *dropins]:
        sections, said = parse(path.read_text(errors="replace"), str(path))
        warnings += said
        for section, pairs in sections.items():
            merged.setdefault(section, []).extend(pairs)
    return UnitFile(name, main, merged, stamp(root, name), warnings)


def words(line: str) -> list[str]:
    """A command line or a list of assignments split as systemd splits it. Raises UnitFileError on open quotes."""
    found: list[str] = []
    current, quote, started, index = "", "", False, 0
    while index < len(line):
        ch = line[index]
        if ch == "\\" and quote != "'" and index + 1 < len(line):
            following = line[index + 1]
            current += {"n": "\n", "t": "\t", "s": " "}.get(following, following)
            started, index = True, index + 2
            continue
        if quote:
            if ch == quote:
                quote = ""
            else:
                current += ch
        elif ch in "\"'":
            quote, started = ch, True
        elif ch.isspace():
            if started:
                found.append(current)
            current, started = "", False
        else:
            current, started = current + ch, True
        index += 1
    if quote:
        raise UnitFileError("Invalid syntax, unbalanced quoting")
    return [*found, current] if started else found


def specifiers(text: str, name: str, home: str) -> str:
    """`%n`, `%N`, `%p`, `%h`, `%t`-free subset of systemd's specifiers."""
    stem = name.rpartition(".")[0]
    known = {"%n": name, "%N": stem, "%p": stem, "%h": home, "%%": "%"}
    return re.sub(r"%[a-zA-Z%]", lambda found: known.get(found.group(), found.group()), text)


def assignments(lines: list[str]) -> dict[str, str]:
    """`Environment=` lines."""
    found: dict[str, str] = {}
    for line in lines:
        for word in words(line):
            name, equals, value = word.partition("=")
            if equals:
                found[name] = value
    return found


_VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)")


def expand(argv: list[str], environment: Mapping[str, str]) -> list[str]:
    """Variables in a command line: `${X}` in place, `$X` alone as a word split at spaces, never in the first word."""
    expanded = argv[:1]
    for word in argv[1:]:
        alone = re.fullmatch(r"\$([A-Za-z_]\w*)", word)
        if alone:
            expanded += environment.get(alone.group(1), "").split()
        else:
            expanded.append(_VARIABLE.sub(lambda found: _value(found, environment), word))
    return expanded


def _value(found: re.Match[str], environment: Mapping[str, str]) -> str:
    if found.group() == "$$":
        return "$"
    if found.group(1):
        return environment.get(found.group(1), "")
    return found.group()


def environment_file(text: str) -> dict[str, str]:
    """`EnvironmentFile=` as systemd reads it: no expansion, comments only at the start of a line, quotes, backslashes.

    An unquoted value keeps a trailing ` # comment` and loses spaces at its end; a name that is not one is left out.
    """
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        end = _line_end(text, position)
        line = text[position:end].lstrip()
        if not line or line[0] in "#;":
            position = end + 1
            continue
        name, equals, _ = line.partition("=")
        start = text.find("=", position) + 1
        if not equals or start > end:
            position = end + 1
            continue
        value, position = _environment_value(text, start)
        if re.fullmatch(r"[A-Za-z_]\w*", name.strip()):
            found[name.strip()] = value
    return found


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _environment_value(text: str, position: int) -> tuple[str, int]:
    """One value from after its `=`; returns it and where the next line begins."""
    value, kept, quote = "", 0, ""  # `kept`: how much of the value trailing spaces must not eat
    while position < len(text) and text[position] in " \t":
        position += 1
    while position < len(text):
        ch = text[position]
        position += 1
        if quote == "'" and ch != "'":
            value, kept = value + ch, len(value) + 1
        elif ch == "\\":
            following = text[position] if position < len(text) else ""
            position += 1
            if quote == '"' and following not in '"\\`$\n':
                value += ch
            value += "" if following == "\n" else following
            kept = len(value)
        elif quote == '"' and ch != '"':
            value, kept = value + ch, len(value) + 1
        elif quote and ch == quote:
            quote = ""
        elif ch in "\"'" and not value[kept:].strip() and len(value) == kept:
            quote = ch
        elif ch == "\n":
            break
        else:
            value += ch
    return value[:kept] + value[kept:].rstrip(), position
