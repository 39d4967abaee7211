"""Cutting a byte stream into lines, with a bounded rest."""

import re
from collections.abc import Callable, Iterator

_LINE_END = re.compile(rb"[\r\n]")


class LineSplitter:
    """Lines of a stream that comes in any pieces; an end is CR, LF or both, and empty lines are left out.

    A line longer than `limit` bytes is dropped to its end and gives one None, wherever the stream was cut. At most
    `limit` bytes are kept between two calls.
    """

    __slots__ = ("_limit", "_rest", "_skipping")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = b""
        self._skipping = False

    def feed(self, chunk: bytes) -> Iterator[bytes | None]:
        """The lines that `chunk` completes, without their ends; None for each that was too long."""
        start = 0
        for end in _LINE_END.finditer(chunk):
            line = self._rest + chunk[start : end.start()]
            start = end.end()
            self._rest = b""
            if self._skipping:
                self._skipping = False
            elif len(line) > self._limit:
                yield None
            elif line:
                yield line
        if self._skipping:
            return
        rest = self._rest + chunk[start:]
        self._skipping = len(rest) > self._limit
        self._rest = b"" if self._skipping else rest
        if self._skipping:
            yield None


MORE, DAMAGED, NONE = -1, -2, 0


class FrameHunter:
    """Frames with a head of fixed bytes in a stream that comes in any pieces, with anything between them.

    `judge(data)` looks at bytes that begin with `head` and says how long the good frame at their beginning is, or NONE
    (no frame begins here), DAMAGED (one does, and its sum is wrong) or MORE (too few bytes to tell; with `limit` of
    them it is none). Behind what is no good frame the search goes on at the next byte: a good one inside is not lost.

    `feed` yields frames, b"" for a damaged one, and None for each `limit` bytes in a row that were none.
    """

    __slots__ = ("_head", "_judge", "_limit", "_rest", "_skipped")

    def __init__(self, head: bytes, judge: Callable[[bytes], int], limit: int) -> None:
        self._head = head
        self._judge = judge
        self._limit = limit
        self._rest = b""
        self._skipped = 0

    def feed(self, chunk: bytes) -> Iterator[bytes | None]:
        """What `chunk` completes, in the order of the stream. At most `limit` bytes are kept."""
        data, place = self._rest + chunk, 0
        while place < len(data):
            start = data.find(self._head, place)
            if start < 0:
                keep = next(n for n in range(len(self._head) - 1, -1, -1) if data.endswith(self._head[:n]))
                start = max(place, len(data) - keep)
            yield from self._skip(start - place)
            place = start
            size = self._judge(data[place : place + self._limit]) if data.startswith(self._head, place) else MORE
            if size == MORE and len(data) - place < self._limit:
                break
            if size > 0:
                self._skipped = 0
                yield data[place : place + size]
                place += size
                continue
            if size == DAMAGED:
                yield b""
            yield from self._skip(1)
            place += 1
        self._rest = data[place:]

    def _skip(self, count: int) -> Iterator[None]:
        before = self._skipped // self._limit
        self._skipped += count
        for _ in range(self._skipped // self._limit - before):
            yield None
