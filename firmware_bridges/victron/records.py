"""The records of Victron's Instant Readout: which bits hold what.

Source: "Extra manufacturer data" of 2022-12-14 (Victron Energy), and victron-ble 0.9.3 (public domain) for what came
later. Bits count from the lowest of the first byte. Words are those of VE.Direct, which has the same numbers.
"""

from collections.abc import Iterator
from typing import NamedTuple

from edge_agent.core.reading import ChannelKind, Code
from firmware_bridges.payload import CURRENT, TEMPERATURE, VOLTAGE, Names, Quantity, RefusedError, Said, Scale, state
from firmware_bridges.vedirect.fields import ALARMS, CHOICES, ERRORS, OFF_REASONS, severity
from firmware_bridges.victron.bits import Bits, aux, cells, flags, signed, unsigned, word

_CHARGE = Quantity("charge", "%")
_CONSUMED = Quantity("consumed", "A.h")
_TIME_TO_GO = Quantity("time_to_go", "min")
_YIELD = Quantity("yield_today", "kWh", ChannelKind.COUNTER)
_PANEL_POWER = Quantity("panel_power", "W")
_BATTERY_POWER, _DC_POWER = Quantity("battery_power", "W"), Quantity("dc_power", "W")
_AC_IN, _AC_OUT = Quantity("ac_in_power", "W"), Quantity("ac_power", "W")
_STATE_NAMES: Names = dict(CHOICES["CS"][1]) | {
    8: "passthru", 10: "assisting", 244: "sustain", 249: "active",
}  # fmt: skip


_STATE = word("state", 0, 8, _STATE_NAMES)
# What a shunt measures that is set up as a meter: sources are negative.
_METERS: Names = {
    number & 0xFFFF: name
    for number, name in {
        -9: "solar charger", -8: "wind charger", -7: "shaft generator", -6: "alternator", -5: "fuel cell",
        -4: "water generator", -3: "DC-DC charger", -2: "AC charger", -1: "source", 1: "load", 2: "electric drive",
        3: "fridge", 4: "water pump", 5: "bilge pump", 6: "DC system", 7: "inverter", 8: "water heater",
    }.items()
}  # fmt: skip
_AC_INPUT: Names = {0: "input 1", 1: "input 2", 2: "not connected"}


