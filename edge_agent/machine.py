"""What this computer says of itself for a first message: what it runs on, and over which link it speaks.

A few small files of the kernel, read when a case is raised: less than a millisecond, and never an error.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

SUPPLIES = Path("/sys/class/power_supply")
MONITORS = Path("/sys/class/hwmon")
ROUTES = Path("/proc/net/route")
IPV6_ROUTES = Path("/proc/net/ipv6_route")
_DEFAULT_IPV6 = "0" * 32
_UP = 0x1  # RTF_UP
_MAX_SUPPLIES = 16
UNKNOWN, MAINS, BATTERY = "unknown", "mains", "battery"


def power(supplies: Path = SUPPLIES, monitors: Path = MONITORS) -> dict[str, object]:
    """`power` (mains, battery or unknown) and, where known, `battery_pct` and `undervoltage` (true).

    By the kernel's power supplies (sysfs-class-power); a Raspberry Pi's monitor says when its voltage was too low.
    """
    found: dict[str, object] = {"power": UNKNOWN}
    for supply in _folders(supplies):
        kind, online = _text(supply / "type"), _text(supply / "online")
        if kind == "Battery" and _text(supply / "scope") != "Device":  # no mouse's
            capacity = _text(supply / "capacity")
            if capacity.isdecimal():
                found["battery_pct"] = min(100, int(capacity))
            if _text(supply / "status") == "Discharging" and found["power"] == UNKNOWN:
                found["power"] = BATTERY
        elif kind in ("Mains", "USB", "UPS") and online == "1":
            found["power"] = MAINS
    if any(_text(m / "name") == "rpi_volt" and _text(m / "in0_lcrit_alarm") == "1" for m in _folders(monitors)):
        found["undervoltage"] = True
    return found


def interface(routes: Path = ROUTES, ipv6_routes: Path = IPV6_ROUTES) -> str:
    """The network interface of the default route; empty where there is none."""
    found: dict[int, str] = {}
    for line in _lines(routes)[1:]:
        match line.split():
            case [name, "00000000", _, flags, _, _, metric, "00000000", *_] if int(flags, 16) & _UP:
                found.setdefault(int(metric), name)
    for line in _lines(ipv6_routes):
        match line.split():
            case [target, "00", _, _, _, metric, _, _, flags, name] if target == _DEFAULT_IPV6 and name != "lo":
                if int(flags, 16) & _UP:
                    found.setdefault(int(metric, 16), name)
    return found[min(found)] if found else ""


def told(configured: str, measured: Mapping[str, object]) -> dict[str, object]:
    """What is known of the power, where the configuration may say more than the kernel."""
    return {**measured, "power": measured["power"] if configured == "auto" else configured}


def _folders(path: Path) -> Iterator[Path]:
    try:
        yield from sorted(path.iterdir())[:_MAX_SUPPLIES]
    except OSError:
        return


def _lines(path: Path) -> list[str]:
    return _text(path).splitlines()


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""
