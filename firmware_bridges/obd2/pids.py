"""What a vehicle tells in mode 01: parameter ids, their units and formulas (SAE J1979, annex B)."""

from collections.abc import Iterator
from typing import NamedTuple

from edge_agent.core.reading import ChannelKind, Value


class Pid(NamedTuple):
    """One quantity: bytes `start` to `start + size` of the data, big-endian, times `factor` plus `offset`.

    `digits` is what its resolution is worth. `fast` quantities follow the driver's foot, the others take minutes.
    `empty` is the number that says that there is no such sensor.
    """

    name: str
    unit: str
    size: int
    factor: float
    offset: float = 0.0
    digits: int = 0
    start: int = 0
    kind: ChannelKind = ChannelKind.GAUGE
    fast: bool = False
    empty: int | None = None

    def value(self, data: bytes) -> Value | None:
        """The value in these data bytes (behind the parameter id), or None: too short, or no such sensor."""
        end = self.start + self.size
        if len(data) < end:
            return None
        raw = int.from_bytes(data[self.start : end], "big")
        if raw == self.empty:
            return None
        number = round(raw * self.factor + self.offset, self.digits)
        return number if self.digits else int(number)


_PERCENT = 100 / 255
_LAMBDA = 2 / 65536
_COUNTER = ChannelKind.COUNTER


def _percent(name: str, *, fast: bool = False) -> Pid:
    return Pid(name, "%", 1, _PERCENT, digits=1, fast=fast)


def _celsius(name: str) -> Pid:
    return Pid(name, "Cel", 1, 1, -40)


def _trim(name: str) -> Pid:
    return Pid(name, "%", 1, 100 / 128, -100, 1)


PIDS: dict[int, tuple[Pid, ...]] = {
    0x04: (_percent("engine_load", fast=True),),
    0x05: (_celsius("coolant_temperature"),),
    0x06: (_trim("fuel_trim_short_1"),),
    0x07: (_trim("fuel_trim_long_1"),),
    0x08: (_trim("fuel_trim_short_2"),),
    0x09: (_trim("fuel_trim_long_2"),),
    0x0A: (Pid("fuel_pressure", "kPa", 1, 3),),
    0x0B: (Pid("intake_pressure", "kPa", 1, 1, fast=True),),
    0x0C: (Pid("engine_speed", "1/min", 2, 0.25, digits=2, fast=True),),
    0x0D: (Pid("speed", "km/h", 1, 1, fast=True),),
    0x0E: (Pid("timing_advance", "deg", 1, 0.5, -64, 1),),
    0x0F: (_celsius("intake_temperature"),),
    0x10: (Pid("air_flow", "g/s", 2, 0.01, digits=2, fast=True),),
    0x11: (_percent("throttle", fast=True),),
    **{
        pid: (Pid(f"o2_voltage_{bank}_{sensor}", "V", 1, 0.005, digits=3),)
        for pid, (bank, sensor) in enumerate(((b, s) for b in (1, 2) for s in (1, 2, 3, 4)), 0x14)
    },
    0x1F: (Pid("run_time", "s", 2, 1, kind=_COUNTER),),
    0x21: (Pid("distance_with_lamp", "km", 2, 1, kind=_COUNTER),),
    0x22: (Pid("fuel_rail_pressure", "kPa", 2, 0.079, digits=1),),
    0x23: (Pid("fuel_rail_pressure", "kPa", 2, 10),),
    **{
        pid: (
            Pid(f"lambda_{number}", "", 2, _LAMBDA, digits=4),
            Pid(f"lambda_voltage_{number}", "V", 2, 8 / 65536, digits=4, start=2),
        )
        for number, pid in enumerate(range(0x24, 0x2C), 1)
    },
    0x2C: (_percent("egr_commanded"),),
    0x2D: (_trim("egr_error"),),
    0x2E: (_percent("purge_commanded"),),
    0x2F: (_percent("fuel_level"),),
    0x30: (Pid("warm_ups_since_clear", "", 1, 1, kind=_COUNTER),),
    0x31: (Pid("distance_since_clear", "km", 2, 1, kind=_COUNTER),),
    0x33: (Pid("barometric_pressure", "kPa", 1, 1),),
    **{
        pid: (
            Pid(f"lambda_{number}", "", 2, _LAMBDA, digits=4),
            Pid(f"lambda_current_{number}", "mA", 2, 1 / 256, -128, 3, 2),
        )
        for number, pid in enumerate(range(0x34, 0x3C), 1)
    },
    **{
        pid: (Pid(f"catalyst_temperature_{bank}_{sensor}", "Cel", 2, 0.1, -40, 1),)
        for pid, bank, sensor in ((0x3C, 1, 1), (0x3D, 2, 1), (0x3E, 1, 2), (0x3F, 2, 2))
    },
    0x42: (Pid("module_voltage", "V", 2, 0.001, digits=3),),
    0x43: (Pid("absolute_load", "%", 2, _PERCENT, digits=1),),
    0x44: (Pid("lambda_commanded", "", 2, _LAMBDA, digits=4),),
    0x45: (_percent("throttle_relative"),),
    0x46: (_celsius("ambient_temperature"),),
    0x49: (_percent("accelerator", fast=True),),
    0x4C: (_percent("throttle_commanded"),),
    0x4D: (Pid("time_with_lamp", "min", 2, 1, kind=_COUNTER),),
    0x4E: (Pid("time_since_clear", "min", 2, 1, kind=_COUNTER),),
    0x52: (_percent("ethanol"),),
    0x59: (Pid("fuel_rail_pressure", "kPa", 2, 10),),
    0x5B: (_percent("hybrid_battery"),),
    0x5C: (_celsius("oil_temperature"),),
    0x5E: (Pid("fuel_rate", "L/h", 2, 0.05, digits=2, empty=0xFFFF),),
    0x61: (Pid("torque_demanded", "%", 1, 1, -125),),
    0x62: (Pid("torque", "%", 1, 1, -125),),
    0x63: (Pid("torque_reference", "N.m", 2, 1),),
    0xA6: (Pid("odometer", "km", 4, 0.1, digits=1, kind=_COUNTER),),
}

