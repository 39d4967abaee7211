"""CAN frames as adapters print them on a serial line: one line a frame.

- Lawicel (slcan): `T18FECA00800FF…`, with or without a time stamp of four digits behind
- Yacht Devices RAW: `00:29:58.617 R 0DFF180D A2 8C 50 C0 FF FF FF FF`
- candump: `can0  09F8027F   [8]  00 FC FF FF`, and `(1502984866.4) can0 09F112CC#FF725AFF7FFF7FFD`
"""

import re
from typing import NamedTuple

_LAWICEL = re.compile(rb"T([0-9A-Fa-f]{8})([0-8])((?:[0-9A-Fa-f]{2}){0,8})([0-9A-Fa-f]{4})?\Z")
_YACHT = re.compile(rb"[\d:.]{5,16} ([RT]) ([0-9A-Fa-f]{8})((?: [0-9A-Fa-f]{2}){0,8})\s*\Z")
_DUMP = re.compile(
    rb"(?:\([\d.]+\) +)?[A-Za-z]{2,12}\d{0,3} +([0-9A-Fa-f]{8})(?:#| +\[\d\] +)((?: ?[0-9A-Fa-f]{2}){0,8})\s*\Z"
)
# What is no frame of interest and yet no fault: frames with 11 bits, remote frames, an adapter's own answers, comments.
_OTHER = re.compile(
    rb"(t[0-9A-Fa-f]{3}|r[0-9A-Fa-f]{3}|R[0-9A-Fa-f]{8}|[zZ\x07]+\Z|V\d|N\w{4}\Z|F[0-9A-Fa-f]{2}\Z|#|\s*\Z"
    rb"|(?:\([\d.]+\) +)?[A-Za-z]{2,12}\d{0,3} +[0-9A-Fa-f]{3}(?:#| +\[))"
)


class Line(NamedTuple):
    """A frame on the bus; `sent`: by the adapter itself."""

    can_id: int
    data: bytes
    sent: bool = False


def frame(line: bytes) -> Line | None:
    """The frame in a line, or None."""
    lawicel = _LAWICEL.match(line)
    if lawicel is not None:
        size, data = int(lawicel[2]), bytes.fromhex(lawicel[3].decode())
        stamp = len(lawicel[3]) == 2 * size + 4 and not lawicel[4]  # four digits that look like two bytes more
        return Line(int(lawicel[1], 16), data[:size]) if len(data) == size or stamp else None
    yacht = _YACHT.match(line)
    if yacht is not None:
        return Line(int(yacht[2], 16), bytes.fromhex(yacht[3].decode()), yacht[1] == b"T")
    dump = _DUMP.match(line)
    return None if dump is None else Line(int(dump[1], 16), bytes.fromhex(dump[2].decode()))


def other(line: bytes) -> bool:
    """Is this a line that such adapters print, and no frame of 29 bits?"""
    return _OTHER.match(line) is not None
