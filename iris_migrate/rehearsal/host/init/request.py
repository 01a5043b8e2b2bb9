"""The command line of `systemctl`: its verb, its names, its options; and what it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field

WITH_VALUE = {
    "-p",
    "--property",
    "-s",
    "--signal",
    "--kill-whom",
    "--kill-who",
    "-t",
    "--type",
    "--state",
    "-n",
    "--lines",
    "-o",
    "--output",
}
ALONE = {
    "--now", "--no-block", "--no-pager", "--quiet", "-q", "--all", "-a", "--no-legend", "--plain", "--value",
    "--failed",
    "--full", "-l", "--system", "--force", "-f", "--no-ask-password", "--runtime", "--no-wall", "--wait",
    "--show-types",
}  # fmt: skip


@dataclass(slots=True)
class Answer:
    status: int = 0
    out: str = ""
    err: str = ""
    reboot: bool = False


@dataclass(slots=True)
class Request:
    verb: str
    names: list[str] = field(default_factory=list)
    options: dict[str, list[str]] = field(default_factory=dict)

    def has(self, *names: str) -> bool:
        return any(name in self.options for name in names)

    def values(self, *names: str) -> list[str]:
        return [value for name in names for value in self.options.get(name, [])]


def parse(argv: list[str]) -> Request | Answer:
    """The command line, or systemctl's complaint about it."""
    request = Request("")
    words, index = list(argv), 0
    while index < len(words):
        word = words[index]
        index += 1
        name, equals, value = word.partition("=")
        short = word[:2]
        if word == "--":
            continue
        if word.startswith("--") and equals and name in WITH_VALUE:
            request.options.setdefault(name, []).append(value)
        elif word in ALONE:
            request.options[word] = []
        elif word in WITH_VALUE:
            if index >= len(words):
                return Answer(1, err=f"systemctl: option '{word}' requires an argument\n")
            request.options.setdefault(word, []).append(words[index])
            index += 1
        elif short in WITH_VALUE and len(word) > 2 and not word.startswith("--"):
            request.options.setdefault(short, []).append(word[2:])
        elif word.startswith("-"):
            kind = "unrecognized option" if word.startswith("--") else "invalid option --"
            return Answer(1, err=f"systemctl: {kind} '{word if word.startswith('--') else word[1]}'\n")
        elif not request.verb:
            request.verb = word
        else:
            request.names.append(word)
    request.verb = request.verb or "list-units"
    return request
