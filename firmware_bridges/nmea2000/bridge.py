"""NMEA 2000 through a serial gateway or SocketCAN: a boat's engines, batteries, tanks, weather, position and alerts.

Only listened to; a gateway that waits for it is told to begin.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import ChannelKind, Chunk, Frame, Item, Reading, Send, Value
from firmware_bridges.base import ListeningBridge, seconds_between
from firmware_bridges.canbus import EVERY_S, Field, Message, Opening, Transport, Turns, message
from firmware_bridges.nmea2000.fast import FastPackets, is_fast
from firmware_bridges.nmea2000.gateways import Stream
from firmware_bridges.nmea2000.groups import (
    CHOICES,
    DC_TYPES,
    FIXES,
    FULL_POSITION,
    GROUPS,
    POSITION,
    SKY,
    SWITCHES,
    TANKS,
    Group,
)
from firmware_bridges.nmea2000.troubles import Troubles
from firmware_bridges.nmea2000.weather import course, heading, weather

# Receive everything (NGT-1, as canboat asks it); send everything as text (iKonvert).
OPENING = {"": b"", "ngt1": bytes.fromhex("1002a103110200491003"), "ikonvert": b"$PDGY,N2NET_INIT,ALL\r\n"}
OPEN_AGAIN_S = 20.0
MAX_INSTANCE = 252
_NO_FIX = frozenset({"none", "manual", "simulated"})
_WORDS = {
    "garbage": "bytes of no gateway that is known",
    "checksum": "a frame does not match its checksum",
    "overflow": "a line or frame is too long",
}


class Nmea2000(ListeningBridge):
    """A gateway's bytes or the bus's frames in, readings and trouble codes out."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device)
        self._stream = Stream()
        self._fast = FastPackets()
        self._transport = Transport()
        self._troubles = Troubles(device)
        self._turns = Turns(seconds_between(device, options, 0.0, 86400.0))
        self._opening = Opening(OPENING[options["gateway"]], OPEN_AGAIN_S)
        self._fixes: dict[int, str] = {}

    def next(self, now: float) -> tuple[float | None, Send | None]:
        """Tells a gateway to begin, and again while nothing is heard."""
        return self._opening.next(now)

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What these bytes or this frame completes."""
        if isinstance(chunk, Frame):
            yield from self._part(message(chunk.can_id, chunk.data), at)
            return
        if not isinstance(chunk, bytes):
            yield from self.unsupported(chunk, at)
            return
        for heard in self._stream.feed(chunk):
            if heard.trouble:
                yield from self.faults.say(heard.trouble, _WORDS[heard.trouble], at)
                continue
            self._opening.heard(at)
            if heard.part is not None:
                yield from self._part(heard.part, at)
            elif heard.whole is not None:
                yield from self._whole(heard.whole, at)

    def _part(self, part: Message, at: float) -> Iterator[Item]:
        if is_fast(part.pgn):
            lost = self._fast.lost
            whole = self._fast.feed(part, at)
            if self._fast.lost > lost:
                yield from self.faults.say("sequence", "frames of a longer message were lost", at)
            if whole is not None:
                yield from self._whole(whole, at)
            return
        for joined in self._transport.feed(part, at):
            if joined is None:
                yield from self.faults.say("sequence", "frames of a longer message were lost", at)
            else:
                yield from self._whole(joined, at)

    def _whole(self, whole: Message, at: float) -> Iterator[Item]:
        pgn, data = whole.pgn, whole.data
        group = GROUPS.get(pgn)
        if group is not None:
            yield from self._group(group, whole, at)
        if pgn in CHOICES:
            name, field, words = CHOICES[pgn]
            raw = field.raw(data)
            if raw is not None and raw < len(words):
                yield from self.tell(_named(name, data, (0, 8)), "", words[raw], whole.source, at, ChannelKind.STATE)
        if pgn in SWITCHES:
            name, field = SWITCHES[pgn]
            raw = field.raw(data)
            if raw is not None and raw < 2:
                yield from self.tell(_named(name, data, (0, 8)), "", bool(raw), whole.source, at, ChannelKind.STATE)
        if pgn == 127501:
            yield from self._switches(whole, at)
        elif pgn == 127505:
            yield from self._tank(whole, at)
        elif pgn in {129025, 129029}:
            yield from self._position(whole, at)
        for name, unit, value, kind in (*course(whole), *heading(whole), *weather(whole)):
            yield from self.tell(name, unit, value, whole.source, at, kind)
        yield from self._troubles.feed(whole, at)

    def _group(self, group: Group, whole: Message, at: float) -> Iterator[Reading]:
        prefix = ""
        if whole.pgn == 127506:
            kind = Field("", "", 16, 8).raw(whole.data)
            if kind is None or kind >= len(DC_TYPES):
                return
            prefix = f"{DC_TYPES[kind]}_"
        for field in group.fields:
            yield from self._field(field, _named(prefix + field.name, whole.data, group.instance), whole, at)

    def _field(self, field: Field, name: str, whole: Message, at: float) -> Iterator[Reading]:
        """One number; the highest one of its bits says that there is none, the two below that it is out of range."""
        raw = field.raw(whole.data)
        top = (1 << field.bits - field.signed) - 1
        if raw is None or raw == top:
            return
        value = None if field.bits >= 8 and raw >= top - 2 else field.number(raw)
        yield from self.tell(name, field.unit, value, whole.source, at, field.kind)

    def tell(
        self,
        name: str,
        unit: str,
        value: Value | None,
        source: int,
        at: float,
        kind: ChannelKind,
        reason: str = "the sensor says that it is out of its range",
    ) -> Iterator[Reading]:
        """A reading, when it is this unit's turn."""
        if not self._turns.due(name, source, at, gap=value is None or (name == "fix" and value in _NO_FIX)):
            return
        channel = self.channel(name, unit, kind)
        if value is None:
            yield from self.absent(channel, reason, at)
        else:
            yield self.present(channel, value, at)

    def _switches(self, whole: Message, at: float) -> Iterator[Reading]:
        bank = whole.data[0] if whole.data else 0
        for number in range(28):
            raw = Field("", "", 8 + 2 * number, 2).raw(whole.data)
            if raw is not None and raw < 2:
                name = f"switch_{bank}_{number + 1}"
                yield from self.tell(name, "", bool(raw), whole.source, at, ChannelKind.STATE)

    def _tank(self, whole: Message, at: float) -> Iterator[Reading]:
        kind = Field("", "", 4, 4).raw(whole.data)
        if kind is not None and kind < len(TANKS):
            level = Field("level", "%", 8, 16, 0.004, digits=1, signed=True)
            capacity = Field("capacity", "L", 24, 32, 0.1, digits=1)
            for field in (level, capacity):
                yield from self._field(field, _named(f"{TANKS[kind]}_{field.name}", whole.data, (0, 4)), whole, at)

    def _position(self, whole: Message, at: float) -> Iterator[Reading]:
        """Nobody should be sent to a position that was typed in or is simulated: it is none."""
        fields = POSITION
        if whole.pgn == 129029:
            raw = Field("", "", 252, 4).raw(whole.data)
            fix = FIXES[raw] if raw is not None and raw < len(FIXES) else "none"
            self._fixes[whole.source] = fix
            yield from self.tell("fix", "", fix, whole.source, at, ChannelKind.STATE)
            fields = (*FULL_POSITION, *(SKY if fix not in _NO_FIX else ()))
        if self._fixes.get(whole.source, "gps") in _NO_FIX:
            reason = "the receiver has no position that was measured"
            for field in POSITION:
                yield from self.tell(field.name, field.unit, None, whole.source, at, field.kind, reason)
            return
        for field in fields:
            yield from self._field(field, field.name, whole, at)


def _named(name: str, data: bytes, instance: tuple[int, int] | None) -> str:
    """With the instance behind it, counted from 1, from the second on; above 252 there is none."""
    number = Field("", "", *instance).raw(data) if instance is not None else 0
    return f"{name}_{number + 1}" if number and number <= MAX_INSTANCE else name


def _make(device: str, options: Mapping[str, Any]) -> Nmea2000:
    if options["gateway"] not in OPENING:
        raise ConfigError(f"gateway = {options['gateway']!r} is unknown", fix='One of "", "ngt1" or "ikonvert"')
    return Nmea2000(device, options)


SPEC = LanguageSpec(
    name="nmea2000",
    transports=frozenset({"serial", "can"}),
    make=_make,
    options={
        "every_s": EVERY_S,
        "gateway": Option(str, "", "a gateway that must be told to begin: ngt1 (Actisense) or ikonvert"),
    },
    doc="NMEA 2000: engines, batteries, tanks, wind, depth, position and alerts of a boat",
    baud=115200,
)
