"""The two register maps of Daly battery management, and what its alarm bits mean.

The older firmware answers with D2 and has places for 32 cells, the one of 2026 answers with 51 and has 48: all behind
the cells lies elsewhere. Both use the same check, and answers of the same length mean different things.
"""

from typing import NamedTuple

MAX_SENSORS = 8


class Map(NamedTuple):
    """Where values are in an answer whose first register is `first`; -1: not in this one."""

    first: int
    cells: int = -1
    cell_count: int = -1
    sensors: int = -1
    sensor_count: int = -1
    voltage: int = -1
    current: int = -1
    charge: int = -1
    remaining: int = -1
    cycles: int = -1
    balancing: int = -1
    charging: int = -1
    discharging: int = -1
    switch_temperature: int = -1
    alarms: int = -1


_OLD = Map(
    first=0x00, cells=0x00, cell_count=0x31, sensors=0x20, sensor_count=0x32, voltage=0x28, current=0x29,
    charge=0x2A, remaining=0x30, cycles=0x33, balancing=0x34, charging=0x35, discharging=0x36, alarms=0x3A,
)  # fmt: skip
# By head and by number of data bytes, and by nothing else.
MAPS: dict[tuple[int, int], Map] = {
    (0xD2, 0x7C): _OLD,
    (0xD2, 0xA0): _OLD._replace(switch_temperature=0x42),
    (0x51, 0x80): Map(
        first=0x00, cells=0x00, cell_count=0x3C, sensors=0x30, sensor_count=0x3D, voltage=0x38,
        current=0x39, charge=0x3A,
    ),
    (0x51, 0x7C): Map(
        first=0x41, remaining=0x4B, cycles=0x4C, balancing=0x4D, charging=0x52, discharging=0x53,
        switch_temperature=0x5A,
    ),
}  # fmt: skip
MAX_CELLS = {0xD2: 32, 0x51: 48}

# Alarm registers 3A to 3D of the older firmware, each the lower byte first, bits from the lowest. Of a pair of two, the
# first warns and the second has switched off. A star: it cannot switch off any more.
_PAIRS = (
    "a cell's voltage is too high", "a cell's voltage is too low", "battery voltage too high",
    "battery voltage too low", "too hot to charge", "too cold to charge", "too hot to discharge",
    "too cold to discharge", "charging current too high", "discharging current too high", "charge too high",
    "charge too low", "cells too far apart", "temperatures too far apart", "", "",
)  # fmt: skip
_SINGLE = (
    "charging switch too hot", "discharging switch too hot", "temperature sensor of the charging switch defective",
    "temperature sensor of the discharging switch defective", "*charging switch stuck on",
    "*discharging switch stuck on", "charging switch cannot be closed", "discharging switch cannot be closed",
    "*measuring chip defective", "a cell is not measured", "a temperature sensor is defective", "memory defective",
    "clock defective", "precharging failed", "communication with the vehicle failed", "internal communication failed",
)  # fmt: skip


class Alarm(NamedTuple):
    """A bit in words; `level` 1 warns, 2 has acted, 3 is a danger."""

    words: str
    level: int


ALARMS: tuple[Alarm, ...] = (
    *(Alarm(words, level) for words in _PAIRS for level in (1, 2)),
    *(Alarm(words.removeprefix("*"), 3 if words.startswith("*") else 2) for words in _SINGLE),
)
