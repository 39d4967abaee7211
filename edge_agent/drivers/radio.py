"""Why Bluetooth cannot be used, in words for people; and how to get rid of a scan that hangs."""

import asyncio
import contextlib
from typing import NamedTuple

from bleak.backends.bluezdbus.manager import get_global_bluez_manager
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakDBusError, BleakError
from dbus_fast.errors import AuthError

from edge_agent.core.errors import DriverError
from edge_agent.texts import Said

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


NO_ADAPTER = Why("adapter", Said("radio.no_adapter"), Said("radio.no_adapter_fix"))
WEAK = Why("adapter", Said("radio.weak"), Said("radio.weak_fix"))
OFF = Why("power", Said("radio.off"), Said("radio.off_fix"))
_DENIED = Why("denied", Said("radio.denied"), Said("radio.denied_fix"))
_NO_SERVICE = Why("service", Said("radio.no_service"), Said("radio.no_service_fix"))
_BUSY = Why("busy", Said("radio.busy"), Said("radio.busy_fix"))
_HANGS = Why("hangs", Said("radio.hangs"), Said("radio.hangs_fix"))
ENDED = Why("ended", Said("radio.ended"), Said("radio.ended_fix"))
RESTARTED = Why("restarted", Said("radio.restarted"), Said("radio.restarted_fix"))

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
        why = getattr(error, "strerror", None) or error
        found = Why("bus", Said("radio.bus", why=why), Said("radio.bus_fix"))
    return (found or Why("failed", Said("radio.failed", why=str(error)), Said("radio.failed_fix"))).error()


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
