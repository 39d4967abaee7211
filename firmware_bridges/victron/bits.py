"""Values out of single bits of a record, and its two parts that are more than one value."""

from collections.abc import Iterator
from typing import NamedTuple

from firmware_bridges.payload import ABSENT, TEMPERATURE, Names, Quantity, Said, Scale, meaning, state


class Bits(NamedTuple):
    """One value of a record. What is in `scale.absent` is meant without sign, as the bits stand."""

    quantity: Quantity
    start: int
    width: int
    scale: Scale
    signed: bool = False

    def read(self, bits: int) -> Said:
        """The value out of all bits of a record."""
        raw = bits >> self.start & (1 << self.width) - 1
        if raw in self.scale.absent:
            return self.quantity, None, ABSENT
        if self.signed and raw >> self.width - 1:
            raw -= 1 << self.width
        return meaning(self.quantity, raw, self.scale._replace(absent=()))


def unsigned(quantity: Quantity, start: int, width: int, divisor: float = 1, offset: float = 0) -> Bits:
    """All bits set: no value."""
    return Bits(quantity, start, width, Scale(divisor, offset, absent=((1 << width) - 1,)))


def signed(quantity: Quantity, start: int, width: int, divisor: float = 1) -> Bits:
    """The highest number that there is: no value."""
    return Bits(quantity, start, width, Scale(divisor, absent=((1 << width - 1) - 1,)), signed=True)


def word(name: str, start: int, width: int, names: Names) -> Bits:
    """One of a few words; all bits set: no value."""
    return Bits(state(name), start, width, Scale(names=names, absent=((1 << width) - 1,)))


def flags(name: str, start: int, width: int) -> Bits:
    """Bits whose meaning the maker has not published, as a number."""
    return Bits(state(name), start, width, Scale())


_CELL_LOW, _CELL_HIGH = 0x00, 0x7E


def aux(bits: int) -> Iterator[Said]:
    """The second input, and in two bits behind it what it is used for."""
    which = bits >> 16 & 0x03
    if which == 0:
        yield signed(Quantity("starter_voltage", "V"), 0, 16, 100).read(bits)
    elif which == 1:
        yield unsigned(Quantity("midpoint_voltage", "V"), 0, 16, 100).read(bits)
    elif which == 2:
        yield unsigned(TEMPERATURE, 0, 16, 100, -273.15).read(bits)


def cells(bits: int, there: int) -> Iterator[Said]:
    """Eight cells; the lowest and the highest number mean: or beyond."""
    for cell in range(min(8, there)):
        raw = bits >> 7 * cell & 0x7F
        quantity = Quantity(f"cell_{cell + 1}_voltage", "V")
        if raw == _CELL_LOW:
            yield quantity, None, "below 2.61 V"
        elif raw == _CELL_HIGH:
            yield quantity, None, "above 3.85 V"
        elif raw != 0x7F:  # no such cell
            yield quantity, round((260 + raw) / 100, 2), ""
