"""BlueZ as a whole: a private bus with bluetoothd's interface on it, and systemd's to restart it."""

import os
from types import TracebackType
from typing import Self

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from simulators.bluez.adapter import Adapter
from simulators.bluez.bus import PrivateBus
from simulators.bluez.objects import Objects
from simulators.bluez.peripheral import Peripheral
from simulators.bluez.systemd import Systemd

VARIABLE = "DBUS_SYSTEM_BUS_ADDRESS"
WATCH_NAMES = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'"
ADAPTER_ADDRESS = "F0:F1:F2:F3:F4:F5"


class BlueZ:
    """A private bus with a bluetoothd's interface on it; DBUS_SYSTEM_BUS_ADDRESS points to it while it is open.

    `address` is the bus address, to be handed to a child process in that variable. Entering raises DriverError when
    dbus-daemon is missing. Its radio is `adapter` (hci0); `also` are the names of more. A radio that is `fussy` cannot
    connect while it scans, as some cannot.
    """

    objects: Objects

    def __init__(self, *, experimental: bool = False, also: tuple[str, ...] = (), fussy: bool = False) -> None:
        self.fussy = fussy
        self.connecting: list[str] = []
        self.at_once = 0  # how many connections were ever being made at the same time
        names = ("hci0", *also)
        self.adapters = {
            name: Adapter(self, name, f"{ADAPTER_ADDRESS[:-1]}{5 + number:X}", experimental=experimental)
            for number, name in enumerate(names)
        }
        self.adapter = self.adapters["hci0"]
        self.systemd = Systemd(self.restart)
        self._private = PrivateBus()
        self._bus: MessageBus | None = None
        self._beside: MessageBus | None = None
        self._before: str | None = None
        self._peripherals: dict[str, Peripheral] = {}

    @property
    def address(self) -> str:
        """Where the bus listens; empty before it is open."""
        return self._private.address

    @property
    def scanning(self) -> tuple[bool, bool]:
        """Whether somebody scans with the first adapter now, and whether somebody wants duplicates."""
        return bool(self.adapter.sessions), self.adapter.duplicates

    @property
    def clients(self) -> frozenset[str]:
        """The bus names of those who scan now."""
        return frozenset(self.adapter.sessions)

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
            await self.start()
            self._beside = await MessageBus(bus_address=address).connect()
            units = Objects(self._beside, lambda _: None)
            self._beside.add_message_handler(units.handle)
            units.add(self.systemd)
            await self._beside.request_name("org.freedesktop.systemd1")
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

    async def start(self) -> None:
        """Start bluetoothd: it has its adapters, and knows no device."""
        self._bus = await MessageBus(bus_address=self.address).connect()
        self.objects = Objects(self._bus, self._left)
        self._bus.add_message_handler(self.objects.handle)
        await self._bus.call(_bus_call("AddMatch", WATCH_NAMES))
        for adapter in self.adapters.values():
            adapter.cure("service")
            self.objects.add(adapter)
        await self._bus.request_name("org.bluez")

    async def stop(self) -> None:
        """Kill bluetoothd: its objects are gone, and nobody is told."""
        if self._bus is not None:
            bus, self._bus = self._bus, None
            bus.disconnect()
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        for adapter in self.adapters.values():
            adapter.end_sessions()
        self.disconnect("")
        self.forget()

    async def restart(self) -> None:
        """Kill it and start another one."""
        await self.stop()
        await self.start()

    def peripheral(self, address: str, name: str, adapter: str = "hci0") -> Peripheral:
        """A device in range of an adapter; the same object for the same address."""
        key = address.upper()
        if key not in self._peripherals:
            self._peripherals[key] = Peripheral(self, self.adapters[adapter], key, name)
        return self._peripherals[key]

    def set_powered(self, on: bool) -> None:
        """Switch the adapter on or off."""
        self.adapter.set_powered(on)

    def remove_adapter(self) -> None:
        """Pull the adapter out: it and all devices vanish from the bus."""
        self.disconnect(self.adapter.path)
        self.adapter.end_sessions()
        self.objects.remove(self.adapter)

    def add_adapter(self) -> None:
        """Put it back in, switched on."""
        if self.adapter not in self.objects:
            self.adapter.properties["Powered"] = Variant("b", True)
            self.objects.add(self.adapter)

    def forget(self) -> None:
        """A scan begins: every device is news again."""
        for peripheral in self._peripherals.values():
            peripheral.forget()

    def disconnect(self, adapter_path: str) -> None:
        """All connections of an adapter drop; of all of them, where the path is empty."""
        for peripheral in self._peripherals.values():
            if peripheral.path.startswith(adapter_path):
                peripheral.disconnect()

    def drop(self, path: str) -> None:
        """Forget one device, as RemoveDevice asks."""
        for peripheral in self._peripherals.values():
            if peripheral.path == path and peripheral in self.objects:
                peripheral.disconnect()
                peripheral.forget()
                self.objects.remove(peripheral)

    def _left(self, name: str) -> None:
        for adapter in self.adapters.values():
            adapter.left(name)

    async def _close(self) -> None:
        for bus in (self._bus, self._beside):
            if bus is not None:
                bus.disconnect()
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
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
