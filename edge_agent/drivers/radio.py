"""Why Bluetooth cannot be used, in words for people; and how to get rid of a scan that hangs."""

import asyncio
import contextlib
from typing import NamedTuple

from bleak.backends.bluezdbus.manager import get_global_bluez_manager
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakDBusError, BleakError
from dbus_fast.errors import AuthError

from edge_agent.core.errors import DriverError

# What starting or stopping a scan lets through: bleak's own; of its D-Bus library the socket's, a bus that goes away
# in the middle (EOFError) and an address that is none (ValueError); and no answer in time.
ERRORS: tuple[type[Exception], ...] = (BleakError, AuthError, OSError, EOFError, ValueError, TimeoutError)

ANSWER_S = 10.0  # bluetoothd answers within milliseconds, or hangs
HANG_UP_S = 2.0


class RadioError(DriverError):
    """Bluetooth, or one device of it, cannot be used now; `code` is one word for why."""

    def __init__(self, code: str, what: str, *, fix: str) -> None:
        super().__init__(what, fix=fix)
        self.code = code


class Why(NamedTuple):
    """A reason that is known."""

    code: str
    what: str
    fix: str

    def error(self) -> RadioError:
        """To be raised."""
        return RadioError(self.code, self.what, fix=self.fix)


NO_ADAPTER = Why(
    "adapter",
    "There is no Bluetooth adapter",
    "Plug one in, or enable the built-in one (dtparam=krnbt=on, and no disable-bt overlay)",
)
WEAK = Why("adapter", "The Bluetooth adapter cannot do Bluetooth LE", "Use an adapter with Bluetooth 4.0 or later")
OFF = Why(
    "power",
    "The Bluetooth adapter is switched off",
    "Switch it on: rfkill unblock bluetooth && bluetoothctl power on",
)
_DENIED = Why(
    "denied",
    "The system's message bus refuses the agent",
    "Add the agent's user to the group bluetooth: sudo usermod -aG bluetooth USER, then start it again",
)
_NO_SERVICE = Why(
    "service",
    "The Bluetooth service (bluetoothd) is not running",
    "Install and start it: sudo apt install bluez && sudo systemctl enable --now bluetooth",
)
_BUSY = Why(
    "busy",
    "The Bluetooth service says that a scan is in progress already",
    "If it stays so, restart it: sudo systemctl restart bluetooth",
)
_HANGS = Why(
    "hangs",
    "The Bluetooth service does not answer",
    "If it stays so, restart it: sudo systemctl restart bluetooth",
)
ENDED = Why(
    "ended", "The Bluetooth service has ended the scan", "Nothing, if it comes back; else see journalctl -u bluetooth"
)
RESTARTED = Why("restarted", "The Bluetooth service was restarted", "Nothing, if it comes back")

_DBUS = {
    "org.freedesktop.DBus.Error.ServiceUnknown": _NO_SERVICE,
    # dbus-daemon says so where bluetoothd is installed and cannot be started on demand, or goes in the middle
    "org.freedesktop.DBus.Error.NameHasNoOwner": _NO_SERVICE,
    "org.freedesktop.DBus.Error.NoReply": _NO_SERVICE,
    "org.freedesktop.DBus.Error.AccessDenied": _DENIED,
    "org.freedesktop.DBus.Error.UnknownObject": NO_ADAPTER,
    "org.bluez.Error.NotReady": OFF,
    "org.bluez.Error.InProgress": _BUSY,
}


def translated(error: Exception) -> RadioError:
    """The RadioError for one of ERRORS."""
    found = None
    if isinstance(error, BleakBluetoothNotAvailableError):
        found = _DENIED if error.reason is BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM else NO_ADAPTER
    elif isinstance(error, BleakDBusError):
        spawn = error.dbus_error.startswith("org.freedesktop.DBus.Error.Spawn.")
        found = _NO_SERVICE if spawn else _DBUS.get(error.dbus_error)
    elif isinstance(error, AuthError):
        found = _DENIED
    elif isinstance(error, TimeoutError):
        found = _HANGS
    elif isinstance(error, (OSError, EOFError, ValueError)):
        what = f"The system's message bus cannot be reached: {getattr(error, 'strerror', None) or error}"
        found = Why("bus", what, "Install Bluetooth and the bus: sudo apt install dbus bluez")
    return (found or Why("failed", f"Bluetooth does not work: {error}", "Look at journalctl -u bluetooth")).error()


async def hang_up() -> None:
    """Drop bleak's connection to the bus; the next scan makes a new one.

    bluetoothd keeps one scan a connection. After a start that was given up half way it would answer InProgress
    for ever; when the connection goes, it forgets the scan. bleak has no public name for this.
    """
    with contextlib.suppress(*ERRORS):
        async with asyncio.timeout(HANG_UP_S):
            bus = (await get_global_bluez_manager())._bus  # noqa: SLF001
            if bus is not None:
                bus.disconnect()
