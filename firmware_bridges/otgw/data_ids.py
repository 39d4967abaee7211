"""What the data ids of OpenTherm mean (Protocol Specification 2.2, §5.4), as far as a channel is made of them."""

from collections.abc import Mapping
from typing import NamedTuple

from edge_agent.core.reading import ChannelKind

STATUS, FAULTS = 0, 5


class Quantity(NamedTuple):
    """The channel of a data id; `form` is how its 16 bits are written: f8.8, u16 or s16."""

    name: str
    unit: str
    form: str = "f8.8"
    kind: ChannelKind = ChannelKind.GAUGE


def _count(name: str, unit: str = "") -> Quantity:
    return Quantity(name, unit, "u16", ChannelKind.COUNTER)


# What the boiler acknowledges: its own values, and what it was told to do.
BOILER: Mapping[int, Quantity] = {
    1: Quantity("control_setpoint", "Cel"),
    8: Quantity("control_setpoint_2", "Cel"),
    14: Quantity("modulation_max", "%"),
    17: Quantity("modulation", "%"),
    18: Quantity("pressure", "bar"),
    19: Quantity("hot_water_flow", "L/min"),
    25: Quantity("flow_temperature", "Cel"),
    26: Quantity("hot_water_temperature", "Cel"),
    27: Quantity("outside_temperature", "Cel"),
    28: Quantity("return_temperature", "Cel"),
    29: Quantity("solar_storage_temperature", "Cel"),
    30: Quantity("solar_collector_temperature", "Cel", "s16"),
    31: Quantity("flow_temperature_2", "Cel"),
    32: Quantity("hot_water_temperature_2", "Cel"),
    33: Quantity("exhaust_temperature", "Cel", "s16"),
    56: Quantity("hot_water_setpoint", "Cel"),
    57: Quantity("flow_setpoint_max", "Cel"),
    115: Quantity("diagnostic_code", "", "u16", ChannelKind.STATE),
    116: _count("burner_starts"),
    117: _count("pump_starts"),
    118: _count("hot_water_pump_starts"),
    119: _count("hot_water_burner_starts"),
    120: _count("burner_hours", "h"),
    121: _count("pump_hours", "h"),
    122: _count("hot_water_pump_hours", "h"),
    123: _count("hot_water_burner_hours", "h"),
}
# What the thermostat writes of itself; a boiler need not understand it.
THERMOSTAT: Mapping[int, Quantity] = {
    16: Quantity("room_setpoint", "Cel"),
    23: Quantity("room_setpoint_2", "Cel"),
    24: Quantity("room_temperature", "Cel"),
}
# What the gateway answers the thermostat in the boiler's place.
GATEWAY: Mapping[int, Quantity] = {9: Quantity("room_setpoint_override", "Cel")}
# The bits of the boiler's status (data id 0, low byte).
STATES = {1: "heating", 2: "hot_water", 3: "flame", 4: "cooling", 5: "heating_2", 6: "diagnostics"}
# The bits of data id 5, high byte; bit 1 says only that a lockout may be reset from afar.
FLAGS = {
    0: "the boiler asks for service",
    2: "the water pressure is too low",
    3: "there is no flame, or the gas is faulty",
    4: "the air pressure is faulty",
    5: "the water is too hot",
}


def value(form: str, raw: int) -> float | int:
    """The number in the 16 bits of a message."""
    if form == "u16":
        return raw
    signed = raw - 0x10000 if raw & 0x8000 else raw
    return signed if form == "s16" else round(signed / 256, 2)
