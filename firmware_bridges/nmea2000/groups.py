"""Parameter groups of NMEA 2000 that a gateway needs, as fields by their place in the message.

Units are changed only by a factor: pascals to kPa or hPa, kelvins to degrees, radians to degrees, seconds to hours.
A number in braces in a name is the instance, the first one left out: `engine_speed`, `engine_speed_2`.
"""

from collections.abc import Mapping
from math import pi
from typing import NamedTuple

from edge_agent.core.reading import ChannelKind
from firmware_bridges.canbus import Field

DEGREES = 180 / pi
ANGLE, COUNTER, STATE = ChannelKind.ANGLE, ChannelKind.COUNTER, ChannelKind.STATE


class Group(NamedTuple):
    """Fields, and where the instance is that tells two of a kind apart (bits; None: there is but one)."""

    fields: tuple[Field, ...]
    instance: tuple[int, int] | None = None


def _kelvin(name: str, at: int, factor: float = 0.01, bits: int = 16) -> Field:
    return Field(name, "Cel", at, bits, factor, -273.15, 2)


def _angle(name: str, at: int, *, signed: bool = False) -> Field:
    return Field(name, "deg", at, 16, 0.0001 * DEGREES, digits=2, signed=signed, kind=ANGLE)


def _kpa(name: str, at: int, factor: float = 0.1) -> Field:
    return Field(name, "kPa", at, 16, factor, digits=1)


_BYTE = (0, 8)
GROUPS: Mapping[int, Group] = {
    127245: Group((_angle("rudder", 32, signed=True),), _BYTE),
    127251: Group((Field("rate_of_turn", "deg/s", 8, 32, 3.125e-8 * DEGREES, digits=4, signed=True),)),
    127257: Group(tuple(_angle(name, 8 + 16 * i, signed=True) for i, name in enumerate(("yaw", "pitch", "roll")))),
    127258: Group((_angle("variation", 32, signed=True),)),
    127488: Group(
        (
            Field("engine_speed", "1/min", 8, 16, 0.25, digits=2),
            _kpa("boost_pressure", 24),
            Field("trim", "%", 40, 8, signed=True),
        ),
        _BYTE,
    ),
    127489: Group(
        (
            _kpa("oil_pressure", 8),
            _kelvin("oil_temperature", 24, 0.1),
            _kelvin("engine_temperature", 40),
            Field("alternator_voltage", "V", 56, 16, 0.01, digits=2, signed=True),
            Field("fuel_rate", "L/h", 72, 16, 0.1, digits=1, signed=True),
            Field("engine_hours", "h", 88, 32, 1 / 3600, digits=3, kind=COUNTER),
            _kpa("coolant_pressure", 120),
            _kpa("fuel_pressure", 136, 1),
            Field("engine_load", "%", 192, 8, signed=True),
            Field("engine_torque", "%", 200, 8, signed=True),
        ),
        _BYTE,
    ),
    127493: Group((_kpa("gearbox_oil_pressure", 16), _kelvin("gearbox_oil_temperature", 32, 0.1)), _BYTE),
    127506: Group(
        (
            Field("charge", "%", 24, 8),
            Field("health", "%", 32, 8),
            Field("time_remaining", "min", 40, 16),
            Field("ripple", "V", 56, 16, 0.001, digits=3),
            Field("remaining", "A.h", 72, 16),
        ),
        (8, 8),
    ),
    127508: Group(
        (
            Field("battery_voltage", "V", 8, 16, 0.01, digits=2, signed=True),
            Field("battery_current", "A", 24, 16, 0.1, digits=1, signed=True),
            _kelvin("battery_temperature", 40),
        ),
        _BYTE,
    ),
    127751: Group(
        (
            Field("dc_voltage", "V", 16, 16, 0.1, digits=1),
            Field("dc_current", "A", 32, 24, 0.01, digits=2, signed=True),
        ),
        (8, 8),
    ),
    128259: Group((Field("water_speed", "m/s", 8, 16, 0.01, digits=2),)),
    128267: Group(
        (
            Field("depth", "m", 8, 32, 0.01, digits=2),
            Field("depth_offset", "m", 40, 16, 0.001, digits=3, signed=True),
        )
    ),
    128275: Group(
        (
            Field("log", "km", 48, 32, 0.001, digits=3, kind=COUNTER),
            Field("trip", "km", 80, 32, 0.001, digits=3, kind=COUNTER),
        )
    ),
    130310: Group(
        (_kelvin("water_temperature", 8), _kelvin("outside_temperature", 24), Field("air_pressure", "hPa", 40, 16))
    ),
}  # fmt: skip

