"""More devices of a home: an SML meter, air sensors. See emitters.py."""

from datetime import datetime
from typing import ClassVar

from edge_agent.core.reading import Value
from firmware_bridges.checksums import crc16_x25
from simulators.emitter import Emitter, Values

_ESCAPE = b"\x1b\x1b\x1b\x1b"
_ABSENT = b"\x01"


def sml_octets(raw: bytes) -> bytes:
    """An octet string of SML: type and length in one byte, or in two from 15 bytes on (SML 1.04, 6.2)."""
    size = len(raw) + 1
    return bytes([size]) + raw if size < 16 else bytes([0x80 | (size + 1) >> 4, (size + 1) & 15]) + raw


def sml_number(value: int, size: int, *, signed: bool = False) -> bytes:
    """A number of this many bytes."""
    return bytes([(0x50 if signed else 0x60) | size + 1]) + value.to_bytes(size, "big", signed=signed)


def sml_list(*members: bytes) -> bytes:
    """A list."""
    size = len(members)
    head = bytes([0x70 | size]) if size < 16 else bytes([0xF0 | size >> 4, size & 15])
    return head + b"".join(members)


def sml_message(tag: int, content: bytes, number: int = 1) -> bytes:
    """A message with its own CRC and end."""
    choice = sml_list(sml_number(tag, 2), content)
    # a list of six, of which CRC and end are the last two
    body = b"\x76" + sml_octets(number.to_bytes(4, "big")) + sml_number(0, 1) + sml_number(0, 1) + choice
    return body + b"\x63" + crc16_x25(body).to_bytes(2, "little") + b"\x00"


def sml_frame(*messages: bytes) -> bytes:
    """Messages in a frame (SML 1.04, 8): escapes doubled, padding, CRC."""
    body = b"".join(messages).replace(_ESCAPE, _ESCAPE * 2)
    padding = -len(body) % 4
    frame = _ESCAPE + b"\x01\x01\x01\x01" + body + bytes(padding) + _ESCAPE + bytes([0x1A, padding])
    return frame + crc16_x25(frame).to_bytes(2, "little")


class Sml(Emitter):
    """An electricity meter with an optical port. Counters in kWh, powers in kW, as the Dsmr meter has them."""

    SERVER: ClassVar[bytes] = b"\x0a\x01SIM\x00\x00\x00\x00\x01"
    # Code, DLMS unit (IEC 62056-6-2: 30 Wh, 27 W, 35 V, 33 A, 44 Hz), scaler, and what it multiplies the value by.
    ENTRIES: ClassVar[dict[str, tuple[tuple[int, int, int], int, int, float]]] = {
        "import": ((1, 8, 0), 30, -1, 10_000.0),
        "export": ((2, 8, 0), 30, -1, 10_000.0),
        "power": ((16, 7, 0), 27, 0, 1000.0),
        "voltage_l1": ((32, 7, 0), 35, -1, 10.0),
        "current_l1": ((31, 7, 0), 33, -2, 100.0),
        "frequency": ((14, 7, 0), 44, -1, 10.0),
    }
    KEYS: ClassVar[frozenset[str]] = frozenset(ENTRIES)
    REQUIRED: ClassVar[frozenset[str]] = frozenset({"import"})

    def frame(self, values: Values, utc: datetime) -> bytes:
        """An open, a list of values and a close."""
        entries = [self._entry(key, values[key]) for key in self.ENTRIES if key in values]
        seconds = sml_list(sml_number(1, 1), sml_number(int(utc.timestamp()) & 0xFFFFFFFF, 4))
        opened = sml_list(_ABSENT, _ABSENT, sml_octets(b"sim"), sml_octets(self.SERVER), _ABSENT, _ABSENT)
        listed = sml_list(_ABSENT, sml_octets(self.SERVER), _ABSENT, seconds, sml_list(*entries), _ABSENT, _ABSENT)
        closed = sml_list(_ABSENT)
        return sml_frame(sml_message(0x0101, opened, 1), sml_message(0x0701, listed, 2), sml_message(0x0201, closed, 3))

    def _entry(self, key: str, value: Value) -> bytes:
        code, unit, scaler, factor = self.ENTRIES[key]
        name = sml_octets(bytes([1, 0, *code, 255]))
        number = sml_number(round(float(value) * factor), 8, signed=True)
        return sml_list(
            name, _ABSENT, _ABSENT, sml_number(unit, 1), sml_number(scaler, 1, signed=True), number, _ABSENT
        )


class Otgw(Emitter):
    """A boiler behind an OpenTherm Gateway: one line a value, as the gateway prints the boiler's answers."""

    READ_ACK: ClassVar[int] = 4
    # Data id of OpenTherm, and what one unit is in the 16 bits (f8.8: 256).
    IDS: ClassVar[dict[str, tuple[int, float]]] = {
        "modulation": (17, 256.0),
        "pressure": (18, 256.0),
        "flow_temperature": (25, 256.0),
        "return_temperature": (28, 256.0),
        "burner_starts": (116, 1.0),
    }
    KEYS: ClassVar[frozenset[str]] = frozenset({*IDS, "flame", "fault_code"})
    REQUIRED: ClassVar[frozenset[str]] = frozenset({"flow_temperature"})

    def frame(self, values: Values, utc: datetime) -> bytes:  # noqa: ARG002 (such a device has no clock)
        """Status and fault first, then all values."""
        code = int(values.get("fault_code", 0))
        flame = bool(values.get("flame", False))
        lines = [self._line(0, (flame << 3 | flame << 1) | bool(code)), self._line(5, code & 0xFF)]
        for key, (number, factor) in self.IDS.items():
            if key in values:
                lines.append(self._line(number, round(float(values[key]) * factor) & 0xFFFF))
        return b"".join(lines)

    def _line(self, number: int, raw: int) -> bytes:
        message = self.READ_ACK << 28 | number << 16 | raw
        message |= (message.bit_count() % 2) << 31
        return f"B{message:08X}\r\n".encode("ascii")


class Pms(Emitter):
    """A particle sensor of Plantower, 32 bytes a frame."""

    PLACES: ClassVar[dict[str, int]] = {"pm1": 3, "pm25": 4, "pm10": 5}
    KEYS: ClassVar[frozenset[str]] = frozenset(PLACES)
    REQUIRED: ClassVar[frozenset[str]] = frozenset({"pm25"})

    def frame(self, values: Values, utc: datetime) -> bytes:  # noqa: ARG002 (such a device has no clock)
        """All words but those that are known are 0."""
        words = [0] * 13
        for key, place in self.PLACES.items():
            words[place] = words[place - 3] = round(float(values.get(key, 0)))
        body = b"BM\x00\x1c" + b"".join(word.to_bytes(2, "big") for word in words)
        return body + (sum(body) & 0xFFFF).to_bytes(2, "big")
