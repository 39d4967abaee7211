"""Bytes of a port that marks what came damaged: taken apart again, and counted."""

import re

_MARK = re.compile(rb"\xff(?:(\xff)|\x00(.)|\x00?\Z)", re.DOTALL)


class Marks:
    """Undoes what `drivers.port.mark_breaks` asks of Linux: ff 00 before a damaged character, ff 00 00 for a break.

    A damaged zero looks like a break and counts as one: on a line at another speed both are the same.
    """

    def __init__(self) -> None:
        self.damaged = 0
        self.breaks = 0
        self._rest = b""

    def feed(self, marked: bytes) -> bytes:
        """The bytes as a port gives them that marks nothing."""
        data, self._rest = self._rest + marked, b""
        return _MARK.sub(self._plain, data)

    def _plain(self, mark: re.Match[bytes]) -> bytes:
        doubled, damaged = mark.groups()
        if doubled or damaged:
            self.breaks += damaged == b"\x00"
            self.damaged += damaged not in (None, b"\x00")
            return bytes(doubled or damaged)
        self._rest = mark[0]
        return b""
