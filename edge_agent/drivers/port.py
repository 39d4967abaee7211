"""Serial ports: opening one, finding it again, and saying why it cannot be had."""

import errno
import os
import sys
import termios
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from typing import Any

import serial

from edge_agent.config.model import SerialDevice
from edge_agent.core.errors import DriverError
from edge_agent.texts import Said

_USUAL = ("ttyUSB*", "ttyACM*", "ttyAMA*", "ttySC*", "serial[0-9]")
_SHOWN = 8

_PARITY = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}

_CODES = {
    errno.ENOENT: "missing",
    errno.ENODEV: "missing",
    errno.ENXIO: "missing",
    errno.EIO: "missing",  # the kernel's answer while a port is going away
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EBUSY: "busy",
    errno.EWOULDBLOCK: "busy",  # pyserial's flock
}


class PortError(Exception):
    """A port that cannot be opened or went away; `code` is one word of `missing denied busy settings failed`."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


def open_port(path: str, settings: SerialDevice, baud: int) -> Any:
    """An open serial.Serial, non-blocking and locked against other programs. Raises PortError."""
    try:
        return serial.Serial(
            path,
            baud,
            bytesize=settings.bits,
            parity=_PARITY[settings.parity],
            stopbits=settings.stop,
            timeout=0,
            exclusive=True,
        )
    except ValueError as error:
        raise PortError("settings", Said("port.refuses", error=str(error))) from error
    except termios.error as error:
        raise PortError("failed", Said("port.no_setup", error=str(error))) from error
    except OSError as error:  # SerialException is one, with the errno of what failed, if anything did
        code = _CODES.get(error.errno or 0, "failed")
        why = os.strerror(error.errno) if error.errno else Said("port.no_port")
        raise PortError(code, why) from error


def lower_lines(port: Any) -> None:
    """Take back DTR and RTS, which Linux raises when a port is opened; a port without such lines is left as it is.

    Both in one call: between two of them, ESP boards see what their two transistors take for a reset.
    """
    with suppress(OSError):
        ioctl(port.fd, termios.TIOCMBIC, (termios.TIOCM_DTR | termios.TIOCM_RTS).to_bytes(4, sys.byteorder))


def mark_breaks(port: Any) -> None:
    """Let an open port give a break as ff 00 00, and ff as ff ff (termios: PARMRK). Raises PortError."""
    try:
        settings = termios.tcgetattr(port.fd)
        settings[0] = settings[0] & ~(termios.IGNBRK | termios.BRKINT | termios.IGNPAR) | termios.PARMRK | termios.INPCK
        termios.tcsetattr(port.fd, termios.TCSANOW, settings)
    except termios.error as error:
        raise PortError("settings", Said("port.no_break", error=str(error))) from error


class PortFinder:
    """Where a configured port is now; `by_id` is udev's folder of links.

    A link (by-id, by-path, a rule of one's own) is followed as it stands. For a name such as /dev/ttyUSB0 the by-id
    link that pointed there when it was first open is remembered and followed from then on: after unplugging, the
    name may belong to another device.
    """

    def __init__(self, configured: str, by_id: Path) -> None:
        self._configured = configured
        self._by_id = by_id
        self._link: Path | None = None

    def path(self) -> str:
        """The path to open now."""
        return self._configured if self._link is None else str(self._link)

    def opened(self) -> None:
        """The port at `path()` is open: learn which link leads to it."""
        if self._link is not None or Path(self._configured).is_symlink():
            return
        target = os.path.realpath(self._configured)
        self._link = next((link for link in self._links() if os.path.realpath(link) == target), None)

    def explain(self, error: PortError) -> tuple[str, str]:
        """What is wrong in one sentence, and what a person can do."""
        where = self._configured if self._link is None else f"{self._configured} ({self._link.name})"
        if error.code != "missing":
            return Said("port.unusable", where=where, why=error.args[0]), Said(f"port.{error.code}_fix")
        known = ", ".join(self._known())
        fix = Said("port.missing_fix", known=known) if known else Said("port.missing_all_fix")
        return Said("port.missing", where=where, why=error.args[0]), fix

    def _links(self) -> list[Path]:
        try:
            return sorted(self._by_id.iterdir())
        except OSError:
            return []

    def _known(self) -> list[str]:
        links = self._links()
        dev = Path("/dev")
        found = [str(p) for p in links] or sorted(str(p) for pattern in _USUAL for p in dev.glob(pattern))
        return found[:_SHOWN]


def open_modem(finder: PortFinder, baud: int) -> Any:
    """An open port with a modem on it, as `open_port`. Raises DriverError with what a person can do."""
    path = finder.path()
    try:
        port = open_port(path, SerialDevice(name="modem", port=path, language="at"), baud)
    except PortError as error:
        sentence, fix = finder.explain(error)
        raise DriverError(sentence, fix=fix) from error
    finder.opened()
    return port
