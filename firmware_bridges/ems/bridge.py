"""EMS and EMS+: the telegrams on the bus of a boiler to readings and trouble codes.

A telegram is source, destination, type, place, data and a CRC, and ends with a break. The port is opened so that Linux
marks a break as ff 00 00 and doubles ff (termios, PARMRK): a zero among the data cannot be taken for one. Nothing is
ever sent.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from edge_agent.core.finding import Severity
from edge_agent.core.ports import LanguageSpec
from edge_agent.core.reading import ChannelKind, Chunk, Code, Codes, Item
from firmware_bridges.base import ListeningBridge
from firmware_bridges.ems.telegrams import (
    BLOCKED,
    DISPLAY,
    FAULTS,
    LOCKED,
    MAINTENANCE,
    MONITOR_FAST,
    STATE_PLACE,
    TELEGRAMS,
)

# A telegram has at most 32 bytes, and they may all be ff, which are doubled.
MAX_TELEGRAM = 33
MAX_MARKED = 2 * MAX_TELEGRAM
MIN_TELEGRAM = 6  # four bytes of head, one of data, the CRC; shorter ones are polls and acknowledgements
_MARK = re.compile(rb"\xff(\xff|\x00.)", re.DOTALL)
_BOILER = 0x08
_PLUS = 0xFF
_READ = 0x80


class Telegram(NamedTuple):
    """One telegram that carries data: `place` is where the data begins in the type's whole."""

    source: int
    type: int
    place: int
    data: bytes


class Ems(ListeningBridge):
    """What the boiler (bus id 8) says of itself. Values that a boiler does not have give nothing."""

    def __init__(self, device: str, _options: Mapping[str, Any]) -> None:
        super().__init__(device)
        self._marked = b""
        self._frame = bytearray()

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What the telegrams completed by these bytes say."""
        if not isinstance(chunk, bytes):
            yield from self.unsupported(chunk, at)
            return
        data, place = self._marked + chunk, 0
        while place < len(data):
            mark = data.find(b"\xff", place)
            plain = data[place:] if mark < 0 else data[place:mark]
            yield from self._plain(plain, at)
            place += len(plain)
            if mark < 0:
                break
            match = _MARK.match(data, place)
            if match is None and len(data) - place < 3:
                break  # the rest of the mark is to come
            place = match.end() if match is not None else place + 1
            yield from self._marked_byte(b"" if match is None else match[1], at)
        self._marked = data[place:]

    def _plain(self, data: bytes, at: float) -> Iterator[Item]:
        for byte in data:
            self._frame.append(byte)
            if len(self._frame) > MAX_TELEGRAM:
                self._frame.clear()
                yield from self.faults.say("overflow", f"no break within {MAX_TELEGRAM} bytes", at)

    def _marked_byte(self, mark: bytes, at: float) -> Iterator[Item]:
        if mark == b"\xff":
            yield from self._plain(b"\xff", at)
        elif mark == b"\x00\x00":
            frame, self._frame = bytes(self._frame), bytearray()
            yield from self._whole(frame, at)
        else:
            self._frame.clear()
            yield from self.faults.say("framing", "a character came damaged; the baud may be wrong", at)

    def _whole(self, frame: bytes, at: float) -> Iterator[Item]:
        if len(frame) < MIN_TELEGRAM:
            return
        if crc8(frame[:-1]) != frame[-1]:
            yield from self.faults.say("checksum", "a telegram does not match its CRC", at)
            return
        self.heard += 1
        telegram = _telegram(frame[:-1])
        if telegram is not None and telegram.source == _BOILER:
            yield from self._values(telegram, at)
            yield from self._codes(telegram, at)

    def _values(self, telegram: Telegram, at: float) -> Iterator[Item]:
        for field in TELEGRAMS.get(telegram.type, ()):
            start = field.place - telegram.place
            raw = telegram.data[start : start + field.size] if start >= 0 else b""
            if len(raw) < field.size:
                continue
            value = field.value(raw)
            if value is not None:
                yield self.present(self.channel(field.name, field.unit, field.kind), value, at)
            elif field.name in self._channels:
                yield from self.absent(self._channels[field.name], "the boiler has no value", at)

    def _codes(self, telegram: Telegram, at: float) -> Iterator[Item]:
        """The display's code, and what is wrong if the boiler says so."""
        if telegram.type not in DISPLAY:
            return
        place, size, number_place = DISPLAY[telegram.type]
        start = place - telegram.place
        if start < 0 or len(telegram.data) < number_place + 2 - telegram.place:
            return
        shown = telegram.data[start : start + size].decode("latin-1")
        shown = shown.strip("\x00 ") if shown.strip("\x00").isprintable() else ""
        start = number_place - telegram.place
        number = int.from_bytes(telegram.data[start : start + 2], "big")
        yield self.present(self.channel("service_code", kind=ChannelKind.STATE), f"{shown} {number}".strip(), at)
        state = telegram.data[STATE_PLACE - telegram.place] if telegram.place <= STATE_PLACE else None
        if telegram.type != MONITOR_FAST:
            state = BLOCKED if number in FAULTS else 0
        if state is not None:
            yield Codes(self.device, tuple(_wrong(state, f"{shown} {number}".strip(), number)), at)


def _wrong(state: int, shown: str, number: int) -> Iterator[Code]:
    if state & (LOCKED | BLOCKED):
        severity = Severity.ALARM if state & LOCKED else Severity.WARNING
        yield Code(shown, FAULTS.get(number, ""), severity=severity)
    if state & MAINTENANCE:
        yield Code("maintenance", "the boiler asks for maintenance", severity=Severity.NOTICE)


def _telegram(frame: bytes) -> Telegram | None:
    """The telegram, if it carries data and is none that asks for some (destination with its highest bit)."""
    source, destination, kind, place = frame[0] & 0x7F, frame[1], frame[2], frame[3]
    if destination & _READ:
        return None
    if kind == _PLUS:
        return Telegram(source, 0x100 + int.from_bytes(frame[4:6], "big"), place, frame[6:]) if len(frame) > 6 else None
    return Telegram(source, kind, place, frame[4:])


def crc8(data: bytes) -> int:
    """The bus's CRC: polynomial x8 + x4 + x3 + 1, each byte after the shift, from 0 (EMS-ESP, EMSbus)."""
    crc = 0
    for byte in data:
        crc = (crc << 1 ^ (0x119 if crc & 0x80 else 0)) ^ byte
    return crc


SPEC = LanguageSpec(
    name="ems",
    transports=frozenset({"serial"}),
    make=Ems,
    options={},
    doc="EMS and EMS+: boilers of Bosch, Buderus, Nefit and Worcester, overheard on their bus",
    marks_breaks=True,
)
