"""What the codes of electricity meters mean: OBIS reduced to C.D.E, their units, and the media behind an M-Bus.

Sources: P1 Companion Standard 5.0.2 (Netbeheer Nederland) §6.12; e-MUCS P1 1.7.1 (Fluvius, Belgium); IEC 62056-6-1 for
C and D; EN 13757-3 table of device types for the media.
"""

import re
from typing import NamedTuple

from edge_agent.core.reading import ChannelKind, Value


class Quantity(NamedTuple):
    """The channel that a code feeds; `unit` is what values are given in, whatever prefix the meter uses."""

    name: str
    unit: str = ""
    kind: ChannelKind = ChannelKind.GAUGE


def _registers() -> dict[str, Quantity]:
    """Energies: C is what is counted, D 8 is the meter reading, E the tariff (0: all of them)."""
    names = {
        1: ("energy_import", "kWh"), 2: ("energy_export", "kWh"), 15: ("energy_total", "kWh"),
        3: ("reactive_energy_import", "kvarh"), 4: ("reactive_energy_export", "kvarh"),
        5: ("reactive_energy_q1", "kvarh"), 6: ("reactive_energy_q2", "kvarh"),
        7: ("reactive_energy_q3", "kvarh"), 8: ("reactive_energy_q4", "kvarh"),
    }  # fmt: skip
    return {
        f"{c}.8.{tariff}": Quantity(f"{name}_t{tariff}" if tariff else name, unit, ChannelKind.COUNTER)
        for c, (name, unit) in names.items()
        for tariff in range(5)
    }


def _phases() -> dict[str, Quantity]:
    """Values of one phase: C is 20, 40 or 60 more than the same value of the whole connection."""
    table: dict[str, Quantity] = {}
    for phase, base in (("l1", 20), ("l2", 40), ("l3", 60)):
        table |= {
            f"{base + 1}.7.0": Quantity(f"power_import_{phase}", "kW"),
            f"{base + 2}.7.0": Quantity(f"power_export_{phase}", "kW"),
            f"{base + 11}.7.0": Quantity(f"current_{phase}", "A"),
            f"{base + 12}.7.0": Quantity(f"voltage_{phase}", "V"),
            f"{base + 13}.7.0": Quantity(f"power_factor_{phase}"),
            f"{base + 16}.7.0": Quantity(f"power_{phase}", "kW"),
            f"{base + 11}.4.0": Quantity(f"current_limit_{phase}", "A"),
            f"{base + 12}.32.0": Quantity(f"sags_{phase}", "", ChannelKind.COUNTER),
            f"{base + 12}.36.0": Quantity(f"swells_{phase}", "", ChannelKind.COUNTER),
        }
    return table


ELECTRICITY: dict[str, Quantity] = {
    **_registers(),
    **_phases(),
    "1.7.0": Quantity("power_import", "kW"),
    "2.7.0": Quantity("power_export", "kW"),
    "3.7.0": Quantity("reactive_power_import", "kvar"),
    "4.7.0": Quantity("reactive_power_export", "kvar"),
    "5.7.0": Quantity("reactive_power_q1", "kvar"),
    "6.7.0": Quantity("reactive_power_q2", "kvar"),
    "7.7.0": Quantity("reactive_power_q3", "kvar"),
    "8.7.0": Quantity("reactive_power_q4", "kvar"),
    "9.7.0": Quantity("apparent_power", "kVA"),
    "13.7.0": Quantity("power_factor"),
    "14.7.0": Quantity("frequency", "Hz"),
    # What comes in less what goes out; and both without their sign, of meters that have but one register for it.
    "16.7.0": Quantity("power", "kW"),
    "15.7.0": Quantity("power_absolute", "kW"),
    "91.7.0": Quantity("current_n", "A"),
    "81.7.1": Quantity("angle_voltage_l2_l1", "deg", ChannelKind.ANGLE),
    "81.7.2": Quantity("angle_voltage_l3_l1", "deg", ChannelKind.ANGLE),
    "81.7.4": Quantity("angle_current_l1", "deg", ChannelKind.ANGLE),
    "81.7.15": Quantity("angle_current_l2", "deg", ChannelKind.ANGLE),
    "81.7.26": Quantity("angle_current_l3", "deg", ChannelKind.ANGLE),
    "1.4.0": Quantity("demand", "kW"),
    "1.6.0": Quantity("demand_peak", "kW"),
    "17.0.0": Quantity("power_limit", "kW"),
    "96.14.0": Quantity("tariff", "", ChannelKind.STATE),
    "96.3.10": Quantity("breaker", "", ChannelKind.STATE),
    "96.7.21": Quantity("power_failures", "", ChannelKind.COUNTER),
    "96.7.9": Quantity("long_power_failures", "", ChannelKind.COUNTER),
}
# Before version 4 the threshold was a current (P1 3.0: 0-0:17.0.0 in A).
CURRENT_LIMIT = Quantity("current_limit", "A")

# What the supplier or grid operator has to say, in hexadecimal; worth a channel because people should read it.
TEXTS: dict[str, Quantity] = {
    "96.13.0": Quantity("message", "", ChannelKind.TEXT),
    "96.13.1": Quantity("message_code", "", ChannelKind.TEXT),
}

# Units as meters write them: what they are, and by how many decimal places they are moved.
UNITS: dict[str, tuple[str, int]] = {
    "kWh": ("kWh", 0), "Wh": ("kWh", 3), "kW": ("kW", 0), "W": ("kW", 3), "kvarh": ("kvarh", 0), "varh": ("kvarh", 3),
    "kvar": ("kvar", 0), "var": ("kvar", 3), "V": ("V", 0), "A": ("A", 0), "Hz": ("Hz", 0), "m3": ("m3", 0),
    "GJ": ("GJ", 0), "MJ": ("GJ", 3), "kVA": ("kVA", 0), "VA": ("kVA", 3), "deg": ("deg", 0),
}  # fmt: skip

# Device types of meters behind the M-Bus.
MEDIA: dict[int, str] = {
    2: "electricity", 3: "gas", 4: "heat", 6: "warm_water", 7: "water", 10: "cooling", 11: "cooling", 12: "heat",
    13: "heat_cooling", 21: "hot_water", 22: "cold_water", 40: "waste_water",
}  # fmt: skip

# Of heat meters at an optical port (EN 13757-1, medium 6).
HEAT: dict[str, Quantity] = {
    "6.8.0": Quantity("heat", "GJ", ChannelKind.COUNTER),
    "6.26.0": Quantity("volume", "m3", ChannelKind.COUNTER),
}

_NUMBER = re.compile(r"(-?\d{1,15})(?:\.(\d{1,9}))?(?:\*([A-Za-z0-9]{1,6}))?\Z")


def read_number(text: str, unit: str | None) -> Value | None:
    """The number in this unit (None: any known, and one there must be), exact to its last digit; else None."""
    match = _NUMBER.match(text)
    if match is None:
        return None
    whole, decimals, written = match[1], match[2] or "", match[3] or ""
    known, shift = UNITS.get(written, ("", 0))
    if (unit is None and not known) or (unit is not None and known != unit) or (written and not known):
        return None
    if not decimals and not shift:
        return int(whole)
    return round(float(f"{whole}.{decimals}e-{shift}"), len(decimals) + shift)
