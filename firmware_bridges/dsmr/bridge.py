"""DSMR P1: telegrams of Dutch, Belgian, Luxembourgish, Swedish, Hungarian and other smart meters to readings.

A telegram begins with `/`, ends with `!`, a CRC and a line end, and is read only when all of it is there and its CRC
is right. Meters before version 4 send no CRC: theirs are read line by line, and once a good CRC was seen none without
is believed.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from edge_agent.core.ports import LanguageSpec
from edge_agent.core.reading import ChannelKind, Chunk, Item, Reading
from firmware_bridges.base import ListeningBridge
from firmware_bridges.checksums import crc16_arc
from firmware_bridges.obis import CURRENT_LIMIT, ELECTRICITY, MEDIA, TEXTS, UNITS, Quantity, read_number

# The longest telegrams seen have 2 kB; a message of the grid operator adds 2 kB (P1 5.0.2 §6.12: 1024 octets as hex).
MAX_TELEGRAM = 8192
# The end of a telegram, or the beginning of the next where the end was lost.
_EDGE = re.compile(rb"\n/|\n!([^\n]{0,16})\n")
_CRC = re.compile(rb"[0-9A-Fa-f]{1,4}\Z")
_LINE = re.compile(r"(\d)-(\d{1,3}):(\d{1,3}\.\d{1,3}\.\d{1,3})(?:\*255)?((?:\([^()]*\))+)\Z")
_GROUP = re.compile(r"\(([^()]*)\)")
# Version 4 and later say so, and they have a CRC (P1 4.0 §6.2).
_VERSION = "0.2.8"
# At most four meters are behind the M-Bus (P1 5.0.2 §6.9).
_MBUS = range(1, 5)


class _Meter:
    """What one telegram says of one meter behind the M-Bus."""

    __slots__ = ("medium", "stamp", "value")

    def __init__(self) -> None:
        self.medium = 0
        self.stamp = ""
        self.value = ""


class Dsmr(ListeningBridge):
    """Telegrams in, readings out, in the order of the telegram; meters behind the M-Bus come last.

    Such a meter reports every five minutes or every hour, with its own time: it gives a reading when that time is
    new. Texts give a reading when they change.
    """

    def __init__(self, device: str, _options: Mapping[str, Any]) -> None:
        super().__init__(device)
        self._buffer = b""
        self._inside = False
        self._has_crc = False
        self._stamps: dict[str, str] = {}
        self._texts: dict[str, str] = {}

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What the telegrams completed by these bytes say."""
        if not isinstance(chunk, bytes):
            yield from self.unsupported(chunk, at)
            return
        self._buffer += chunk
        while self._buffer:
            if not self._inside:
                start = self._buffer.find(b"/")
                self._buffer = self._buffer[start:] if start >= 0 else b""
                self._inside = start >= 0
                continue
            edge = _EDGE.search(self._buffer, 0, MAX_TELEGRAM)
            if edge is not None:
                yield from self._edge(edge, at)
            elif len(self._buffer) >= MAX_TELEGRAM:
                self._buffer = self._buffer[MAX_TELEGRAM:]
                self._inside = False
                yield from self.faults.say("overflow", f"no end of telegram within {MAX_TELEGRAM} bytes", at)
            else:
                return

    def _edge(self, edge: re.Match[bytes], at: float) -> Iterator[Item]:
        crc: bytes | None = edge[1]
        if crc is None:
            self._buffer = self._buffer[edge.start() + 1 :]
            yield from self.faults.say("truncated", "a telegram has no end", at)
            return
        body = self._buffer[: edge.start() + 2]
        self._buffer = self._buffer[edge.end() :]
        self._inside = False
        yield from self._telegram(body, crc.strip(), at)

    def _telegram(self, body: bytes, crc: bytes, at: float) -> Iterator[Item]:
        lines = body[:-1].decode("latin-1").replace("\r", "").split("\n")
        if crc:
            if not _CRC.match(crc) or int(crc, 16) != crc16_arc(body):
                yield from self.faults.say("checksum", "a telegram does not match its CRC", at)
                return
            self._has_crc = True
            self.heard += 1
        elif self._has_crc or any(f":{_VERSION}(" in line for line in lines):
            yield from self.faults.say("checksum", "a telegram has lost its CRC", at)
            return
        meters: dict[int, _Meter] = {}
        last: _Meter | None = None
        for line in lines[1:]:
            if last is not None and line.startswith("("):  # before v4 the M-Bus value has a line of its own
                last.value = f"{line.strip('()')}*{last.value}"
                last = None
                continue
            last = None
            match = _LINE.match(line)
            if match is not None:
                channel, code, groups = int(match[2]), match[3], _GROUP.findall(match[4])
                if channel in _MBUS:
                    last = _mbus(meters.setdefault(channel, _Meter()), code, groups)
                elif channel == 0:
                    yield from self._electricity(code, groups, at)
            elif line and not crc:
                yield from self.faults.say("garbage", "a line of a telegram is garbled", at)
        yield from self._meters(meters, at)

    def _electricity(self, code: str, groups: list[str], at: float) -> Iterator[Reading]:
        quantity = ELECTRICITY.get(code)
        if quantity is not None:
            yield from self._number(quantity, groups[-1], at)
        elif code in TEXTS:
            yield from self._text(TEXTS[code], groups[0], at)

    def _number(self, quantity: Quantity, text: str, at: float) -> Iterator[Reading]:
        if quantity.name == "power_limit" and text.endswith("*A"):
            quantity = CURRENT_LIMIT
        channel = self.channel(*quantity)
        value = read_number(text, quantity.unit)
        if value is None:
            yield from self.absent(channel, f"the meter sends {text[:40]!r}", at)
        else:
            yield self.present(channel, value, at)

    def _text(self, quantity: Quantity, text: str, at: float) -> Iterator[Reading]:
        try:
            said = bytes.fromhex(text).decode("utf-8", "replace")
        except ValueError:
            said = text
        if said != self._texts.get(quantity.name, ""):
            self._texts[quantity.name] = said
            yield self.present(self.channel(*quantity), said, at)

    def _meters(self, meters: Mapping[int, _Meter], at: float) -> Iterator[Reading]:
        """Named by medium; the second of a medium, by M-Bus number, is `gas_2`, whether or not the first one works."""
        numbers = {medium: count(1) for medium in (*MEDIA.values(), "mbus")}
        for _, meter in sorted(meters.items()):
            medium = MEDIA.get(meter.medium, "mbus")
            number = next(numbers[medium])
            name = medium if number == 1 else f"{medium}_{number}"
            if not meter.value:
                continue  # a place for a meter, and none there
            value = read_number(meter.value, None)
            unit = UNITS[meter.value.partition("*")[2]][0] if value is not None else ""
            if value is None:
                channel = self._channels.get(name) or self.channel(name, _unit_of(medium), ChannelKind.COUNTER)
                yield from self.absent(channel, "the meter behind the M-Bus gives no value", at)
            elif self._stamps.get(name) != meter.stamp or not meter.stamp:
                self._stamps[name] = meter.stamp
                yield self.present(self.channel(name, unit, ChannelKind.COUNTER), value, at)


def _mbus(meter: _Meter, code: str, groups: list[str]) -> _Meter | None:
    """Take in one line of a meter; returns the meter if its value is to come on the next line (v2.2 and v3)."""
    if code == "24.1.0":
        meter.medium = int(groups[0]) if groups[0].isdecimal() and len(groups[0]) <= 3 else 0
    elif code in {"24.2.1", "24.2.3"} and len(groups) == 2:
        meter.stamp, meter.value = groups
    elif code == "24.3.0" and len(groups) == 6:
        meter.stamp, meter.value = groups[0], groups[5]
        return meter
    return None


def _unit_of(medium: str) -> str:
    return {"electricity": "kWh", "heat": "GJ", "cooling": "GJ", "heat_cooling": "GJ"}.get(medium, "m3")


SPEC = LanguageSpec(
    name="dsmr",
    transports=frozenset({"serial"}),
    make=Dsmr,
    options={},
    doc="DSMR P1: smart meters with the P1 port (electricity, and gas, water or heat behind it)",
    baud=115200,
)