POSITION = (
    Field("latitude", "deg", 0, 32, 1e-7, digits=6, signed=True),
    Field("longitude", "deg", 32, 32, 1e-7, digits=6, signed=True),
)
FULL_POSITION = (
    Field("latitude", "deg", 56, 64, 1e-16, digits=6, signed=True),
    Field("longitude", "deg", 120, 64, 1e-16, digits=6, signed=True),
)
SKY = (
    Field("altitude", "m", 184, 64, 1e-6, digits=2, signed=True),
    Field("satellites", "", 264, 8),
    Field("hdop", "", 272, 16, 0.01, digits=2, signed=True),
)
# Words of NMEA 0183 for the same kinds of fix, so that a boat's position means the same from either bus.
FIXES = ("none", "gps", "dgps", "pps", "rtk", "float_rtk", "estimated", "manual", "simulated")

_CHARGER = (
    "not charging", "bulk", "absorption", "overcharge", "equalise", "float", "no float", "constant", "off", "fault",
)  # fmt: skip
CHOICES: Mapping[int, tuple[str, Field, tuple[str, ...]]] = {
    127493: ("gear", Field("", "", 8, 2), ("forward", "neutral", "reverse")),
    127507: (
        "charger_state",
        Field("", "", 16, 4),
        (
            "not charging",
            "bulk",
            "absorption",
            "overcharge",
            "equalise",
            "float",
            "no float",
            "constant",
            "off",
            "fault",
        ),
    ),
    127509: ("inverter_state", Field("", "", 24, 4), ("inverting", "passes through", "load sense", "fault", "off")),
}
SWITCHES: Mapping[int, tuple[str, Field]] = {
    127507: ("charger_enabled", Field("", "", 24, 2)),
    127509: ("inverter_enabled", Field("", "", 28, 2)),
    127510: ("charger_enabled", Field("", "", 16, 2)),
}
TANKS = ("fuel", "water", "grey_water", "live_well", "oil", "black_water")
DC_TYPES = ("battery", "alternator", "converter", "solar", "wind_generator")
PLACES = (
    "water", "outside", "inside", "engine_room", "cabin", "live_well", "bait_well", "fridge", "heating", "dew_point",
    "wind_chill", "theoretical_wind_chill", "heat_index", "freezer", "exhaust", "shaft_seal",
)  # fmt: skip
PRESSURES = ("air", "water", "steam", "compressed_air", "hydraulic", "filter", "altimeter", "oil", "fuel")
# Bits of the engine's two status words (127489) and of the gearbox's (127493). A star: an alarm.
ENGINE_TROUBLES = (
    "check engine", "*engine too hot", "*engine oil pressure too low", "engine oil low", "fuel pressure too low",
    "on-board voltage too low", "coolant low", "cooling water does not flow", "water in fuel",
    "alternator does not charge",
    "", "boost pressure too high", "engine speed limit exceeded", "exhaust gas recirculation faulty",
    "throttle position sensor faulty", "*emergency stop", "warning of the first level", "*warning of the second level",
    "power is reduced", "maintenance needed", "communication with the engine failed", "",
    "", "*engine shuts down",
)  # fmt: skip
GEARBOX_TROUBLES = (
    "check gearbox", "*gearbox too hot", "*gearbox oil pressure too low", "gearbox oil low", "sail drive faulty",
)  # fmt: skip
