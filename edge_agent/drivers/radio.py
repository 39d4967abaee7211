"""Why Bluetooth cannot be used, in words for people; and how to get rid of a scan that hangs."""

import asyncio
import contextlib

from bleak.backends.bluezdbus.manager import get_global_bluez_manager
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakDBusError, BleakError

from edge_agent.core.errors import DriverError

# What starting or stopping a scan lets through: bleak's own; of its D-Bus library the socket's, a bus that goes away
# in the middle (EOFError) and an address that is none (ValueError); and no answer in time.
ERRORS: tuple[type[Exception], ...] = (BleakError, OSError, EOFError, ValueError, TimeoutError)

HANG_UP_S = 2.0

_REASONS = {
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: (
        "adapter",
        "There is no Bluetooth adapter",
        "Plug one in, or enable the built-in one (dtparam=krnbt=on, and no disable-bt overlay)",
    ),
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: (
        "adapter",
        "The Bluetooth adapter cannot do Bluetooth LE",
        "Use an adapter with Bluetooth 4.0 or later",
    ),
    BleakBluetoothNotAvailableReason.POWERED_OFF: (
        "power",
        "The Bluetooth adapter is switched off",
        "Switch it on: rfkill unblock bluetooth && bluetoothctl power on",
    ),
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: (
        "denied",
        "The system's message bus refuses the agent",
        "Add the agent's user to the group bluetooth: sudo usermod -aG bluetooth USER, then start it again",
    ),
}

_DBUS = {
    "org.freedesktop.DBus.Error.ServiceUnknown": (
        "service",
        "The Bluetooth service (bluetoothd) is not running",
        "Install and start it: sudo apt install bluez && sudo systemctl enable --now bluetooth",
    ),
    "org.freedesktop.DBus.Error.AccessDenied": _REASONS[BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM],
    "org.bluez.Error.NotReady": _REASONS[BleakBluetoothNotAvailableReason.POWERED_OFF],
    "org.freedesktop.DBus.Error.UnknownObject": _REASONS[BleakBluetoothNotAvailableReason.NO_BLUETOOTH],
    "org.bluez.Error.InProgress": (
        "busy",
        "The Bluetooth service says that a scan is in progress already",
        "If it stays so, restart it: sudo systemctl restart bluetooth",
    ),
}
# dbus-daemon says so instead of ServiceUnknown where bluetoothd is installed and cannot be started on demand
_DBUS["org.freedesktop.DBus.Error.NameHasNoOwner"] = _DBUS["org.freedesktop.DBus.Error.ServiceUnknown"]


class RadioError(DriverError):
    """Bluetooth cannot be used now; `code` is one word of `adapter power denied service busy bus hangs failed`."""

    def __init__(self, code: str, what: str, *, fix: str) -> None:
        super().__init__(what, fix=fix)
        self.code = code


def translated(error: Exception, adapter: str) -> RadioError:
    """The RadioError for one of ERRORS; `adapter` is the configured one, if any."""
    found = None
    if isinstance(error, BleakBluetoothNotAvailableError):
        found = _REASONS.get(error.reason)
    elif isinstance(error, BleakDBusError):
        found = _DBUS.get(error.dbus_error)
        if found is None and error.dbus_error.startswith("org.freedesktop.DBus.Error.Spawn."):
            found = _DBUS["org.freedesktop.DBus.Error.ServiceUnknown"]
    elif isinstance(error, BleakError) and adapter and adapter in str(error):
        found = ("adapter", f"There is no Bluetooth adapter {adapter}", "Correct ble.adapter, or leave it out")
    elif isinstance(error, TimeoutError):
        found = (
            "hangs",
            "The Bluetooth service does not answer",
            "If it stays so, restart it: sudo systemctl restart bluetooth",
        )
    elif isinstance(error, (OSError, EOFError, ValueError)):
        found = (
            "bus",
            f"The system's message bus cannot be reached: {getattr(error, 'strerror', None) or error}",
            "Install Bluetooth and the bus: sudo apt install dbus bluez",
        )
    code, what, fix = found or ("failed", f"Bluetooth does not work: {error}", "Look at journalctl -u bluetooth")
    return RadioError(code, what, fix=fix)


async def check(adapter: str) -> None:
    """Raise RadioError when the radio went away under a running scan, of which bleak says nothing.

    bleak follows the adapters' properties; this looks at what it knows and asks nobody. With several adapters it
    notices only when the last one is gone: for one of several, the silence must tell.
    """
    try:
        (await get_global_bluez_manager()).get_default_adapter()
    except ERRORS as error:
        raise translated(error, adapter) from error


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