class Record(NamedTuple):
    """A record: its fields, and where its charger's error (8 bits), alarms (16) and reason to be off (32) are."""

    name: str
    fields: tuple[Bits, ...]
    error: int | None = None
    alarms: int | None = None
    off_reason: int | None = None
    aux: int | None = None
    cells: int | None = None

    def decode(self, data: bytes) -> Iterator[Said]:
        """The values that are there as a whole: some devices send a record without its end."""
        bits, size = int.from_bytes(data, "little"), 8 * len(data)
        if not data or self.fields[0].start + self.fields[0].width > size:
            raise RefusedError("truncated")
        for field in self.fields:
            if field.start + field.width <= size:
                yield field.read(bits)
        if self.aux is not None and self.aux + 18 <= size:
            yield from aux(bits >> self.aux)
        if self.cells is not None:
            yield from cells(bits >> self.cells, (size - self.cells) // 7)
        if self.off_reason is not None and self.off_reason + 32 <= size:
            raw = bits >> self.off_reason & 0xFFFFFFFF
            first = next((words for place, words in enumerate(OFF_REASONS) if raw >> place & 1), "")
            yield state("off_reason"), first or ("none" if not raw else f"reason {raw:#x}"), ""

    def codes(self, data: bytes) -> tuple[Code, ...] | None:
        """Trouble codes as VE.Direct tells them; None of a record that has none."""
        bits, size = int.from_bytes(data, "little"), 8 * len(data)
        if self.error is None and self.alarms is None:
            return None
        codes = []
        if self.error is not None and self.error + 8 <= size:
            error = bits >> self.error & 0xFF
            if error not in (0, 0xFF):
                codes.append(Code(f"Err {error}", ERRORS.get(error, ""), severity=severity(error)))
        if self.alarms is not None and self.alarms + 16 <= size:
            raw = bits >> self.alarms & 0xFFFF
            codes += [Code(f"Alarm {1 << place}", words) for place, words in enumerate(ALARMS) if raw >> place & 1]
        return tuple(codes)


_MONITOR = (
    signed(VOLTAGE, 16, 16, 100),
    # The paper says that 3FFFFF is no value; a Smart Battery Sense, which measures none, sends 1FFFFF.
    signed(CURRENT, 66, 22, 1000),
)

RECORDS: dict[int, Record] = {
    0x01: Record(
        "Solar Charger",
        (
            _STATE,
            signed(VOLTAGE, 16, 16, 100),
            signed(CURRENT, 32, 16, 10),
            unsigned(_YIELD, 48, 16, 100),
            unsigned(_PANEL_POWER, 64, 16),
            unsigned(Quantity("load_current", "A"), 80, 9, 10),
        ),
        error=8,
    ),
    0x02: Record(
        "Battery Monitor",
        (
            *_MONITOR,
            unsigned(_TIME_TO_GO, 0, 16),
            unsigned(_CONSUMED, 88, 20, -10),
            unsigned(_CHARGE, 108, 10, 10),
        ),
        alarms=32,
        aux=48,
    ),
    0x03: Record(
        "Inverter",
        (
            _STATE,
            signed(VOLTAGE, 24, 16, 100),
            unsigned(Quantity("ac_apparent_power", "V.A"), 40, 16),
            unsigned(Quantity("ac_voltage", "V"), 56, 15, 100),
            unsigned(Quantity("ac_current", "A"), 71, 11, 10),
        ),
        alarms=8,
    ),
    0x04: Record(
        "DC/DC Converter",
        (_STATE, unsigned(Quantity("input_voltage", "V"), 16, 16, 100), signed(VOLTAGE, 32, 16, 100)),
        error=8,
        off_reason=48,
    ),
    0x05: Record(
        "SmartLithium",
        (
            unsigned(VOLTAGE, 104, 12, 100),
            word("balancer", 116, 4, {0: "unknown", 1: "balanced", 2: "balancing", 3: "imbalance"}),
            unsigned(TEMPERATURE, 120, 7, offset=-40),
            flags("bms_flags", 0, 32),
            flags("error_flags", 32, 16),
        ),
        cells=48,
    ),
    0x06: Record(
        "Inverter RS",
        (
            _STATE,
            signed(VOLTAGE, 16, 16, 100),
            signed(CURRENT, 32, 16, 10),
            unsigned(_PANEL_POWER, 48, 16),
            unsigned(_YIELD, 64, 16, 100),
            signed(_AC_OUT, 80, 16),
        ),
        error=8,
    ),
    0x07: Record(
        "GX Device",
        (
            unsigned(VOLTAGE, 0, 16, 100),
            unsigned(_PANEL_POWER, 16, 20),
            unsigned(_CHARGE, 36, 7),
            signed(_BATTERY_POWER, 43, 21),
            signed(_DC_POWER, 64, 21),
        ),
    ),
    0x08: Record(
        "AC Charger",
        (
            _STATE,
            *(
                field
                for output in range(3)
                for field in (
                    unsigned(VOLTAGE if output == 0 else VOLTAGE.of(output + 1), 16 + 24 * output, 13, 100),
                    unsigned(CURRENT if output == 0 else CURRENT.of(output + 1), 29 + 24 * output, 11, 10),
                )
            ),
            unsigned(TEMPERATURE, 88, 7, offset=-40),
            unsigned(Quantity("ac_current", "A"), 95, 9, 10),
        ),
        error=8,
    ),
    0x09: Record(
        "Smart Battery Protect",
        (
            _STATE,
            word("output", 8, 8, {0: "shut down", 1: "on", 4: "off"}),
            signed(Quantity("input_voltage", "V"), 56, 16, 100),
            unsigned(VOLTAGE, 72, 16, 100),
            flags("warning_flags", 40, 16),
        ),
        error=16,
        alarms=24,
        off_reason=88,
    ),
    0x0A: Record(
        "Lynx Smart BMS",
        (
            signed(VOLTAGE, 24, 16, 100),
            signed(CURRENT, 40, 16, 10),
            unsigned(_CHARGE, 90, 10, 10),
            unsigned(_CONSUMED, 100, 20, -10),
            unsigned(TEMPERATURE, 120, 7, offset=-40),
            unsigned(_TIME_TO_GO, 8, 16),
            flags("error_flags", 0, 8),
            flags("io_flags", 56, 16),
            flags("alarm_flags", 72, 18),
        ),
    ),
    0x0B: Record(
        "Multi RS",
        (
            _STATE,
            signed(CURRENT, 16, 16, 10),
            unsigned(VOLTAGE, 32, 14, 100),
            word("ac_input", 46, 2, _AC_INPUT),
            signed(_AC_IN, 48, 16),
            signed(_AC_OUT, 64, 16),
            unsigned(_PANEL_POWER, 80, 16),
            unsigned(_YIELD, 96, 16, 100),
        ),
        error=8,
    ),
    0x0C: Record(
        "VE.Bus",
        (
            _STATE,
            signed(CURRENT, 16, 16, 10),
            unsigned(VOLTAGE, 32, 14, 100),
            word("ac_input", 46, 2, _AC_INPUT),
            signed(_AC_IN, 48, 19),
            signed(_AC_OUT, 67, 19),
            word("alarm", 86, 2, {0: "none", 1: "warning", 2: "alarm"}),
            unsigned(TEMPERATURE, 88, 7, offset=-40),
            unsigned(_CHARGE, 95, 7),
            unsigned(state("vebus_error"), 8, 8),
        ),
    ),
    0x0D: Record(
        "DC Energy Meter",
        (
            *_MONITOR,
            Bits(state("meter"), 0, 16, Scale(names=_METERS)),
        ),
        alarms=32,
        aux=48,
    ),
    0x0F: Record(
        "Orion XS",
        (
            _STATE,
            unsigned(VOLTAGE, 16, 16, 100),
            unsigned(CURRENT, 32, 16, 10),
            unsigned(Quantity("input_voltage", "V"), 48, 16, 100),
            unsigned(Quantity("input_current", "A"), 64, 16, 10),
        ),
        error=8,
        off_reason=80,
    ),
}
