"""What stands where in the telegrams of a boiler.

Types and places: the EMS-ESP project's documentation of the bus (emsesp.org, src/devices/boiler.cpp), compared with the
captured telegrams; only what is the same in all models that it knows.
"""

from collections.abc import Mapping
from typing import NamedTuple

from edge_agent.core.reading import ChannelKind, Value

# What stands where a boiler does not have a value.
NONE_BYTE = 0xFF
NONE_WORD = frozenset({0x8000, 0x7FFF, 0x8300, 0x7D00})
NONE_LONG = 0xFFFFFF


class Field(NamedTuple):
    """One value: where it begins in the data, how long it is, what one unit of it is worth; or one bit of a byte."""

    place: int
    size: int
    name: str
    unit: str = ""
    scale: float = 1.0
    kind: ChannelKind = ChannelKind.GAUGE
    bit: int | None = None

    def value(self, raw: bytes) -> Value | None:
        """What these bytes mean; None where they mean: not available."""
        number = int.from_bytes(raw, "big")
        if self.bit is not None:
            return bool(number >> self.bit & 1)
        if number == {1: NONE_BYTE, 3: NONE_LONG}.get(self.size) or (self.size == 2 and number in NONE_WORD):
            return None
        if self.size == 2 and number & 0x8000:
            number -= 0x10000
        return number if self.scale == 1.0 else round(number * self.scale, 2)


def _tenths(place: int, name: str, unit: str = "Cel", size: int = 2) -> Field:
    return Field(place, size, name, unit, 0.1)


def _count(place: int, name: str, unit: str = "") -> Field:
    return Field(place, 3, name, unit, 1.0, ChannelKind.COUNTER)


def _bit(place: int, bit: int, name: str) -> Field:
    return Field(place, 1, name, kind=ChannelKind.STATE, bit=bit)


_SLOW = (
    _count(10, "burner_starts"), _count(13, "burner_time", "min"), _count(19, "heating_time", "min"),
    _count(22, "heating_starts"),
)  # fmt: skip

MONITOR_FAST, MONITOR_FAST_PLUS = 0x18, 0xE4

TELEGRAMS: Mapping[int, tuple[Field, ...]] = {
    0x14: (_count(0, "uptime", "min"),),
    MONITOR_FAST: (
        Field(0, 1, "flow_setpoint", "Cel"),
        _tenths(1, "flow_temperature"),
        Field(3, 1, "burner_power_max", "%"),
        Field(4, 1, "burner_power", "%"),
        _bit(7, 0, "burner"),
        _bit(7, 2, "fan"),
        _bit(7, 3, "ignition"),
        _bit(7, 5, "heating_pump"),
        _bit(7, 6, "hot_water"),
        _bit(7, 7, "circulation_pump"),
        _tenths(9, "storage_temperature"),
        _tenths(13, "return_temperature"),
        _tenths(15, "flame_current", "uA"),
        _tenths(17, "pressure", "bar", 1),
    ),
    0x19: (
        _tenths(0, "outside_temperature"),
        _tenths(2, "boiler_temperature"),
        _tenths(4, "exhaust_temperature"),
        Field(9, 1, "pump_modulation", "%"),
        *_SLOW,
    ),
    0x34: (
        Field(0, 1, "hot_water_setpoint", "Cel"),
        _tenths(1, "hot_water_temperature"),
        _tenths(9, "hot_water_flow", "L/min", 1),
        _count(10, "hot_water_time", "min"),
        _count(13, "hot_water_starts"),
    ),
    0xD1: (_tenths(0, "outside_temperature"),),
    MONITOR_FAST_PLUS: (
        Field(6, 1, "flow_setpoint", "Cel"),
        _tenths(7, "flow_temperature"),
        Field(9, 1, "burner_power_max", "%"),
        Field(10, 1, "burner_power", "%"),
        _bit(11, 0, "burner"),
        _bit(11, 2, "hot_water"),
        _tenths(17, "return_temperature"),
        _tenths(19, "flame_current", "uA"),
        _tenths(21, "pressure", "bar", 1),
    ),
    0xE5: (
        _bit(2, 2, "fan"),
        _bit(2, 3, "ignition"),
        _bit(2, 5, "heating_pump"),
        _bit(2, 7, "circulation_pump"),
        *_SLOW,
        Field(25, 1, "pump_modulation", "%"),
    ),
    0xE9: (
        Field(0, 1, "hot_water_setpoint", "Cel"),
        _tenths(1, "hot_water_temperature"),
        _tenths(11, "hot_water_flow", "L/min", 1),
        _count(14, "hot_water_time", "min"),
        _count(17, "hot_water_starts"),
    ),
}

# The display's code, the number behind it, and the byte of the boiler's state (EMS only) in the two fast telegrams.
DISPLAY = {MONITOR_FAST: (18, 2, 20), MONITOR_FAST_PLUS: (1, 3, 4)}
STATE_PLACE, LOCKED, BLOCKED, MAINTENANCE = 5, 0x20, 0x40, 0x80

# Numbers of faults in words: service instructions of Buderus and Bosch condensing boilers (CE 207, 3C 217, 6A 227 ...).
FAULTS = {
    207: "the water pressure is too low",
    214: "the fan stopped while it was needed",
    215: "the fan is too fast",
    216: "the fan is too slow",
    217: "the fan does not work",
    222: "the flow temperature sensor has a short circuit",
    223: "the flow temperature sensor is interrupted",
    224: "a temperature limiter has switched the boiler off",
    227: "no flame was seen after ignition",
}
