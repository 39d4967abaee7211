"""Cutting a byte stream into lines, with a bounded rest."""

import re
from collections.abc import Iterator

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
