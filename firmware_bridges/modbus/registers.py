"""What the registers of a device mean: one row each, and how bytes become its value."""

import struct
from decimal import Decimal
from math import isfinite
from typing import NamedTuple

from edge_agent.core.finding import Severity
from edge_agent.core.reading import ChannelKind, Code, Value

# Registers that a type takes, and its bytes as struct has them, high register first.
TYPES = {
    "u16": (1, ">H"), "s16": (1, ">h"), "u32": (2, ">I"), "s32": (2, ">i"), "u64": (4, ">Q"), "s64": (4, ">q"),
    "f32": (2, ">f"), "f64": (4, ">d"),
}  # fmt: skip
BITS = frozenset({"coil", "discrete"})


class Place(NamedTuple):
    """Where a number stands, and how it is written: a name of TYPES, or `bit` in a table of bits."""

    table: str
    address: int
    type: str
    low_first: bool = False

    @property
    def length(self) -> int:
        """Registers or bits that it takes."""
        return 1 if self.type == "bit" else TYPES[self.type][0]

    def raw(self, data: bytes, first: int) -> float | int:
        """The number in data that was read from address `first` on, as it is written."""
        if self.table in BITS:
            index = self.address - first
            return data[index // 8] >> index % 8 & 1
        start = 2 * (self.address - first)
        words = data[start : start + 2 * self.length]
        if self.low_first:
            words = b"".join(words[i : i + 2] for i in range(len(words) - 2, -1, -2))
        number: float | int = struct.unpack(TYPES[self.type][1], words)[0]
        return _shortest(number) if self.type == "f32" else number


class Register(NamedTuple):
    """One value of a device. `none` are raw numbers that mean that there is none; `words` are those of a state."""

    name: str
    place: Place
    unit: str
    kind: ChannelKind
    scale: float
    offset: float
    bit: int | None
    words: dict[int, str]
    none: frozenset[int]
    every_s: float

    def value(self, raw: float) -> Value | None:
        """What the raw number means; None where it says that there is no value."""
        if not isfinite(raw) or raw in self.none:
            return None
        if self.bit is not None:
            return bool(int(raw) >> self.bit & 1)
        if self.place.type == "bit":
            return bool(raw)
        if self.words:
            return self.words.get(int(raw), f"unknown ({raw:g})")
        if self.scale == 1.0 and self.offset == 0.0:
            return raw
        return round(raw * self.scale + self.offset, _decimals(self.scale, self.offset) + 3 * isinstance(raw, float))


class Trouble(NamedTuple):
    """A word of trouble codes: one code by its value, or one for each bit that is set.

    `form` is how the manual writes them, a format of one number.
    """

    name: str
    place: Place
    bitwise: bool
    meanings: dict[int, str]
    form: str
    severity: Severity
    every_s: float

    def codes(self, raw: int) -> tuple[Code, ...]:
        """What is wrong now."""
        if self.bitwise:
            numbers = [bit for bit in range(16 * self.place.length) if raw >> bit & 1]
        else:
            numbers = [raw] if raw and self.meanings.get(raw) != "" else []
        return tuple(Code(self.form.format(n), self.meanings.get(n, ""), severity=self.severity) for n in numbers)


class DeviceMap(NamedTuple):
    """All that is read of a device, at most `most` registers at once, of which `gap` in a row may be none of these."""

    title: str
    registers: tuple[Register, ...]
    troubles: tuple[Trouble, ...]
    gap: int
    most: int


def _decimals(*numbers: float) -> int:
    """Decimal places that these are written with."""
    return max(max(0, -int(Decimal(repr(number)).as_tuple().exponent)) for number in numbers)


def _shortest(number: float) -> float:
    """The shortest decimal number that is the same in 32 bits: 230.1, not 230.10000610351562."""
    if not isfinite(number):
        return number
    raw = struct.pack(">f", number)
    return next(short for digits in range(6, 10) if struct.pack(">f", short := float(f"{number:.{digits}g}")) == raw)
