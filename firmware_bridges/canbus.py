"""What J1939 and NMEA 2000 share: groups in 29-bit identifiers, fields of bits, longer messages, whom to believe."""

from collections.abc import Iterator
from typing import NamedTuple

from edge_agent.core.ports import Option
from edge_agent.core.reading import ChannelKind, Send

# A message of several frames whose next one does not come in this time is lost (SAE J1939-21 §5.10.2.4, T1: 750 ms,
# T2 and T3: 1250 ms).
LOST_S = 1.25
MAX_SESSIONS = 64
EVERYBODY = 0xFF
_CONTROL, _TRANSFER = 0xEC00, 0xEB00
_RTS, _BAM, _ABORT = 16, 32, 255
_MAX_SIZE = 1785  # 255 frames of 7 bytes
# A unit that has told a quantity no more for so long gives way to others, and one that was given another address is
# heard again. The slowest groups come every 2.5 s (NMEA 2000, tanks) or on request.
SILENT_S = 30.0

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


class Opening:
    """Bytes that make an adapter begin: sent at first, and again when nothing was heard of it for `again_s`."""

    __slots__ = ("_again_s", "_payload", "_quiet_from")

    def __init__(self, payload: bytes, again_s: float) -> None:
        self._payload = payload
        self._again_s = again_s
        self._quiet_from = float("-inf")

    def heard(self, at: float) -> None:
        """It speaks."""
        self._quiet_from = at

    def next(self, now: float) -> tuple[float | None, Send | None]:
        """As core.ports.Bridge has it; an adapter that begins by itself is never told."""
        if not self._payload:
            return None, None
        due = self._quiet_from + self._again_s
        if now < due:
            return due, None
        self._quiet_from = now
        return now + self._again_s, Send(self._payload)


class _Turn:
    __slots__ = ("heard_at", "next_at", "source")

    def __init__(self, source: int, at: float) -> None:
        self.source = source
        self.heard_at = at
        self.next_at = at


class Turns:
    """Whom to believe of a quantity, and when it may be told again.

    Of two units that tell the same, the one with the lower address is the nearer one (an engine is 0), for as long as
    it does, and has a value. At most `limit` quantities.
    """

    def __init__(self, every_s: float, limit: int = 400) -> None:
        self._every_s = every_s
        self._limit = limit
        self._turns: dict[str, _Turn] = {}

    def due(self, name: str, source: int, at: float, *, gap: bool = False) -> bool:
        """This unit tells it now, or (`gap`) that it has no value: is that to be a reading?"""
        turn = self._turns.get(name)
        if turn is None:
            if len(self._turns) >= self._limit:
                return False
            turn = self._turns[name] = _Turn(source, at)
        elif source != turn.source and (gap or source > turn.source) and at - turn.heard_at < SILENT_S:
            return False
        turn.source, turn.heard_at = source, float("-inf") if gap else at
        if at < turn.next_at:
            return False
        turn.next_at = at + self._every_s
        return True


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
