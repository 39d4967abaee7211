"""IEC 62056-21: the text that electricity and heat meters send at their optical port, asked for or not, to readings.

Asked for (signon.py): the readout comes between STX and ETX with a check character. Not asked for (mode D, and meters
that push): the same lines by themselves, often without. Characters have seven bits and even parity, which is looked at
here, so that the port may be set to 8N1 or to 7E1, and its speed is all that changes.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import Chunk, Code, Codes, Fault, Item, Reading, Send
from firmware_bridges.base import ListeningBridge, seconds_between
from firmware_bridges.iec62056.signon import FIRST_BAUD, SignOn
from firmware_bridges.obis import ELECTRICITY, HEAT, Quantity, read_number

# §6.4: a line has at most 78 characters; meters with several values on one have more.
MAX_LINE = 512
# A readout of all tariffs and past months has some 300.
MAX_LINES = 2000
STX, ETX, ACK = 0x02, 0x03, 0x06
_EVEN = tuple(value.bit_count() % 2 == 0 for value in range(256))
_NAME = re.compile(r"/[A-Za-z]{3}(.).{0,40}\Z")
# `1-0:1.8.0*255(0302.8260*kWh)`, `1.8.1*12(…)` of a past month, and further values in brackets behind it.
_SET = re.compile(
    r"((?:\d{1,3}-\d{1,3}:)?[0-9A-FLP]{1,3}\.[0-9A-F]{1,3}(?:\.[0-9A-F]{1,3})?)?([*&]\d{1,3})?\(([^()]*)\)"
)
_ERROR = "F.F.0"
# What text readouts call otherwise than telegrams do.
_QUANTITIES = {**ELECTRICITY, "C.7.0": ELECTRICITY["96.7.21"]}
_ADDRESS = re.compile(r"[0-9A-Za-z ]{0,32}\Z")


class _Said(NamedTuple):
    """One set of a readout: the code without medium and channel, and the value as it is written."""

    code: str
    text: str


class Iec62056(ListeningBridge):
    """Readouts in, readings out; one with a check character is read when that is right, others line by line.

    Once a meter has sent a check character, nothing without is believed.
    """

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device)
        self._signon = _sign_on(self, options)
        self._line = bytearray()
        self._skips = False
        self._lines: list[str] = []
        self._check: int | None = None  # the check character so far, between STX and ETX
        self._ends = False  # the next character is the check character
        self._has_check = False

    def next(self, now: float) -> tuple[float | None, Send | Reading | Fault | None]:
        """The sign-on, in mode `ask`."""
        return (None, None) if self._signon is None else self._signon.next(now)

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What the lines and readouts completed by these bytes say."""
        if not isinstance(chunk, bytes):
            yield from self.unsupported(chunk, at)
            return
        if self._signon is not None:
            self._signon.heard(at)
        for byte in chunk:
            yield from self._character(byte, at)

    def _give_up(self) -> None:
        self._line.clear()
        self._lines.clear()
        self._skips, self._ends, self._check = True, False, None

    def _character(self, raw: int, at: float) -> Iterator[Item]:
        byte = raw & 0x7F
        if self._ends:
            yield from self._block(byte, at)
            return
        if self._check is not None:
            self._check ^= byte
        if byte == STX and not self._line:
            self._give_up()
            self._check, self._skips = 0, False
        elif byte == ETX and not self._line:
            self._ends = True
        elif byte in b"\r\n":
            line, skips = bytes(self._line), self._skips
            self._line.clear()
            self._skips = False
            if not skips:
                yield from self._whole_line(line, at)
        elif self._skips:
            pass
        elif len(self._line) < MAX_LINE:
            self._line.append(raw)
        else:
            self._give_up()
            yield from self.faults.say("overflow", f"no end of line within {MAX_LINE} characters", at)

    def _block(self, check: int, at: float) -> Iterator[Item]:
        """The readout is whole: believe it if the check character is right (§6.4, ISO 1155)."""
        lines, expected = self._lines, self._check
        self._lines, self._check, self._ends = [], None, False
        if expected is None:  # its beginning was not heard
            return
        if self._signon is not None:
            self._signon.finished(at)
        self._has_check |= check == expected
        if check != expected:
            yield from self.faults.say("checksum", "a readout does not match its check character", at)
            return
        for line in lines:
            yield from self._sets(line, at)

    def _whole_line(self, raw: bytes, at: float) -> Iterator[Item]:
        if any(byte > 0x7F for byte in raw) and not all(_EVEN[byte] for byte in raw):
            self._give_up()
            self._skips = False
            yield from self.faults.say("parity", "a character has the wrong parity; the baud may be wrong", at)
            return
        line = bytes(byte & 0x7F for byte in raw).decode("ascii")
        if name := _NAME.match(line):
            self._give_up()
            self._skips = False
            if self._signon is not None:
                self._signon.named(name[1], at)
        elif self._check is not None:
            self._lines.append(line)
            if len(self._lines) > MAX_LINES:
                self._give_up()
                yield from self.faults.say("overflow", f"no end of readout within {MAX_LINES} lines", at)
        elif line.startswith("!"):
            if self._signon is not None and not self._has_check:
                self._signon.finished(at)
        elif line and line[0] not in f"/{chr(ACK)}" and not self._has_check:  # those are what an optical head echoes
            yield from self._sets(line, at)

    def _sets(self, line: str, at: float) -> Iterator[Item]:
        said = _said(line)
        if said is None:
            yield from self.faults.say("garbage", "a line of a readout is garbled", at)
        for code, text in said or ():
            if code == _ERROR:
                yield self._error(text, at)
            yield from self._value(_QUANTITIES.get(code), HEAT.get(code), text, at)

    def _value(self, power: Quantity | None, heat: Quantity | None, text: str, at: float) -> Iterator[Item]:
        for quantity in (power, heat):
            if quantity is not None and (value := read_number(text, quantity.unit)) is not None:
                yield self.present(self.channel(*quantity), value, at)
                return

    def _error(self, text: str, at: float) -> Codes:
        """The register of fatal errors, whose bits are each maker's own; all zeros: none."""
        codes = (Code(f"F.F {text[:16]}", "the meter reports an error of its own"),) if text.strip("0 ") else ()
        return Codes(self.device, codes, at)


