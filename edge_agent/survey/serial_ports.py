"""Which serial ports there are, what is behind them, and which program has them."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from serial.tools import list_ports

BY_ID = Path("/dev/serial/by-id")
# On-board UARTs that pyserial does not list: those of the device tree, and the SC16IS7xx of HATs.
_ON_BOARD = ("ttyAMA*", "ttyS*", "ttySC*", "ttymxc*")
_CLASS = Path("/sys/class/tty")
_LOCKS = Path("/run/lock")
_PTYS = range(136, 144)  # Documentation/admin-guide/devices.txt of Linux
_SHORT = 200


class Port(NamedTuple):
    """A port: the path to configure it by, the terminal behind that, and what USB says of it (empty: it is not USB)."""

    path: str
    tty: str
    words: str


def found() -> list[Port]:
    """All that are there, by their lasting names where they have one."""
    lasting = (*sorted(Path("/dev").glob("serial[0-9]")), *_entries(BY_ID))
    links = {os.path.realpath(link): str(link) for link in lasting}
    usb = {each.device: _words(each) for each in list_ports.comports()}
    on_board = (str(path) for pattern in _ON_BOARD for path in sorted(Path("/dev").glob(pattern)))
    ports: dict[str, Port] = {}
    for path in (*links, *sorted(usb), *on_board):
        tty = os.path.realpath(path)
        if tty not in ports and _is_there(tty):
            ports[tty] = Port(links.get(tty, path), tty, usb.get(tty, ""))
    return list(ports.values())


def named(path: str) -> Port:
    """The port of this path; it need not be there."""
    tty = os.path.realpath(path)
    same = next((port for port in found() if port.tty == tty), None)
    return Port(path, tty, same.words if same else "")


def console(tty: str) -> bool:
    """Whether the system writes its messages there: another speed would garble them."""
    try:
        active = (_CLASS / "console" / "active").read_text(encoding="ascii").split()
    except OSError:
        return False
    return os.path.basename(tty) in active  # noqa: PTH119 - a name, no path to be made


def other_program(tty: str) -> str:
    """The program that has this port open, as far as this user may know: its name and number; empty: nobody is seen.

    Two who read one port get half of it each, and not all programs lock it.
    """
    for folder in _entries(Path("/proc")):
        if folder.name.isdecimal() and int(folder.name) != os.getpid() and tty in _open_files(folder):
            return f"{_program(folder)} (process {folder.name})"
    return _locker(tty)


def _locker(tty: str) -> str:
    """By the lock file that dial-in programs make (FHS 5.9): the number of the process, in ten characters."""
    try:
        number = int((_LOCKS / f"LCK..{Path(tty).name}").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return ""
    folder = Path(f"/proc/{number}")
    return f"{_program(folder)} (process {number})" if folder.exists() and number != os.getpid() else ""


def _program(folder: Path) -> str:
    try:
        return (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "another program"


def _open_files(folder: Path) -> Iterator[str]:
    for link in _entries(folder / "fd"):
        try:
            yield os.readlink(link)  # noqa: PTH115 - Path would read it as a path
        except OSError:
            continue


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def is_terminal(path: str) -> bool:
    """Whether this is a terminal at all, known without opening it. Raises OSError where nothing is there."""
    status = os.stat(path)  # noqa: PTH116 - a device, no file
    major, minor = os.major(status.st_rdev), os.minor(status.st_rdev)
    driver = Path(os.path.realpath(f"/sys/dev/char/{major}:{minor}")).parent.name
    return stat.S_ISCHR(status.st_mode) and (driver == "tty" or major in _PTYS)


def _is_there(tty: str) -> bool:
    """A terminal with hardware behind it: Linux has ttyS0 to ttyS31 in any case, those without are of the type 0."""
    try:
        return is_terminal(tty) and _type(tty) != "0"
    except OSError:
        return False


def _type(tty: str) -> str:
    try:
        return (_CLASS / Path(tty).name / "type").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _words(info: object) -> str:
    """Vendor, product and serial number as USB tells them."""
    vid, pid = getattr(info, "vid", None), getattr(info, "pid", None)
    if vid is None or pid is None:
        return ""
    names = (getattr(info, name, None) for name in ("manufacturer", "product"))
    number = getattr(info, "serial_number", None)
    told = [f"USB {vid:04x}:{pid:04x}", *filter(None, names), f"serial number {number}" if number else ""]
    return " ".join(filter(None, told))[:_SHORT]
