"""The fields of VE.Direct text, the registers of its HEX frames, and what their numbers mean in words.

VE.Direct protocol 3.33 (text) and BlueSolar HEX protocol 1.18 (Victron Energy).
"""

from collections.abc import Mapping
from typing import NamedTuple

from edge_agent.core.finding import Severity
from edge_agent.core.reading import ChannelKind


class Field(NamedTuple):
    """A number: what it is, and by what to divide. `rare`: told when it changes, for it is the history of years."""

    name: str
    unit: str
    per_unit: int = 1
    kind: ChannelKind = ChannelKind.GAUGE
    rare: bool = False


_COUNTER = ChannelKind.COUNTER


def _history(name: str, unit: str = "", per_unit: int = 1, kind: ChannelKind = _COUNTER) -> Field:
    return Field(name, unit, per_unit, kind, rare=True)


NUMBERS: Mapping[str, Field] = {
    "V": Field("voltage", "V", 1000),
    "V2": Field("voltage_2", "V", 1000),
    "V3": Field("voltage_3", "V", 1000),
    "VS": Field("starter_voltage", "V", 1000),
    "VM": Field("midpoint_voltage", "V", 1000),
    "DM": Field("midpoint_deviation", "%", 10),
    "VPV": Field("panel_voltage", "V", 1000),
    "PPV": Field("panel_power", "W"),
    "I": Field("current", "A", 1000),
    "I2": Field("current_2", "A", 1000),
    "I3": Field("current_3", "A", 1000),
    "IL": Field("load_current", "A", 1000),
    "T": Field("temperature", "Cel"),
    "P": Field("power", "W"),
    "CE": Field("consumed", "A.h", 1000),
    "SOC": Field("charge", "%", 10),
    "TTG": Field("time_to_go", "min"),
    "AC_OUT_V": Field("ac_voltage", "V", 100),
    "AC_OUT_I": Field("ac_current", "A", 10),
    "AC_OUT_S": Field("ac_power", "V.A"),
    "DC_IN_V": Field("dc_voltage", "V", 100),
    "DC_IN_I": Field("dc_current", "A", 10),
    "DC_IN_P": Field("dc_power", "W"),
    "H1": _history("deepest_discharge", "A.h", 1000, ChannelKind.GAUGE),
    "H2": _history("last_discharge", "A.h", 1000, ChannelKind.GAUGE),
    "H3": _history("average_discharge", "A.h", 1000, ChannelKind.GAUGE),
    "H4": _history("cycles"),
    "H5": _history("full_discharges"),
    "H6": _history("drawn", "A.h", 1000, ChannelKind.GAUGE),
    "H7": _history("voltage_min", "V", 1000, ChannelKind.GAUGE),
    "H8": _history("voltage_max", "V", 1000, ChannelKind.GAUGE),
    "H9": _history("since_full", "s"),
    "H10": _history("synchronisations"),
    "H11": _history("alarms_voltage_low"),
    "H12": _history("alarms_voltage_high"),
    "H15": _history("starter_voltage_min", "V", 1000, ChannelKind.GAUGE),
    "H16": _history("starter_voltage_max", "V", 1000, ChannelKind.GAUGE),
    "H17": _history("energy_discharged", "kWh", 100),
    "H18": _history("energy_charged", "kWh", 100),
    "H19": _history("yield_total", "kWh", 100),
    "H20": _history("yield_today", "kWh", 100),
    "H21": _history("power_max_today", "W", kind=ChannelKind.GAUGE),
    "H22": _history("yield_yesterday", "kWh", 100, ChannelKind.GAUGE),
    "H23": _history("power_max_yesterday", "W", kind=ChannelKind.GAUGE),
}
SWITCHES: Mapping[str, str] = {"LOAD": "load", "Relay": "relay", "Alarm": "alarm"}
CHOICES: Mapping[str, tuple[str, Mapping[int, str]]] = {
    "CS": (
        "state",
        {
            0: "off", 1: "low power", 2: "fault", 3: "bulk", 4: "absorption", 5: "float", 6: "storage",
            7: "equalise", 9: "inverting", 11: "power supply", 245: "starting", 246: "absorption again",
            247: "equalise", 248: "battery safe", 252: "external control",
        },
    ),
    "MPPT": ("tracker", {0: "off", 1: "limited", 2: "active"}),
    "MODE": ("mode", {1: "charger", 2: "inverter", 4: "off", 5: "eco", 253: "hibernate"}),
}  # fmt: skip
# OR: bits, the first that is set is told.
OFF_REASONS = (
    "no input power", "switched off", "switched off by its settings", "switched off by its remote input",
    "protection active", "pay-as-you-go credit is used up", "switched off by the battery's management",
    "the engine is off", "looks at the input voltage",
)  # fmt: skip
# ERR: what a charger says is wrong. Those that end a danger to battery or wiring are alarms.
ERRORS: Mapping[int, str] = {
    2: "battery voltage too high",
    17: "charger too hot",
    18: "charger current too high",
    19: "charger current reversed",
    20: "bulk charging takes too long",
    21: "current sensor defective",
    26: "terminals too hot",
    28: "power stage defective",
    29: "battery overcharged",
    33: "panel voltage too high",
    34: "panel current too high",
    38: "input shut down, for the battery's voltage is too high",
    39: "input shut down, for current flows although it is off",
    65: "lost contact with another charger",
    66: "chargers that work together are set differently",
    67: "lost contact with the battery's management",
    68: "network of chargers set up wrongly",
    114: "processor too hot",
    116: "calibration lost",
    117: "wrong firmware",
    119: "settings lost",
}
SEVERE = frozenset({2, 17, 26, 28, 29, 33, 38, 39})
# AR and WARN: bits.
ALARMS = (
    "battery voltage too low", "battery voltage too high", "charge too low", "starter voltage too low",
    "starter voltage too high", "too cold", "too hot", "midpoint voltage out of range", "overloaded",
    "ripple of the battery voltage too high", "output voltage too low", "output voltage too high", "short circuit",
    "switched off by the battery's management",
)  # fmt: skip


