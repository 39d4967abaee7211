"""What J1939 and NMEA 2000 share: parameter groups in identifiers of 29 bits, fields of bits, longer messages."""

from collections.abc import Iterator
from typing import NamedTuple

from edge_agent.core.ports import Option
from edge_agent.core.reading import ChannelKind

# A message of several frames whose next one does not come in this time is lost (SAE J1939-21 §5.10.2.4, T1: 750 ms,
# T2 and T3: 1250 ms).
LOST_S = 1.25
MAX_SESSIONS = 64
EVERYBODY = 0xFF
_CONTROL, _TRANSFER = 0xEC00, 0xEB00
_RTS, _BAM, _ABORT = 16, 32, 255
_MAX_SIZE = 1785  # 255 frames of 7 bytes


EVERY_S = Option(float, 1.0, "seconds between two readings of a quantity; the bus is faster")


class Message(NamedTuple):
    """One parameter group, whole: from whom, to whom (EVERYBODY), and its data."""

    pgn: int
    source: int
    destination: int
    data: bytes


def message(can_id: int, data: bytes) -> Message:
    """A frame's identifier taken apart (J1939-21 §5.2): below F000 the group has an addressee and no lower byte."""
    pgn, low = can_id >> 8 & 0x3FFFF, can_id >> 8 & 0xFF
    if pgn >> 8 & 0xFF < 0xF0:
        return Message(pgn - low, can_id & 0xFF, low, data)
    return Message(pgn, can_id & 0xFF, EVERYBODY, data)


class Field(NamedTuple):
    """A number in a message: `bits` from bit `at`, little-endian, times `factor` plus `offset`."""

    name: str
    unit: str
    at: int
    bits: int
    factor: float = 1
    offset: float = 0.0
    digits: int = 0
    signed: bool = False
    kind: ChannelKind = ChannelKind.GAUGE

    def raw(self, data: bytes) -> int | None:
        """The bits as a number, or None where the message is too short for them."""
        end = self.at + self.bits
        if len(data) * 8 < end:
            return None
        raw = int.from_bytes(data[self.at // 8 : (end + 7) // 8], "little") >> self.at % 8 & (1 << self.bits) - 1
        return raw - (1 << self.bits) if self.signed and raw >> self.bits - 1 else raw

    def number(self, raw: int) -> float:
        """In its unit, rounded to what its resolution is worth."""
        value = round(raw * self.factor + self.offset, self.digits)
        return value if self.digits else int(value)


class _Session:
    __slots__ = ("at", "data", "next", "pgn", "size")

    def __init__(self, pgn: int, size: int, at: float) -> None:
        self.pgn = pgn
        self.size = size
        self.data = b""
        self.next = 1
        self.at = at


class Transport:
    """Messages of up to 1785 bytes, announced to everybody or agreed between two: only listened to (J1939-21 §5.10)."""

    def __init__(self) -> None:
        self._sessions: dict[tuple[int, int], _Session] = {}

    def feed(self, part: Message, at: float) -> Iterator[Message | None]:
        """The message that `part` is or completes; None for one that got lost on its way."""
        if part.pgn == _CONTROL:
            yield from self._control(part, at)
        elif part.pgn == _TRANSFER:
            yield from self._transfer(part, at)
        else:
            yield part

    def _control(self, part: Message, at: float) -> Iterator[None]:
        key, data = (part.source, part.destination), part.data
        if len(data) < 8:
            yield None
        elif data[0] == _ABORT:
            self._sessions.pop(key, None)
        elif data[0] in {_RTS, _BAM}:
            size = int.from_bytes(data[1:3], "little")
            if key in self._sessions:
                yield None
            if 8 < size <= _MAX_SIZE and self._room(key, at):
                self._sessions[key] = _Session(int.from_bytes(data[5:8], "little"), size, at)

    def _transfer(self, part: Message, at: float) -> Iterator[Message | None]:
        key, data = (part.source, part.destination), part.data
        session = self._sessions.get(key)
        if session is None or not data:
            return  # its announcement was not heard: whoever joins in the middle has missed nothing
        if data[0] != session.next or at - session.at > LOST_S:
            del self._sessions[key]
            yield None
            return
        session.next += 1
        session.at = at
        session.data += data[1:8]
        if len(session.data) >= session.size:
            del self._sessions[key]
            yield Message(session.pgn, part.source, part.destination, session.data[: session.size])

    def _room(self, key: tuple[int, int], at: float) -> bool:
        if len(self._sessions) >= MAX_SESSIONS:
            self._sessions = {k: session for k, session in self._sessions.items() if at - session.at <= LOST_S}
        return key in self._sessions or len(self._sessions) < MAX_SESSIONS
