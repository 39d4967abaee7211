"""Probes of the computer: its power, memory and temperature, as its kernel tells them."""

from collections.abc import Mapping
from pathlib import Path

from edge_agent.core.selftest import Found, fail, ok, unknown, warn

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
_SUPPLY = "Use the supply that was made for this computer, and a short cable of good copper."


def power(measured: Mapping[str, object], throttled: Path = THROTTLED) -> Found:
    """By what `machine.power` measured, and by the firmware of a Raspberry Pi where there is one."""
    word = _number(throttled)
    if measured.get("undervoltage") or (word is not None and word & _LOW_NOW):
        return fail("the voltage is too low now", _SUPPLY)
    if word is not None and word & _LOW_ONCE:
        return warn("the voltage has been too low since the start", _SUPPLY)
    battery = measured.get("battery_pct")
    if isinstance(battery, int) and measured.get("power") == "battery":
        told = f"on battery, {battery} % left"
        return warn(told, "Bring the mains back.") if battery <= BATTERY_LOW_PERCENT else ok(told)
    if word is not None:
        return ok("the voltage has been right since the start")
    return ok("mains") if measured.get("power") == "mains" else unknown("this computer does not measure its supply")


def memory(meminfo: Path = MEMINFO) -> Found:
    """What can still be had, as the kernel reckons (MemAvailable)."""
    rows = {line.partition(":")[0]: line.split() for line in meminfo.read_text("ascii").splitlines()}
    try:
        total_kb, left_kb = int(rows["MemTotal"][1]), int(rows["MemAvailable"][1])
    except (LookupError, ValueError):
        return unknown("the kernel does not tell")
    share = 100.0 * left_kb / total_kb
    told = f"{left_kb / 1024:.0f} MiB of {total_kb / 1024:.0f} can be had ({share:.0f} %)"
    if share < LEAST_PERCENT:
        return fail(told, "Stop other programs on this computer: soon the kernel will end one by itself.")
    return warn(told, "Look which program takes so much: `top -o %MEM`.") if share < LITTLE_PERCENT else ok(told)


def temperature(thermal: Path = THERMAL) -> Found:
    """The warmest of the computer's own sensors."""
    found = [_number(zone / "temp", 10) for zone in thermal.glob("thermal_zone*")]
    degrees = [value / 1000.0 for value in found if value is not None]
    if not degrees:
        return unknown("this computer has no sensor of its own temperature")
    told = f"{max(degrees):.0f} °C"
    if max(degrees) >= HOT_C:
        return fail(told, "Give it air, or a heat sink; keep it out of the sun.")
    return warn(told, "Give it air: it is held back soon.") if max(degrees) >= WARM_C else ok(told)


def _number(path: Path, base: int = 16) -> int | None:
    try:
        return int(path.read_text("ascii").strip(), base)
    except (OSError, ValueError):
        return None
