"""Numbers of the GATT Specification Supplement: the decimal floats of IEEE 11073, and whole numbers of any size."""

from firmware_bridges.payload import RefusedError

# IEEE 11073-20601: what the reserved mantissas say, where the exponent is 0. In words, as the reason of a gap.
_SPECIAL = {
    0x07FF: "the device sends that it is no number",
    0x0800: "the device cannot resolve the value",
    0x07FE: "the device sends that it is too high to measure",
    0x0802: "the device sends that it is too low to measure",
    0x0801: "the device sends a value that is reserved",
}
_SPECIAL_32 = {
    0x007FFFFF: _SPECIAL[0x07FF],
    0x00800000: _SPECIAL[0x0800],
    0x007FFFFE: _SPECIAL[0x07FE],
    0x00800002: _SPECIAL[0x0802],
    0x00800001: _SPECIAL[0x0801],
}


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> bits - 1 else number


def _decimal(mantissa: int, exponent: int) -> float:
    """Divided rather than multiplied by a fraction, so that 36.6 is 36.6."""
    return float(mantissa * 10**exponent) if exponent >= 0 else mantissa / 10**-exponent


def sfloat(raw: int) -> float | str:
    """16 bits: exponent of 4, mantissa of 12. A str is the reason why there is no value."""
    return _SPECIAL.get(raw) or _decimal(_signed(raw & 0x0FFF, 12), _signed(raw >> 12, 4))


def float32(raw: int) -> float | str:
    """32 bits: exponent of 8, mantissa of 24. A str is the reason why there is no value."""
    return _SPECIAL_32.get(raw) or _decimal(_signed(raw & 0xFFFFFF, 24), _signed(raw >> 24, 8))


class Reader:
    """Takes one number after another out of a value, least significant byte first. Raises RefusedError at its end."""

    __slots__ = ("_data", "_place")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self._place

    def take(self, size: int, *, signed: bool = False) -> int:
        """The next number of `size` bytes."""
        if self.left < size:
            raise RefusedError("truncated")
        self._place += size
        return int.from_bytes(self._data[self._place - size : self._place], "little", signed=signed)