def severity(error: int) -> Severity:
    """How bad a charger's error is."""
    return Severity.ALARM if error in SEVERE else Severity.WARNING


class Register(NamedTuple):
    """A value of a HEX frame that the text does not tell: bytes, sign, what an unknown one is, and its measure."""

    field: Field
    size: int
    signed: bool
    unknown: int
    offset: float = 0.0


REGISTERS: Mapping[int, Register] = {
    0xEDDB: Register(Field("charger_temperature", "Cel", 100), 2, True, 0x7FFF),
    0xEDEC: Register(Field("battery_temperature", "Cel", 100), 2, False, 0xFFFF, -273.15),
    0xEDBD: Register(Field("panel_current", "A", 10), 2, False, 0xFFFF),
    0xEDA9: Register(Field("load_voltage", "V", 100), 2, False, 0xFFFF),
}

# Some of the products that there are most of; of others the number is told.
PRODUCTS: Mapping[int, str] = {
    0x203: "BMV-700", 0x204: "BMV-702", 0x205: "BMV-700H", 0x300: "BlueSolar MPPT 70/15",
    0xA04C: "BlueSolar MPPT 75/10", 0xA042: "BlueSolar MPPT 75/15", 0xA043: "BlueSolar MPPT 100/15",
    0xA044: "BlueSolar MPPT 100/30", 0xA041: "BlueSolar MPPT 150/35", 0xA053: "SmartSolar MPPT 75/15",
    0xA054: "SmartSolar MPPT 75/10", 0xA055: "SmartSolar MPPT 100/15", 0xA056: "SmartSolar MPPT 100/30",
    0xA057: "SmartSolar MPPT 100/50", 0xA058: "SmartSolar MPPT 150/35", 0xA060: "SmartSolar MPPT 100/20 48V",
    0xA381: "BMV-712 Smart", 0xA389: "SmartShunt 500A/50mV", 0xA38A: "SmartShunt 1000A/50mV",
    0xA38B: "SmartShunt 2000A/50mV",
}  # fmt: skip
