"""What the payloads of Govee's models mean. Each function here reads one that is known to be long enough."""

import struct
from collections.abc import Callable, Iterator

from firmware_bridges.payload import (
    BATTERY,
    CO2,
    HUMIDITY,
    MOTION,
    PM25,
    TEMPERATURE,
    Decode,
    Field,
    Layout,
    Quantity,
    Said,
    state,
)

ALARM = Quantity("alarm_temperature", "Cel")
LOW_ALARM = Quantity("low_alarm_temperature", "Cel")
PRESENCE = (b"\xec\x00\x01\x01", b"\xec\x00\x02\x01")  # of the H5127, by firmware

_NO_PROBE = "no probe is plugged in"
_OUTSIDE = "the device sends a temperature outside of -40 to 100 Cel"
_ERROR = "the device reports that its sensor fails"


def _unpack(number: int) -> tuple[float, float]:
    """Temperature and humidity out of one decimal number TTTHHH, in tenths; the top bit is the sign."""
    size = number & 0x7FFFFF
    temperature = size // 1000 / 10
    return (-temperature if number & 0x800000 else temperature), size % 1000 / 10


def _climate(number: int, *, failed: bool, name: Callable[[Quantity], Quantity]) -> Iterator[Said]:
    temperature, humidity = _unpack(number)
    reason = _ERROR if failed else "" if -40 <= temperature <= 100 else _OUTSIDE
    yield name(TEMPERATURE), None if reason else temperature, reason
    yield name(HUMIDITY), None if reason else humidity, reason


def _same(quantity: Quantity) -> Quantity:
    return quantity


def packed(first: int) -> Decode:
    """Three bytes of climate at `first`, then the battery with an error bit."""

    def decode(data: bytes) -> Iterator[Said]:
        last = data[first + 3]
        yield from _climate(int.from_bytes(data[first : first + 3]), failed=bool(last & 0x80), name=_same)
        yield BATTERY, last & 0x7F, ""

    return decode


def plain(first: int) -> Decode:
    """Hundredths of degrees and of percent, then the battery."""
    return Layout(
        Field(TEMPERATURE, first, "<h", 100), Field(HUMIDITY, first + 2, "<H", 100), Field(BATTERY, first + 4)
    )


def indoor_outdoor(data: bytes) -> Iterator[Said]:
    """The H5178 tells in turn of itself and of its outdoor sensor."""
    outdoor = data[2] == 1

    def name(quantity: Quantity) -> Quantity:
        return quantity.of("outdoor") if outdoor else quantity

    yield from _climate(int.from_bytes(data[3:6]), failed=bool(data[6] & 0x80), name=name)
    yield name(BATTERY), data[6] & 0x7F, ""


def two_probes(data: bytes) -> Iterator[Said]:
    """The H5112 tells in turn of its two probes; only the first has a humidity."""
    probe = {0x41: 1, 0x82: 2}.get(data[7])
    if probe is None:
        return
    values = _climate(int.from_bytes(data[2:5]), failed=bool(data[5] & 0x80), name=lambda quantity: quantity.of(probe))
    for value in values:
        if probe == 1 or value[0].unit == TEMPERATURE.unit:
            yield value
    yield BATTERY, data[5] & 0x7F, ""


def carbon_dioxide(data: bytes) -> Iterator[Said]:
    """The H5140."""
    failed = bool(data[7])
    yield from _climate(int.from_bytes(data[2:5]), failed=failed, name=_same)
    yield CO2, None if failed else int.from_bytes(data[5:7]), _ERROR if failed else ""


def particles(data: bytes) -> Iterator[Said]:
    """The H5106: one decimal number TTTHHHPPP."""
    number = int.from_bytes(data[2:6])
    size = number & 0x7FFFFFFF
    temperature = size // 1_000_000 / 10
    yield TEMPERATURE, -temperature if number & 0x80000000 else temperature, ""
    yield HUMIDITY, size % 1_000_000 // 1000 / 10, ""
    yield PM25, size % 1000, ""


def presence(data: bytes) -> Iterator[Said]:
    """The H5127."""
    yield state("occupancy"), data[4] == 1, ""
    yield MOTION, data[5] == 0x11, ""


def _probe(data: bytes, place: int, probe: object) -> Iterator[Said]:
    """A probe and its alarm; an alarm that is not set is no value that is missing."""
    temperature, alarm = struct.unpack_from(">hh", data, place)
    yield TEMPERATURE.of(probe), None if temperature < 0 else temperature / 100, _NO_PROBE if temperature < 0 else ""
    if alarm >= 0:
        yield ALARM.of(probe), alarm / 100, ""


def meat(*probes: tuple[str, int]) -> Decode:
    """Probes with the place of each."""

    def decode(data: bytes) -> Iterator[Said]:
        for probe, place in probes:
            yield from _probe(data, place, probe)

    return decode


def meat_and_air(data: bytes) -> Iterator[Said]:
    """The H5191: a probe, and the air around it."""
    yield from _probe(data, 8, 1)
    yield TEMPERATURE, struct.unpack_from(">h", data, 14)[0] / 100, ""


def four_probes(second: int, *, low: bool) -> Decode:
    """Two of four probes in turn: bits 6 and 7 of byte 6 may say more, the lower ones say which pair."""

    def decode(data: bytes) -> Iterator[Said]:
        first = {1: 1, 2: 3}.get(data[6] & 0x3F)
        if first is None:
            return
        for probe, place in ((first, 8), (first + 1, second)):
            yield from _probe(data, place, probe)
            if low:
                (alarm,) = struct.unpack_from(">h", data, place + 4)
                if alarm >= 0:
                    yield LOW_ALARM.of(probe), alarm / 100, ""

    return decode


_PAIRS = {0x00: ((1, 0x01), (2, 0x02)), 0x40: ((3, 0x04), (4, 0x08)), 0x80: ((5, 0x10), (6, 0x20))}


def six_probes(data: bytes) -> Iterator[Said]:
    """The H5055: two of six probes in turn, whole degrees; a bit says whether each is plugged in."""
    for (probe, bit), place in zip(_PAIRS.get(data[3] & 0xC0, ()), (5, 12), strict=False):
        if not data[3] & bit:
            continue
        temperature, low, high = struct.unpack_from("<hhh", data, place)
        yield TEMPERATURE.of(probe), temperature, ""
        if high >= 0:
            yield ALARM.of(probe), high, ""
        if low >= 0:
            yield LOW_ALARM.of(probe), low, ""
    yield BATTERY, data[2] & 0x7F, ""
