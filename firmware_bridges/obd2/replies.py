"""What an ELM327 prints: lines of one answer to the messages of the control units in it.

Strategy: a line is known by its own form and not by what was asked, for clones mix answers up, and two control units
speak at once. Headers are on where the adapter obeys, so that a line says whose it is; without them it still decodes.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_UNITS = 16
# ISO 15765-2: twelve bits of length.
MAX_MESSAGE = 4095
_HEX = re.compile(r"[0-9A-F]+\Z")
# ISO 15765-4 §6.3.2: answers come from 7E8 to 7EF, or from 18DAF1xx.
_CAN_11 = re.compile(r"7E[89A-F]")
_SEQUENCE = re.compile(r"([0-9A-F]):([0-9A-F]*)\Z")
_LENGTH = re.compile(r"0?[0-9A-F]{3}\Z")
_SERVICES = frozenset({*range(0x41, 0x4B), 0x7F})
# The 2:0 bits of a KWP2000 format byte's upper half say how the message is addressed (ISO 14230-2 §4.1).
_KWP_FORMATS = frozenset({0x80, 0xC0})


class Message(NamedTuple):
    """What one control unit said: `data` begins with the service. `counted`: its list of codes has a number in front.

    `counted` is None where the line does not say which bus it is from.
    """

    unit: str
    data: bytes
    counted: bool | None


class _Part:
    """A message of several frames that is under way."""

    __slots__ = ("data", "length", "next")

    def __init__(self, length: int, data: bytes = b"", following: int = 1) -> None:
        self.length = length
        self.data = data
        self.next = following


class Replies:
    """Lines in, messages out. `feed` gives None for a line of hexadecimal digits that cannot be understood."""

    def __init__(self) -> None:
        self._parts: dict[str, _Part] = {}

    def clear(self) -> None:
        """The answer is over: what is not whole now never will be."""
        self._parts.clear()

    def feed(self, line: str) -> Iterator[Message | None]:
        """The messages that this line (upper case, without spaces) completes."""
        if _LENGTH.match(line) and not _CAN_11.match(line):
            self._parts[""] = _Part(min(max(1, int(line, 16)), MAX_MESSAGE), following=0)
            return
        sequence = _SEQUENCE.match(line)
        if sequence is not None and len(sequence[2]) % 2 == 0:
            yield from self._next("", int(sequence[1], 16), bytes.fromhex(sequence[2]))
        elif not _HEX.match(line):
            yield None
        elif len(line) % 2:
            yield from self._frame(line[:3], bytes.fromhex(line[3:])) if _CAN_11.match(line) else (None,)
        elif line.startswith("18DAF1"):
            yield from self._frame(line[6:8], bytes.fromhex(line[8:]))
        else:
            yield _bare(bytes.fromhex(line))

    def _frame(self, unit: str, data: bytes) -> Iterator[Message | None]:
        """One CAN frame: the first nibble says which part it is (ISO 15765-2 §9.6)."""
        kind, length = (data[0] >> 4, data[0] & 0x0F) if data else (-1, 0)
        if kind == 0 and 0 < length < len(data):
            yield Message(unit, data[1 : 1 + length], True)
        elif kind == 1 and len(data) == 8 and (unit in self._parts or len(self._parts) < MAX_UNITS):
            self._parts[unit] = _Part(max(8, length << 8 | data[1]), data[2:])
        elif kind == 2:
            yield from self._next(unit, length, data[1:])
        elif kind != 3:
            yield None

    def _next(self, unit: str, number: int, data: bytes) -> Iterator[Message | None]:
        part = self._parts.get(unit)
        if part is None or number != part.next % 16:
            self._parts.pop(unit, None)
            yield None
            return
        part.next += 1
        part.data += data
        if len(part.data) >= part.length:
            del self._parts[unit]
            yield Message(unit, part.data[: part.length], True)


def _bare(raw: bytes) -> Message | None:
    """A line of the older buses with its header and checksum, or one without any header."""
    if len(raw) >= 5 and raw[:2] == b"\x48\x6b" and raw[-1] in {sum(raw[:-1]) & 0xFF, _crc8(raw[:-1])}:
        return Message(f"{raw[2]:02X}", raw[3:-1], False)
    if len(raw) >= 5 and raw[0] & 0xC0 in _KWP_FORMATS and raw[-1] == sum(raw[:-1]) & 0xFF:
        start = 3 if raw[0] & 0x3F else 4
        length = raw[0] & 0x3F or raw[3]
        return Message(f"{raw[2]:02X}", raw[start:-1], False) if len(raw) == start + length + 1 else None
    if raw and raw[0] in _SERVICES:
        return Message("", raw, None)
    return None


def _crc8(data: bytes) -> int:
    """The check of J1850: polynomial 0x1D, from 0xFF, inverted (SAE J1850 §5.4.1)."""
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc << 1 ^ (0x11D if crc & 0x80 else 0)
    return crc ^ 0xFF


def codes(message: Message) -> tuple[str, ...] | None:
    """The trouble codes in an answer to mode 03, 07 or 0A; None where its length cannot be right.

    On CAN their number comes first; on KWP and ISO 9141 there are three places, filled up with zeros. Where the bus is
    not known an odd number of bytes has the number in front.
    """
    body = message.data[1:]
    counted = len(body) % 2 == 1 if message.counted is None else message.counted
    if counted:
        if not body or len(body) < 1 + 2 * body[0]:
            return None
        body = body[1 : 1 + 2 * body[0]]
    pairs = (body[i : i + 2] for i in range(0, len(body) - 1, 2))
    return tuple(dict.fromkeys(code(pair) for pair in pairs if any(pair)))


def code(pair: bytes) -> str:
    """Two bytes as the code that mechanics know: letter, and four digits (SAE J2012 §4)."""
    return f"{'PCBU'[pair[0] >> 6]}{pair[0] >> 4 & 3}{pair[0] & 0x0F:X}{pair[1]:02X}"