# Mode 01, parameter 01: lamp, number of codes, and which of the vehicle's own tests are done (J1979, table B6).
STATUS = 0x01
_CONTINUOUS = ("misfire", "fuel_system", "components")
_SPARK = ("catalyst", "catalyst_heater", "fuel_vapour", "secondary_air", "", "o2_sensor", "o2_heater", "egr")
_DIESEL = ("hydrocarbon_catalyst", "nox_catalyst", "", "boost", "", "exhaust_sensor", "particle_filter", "egr")
# Every 32 parameters, a mask of the next 32 (J1979 §6.1).
MASKS = range(0x00, 0xE0, 0x20)


def supported(first: int, mask: bytes) -> frozenset[int]:
    """The parameters that a mask behind parameter `first` (0x00, 0x20 …) claims."""
    bits = int.from_bytes(mask[:4].ljust(4, b"\0"), "big")
    return frozenset(first + 1 + place for place in range(32) if bits >> (31 - place) & 1)


def status(data: bytes) -> Iterator[tuple[str, Value, ChannelKind]]:
    """Of parameter 01: the lamp, the number of codes, and which of the vehicle's own tests are done."""
    if len(data) < 4:
        return
    a, b, c, d = data[:4]
    yield "mil", bool(a & 0x80), ChannelKind.STATE
    yield "stored_codes", a & 0x7F, ChannelKind.GAUGE
    for place, name in enumerate(_CONTINUOUS):
        if b >> place & 1:
            yield f"{name}_ready", not b >> place + 4 & 1, ChannelKind.STATE
    for place, name in enumerate(_DIESEL if b & 0x08 else _SPARK):
        if name and c >> place & 1:
            yield f"{name}_ready", not d >> place & 1, ChannelKind.STATE
