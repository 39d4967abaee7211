"""Where each key stands in TOML source: tomli says what a file means, this says where.

One pass over tokens, without recursion and without judging: what it cannot follow has no position of its own and
is answered with that of the nearest table above. It never fails, whatever the text.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import tomli

Path = tuple[str | int, ...]

# Deeper than any setting; what is nested deeper has the position of its ancestor.
MAX_DEPTH = 32

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+|\#[^\n]*)
    |(?P<newline>\n)
    |(?P<text>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
    |(?P<bare>[^\s"'\[\]{},=.\#]+)
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)


class Position(NamedTuple):
    """A line and a column, both from 1."""

    line: int
    column: int


class Repeat(NamedTuple):
    """A key that was set before: its path, where it stands now and where it stood first."""

    path: Path
    position: Position
    first: Position


class _Token(NamedTuple):
    kind: str
    text: str
    offset: int


class Places:
    """Positions by path, such as `("serial", 1, "port")`."""

    def __init__(self, source: str) -> None:
        self._source = source

    @cached_property
    def _scanner(self) -> "_Scanner":
        # Only when somebody asks: a right file is not searched.
        scanner = _Scanner(self._source)
        scanner.run()
        return scanner

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self._source))]

    def of(self, path: Path) -> Position:
        """Where the key stands, or else the nearest table above it; line 1 when there is none."""
        for length in range(min(len(path), MAX_DEPTH * 2), 0, -1):
            if path[:length] in self._scanner.found:
                return self._position(self._scanner.found[path[:length]])
        return Position(1, 1)

    def repeats(self) -> Iterator[Repeat]:
        """Keys and tables that stand twice, in the order of the source."""
        for path, offset, first in self._scanner.repeats:
            yield Repeat(path, self._position(offset), self._position(first))

    def unclosed(self) -> Position | None:
        """The first quotation mark that opens a text which never ends, if there is one."""
        offset = self._scanner.unclosed
        return None if offset is None else self._position(offset)

    def _position(self, offset: int) -> Position:
        line = bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1] + 1)


class _Scanner:
    def __init__(self, source: str) -> None:
        self.found: dict[Path, int] = {}
        self.repeats: list[tuple[Path, int, int]] = []
        self.unclosed: int | None = None
        self._set: set[Path] = set()
        self._lengths: dict[Path, int] = {}
        self._table: Path = ()
        self._tokens = _tokens(source)
        self._back: _Token | None = None

    def run(self) -> None:
        while token := self._next():
            if token.text == "[":
                self._header(token)
            elif token.kind in ("text", "bare"):
                self._return(token)
                self._statement(self._table)
                self._end_line()
            elif token.kind != "newline":
                self._end_line()

    def _next(self) -> _Token | None:
        token, self._back = self._back or next(self._tokens, None), None
        if self.unclosed is None and token and token.kind == "mark" and token.text in "\"'":
            self.unclosed = token.offset
        return token

    def _return(self, token: _Token | None) -> None:
        self._back = token

    def _end_line(self) -> None:
        while (token := self._next()) and token.kind != "newline":
            pass

    def _key(self) -> tuple[str, ...]:
        """The parts of a dotted key; the token behind it is not taken."""
        parts: list[str] = []
        while (token := self._next()) and (token.text == "." or token.kind in ("text", "bare")):
            if token.text != "." and len(parts) < MAX_DEPTH:
                parts.append(_unquoted(token))
        self._return(token)
        return tuple(parts)

    def _header(self, bracket: _Token) -> None:
        token = self._next()
        many = token is not None and token.text == "[" and token.offset == bracket.offset + 1
        if not many:
            self._return(token)
        path: Path = ()
        parts = self._key()
        for number, part in enumerate(parts, 1):
            path = (*path, part)
            self.found.setdefault(path, bracket.offset)
            if many and number == len(parts):
                self._lengths[path] = self._lengths.get(path, 0) + 1
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
                self.found.setdefault(path, bracket.offset)
        if path and not many:  # a header without a name is no TOML
            self._note_set(path, bracket.offset)
        self._table = path
        self._end_line()

    def _note_set(self, path: Path, offset: int) -> None:
        if path in self._set:
            self.repeats.append((path, offset, self.found[path]))
        self._set.add(path)

    def _statement(self, table: Path) -> None:
        """`key = value`, the value whole, however many lines and tables it has."""
        frames = [_Frame(table, keyed=True)]
        self._pair(frames)
        while len(frames) > 1 and (token := self._next()):
            if token.text in ("]", "}"):
                frames.pop()
            elif token.text not in (",", "\n"):
                self._return(token)
                if frames[-1].keyed:
                    self._pair(frames)
                else:
                    self._element(frames, token.offset)

    def _pair(self, frames: "list[_Frame]") -> None:
        start = self._next()
        self._return(start)
        path = frames[-1].path
        for part in self._key():
            path = (*path, part)
            if start and len(frames) < MAX_DEPTH:
                self.found.setdefault(path, start.offset)
        token = self._next()
        if start and token and token.text == "=":
            self.found.setdefault(path, start.offset)
            self._note_set(path, start.offset)
            self._value(frames, path)
        elif token and token.text in ("]", "}", ",", "\n"):
            self._return(token)

    def _element(self, frames: "list[_Frame]", offset: int) -> None:
        frame = frames[-1]
        path = frame.path
        if len(frames) < MAX_DEPTH:
            path = (*path, frame.count)
            self.found.setdefault(path, offset)
        frame.count += 1
        self._value(frames, path)

    def _value(self, frames: "list[_Frame]", path: Path) -> None:
        """Begin a list or an inline table, or take a plain value up to what ends it."""
        token = self._next()
        if token and token.text in ("[", "{"):
            frames.append(_Frame(path if len(frames) < MAX_DEPTH else frames[-1].path, keyed=token.text == "{"))
            return
        while token and token.text not in (",", "]", "}", "\n"):
            token = self._next()
        self._return(token)


class _Frame:
    """A list or table that is open: its path, whether it holds keys, and how many elements it had."""

    __slots__ = ("count", "keyed", "path")

    def __init__(self, path: Path, *, keyed: bool) -> None:
        self.path = path
        self.keyed = keyed
        self.count = 0


def _tokens(source: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(source):
        if match.lastgroup and match.lastgroup != "space":
            yield _Token(match.lastgroup, match.group(), match.start())


def _unquoted(token: _Token) -> str:
    if token.kind != "text":
        return token.text
    if "\\" in token.text and token.text.startswith('"'):
        try:
            return str(tomli.loads(f"key = {token.text}")["key"])
        except tomli.TOMLDecodeError:
            pass
    return token.text[1:-1]