def _said(line: str) -> list[_Said] | None:
    """The sets of a line, without those of past months; None if any of it is something else."""
    found: list[_Said] = []
    place = 1 if line.startswith("!") else 0
    while place < len(line):
        match = _SET.match(line, place)
        if match is None:
            return None
        place = match.end()
        code = (match[1] or "").rpartition(":")[2]
        if code and match[2] in (None, "*255"):
            found.append(_Said(code if code.count(".") == 2 else f"{code}.0", match[3]))
    return found


def _sign_on(bridge: ListeningBridge, options: Mapping[str, Any]) -> SignOn | None:
    mode, address = options["mode"], options["address"]
    every_s = seconds_between(bridge.device, options, 5.0, 86400.0)
    wrong = ""
    if mode not in {"ask", "listen"}:
        wrong, fix = f"mode {mode!r} is not known", "Use ask or listen"
    elif not _ADDRESS.match(address):
        wrong, fix = f"address {address!r} is none", "Use at most 32 digits and letters, or leave it out"
    elif options["max_baud"] < FIRST_BAUD:
        wrong, fix = f"max_baud is {options['max_baud']}", f"Use at least {FIRST_BAUD}"
    if wrong:
        raise ConfigError(f"{bridge.device}: {wrong}", fix=fix)
    return SignOn(bridge.faults, address, every_s, options["max_baud"]) if mode == "ask" else None


SPEC = LanguageSpec(
    name="iec62056",
    transports=frozenset({"serial"}),
    make=Iec62056,
    options={
        "mode": Option(str, "ask", "ask the meter for its readout, or listen to one that sends by itself"),
        "every_s": Option(float, 60.0, "seconds between two readouts that are asked for"),
        "address": Option(str, "", "the meter's number, where several share one line"),
        "max_baud": Option(int, 9600, "the fastest that the optical head can follow"),
    },
    doc="IEC 62056-21: electricity and heat meters that print their registers as text",
    baud=FIRST_BAUD,
)
