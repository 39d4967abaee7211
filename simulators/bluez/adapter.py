"""The adapter, and BlueZ as a whole."""

import os
from types import TracebackType
from typing import Any, Self

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError

from simulators.bluez.bus import PrivateBus
from simulators.bluez.objects import NOTHING, Node, Objects, Reply
from simulators.bluez.peripheral import Peripheral

VARIABLE = "DBUS_SYSTEM_BUS_ADDRESS"
ADAPTER_PATH = "/org/bluez/hci0"
WATCH_NAMES = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'"
ADAPTER_ADDRESS = "F0:F1:F2:F3:F4:F5"


class Adapter(Node):
    """org.bluez.Adapter1: each client has its own discovery session, which ends with its connection."""

    interface = "org.bluez.Adapter1"

    def __init__(self, bluez: "BlueZ") -> None:
        properties = {
            "Address": Variant("s", ADAPTER_ADDRESS),
            "AddressType": Variant("s", "public"),
            "Name": Variant("s", "simulated"),
            "Alias": Variant("s", "simulated"),
            "Powered": Variant("b", True),
            "Discovering": Variant("b", False),
            "Roles": Variant("as", ["central"]),
        }
        super().__init__(ADAPTER_PATH, properties)
        self._bluez = bluez
        self._duplicates: dict[str, bool] = {}
        self.sessions: set[str] = set()

    @property
    def powered(self) -> bool:
        """Whether it is switched on."""
        return bool(self.properties["Powered"].value)

    @property
    def duplicates(self) -> bool:
        """Whether a scanning client asked to be told of repetitions."""
        return any(self._duplicates.get(client, False) for client in self.sessions)

    def call(self, member: str, body: list[Any], sender: str) -> Reply:
        """SetDiscoveryFilter, StartDiscovery, StopDiscovery, RemoveDevice."""
        if member == "SetDiscoveryFilter":
            wanted = body[0].get("DuplicateData")
            self._duplicates[sender] = bool(wanted.value) if wanted is not None else False
        elif member == "StartDiscovery":
            self._start(sender)
        elif member == "StopDiscovery":
            if sender not in self.sessions:
                raise DBusError("org.bluez.Error.Failed", "No discovery started")
            self._stop(sender)
        elif member == "RemoveDevice":
            self._bluez.drop(str(body[0]))
        else:
            return super().call(member, body, sender)
        return NOTHING

    def set_powered(self, on: bool) -> None:
        """Switch it; off ends every scan without a word to the scanner."""
        self._bluez.objects.change(self, {"Powered": Variant("b", on)})
        if not on:
            self.end_sessions()

    def end_sessions(self) -> None:
        """Forget who scans."""
        self.sessions.clear()
        self._show_discovering()

    def left(self, name: str) -> None:
        """A client left the bus: its session ends."""
        self._duplicates.pop(name, None)
        if name in self.sessions:
            self._stop(name)

    def _start(self, sender: str) -> None:
        if not self.powered:
            raise DBusError("org.bluez.Error.NotReady", "Resource Not Ready")
        if sender in self.sessions:
            raise DBusError("org.bluez.Error.InProgress", "Operation already in progress")
        self.sessions.add(sender)
        self._bluez.forget()
        self._show_discovering()

    def _stop(self, sender: str) -> None:
        self.sessions.discard(sender)
        self._show_discovering()

    def _show_discovering(self) -> None:
        if self.properties["Discovering"].value != bool(self.sessions):
            self._bluez.objects.change(self, {"Discovering": Variant("b", bool(self.sessions))})


class BlueZ:
    """A private bus with a bluetoothd's interface on it; DBUS_SYSTEM_BUS_ADDRESS points to it while it is open.

    `address` is the bus address, to be handed to a child process in that variable. Entering raises DriverError when
    dbus-daemon is missing.
    """

    objects: Objects

    def __init__(self) -> None:
        self._private = PrivateBus()
        self._bus: MessageBus | None = None
        self._before: str | None = None
        self._adapter = Adapter(self)
        self._peripherals: dict[str, Peripheral] = {}

    @property
    def address(self) -> str:
        """Where the bus listens; empty before it is open."""
        return self._private.address

    @property
    def scanning(self) -> tuple[bool, bool]:
        """Whether somebody scans now, and whether somebody wants duplicates."""
        return bool(self._adapter.sessions), self._adapter.duplicates

    @property
    def clients(self) -> frozenset[str]:
        """The bus names of those who scan now."""
        return frozenset(self._adapter.sessions)

    async def processes(self) -> frozenset[int]:
        """The processes that scan now: a client that only reconnected to the bus is the same process."""
        found = set()
        for name in self.clients:
            assert self._bus is not None
            reply = await self._bus.call(_bus_call("GetConnectionUnixProcessID", name))
            if reply is not None and reply.message_type is MessageType.METHOD_RETURN:
                found.add(int(reply.body[0]))
        return frozenset(found)

    async def __aenter__(self) -> Self:
        address = await self._private.start()
        try:
            self._bus = await MessageBus(bus_address=address).connect()
            self.objects = Objects(self._bus, self._adapter.left)
            self._bus.add_message_handler(self.objects.handle)
            await self._bus.call(_bus_call("AddMatch", WATCH_NAMES))
            self.objects.add(self._adapter)
            await self._bus.request_name("org.bluez")
        except BaseException:
            await self._close()
            raise
        self._before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = address
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = self._before
        await self._close()

    def peripheral(self, address: str, name: str) -> Peripheral:
        """A device in range; the same object for the same address."""
        key = address.upper()
        if key not in self._peripherals:
            self._peripherals[key] = Peripheral(self, ADAPTER_PATH, key, name)
        return self._peripherals[key]

    def set_powered(self, on: bool) -> None:
        """Switch the adapter on or off."""
        self._adapter.set_powered(on)

    def remove_adapter(self) -> None:
        """Pull the adapter out: it and all devices vanish from the bus."""
        for peripheral in self._peripherals.values():
            peripheral.disconnect()
        self._adapter.end_sessions()
        self.objects.remove(self._adapter)

    def add_adapter(self) -> None:
        """Put it back in, switched on."""
        if self._adapter not in self.objects:
            self._adapter.properties["Powered"] = Variant("b", True)
            self.objects.add(self._adapter)

    def forget(self) -> None:
        """A scan begins: every device is news again."""
        for peripheral in self._peripherals.values():
            peripheral.forget()

    def drop(self, path: str) -> None:
        """Forget one device, as RemoveDevice asks."""
        for peripheral in self._peripherals.values():
            if peripheral.path == path and peripheral in self.objects:
                peripheral.disconnect()
                peripheral.forget()
                self.objects.remove(peripheral)

    async def _close(self) -> None:
        if self._bus is not None:
            self._bus.disconnect()
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        await self._private.stop()


def _bus_call(member: str, argument: str) -> Message:
    return Message(
        destination="org.freedesktop.DBus",
        path="/org/freedesktop/DBus",
        interface="org.freedesktop.DBus",
        member=member,
        signature="s",
        body=[argument],
    )
