"""Devices on a CAN interface of Linux: one driver a device, each with a raw socket of its own, that only listens.

The kernel filters: frames with 29 bits, and its own words on the bus's state. The interface is set up by whoever owns
the machine (bit rate, listen only); this driver says what is missing and looks for it again.
"""

import errno
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from edge_agent.config.model import CanDevice
from edge_agent.core.backoff import Backoff
from edge_agent.core.errors import DriverError
from edge_agent.core.reading import Frame
from edge_agent.drivers.device import Device
from edge_agent.drivers.kept import KeptOpen
from edge_agent.texts import Said

# linux/can.h, linux/can/raw.h and linux/can/error.h
_FRAME = struct.Struct("=IB3x8s")
_EXTENDED, _REMOTE, _ERROR = 0x80000000, 0x40000000, 0x20000000
_ID = 0x1FFFFFFF
_SOL_CAN_RAW, _RAW_FILTER, _RAW_ERR_FILTER = 101, 1, 2
_BUS_OFF, _RESTARTED = 0x40, 0x100
# Without _ERROR in the mask: with it the kernel takes the whole filter for one of error frames (net/can/af_can.c).
_FILTER = struct.pack("=II", _EXTENDED, _EXTENDED | _REMOTE)
_ERRORS = struct.pack("=I", _BUS_OFF | _RESTARTED)

# So many frames at a time, and then others have their turn: a full bus at 250 kbit/s has some 1800 a second.
MAX_FRAMES = 64
RECEIVE_BYTES = 256 * 1024
LOOK_AGAIN = Backoff(base_s=0.5, cap_s=5.0, stable_s=10.0)
NET = Path("/sys/class/net")
_UP = 0x1  # IFF_UP of linux/if.h
_CAN_TYPE = "280"  # ARPHRD_CAN


class CanError(Exception):
    """An interface that cannot be had; `code` is one word, `fix` what a person can do."""

    def __init__(self, code: str, why: str, fix: str) -> None:
        super().__init__(why)
        self.code = code
        self.fix = fix


def open_socket(interface: str, net: Path = NET) -> socket.socket:
    """A raw CAN socket that hears this interface. Raises CanError."""
    if not (net / interface).is_dir():
        known = [each.name for each in sorted(net.glob("*")) if _read(each / "type") == _CAN_TYPE]
        fix = Said("port.can_missing_fix", known=", ".join(known)) if known else Said("port.can_none_fix")
        raise CanError("missing", Said("port.can_missing", name=interface), fix)
    if not int(_read(net / interface / "flags") or "0", 16) & _UP:
        command = f"sudo ip link set {interface} up type can bitrate 250000"
        raise CanError("down", Said("port.can_down", name=interface), command)
    try:
        raw = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
    except OSError as error:
        raise CanError("kernel", Said("port.can_kernel"), "sudo modprobe can_raw") from error
    try:
        raw.setsockopt(_SOL_CAN_RAW, _RAW_FILTER, _FILTER)
        raw.setsockopt(_SOL_CAN_RAW, _RAW_ERR_FILTER, _ERRORS)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        raw.bind((interface,))
    except OSError as error:
        raw.close()
        said = Said("port.can_failed", name=interface, why=os.strerror(error.errno or errno.EIO))
        raise CanError("failed", said, Said("port.can_failed_fix")) from error
    return raw


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""


class CanDriver(KeptOpen):
    """Keeps one socket open and its device fed."""

    def __init__(
        self,
        settings: CanDevice,
        device: Device,
        *,
        backoff: Backoff,
        opened: Callable[[str], socket.socket] = open_socket,
    ) -> None:
        super().__init__(f"can:{device.name}", device, backoff)
        self._interface = settings.interface
        self._opened = opened
        self._socket: socket.socket | None = None

    def reopen(self) -> None:
        """Close the socket; `run` opens it again. Raises DriverError where it is not open."""
        if self._socket is None:
            raise DriverError(f"CAN interface {self._interface} is not open")
        self._close()
        self._lost.set()

    async def reset(self) -> None:
        """There is nothing on a bus that this driver may reset. Raises DriverError."""
        raise DriverError(f"a device on CAN interface {self._interface} cannot be reset from here")

    def _open(self) -> bool:
        try:
            self._socket = self._opened(self._interface)
        except CanError as error:
            self._device.down(error.code, error.args[0], error.fix, self._loop.time())
            return False
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self._device.up(Said("port.listening", where=self._interface))
        return True

    def _close(self) -> None:
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _readable(self) -> None:
        for _ in range(MAX_FRAMES):
            if self._socket is None:
                return
            try:
                raw = self._socket.recv(_FRAME.size)
            except BlockingIOError:
                return
            except OSError as error:  # ENETDOWN: switched off; ENODEV: unplugged
                self._lose(os.strerror(error.errno or errno.EIO))
                return
            if len(raw) != _FRAME.size:
                self._lose(Said("port.can_mute"))
                return
            self._frame(*_FRAME.unpack(raw))

    def _frame(self, can_id: int, size: int, data: bytes) -> None:
        if can_id & _ERROR:
            self._state(can_id)
        elif can_id & _EXTENDED and not can_id & _REMOTE:
            self._device.feed(Frame(can_id & _ID, data[: min(size, 8)]), self._loop.time())

    def _state(self, error: int) -> None:
        """The controller's own word: it left the bus after too many errors, or is back."""
        if error & _BUS_OFF:
            said = Said("port.can_left", name=self._interface)
            self._device.down("bus_off", said, Said("port.can_left_fix"), self._loop.time())
        elif error & _RESTARTED:
            self._device.up(Said("port.listening", where=self._interface))

    def _lose(self, why: str) -> None:
        self._close()
        said = Said("port.can_gone", name=self._interface, why=why)
        self._device.down("missing", said, "", self._loop.time())
        self._lost.set()
