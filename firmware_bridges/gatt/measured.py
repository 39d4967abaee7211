"""Characteristics with flags: heart rate, blood pressure, body temperature, the state of a battery.

Source: GATT Specification Supplement (Bluetooth SIG, 2024-12).
"""

from collections.abc import Iterator

from edge_agent.core.reading import ChannelKind
from firmware_bridges.gatt.numbers import Reader, float32, sfloat
from firmware_bridges.payload import TEMPERATURE, Quantity, RefusedError, Said, Scale, meaning, state

HEART_RATE = Quantity("heart_rate", "1/min")
_RR = Quantity("rr_interval", "ms")
_MAX_RR = 9  # as many as fit into 20 bytes beside the rate


def heart_rate(data: bytes) -> Iterator[Said]:
    """2A37: rate of 8 or 16 bits, skin contact, energy, and the times between beats in 1/1024 s."""
    reader = Reader(data)
    flags = reader.take(1)
    rate = reader.take(2 if flags & 0x01 else 1)
    if flags & 0x04:
        yield state("contact"), bool(flags & 0x02), ""
    yield (HEART_RATE, rate, "") if rate else (HEART_RATE, None, "the device measures no heart rate")
    if flags & 0x08:
        yield Quantity("energy_expended", "kJ", ChannelKind.COUNTER), reader.take(2), ""
    if flags & 0x10:
        for beat in range(min(reader.left // 2, _MAX_RR)):
            yield _RR if beat == 0 else _RR.of(beat + 1), round(reader.take(2) / 1024 * 1000, 1), ""
        if reader.left % 2:
            raise RefusedError("truncated")


_PULSES = {1: "too high", 2: "too low"}


def blood_pressure(data: bytes) -> Iterator[Said]:
    """2A35: three SFLOATs in mm[Hg] or kPa, then what the flags say is there."""
    reader = Reader(data)
    flags = reader.take(1)
    unit = "kPa" if flags & 0x01 else "mm[Hg]"
    for name in ("systolic", "diastolic", "mean_arterial"):
        yield _short(Quantity(name, unit), reader.take(2))
    if flags & 0x02:
        yield from _moment(reader)
    if flags & 0x04:
        yield _short(Quantity("pulse", "1/min"), reader.take(2))
    if flags & 0x08:
        yield meaning(Quantity("user", kind=ChannelKind.STATE), reader.take(1), Scale(absent=(0xFF,)))
    if flags & 0x10:
        bits = reader.take(2)
        for place, name in ((0, "body_moved"), (1, "cuff_loose"), (2, "pulse_irregular"), (5, "position_wrong")):
            yield state(name), bool(bits >> place & 1), ""
        yield state("pulse_range"), _PULSES.get(bits >> 3 & 0x03, "in range"), ""


def _short(quantity: Quantity, raw: int) -> Said:
    value = sfloat(raw)
    return (quantity, None, value) if isinstance(value, str) else (quantity, value, "")


def _moment(reader: Reader) -> Iterator[Said]:
    """When it was measured, by the device's own clock: it may send what it kept since long ago."""
    year = reader.take(2)
    month, day, hour, minute, second = (reader.take(1) for _ in range(5))
    if year and month and day:
        words = f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
        yield Quantity("measured", kind=ChannelKind.TEXT), words, ""


def body_temperature(data: bytes) -> Iterator[Said]:
    """2A1C: a FLOAT in Cel or degrees Fahrenheit, then what the flags say is there."""
    reader = Reader(data)
    flags = reader.take(1)
    value = float32(reader.take(4))
    if isinstance(value, str):
        yield TEMPERATURE, None, value
    else:
        yield TEMPERATURE, round((value - 32) / 1.8, 2) if flags & 0x01 else value, ""
    if flags & 0x02:
        yield from _moment(reader)


def battery_status(data: bytes) -> Iterator[Said]:
    """2BED: whether it is charged, in bits 5 and 6 of its power state."""
    reader = Reader(data)
    reader.take(1)
    charging = {1: True, 2: False, 3: False}.get(reader.take(2) >> 5 & 0x03)
    if charging is not None:
        yield state("charging"), charging, ""
