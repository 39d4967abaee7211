"""Frames of the native link (SPEC.md §2): 00, COBS of type, number, body and CRC-32, 00; text may stand between."""

import re
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

from edge_agent.core.errors import WireError

# One COBS group holds 254 bytes: so the code adds exactly one byte, and a device encodes in place.
MAX_FRAME = 254
OVERHEAD = 6  # type, number, CRC-32
MAX_BODY = MAX_FRAME - OVERHEAD
# Between two zeros; beyond a frame this is only text of a device that boots.
MAX_PIECE = 1024
MAX_LINE = 200

_LINE_END = re.compile(rb"[\r\n]+")
# Printable text in UTF-8 with tabs and the escape of terminal colours.
_TEXT = re.compile(r"[\t\x1b\x20-\x7e\u00a0-\uffff]+\Z")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Frame(NamedTuple):
    """One frame that arrived whole."""

    type: int
    number: int
    body: bytes


class Text(NamedTuple):
    """One line that stood between frames: what a boot loader or printf says."""

    line: str


class Bad(NamedTuple):
    """What stood between two zeros and is neither frame nor text: `code` is `checksum` or `overflow`."""

    code: str


Piece = Frame | Text | Bad


def encode(kind: int, number: int, body: bytes) -> bytes:
    """The bytes of a frame on the wire. Raises WireError for a body that is too long, or numbers that are no bytes."""
    if len(body) > MAX_BODY:
        raise WireError(f"a body of {len(body)} bytes; a frame holds {MAX_BODY}, more goes in chunks")
    if not (0 <= kind <= 0xFF and 0 <= number <= 0xFF):
        raise WireError(f"type {kind} and number {number} are one byte each")
    raw = bytes((kind, number)) + body
    return b"\0" + cobs(raw + crc32(raw).to_bytes(4, "little")) + b"\0"


def cobs(raw: bytes) -> bytes:
    """Consistent Overhead Byte Stuffing of at most MAX_FRAME bytes: the same and one more, without a zero in it."""
    return b"".join(bytes((len(group) + 1,)) + group for group in raw.split(b"\0"))


def uncobs(code: bytes) -> bytes | None:
    """What was stuffed, None where that is no COBS."""
    out = bytearray()
    place = 0
    while place < len(code):
        size = code[place]
        end = place + size
        if size == 0 or end > len(code):
            return None
        out += code[place + 1 : end]
        place = end
        if size < 0xFF and place < len(code):
            out.append(0)
    return bytes(out)


class Decoder:
    """A stream in any pieces to frames, lines of text and what is bad. Keeps at most MAX_PIECE bytes."""

    __slots__ = ("_piece", "_skipping")

    def __init__(self) -> None:
        self._piece = bytearray()
        self._skipping = False

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """What `chunk` completes."""
        place = 0
        while place < len(chunk):
            end = chunk.find(0, place)
            stop = len(chunk) if end < 0 else end
            while place < stop:
                taken = min(stop - place, MAX_PIECE - len(self._piece))
                if not self._skipping:
                    self._piece += chunk[place : place + taken]
                place += taken
                if len(self._piece) == MAX_PIECE:
                    yield from self._overflow()
            if end >= 0:
                place = end + 1
                yield from self._zero()

    def _overflow(self) -> Iterator[Piece]:
        """No zero for long: the lines of somebody who only prints, or noise up to the next zero."""
        lines = _lines(bytes(self._piece))
        self._piece.clear()
        if lines is None:
            self._skipping = True
            yield Bad("overflow")
        else:
            yield from lines

    def _zero(self) -> Iterator[Piece]:
        piece, self._piece = bytes(self._piece), bytearray()
        skipped, self._skipping = self._skipping, False
        if not piece or skipped:
            return
        frame = _frame(piece)
        if frame is not None:
            yield frame
            return
        lines = _lines(piece)
        if lines is None:
            yield Bad("checksum")
        else:
            yield from lines


def _frame(piece: bytes) -> Frame | None:
    raw = uncobs(piece) if len(piece) <= MAX_FRAME + 1 else None
    if raw is None or len(raw) < OVERHEAD or crc32(raw[:-4]).to_bytes(4, "little") != raw[-4:]:
        return None
    return Frame(raw[0], raw[1], raw[2:-4])


def _lines(piece: bytes) -> list[Text] | None:
    """The lines of a piece that is nothing but text, else None."""
    found = []
    for line in filter(None, _LINE_END.split(piece)):
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            return None
        if not _TEXT.match(text):
            return None
        text = _COLOUR.sub("", text).replace("\x1b", "").replace("\t", " ").strip()
        found += [Text(text[:MAX_LINE])] if text else []
    return found
