"""Probes of the computer: its power, memory and temperature, as its kernel tells them."""

from collections.abc import Mapping
from pathlib import Path

from edge_agent.core.selftest import Found, fail, ok, unknown, warn
from edge_agent.texts import Said

# What a Raspberry Pi's firmware says of its supply, as `vcgencmd get_throttled` prints it.
THROTTLED = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
MEMINFO = Path("/proc/meminfo")
THERMAL = Path("/sys/class/thermal")
# raspberrypi.com, documentation of get_throttled: bits of now, and the same 16 higher since the start.
_LOW_NOW, _SLOW_NOW, _LOW_ONCE = 1 << 0, 1 << 2, 1 << 16
# balena's marks: 10 % of memory, 80 °C; at 85 °C a Raspberry Pi's processor is held back in any case.
LITTLE_PERCENT, LEAST_PERCENT = 10.0, 3.0
WARM_C, HOT_C = 80.0, 85.0
BATTERY_LOW_PERCENT = 20


def power(measured: Mapping[str, object], throttled: Path = THROTTLED) -> Found:
    """By what `machine.power` measured, and by the firmware of a Raspberry Pi where there is one."""
    word = _number(throttled)
    if measured.get("undervoltage") or (word is not None and word & _LOW_NOW):
        return fail(Said("probe.voltage_low"), Said("probe.supply_fix"))
    if word is not None and word & _LOW_ONCE:
        return warn(Said("probe.voltage_was_low"), Said("probe.supply_fix"))
    battery = measured.get("battery_pct")
    if isinstance(battery, int) and measured.get("power") == "battery":
        told = Said("probe.battery", percent=battery)
        return warn(told, Said("probe.battery_fix")) if battery <= BATTERY_LOW_PERCENT else ok(told)
    if word is not None:
        return ok(Said("probe.voltage_right"))
    mains = measured.get("power") == "mains"
    return ok(Said("probe.mains")) if mains else unknown(Said("probe.unmeasured"))


def memory(meminfo: Path = MEMINFO) -> Found:
    """What can still be had, as the kernel reckons (MemAvailable)."""
    rows = {line.partition(":")[0]: line.split() for line in meminfo.read_text("ascii").splitlines()}
    try:
        total_kb, left_kb = int(rows["MemTotal"][1]), int(rows["MemAvailable"][1])
    except (LookupError, ValueError):
        return unknown(Said("probe.memory_untold"))
    share = 100.0 * left_kb / total_kb
    told = Said("probe.memory", left=round(left_kb / 1024), total=round(total_kb / 1024), percent=round(share))
    if share < LEAST_PERCENT:
        return fail(told, Said("probe.memory_out_fix"))
    return warn(told, Said("probe.memory_short_fix")) if share < LITTLE_PERCENT else ok(told)


def temperature(thermal: Path = THERMAL) -> Found:
    """The warmest of the computer's own sensors."""
    found = [_number(zone / "temp", 10) for zone in thermal.glob("thermal_zone*")]
    degrees = [value / 1000.0 for value in found if value is not None]
    if not degrees:
        return unknown(Said("probe.no_sensor"))
    told = Said("probe.degrees", degrees=round(max(degrees)))
    if max(degrees) >= HOT_C:
        return fail(told, Said("probe.hot_fix"))
    return warn(told, Said("probe.warm_fix")) if max(degrees) >= WARM_C else ok(told)


def _number(path: Path, base: int = 16) -> int | None:
    try:
        return int(path.read_text("ascii").strip(), base)
    except (OSError, ValueError):
        return None
