"""nginx's configuration language: words, blocks, includes; with nginx's own messages for what it refuses."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from typing import NamedTuple


class Emergency(Exception):
    """What nginx says before it gives up (`[emerg]`)."""


class Directive(NamedTuple):
    """One directive. `block` is None for a simple one; `place` is `file:line`."""

    name: str
    args: tuple[str, ...]
    block: tuple[Directive, ...] | None
    place: str

    def all(self, name: str) -> list[Directive]:
        return [item for item in self.block or () if item.name == name]

    def one(self, name: str) -> Directive | None:
        found = self.all(name)
        return found[-1] if found else None


def _tokens(text: str, path: str) -> Iterator[tuple[str, bool, int]]:
    """(token, quoted, line); `{`, `}` and `;` stand alone when not quoted."""
    line, index, size = 1, 0, len(text)
    while index < size:
        ch = text[index]
        if ch == "\n":
            line, index = line + 1, index + 1
        elif ch.isspace():
            index += 1
        elif ch == "#":
            while index < size and text[index] != "\n":
                index += 1
        elif ch in "{};":
            yield ch, False, line
            index += 1
        elif ch in "\"'":
            word, index, line = _quoted(text, index, line, path)
            yield word, True, line
        else:
            start, depth = index, 0
            while index < size and (depth or not (text[index].isspace() or text[index] in "{;")):
                if text[index] == "\\" and index + 1 < size:
                    index += 1
                elif text[index : index + 2] == "${":
                    depth, index = depth + 1, index + 1
                elif text[index] == "}" and depth:
                    depth -= 1
                index += 1
            yield text[start:index], False, line


def _quoted(text: str, index: int, line: int, path: str) -> tuple[str, int, int]:
    quote, word, index = text[index], "", index + 1
    while index < len(text) and text[index] != quote:
        if text[index] == "\\" and index + 1 < len(text):
            following = text[index + 1]
            word += {"n": "\n", "t": "\t", "r": "\r"}.get(
                following, following if following in "\"'\\" else "\\" + following
            )
            index += 2
            continue
        line += text[index] == "\n"
        word, index = word + text[index], index + 1
    if index >= len(text):
        raise Emergency(f'unexpected end of file, expecting ";" or "}}" in {path}:{line}')
    return word, index + 1, line


def read(path: str, prefix: str) -> tuple[Directive, ...]:
    """A configuration file with its includes. Raises Emergency."""
    try:
        with open(path, errors="replace") as file:
            text = file.read()
    except OSError as error:
        raise Emergency(f'open() "{path}" failed ({error.errno}: {error.strerror})') from error
    return _Parser(text, path, prefix).file()


class _Parser:
    def __init__(self, text: str, path: str, prefix: str) -> None:
        self._tokens = list(_tokens(text, path))
        self._last_line = text.count("\n") + 1
        self._path, self._prefix, self._at = path, prefix, 0

    def file(self) -> tuple[Directive, ...]:
        found = self._block(top=True)
        return found

    def _block(self, *, top: bool) -> tuple[Directive, ...]:
        found: list[Directive] = []
        words: list[str] = []
        begin = 0
        while self._at < len(self._tokens):
            word, quoted, line = self._tokens[self._at]
            self._at += 1
            place = f"{self._path}:{line}"
            if quoted or word not in "{};":
                begin = begin if words else line
                words.append(word)
            elif word == ";":
                if not words:
                    raise Emergency(f'unexpected ";" in {place}')
                found += self._simple(words, f"{self._path}:{begin}")
                words = []
            elif word == "{":
                if not words:
                    raise Emergency(f'unexpected "{{" in {place}')
                found.append(Directive(words[0], tuple(words[1:]), self._block(top=False), f"{self._path}:{begin}"))
                words = []
            else:
                if words or top:
                    raise Emergency(f'unexpected "}}" in {place}')
                return tuple(found)
        if words or not top:
            expecting = '";" or "}"' if words else '"}"'
            raise Emergency(f"unexpected end of file, expecting {expecting} in {self._path}:{self._last_line}")
        return tuple(found)

    def _simple(self, words: list[str], place: str) -> list[Directive]:
        if words[0] != "include":
            return [Directive(words[0], tuple(words[1:]), None, place)]
        pattern = os.path.join(self._prefix, words[1])
        if glob.has_magic(pattern):
            paths = sorted(glob.glob(pattern))
        else:
            paths = [pattern]
            if not os.path.exists(pattern):
                raise Emergency(f'open() "{pattern}" failed (2: No such file or directory) in {place}')
        return [item for path in paths for item in read(path, self._prefix)]
