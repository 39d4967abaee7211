"""OpenTherm Gateway (the PIC firmware of otgw.tclcode.com): its lines to readings and trouble codes.

A line is a letter and eight hexadecimal digits. The letter says who spoke: thermostat, boiler, or the gateway in the
place of one (R to the boiler, A to the thermostat). Only the boiler's own answers are believed of the boiler.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from edge_agent.core.errors import ConfigError
from edge_agent.core.finding import Severity
from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import ChannelKind, Chunk, Code, Codes, Fault, Item, Reading, Send
from firmware_bridges.base import ListeningBridge
from firmware_bridges.framing import LineSplitter
from firmware_bridges.otgw.data_ids import BOILER, FAULTS, FLAGS, GATEWAY, STATES, STATUS, THERMOSTAT, Quantity, value

MAX_LINE = 80
_MESSAGE = re.compile(rb"([TBRAE])([0-9A-F]{8})\Z")
# Answers to commands (`PR: A=OpenTherm Gateway 5.8`), summaries and the banner: nothing to read, and nothing wrong.
_OTHER = re.compile(
    rb"[A-Z]{2}: |OpenTherm Gateway|[\d./,-]{20,}\Z|[A-Z]{2}\Z|Thermostat |WDT reset|Low power|High power"
)
_ERROR = re.compile(rb"Error 0?(\d)")
# Message types (specification §4.2.2).
WRITE_DATA, READ_ACK, WRITE_ACK, DATA_INVALID = 1, 4, 5, 6
# A message comes every second. A gateway that sums them up instead (PS=1) is told to go on with them.
SILENCE_S = 60.0
RAW_MESSAGES = b"PS=0\r\n"
NO_OEM_CODES = frozenset({0, 255})
# That there is a fault is told each second, which one it is only when it is asked for: so long is waited for its name.
NAMELESS_S = 15.0


class OpenThermGateway(ListeningBridge):
    """Lines in, readings and the boiler's trouble codes out."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device)
        self._lines = LineSplitter(MAX_LINE)
        self._words = _words(device, options["codes"])
        self._asks_at: float | None = None
        self._faulty_at: float | None = None
        self._flags = self._oem = 0

    def next(self, now: float) -> tuple[float | None, Send | Reading | Fault | None]:
        """A word to a gateway that says nothing."""
        if self._asks_at is None:
            self._asks_at = now + SILENCE_S
        if now < self._asks_at:
            return self._asks_at, None
        self._asks_at = now + SILENCE_S
        return self._asks_at, Send(RAW_MESSAGES)

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What the lines completed by these bytes say."""
        if not isinstance(chunk, bytes):
            yield from self.unsupported(chunk, at)
            return
        for line in self._lines.feed(chunk):
            if line is None:
                yield from self.faults.say("overflow", f"no end of line within {MAX_LINE} bytes", at)
            elif message := _MESSAGE.match(line):
                self._asks_at = at + SILENCE_S
                yield from self._message(message[1].decode(), int(message[2], 16), at)
            elif error := _ERROR.match(line):
                yield from self.faults.say("bus", f"the gateway hears errors on OpenTherm: Error 0{int(error[1])}", at)
            elif not _OTHER.match(line):
                yield from self.faults.say("garbage", "a line is none of an OpenTherm Gateway", at)

    def _message(self, who: str, message: int, at: float) -> Iterator[Item]:
        if who == "E" or message.bit_count() % 2:
            yield from self.faults.say("parity", "a message has the wrong parity", at)
            return
        self.heard += 1
        kind, number, raw = message >> 28 & 7, message >> 16 & 0xFF, message & 0xFFFF
        if who == "B" and kind == READ_ACK and number == STATUS:
            yield from self._status(raw & 0xFF, at)
        elif who == "B" and kind == READ_ACK and number == FAULTS:
            self._flags, self._oem = raw >> 8, raw & 0xFF
            yield self._codes(at)
        elif who == "B" and kind in (READ_ACK, WRITE_ACK, DATA_INVALID) and number in BOILER:
            yield from self._value(BOILER[number], None if kind == DATA_INVALID else raw, at)
        elif who == "T" and kind == WRITE_DATA and number in THERMOSTAT:
            yield from self._value(THERMOSTAT[number], raw, at)
        elif who in "AB" and kind == READ_ACK and number in GATEWAY:
            yield from self._value(GATEWAY[number], raw, at)

    def _value(self, quantity: Quantity, raw: int | None, at: float) -> Iterator[Reading]:
        channel = self.channel(quantity.name, quantity.unit, quantity.kind)
        if raw is None:
            yield from self.absent(channel, "the boiler says that it has no valid value", at)
        else:
            yield self.present(channel, value(quantity.form, raw), at)

    def _status(self, status: int, at: float) -> Iterator[Item]:
        for bit, name in STATES.items():
            yield self.present(self.channel(name, kind=ChannelKind.STATE), bool(status >> bit & 1), at)
        if not status & 1:
            self._faulty_at = None
            self._flags = self._oem = 0
        elif self._faulty_at is None:
            self._faulty_at = at
        yield self._codes(at)

    def _codes(self, at: float) -> Codes:
        """All that is wrong with the boiler: its flags, its maker's code, or no more than that there is something."""
        codes = [
            Code(f"ASF {bit}", words, severity=Severity.NOTICE if bit == 0 else Severity.WARNING)
            for bit, words in FLAGS.items()
            if self._flags >> bit & 1
        ]
        if self._oem not in NO_OEM_CODES:
            codes.append(Code(f"OEM {self._oem}", self._words.get(self._oem, "")))
        if self._faulty_at is not None and at >= self._faulty_at + NAMELESS_S and not codes:
            codes.append(Code("fault", "the boiler reports a fault and does not say which"))
        return Codes(self.device, tuple(codes), at)


def _words(device: str, table: Mapping[str, Any]) -> dict[int, str]:
    """The maker's codes in words. Raises ConfigError."""
    for key, words in table.items():
        if not (key.isascii() and key.isdecimal() and int(key) < 255 and isinstance(words, str) and len(words) <= 200):
            fix = 'Write them as { 4 = "there is no flame" }, numbers from 1 to 254'
            raise ConfigError(f"{device}: {key} = {words!r} is no code in words", fix=fix)
    return {int(key): words for key, words in table.items()}


SPEC = LanguageSpec(
    name="otgw",
    transports=frozenset({"serial"}),
    make=OpenThermGateway,
    options={"codes": Option(dict, {}, "the maker's fault codes in words: { 4 = 'there is no flame' }")},
    doc="OpenTherm Gateway: what a boiler and its thermostat say to each other",
)
