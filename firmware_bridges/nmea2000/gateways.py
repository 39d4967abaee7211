"""What gateways make of the bus: lines of five makers, and Actisense's binary frames, in one stream.

- binary (NGT-1, and its EBL logs): DLE STX, command, length, payload, a byte that makes the sum zero, DLE ETX; a DLE
  inside is doubled. EBL puts time stamps between, from ESC SOH to ESC LF.
- Actisense W2K: `A000057.055 09FF7 1FF1A 3F9F24…`: source, addressee and priority, group, data
- iKonvert: `!PDGY,127250,2,3,255,481.734,2C20AAAAAAE=`
- canboat: `2021-07-29-09:00:42.386,6,127507,225,255,8,40,06,…`
- frames as of any CAN adapter (firmware_bridges.cantext)
"""

import binascii
import re
from collections.abc import Iterator

from firmware_bridges.canbus import Message, message
from firmware_bridges.cantext import frame, other
from firmware_bridges.nmea2000.fast import is_fast

MAX_LINE = 1024
MAX_BINARY = 300
MAX_STAMP = 64
_STX, _ETX, _DLE, _ESC, _SOH, _LF = 0x02, 0x03, 0x10, 0x1B, 0x01, 0x0A
_RECEIVED = 0x93
# Priority, group (3), addressee, source, time (4), length.
_HEAD = 11
_W2K = re.compile(rb"A[\d.]{3,16} ([0-9A-F]{2})([0-9A-F]{2})[0-7] ([0-9A-F]{5}) ((?:[0-9A-F]{2}){0,223})\s*\Z")
_IKONVERT = re.compile(rb"!PDGY,(\d{1,6}),\d,(\d{1,3}),(\d{1,3}),[\d.]*,([A-Za-z0-9+/=]{0,304})\s*\Z")
_CANBOAT = re.compile(
    rb"[\dT:.Z-]{10,32},\d,(\d{1,6}),(\d{1,3}),(\d{1,3}),(\d{1,3}),((?:[0-9A-Fa-f]{2},?){0,223})\s*\Z"
)
_ASIDE = re.compile(rb"[$!]PDGY|\s*\Z|#")
_TEXT, _BINARY, _LOG = range(3)


class Heard:
    """What one line or frame is: a whole message, or (`part`) one frame of the bus; or in words what is wrong."""

    __slots__ = ("part", "trouble", "whole")

    def __init__(self, *, whole: Message | None = None, part: Message | None = None, trouble: str = "") -> None:
        self.whole = whole
        self.part = part
        self.trouble = trouble


class Stream:
    """Bytes in any pieces in; what they say out."""

    def __init__(self) -> None:
        self._mode = _TEXT
        self._buffer = bytearray()
        self._mark = 0
        self._skipped = 0
        self._long = False
        self._joined = False

    def feed(self, chunk: bytes) -> Iterator[Heard]:
        """What these bytes complete."""
        for byte in chunk:
            if self._mode == _TEXT:
                yield from self._text(byte)
            elif self._mode == _BINARY:
                yield from self._binary(byte)
            else:
                self._log(byte)

    def _log(self, byte: int) -> None:
        """A time stamp of a log, to its end; what is longer is none."""
        self._skipped += 1
        mark, self._mark = self._mark, _ESC if byte == _ESC and self._mark != _ESC else 0
        if (mark == _ESC and byte == _LF) or self._skipped > MAX_STAMP:
            self._mode, self._skipped = _TEXT, 0

    def _text(self, byte: int) -> Iterator[Heard]:
        mark, self._mark = self._mark, byte if byte in {_DLE, _ESC} else 0
        if (mark, byte) in {(_DLE, _STX), (_ESC, _SOH)}:
            del self._buffer[-1:]
            yield from self._line()
            self._mode = _BINARY if byte == _STX else _LOG
            self._mark = 0
        elif byte in {0x0A, 0x0D}:
            yield from self._line()
        elif len(self._buffer) < MAX_LINE:
            self._buffer.append(byte)
        elif not self._long:
            self._long = True
            yield Heard(trouble="overflow")

    def _line(self) -> Iterator[Heard]:
        line, long, joined = bytes(self._buffer).strip(), self._long, self._joined
        self._buffer.clear()
        self._long = False
        self._joined = True
        if line and not long:
            heard = _read(line)
            # Whoever joins a talking line hears the end of a line first: that is no fault.
            if heard is not None and (joined or not heard.trouble):
                yield heard

    def _binary(self, byte: int) -> Iterator[Heard]:
        if self._mark != _DLE:
            if byte == _DLE:
                self._mark = _DLE
                return
        else:
            self._mark = 0
            if byte == _STX:  # the end of the one before was lost
                self._buffer.clear()
                yield Heard(trouble="garbage")
                return
            if byte != _DLE:
                self._mode = _TEXT
                heard = _actisense(bytes(self._buffer)) if byte == _ETX else Heard(trouble="garbage")
                self._buffer.clear()
                self._joined = True
                if heard is not None:
                    yield heard
                return
        self._buffer.append(byte)
        if len(self._buffer) > MAX_BINARY:
            self._mode = _TEXT
            self._buffer.clear()
            yield Heard(trouble="overflow")


def _actisense(data: bytes) -> Heard | None:
    if len(data) > 2 and data[1] != len(data) - 3:
        data = data.replace(b"\x1b\x1b", b"\x1b")  # an EBL log doubles ESC
    if len(data) < 3 or sum(data) & 0xFF or data[1] != len(data) - 3:
        return Heard(trouble="checksum")
    body = data[2:-1]
    if data[0] != _RECEIVED:
        return None  # what the gateway was told, and what it says of itself
    if len(body) < _HEAD or body[10] != len(body) - _HEAD:
        return Heard(trouble="garbage")
    return _whole(int.from_bytes(body[1:4], "little"), body[5], body[4], body[_HEAD:])


def _read(line: bytes) -> Heard | None:
    """What a line says; None for one that gateways print and that says nothing of the bus."""
    found = frame(line)
    if found is not None:
        return Heard(part=message(found.can_id, found.data))
    w2k = _W2K.match(line)
    if w2k is not None:
        return _whole(int(w2k[3], 16), int(w2k[1], 16), int(w2k[2], 16), bytes.fromhex(w2k[4].decode()))
    ikonvert = _IKONVERT.match(line)
    if ikonvert is not None and int(ikonvert[1]):
        try:
            data = binascii.a2b_base64(ikonvert[4], strict_mode=False)
        except binascii.Error:
            return Heard(trouble="garbage")
        return _whole(int(ikonvert[1]), int(ikonvert[2]), int(ikonvert[3]), data)
    canboat = _CANBOAT.match(line)
    if canboat is not None:
        pgn, source, to, size = (int(canboat[place]) for place in range(1, 5))
        data = bytes.fromhex(canboat[5].replace(b",", b"").decode())
        if len(data) == size:
            whole = _whole(pgn, source, to, data)
            return Heard(part=whole.whole) if size <= 8 and is_fast(pgn) else whole
    return None if _ASIDE.match(line) or other(line) else Heard(trouble="garbage")


def _whole(pgn: int, source: int, destination: int, data: bytes) -> Heard:
    return Heard(whole=Message(pgn, source & 0xFF, destination & 0xFF, data))
