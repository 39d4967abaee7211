"""VE.Direct: text blocks of Victron devices, and the HEX frames between their lines, to readings.

A block is lines `label TAB value`, and ends with a byte that makes the sum of all its bytes zero. That byte may be any
byte. A HEX frame may stand between any two bytes of a block and is no part of it. Nothing is believed before its
check is right.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from edge_agent.core.ports import LanguageSpec
from edge_agent.core.reading import ChannelKind, Chunk, Code, Codes, Item, Reading, Value
from firmware_bridges.base import ListeningBridge
from firmware_bridges.vedirect.fields import (
    ALARMS,
    CHOICES,
    ERRORS,
    NUMBERS,
    OFF_REASONS,
    PRODUCTS,
    REGISTERS,
    SWITCHES,
    Field,
    severity,
)

# The protocol allows 22 fields of at most 9 + 33 bytes a block (VE.Direct 3.33 §3), and 34 bytes of HEX payload.
MAX_FIELDS = 32
MAX_WORD = 48
MAX_HEX = 100
_LABEL, _VALUE, _CHECK, _HEX = range(4)
# All bytes of a HEX frame, its command's digit as one of them, sum up to this.
_HEX_SUM = 0x55
_GET, _ASYNC = "7", "A"
# The first labels of blocks: where noise stands in front of one, the sum from here on may still be right.
_FIRST = frozenset({"PID", "H1"})


class VeDirect(ListeningBridge):
    """Text blocks and HEX frames in, readings and trouble codes out. Only listens."""

    def __init__(self, device: str, _options: Mapping[str, Any]) -> None:
        super().__init__(device)
        self._state = self._before = _LABEL
        self._word = bytearray()
        self._label = ""
        self._fields: dict[str, str] = {}
        self._sum = 0
        self._noise: tuple[int, int] = (0, 0)  # in front of a first label: its sum and how many fields
        self._hex = bytearray()
        self._joined = False
        self._rare: dict[str, Value] = {}

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What the blocks and frames completed by these bytes say."""
        if not isinstance(chunk, bytes):
            yield from self.unsupported(chunk, at)
            return
        for byte in chunk:
            if self._state == _HEX:
                if byte == 0x0A:
                    self._state = self._before
                    yield from self._frame(self._hex.decode("latin-1").strip(), at)
                elif len(self._hex) <= MAX_HEX:
                    self._hex.append(byte)
            elif self._state == _CHECK:
                yield from self._end(byte, at)
            elif byte == 0x3A:
                self._before, self._state = self._state, _HEX
                self._hex.clear()
            else:
                self._sum += byte
                yield from self._text(byte, at)

    def _text(self, byte: int, at: float) -> Iterator[Item]:
        if byte == 0x09 and self._state == _LABEL:
            self._label = self._word.decode("latin-1")
            if self._label in _FIRST:
                line = sum(b"\r\n\t") + sum(self._word)
                self._noise = (self._sum - line, len(self._fields))
            self._state = _CHECK if self._label == "Checksum" else _VALUE
        elif byte in {0x0D, 0x0A}:
            if self._state == _VALUE and len(self._fields) < MAX_FIELDS:
                self._fields[self._label] = self._word.decode("latin-1")
            self._state = _LABEL
        elif len(self._word) < MAX_WORD:
            self._word.append(byte)
            return
        else:
            yield from self.faults.say("garbage", "a field of a block is too long", at)
        self._word.clear()

    def _end(self, byte: int, at: float) -> Iterator[Item]:
        fields, self._fields = self._fields, {}
        right = (self._sum + byte) & 0xFF == 0
        noise, before = self._noise
        if not right and (self._sum - noise + byte) & 0xFF == 0:
            right, fields = True, dict(list(fields.items())[before:])
        self._sum, self._noise, self._state = 0, (0, 0), _LABEL
        if right and fields:
            yield from self._block(fields, at)
        elif not right and self._joined:
            yield from self.faults.say("checksum", "a block does not match its checksum", at)
        # Whoever joins a talking line hears the end of a block first: that is no fault.
        self._joined = True

    def _block(self, fields: Mapping[str, str], at: float) -> Iterator[Item]:
        for label, text in fields.items():
            if label in NUMBERS:
                yield from self._number(NUMBERS[label], text, at)
            elif label in SWITCHES and text.upper() in {"ON", "OFF"}:
                channel = self.channel(SWITCHES[label], "", ChannelKind.STATE)
                yield self.present(channel, text.upper() == "ON", at)
            elif label in CHOICES:
                name, words = CHOICES[label]
                number = _integer(text)
                channel = self.channel(name, "", ChannelKind.STATE)
                if number is None:
                    yield from self.absent(channel, "the device gives no value", at)
                else:
                    yield self.present(channel, words.get(number, f"state {number}"), at)
            elif label == "PID":
                number = _integer(text)
                name = text if number is None else PRODUCTS.get(number, f"product 0x{number:04X}")
                yield from self._seldom(Field("product", "", kind=ChannelKind.TEXT), name, at)
        yield from self._off_reason(fields.get("OR", ""), at)
        yield from self._codes(fields, at)

    def _number(self, field: Field, text: str, at: float) -> Iterator[Reading]:
        number = _integer(text)
        if number is None or (field.name == "time_to_go" and number < 0):
            reason = "the device gives no value" if number is None else "the battery is not being discharged"
            yield from self.absent(self.channel(field.name, field.unit, field.kind), reason, at)
            return
        value: Value = number if field.per_unit == 1 else number / field.per_unit
        if field.rare:
            yield from self._seldom(field, value, at)
        else:
            yield self.present(self.channel(field.name, field.unit, field.kind), value, at)

    def _seldom(self, field: Field, value: Value, at: float) -> Iterator[Reading]:
        if self._rare.get(field.name) != value:
            self._rare[field.name] = value
            yield self.present(self.channel(field.name, field.unit, field.kind), value, at)

    def _off_reason(self, text: str, at: float) -> Iterator[Reading]:
        bits = _integer(text)
        if bits is not None:
            reason = next((words for place, words in enumerate(OFF_REASONS) if bits >> place & 1), "none")
            yield self.present(self.channel("off_reason", "", ChannelKind.STATE), reason, at)

    def _codes(self, fields: Mapping[str, str], at: float) -> Iterator[Codes]:
        """A block that has errors or alarms has all of them."""
        told = {label: _integer(fields[label]) for label in ("ERR", "AR", "WARN") if label in fields}
        if not told or None in told.values():
            return
        error = told.get("ERR") or 0
        codes = [Code(f"Err {error}", ERRORS.get(error, ""), severity=severity(error))] if error else []
        bits = (told.get("AR") or 0) | (told.get("WARN") or 0)
        codes += [Code(f"Alarm {1 << place}", words) for place, words in enumerate(ALARMS) if bits >> place & 1]
        yield Codes(self.device, tuple(codes), at)

    def _frame(self, text: str, at: float) -> Iterator[Item]:
        """A HEX frame: one digit, then bytes, the last of which makes the sum right."""
        if len(text) > MAX_HEX:
            yield from self.faults.say("overflow", f"a HEX frame has more than {MAX_HEX} bytes", at)
            return
        try:
            command, data = int(text[:1], 16), bytes.fromhex(text[1:])
        except ValueError:
            command, data = 0, b""
        if not data or (command + sum(data)) & 0xFF != _HEX_SUM:
            yield from self.faults.say("hex", "a HEX frame is garbled", at)
            return
        register = REGISTERS.get(int.from_bytes(data[:2], "little"))
        if register is None or text[0] not in {_GET, _ASYNC} or len(data) != 4 + register.size or data[2]:
            return  # another register, another answer, or one with a flag that says "unknown"
        field, raw = register.field, data[3 : 3 + register.size]
        channel = self.channel(field.name, field.unit)
        if int.from_bytes(raw, "little") == register.unknown:
            yield from self.absent(channel, "the device has no such sensor", at)
        else:
            number = int.from_bytes(raw, "little", signed=register.signed)
            yield self.present(channel, round(number / field.per_unit + register.offset, 2), at)


def _integer(text: str) -> int | None:
    """A decimal number, or a hexadecimal one with 0x; None for what is none, such as `---`."""
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdecimal() and len(digits) <= 12:
        return int(text)
    try:
        return int(text, 16) if text.startswith("0x") and len(text) <= 12 else None
    except ValueError:
        return None


SPEC = LanguageSpec(
    name="vedirect",
    transports=frozenset({"serial"}),
    make=VeDirect,
    options={},
    doc="VE.Direct: Victron solar chargers, battery monitors, inverters and DC-DC chargers by cable",
    baud=19200,
)
