"""Parameter groups of J1939 and what is in them (SAE J1939-71), as fields by their place in the message."""

from edge_agent.core.reading import ChannelKind
from firmware_bridges.canbus import Field

_COUNTER, _STATE = ChannelKind.COUNTER, ChannelKind.STATE


def _percent(name: str, byte: int, factor: float = 0.4) -> Field:
    return Field(name, "%", 8 * byte, 8, factor, digits=1)


def _torque(name: str, byte: int) -> Field:
    return Field(name, "%", 8 * byte, 8, 1, -125)


def _celsius(name: str, byte: int) -> Field:
    return Field(name, "Cel", 8 * byte, 8, 1, -40)


def _fine_celsius(name: str, byte: int) -> Field:
    return Field(name, "Cel", 8 * byte, 16, 0.03125, -273, 1)


def _volts(name: str, byte: int) -> Field:
    return Field(name, "V", 8 * byte, 16, 0.05, digits=2)


def _kilometres(name: str, byte: int, factor: float) -> Field:
    return Field(name, "km", 8 * byte, 32, factor, digits=3, kind=_COUNTER)


GROUPS: dict[int, tuple[Field, ...]] = {
    61443: (_percent("accelerator", 1), Field("engine_load", "%", 16, 8)),  # EEC2
    61444: (  # EEC1
        _torque("torque_demanded", 1),
        _torque("torque", 2),
        Field("engine_speed", "1/min", 24, 16, 0.125, digits=3),
    ),
    61445: (Field("gear", "", 24, 8, 1, -125, kind=_STATE),),  # ETC2
    65110: (_percent("exhaust_fluid_level", 0),),  # AT1T1I
    65217: (_kilometres("distance", 0, 0.005),),  # VDHR
    65248: (_kilometres("trip", 0, 0.125), _kilometres("distance", 4, 0.125)),  # VD
    65253: (Field("engine_hours", "h", 0, 32, 0.05, digits=2, kind=_COUNTER),),  # HOURS
    65262: (  # ET1
        _celsius("coolant_temperature", 0),
        _celsius("fuel_temperature", 1),
        _fine_celsius("oil_temperature", 2),
    ),
    65263: (  # EFL/P1
        Field("fuel_pressure", "kPa", 0, 8, 4),
        _percent("oil_level", 2),
        Field("oil_pressure", "kPa", 24, 8, 4),
        Field("coolant_pressure", "kPa", 48, 8, 2),
        _percent("coolant_level", 7),
    ),
    65265: (  # CCVS1
        Field("parking_brake", "", 2, 2, kind=_STATE),
        Field("speed", "km/h", 8, 16, 1 / 256, digits=2),
        Field("brake", "", 28, 2, kind=_STATE),
    ),
    65266: (Field("fuel_rate", "L/h", 0, 16, 0.05, digits=2),),  # LFE1
    65269: (  # AMB
        Field("barometric_pressure", "kPa", 0, 8, 0.5, digits=1),
        _fine_celsius("ambient_temperature", 3),
        _celsius("intake_temperature", 5),
    ),
    65270: (  # IC1
        Field("boost_pressure", "kPa", 8, 8, 2),
        _celsius("manifold_temperature", 2),
        _fine_celsius("exhaust_temperature", 5),
    ),
    65271: (  # VEP1
        Field("battery_current", "A", 0, 8, 1, -125),
        Field("alternator_current", "A", 8, 8),
        _volts("charging_voltage", 2),
        _volts("battery_voltage", 4),
        _volts("key_switch_voltage", 6),
    ),
    65272: (  # TRF1
        Field("gearbox_oil_pressure", "kPa", 24, 8, 16),
        _fine_celsius("gearbox_oil_temperature", 4),
    ),
    65276: (_percent("washer_level", 0), _percent("fuel_level", 1)),  # DD1
    65279: (Field("water_in_fuel", "", 0, 2, kind=_STATE),),  # WFI
}
