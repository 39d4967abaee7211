"""A simulated BLE device: what it advertises, and the GATT services it has when somebody connects."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dbus_fast import Variant
from dbus_fast.errors import DBusError

from simulators.bluez.objects import NOTHING, Later, Node, Reply

if TYPE_CHECKING:
    from simulators.bluez.adapter import Adapter
    from simulators.bluez.service import BlueZ

# bluetoothd tells of a changed signal strength only when it moved by this much (RSSI_THRESHOLD in its src/device.c).
RSSI_STEP_DB = 8
MAX_WRITTEN = 1000
MTU = 185


class Characteristic(Node):
    """A GATT characteristic. `written` keeps the last writes, `notifying` says whether somebody subscribed.

    `paired` is for those who are paired only. While it is `dead` nothing that is asked of it is answered.
    """

    interface = "org.bluez.GattCharacteristic1"

    def __init__(self, bluez: "BlueZ", place: tuple[Node, int], uuid: str, value: bytes, flags: Sequence[str]) -> None:
        service, number = place
        properties = {
            "UUID": Variant("s", uuid),
            "Service": Variant("o", service.path),
            "Flags": Variant("as", list(flags)),
            "Value": Variant("ay", value),
            "MTU": Variant("q", MTU),
        }
        super().__init__(f"{service.path}/char{2 * number + 1:04x}", properties)
        self._bluez = bluez
        self._flags = frozenset(flags)
        self.paired = False
        self.dead = False
        self.notifying = False
        self.reads = 0
        self.written: deque[bytes] = deque(maxlen=MAX_WRITTEN)

    def notify(self, value: bytes) -> bool:
        """A new value; whether a subscriber was told."""
        self.properties["Value"] = Variant("ay", value)
        if not self.notifying:
            return False
        self._bluez.objects.change(self, {"Value": Variant("ay", value)})
        return True

    def call(self, member: str, body: list[Any], sender: str) -> Reply:
        """ReadValue, WriteValue, StartNotify, StopNotify; refused where the flags do not offer it."""
        needs = {
            "ReadValue": {"read"},
            "WriteValue": {"write", "write-without-response"},
            "StartNotify": {"notify", "indicate"},
            "StopNotify": {"notify", "indicate"},
        }.get(member)
        if needs is None:
            return super().call(member, body, sender)
        if not needs & self._flags:
            raise DBusError("org.bluez.Error.NotSupported", "Operation is not supported")
        if self.dead:
            raise Later(lambda _: None)
        if self.paired:
            raise DBusError("org.bluez.Error.NotPermitted", "Not paired")
        if member == "ReadValue":
            self.reads += 1
            self.notify(self.properties["Value"].value)  # bluetoothd tells its subscribers what was read
            return "ay", [self.properties["Value"].value]
        if member == "WriteValue":
            self.written.append(bytes(body[0]))
        else:
            self.notifying = member == "StartNotify"
        return NOTHING


class Service(Node):
    """A primary GATT service."""

    interface = "org.bluez.GattService1"


class Peripheral(Node):
    """One device in range. `refuse` names the D-Bus error that Connect fails with, None to accept.

    A connection takes `connect_s`; `asked` counts them. It is shown on the bus with the first advertisement that a
    scanner hears, as bluetoothd does it.
    """

    interface = "org.bluez.Device1"

    def __init__(self, bluez: "BlueZ", adapter: "Adapter", address: str, name: str) -> None:
        properties = {
            "Address": Variant("s", address),
            "AddressType": Variant("s", "random"),
            "Name": Variant("s", name),
            "Alias": Variant("s", name),
            "Adapter": Variant("o", adapter.path),
            "UUIDs": Variant("as", []),
            "Paired": Variant("b", False),
            "Trusted": Variant("b", False),
            "Blocked": Variant("b", False),
            "Connected": Variant("b", False),
            "ServicesResolved": Variant("b", False),
        }
        super().__init__(f"{adapter.path}/dev_{address.replace(':', '_')}", properties)
        self._bluez = bluez
        self._adapter = adapter
        self.refuse: str | None = None
        self.connect_s = 0.0
        self.asked = 0
        self._kept: tuple[dict[str, bytes], dict[int, bytes], int] = ({}, {}, 0)
        self._reported: tuple[dict[str, bytes], dict[int, bytes], int] | None = None
        self._services: dict[str, Service] = {}
        self._characteristics: list[Characteristic] = []

    @property
    def address(self) -> str:
        """Upper case, with colons."""
        return str(self.properties["Address"].value)

    @property
    def connected(self) -> bool:
        """Whether a client is connected to it."""
        return bool(self.properties["Connected"].value)

    def advertise(
        self,
        service_data: Mapping[str, bytes] | None = None,
        manufacturer_data: Mapping[int, bytes] | None = None,
        rssi_dbm: int = -60,
        listed: Sequence[str] = (),
    ) -> bool:
        """Send one advertisement, which lists these services; whether a scanner was told of it.

        As with bluetoothd, nobody is told when nobody scans, nor of a repetition of the same data (unless a scanner
        asked for duplicates or the signal moved by 8 dB). What came under each UUID and each company id stays beside
        what is new, but where a scanner asked for duplicates. Nothing is told of a device while it is connected.
        """
        adapter = self._adapter
        old_services, old_makers, _ = self._kept if not adapter.duplicates else ({}, {}, 0)
        services, makers = old_services | dict(service_data or {}), old_makers | dict(manufacturer_data or {})
        if not adapter.hears or self.connected or not (adapter.duplicates or self._is_news(services, makers, rssi_dbm)):
            return False
        self._reported = self._kept = (services, makers, rssi_dbm)
        changed = {
            "UUIDs": Variant("as", list(listed)),
            "RSSI": Variant("n", rssi_dbm),
            "ServiceData": Variant("a{sv}", {k: Variant("ay", bytes(v)) for k, v in services.items()}),
            "ManufacturerData": Variant("a{qv}", {k: Variant("ay", bytes(v)) for k, v in makers.items()}),
        }
        if self in self._bluez.objects:
            self._bluez.objects.change(self, changed)
        else:
            self.properties.update(changed)
            self._bluez.objects.add(self)
        return True

    def forget(self) -> None:
        """A new scan begins: the next advertisement is news again."""
        self._reported = None

    def characteristic(
        self, service: str, uuid: str, value: bytes = b"", flags: Sequence[str] = ("read",)
    ) -> Characteristic:
        """Give it a characteristic, before somebody connects. Flags are those of BlueZ: `read`, `notify` and so on."""
        if service not in self._services:
            path = f"{self.path}/service{16 * (len(self._services) + 1):04x}"
            properties = {
                "UUID": Variant("s", service),
                "Device": Variant("o", self.path),
                "Primary": Variant("b", True),
            }
            self._services[service] = Service(path, properties)
        made = Characteristic(self._bluez, (self._services[service], len(self._characteristics)), uuid, value, flags)
        self._characteristics.append(made)
        return made

    def leave_connected(self) -> None:
        """As after a client that was killed: connected, known to bluetoothd, and nobody's."""
        self._bluez.objects.add(self)
        self._show_connected()

    def disconnect(self) -> None:
        """The link drops, as when it goes out of range; also the answer to Disconnect."""
        if self.connected:
            for characteristic in self._characteristics:
                characteristic.notifying = False
            off = {"Connected": Variant("b", False), "ServicesResolved": Variant("b", False)}
            self._bluez.objects.change(self, off)

    def call(self, member: str, body: list[Any], sender: str) -> Reply:
        """Connect and Disconnect."""
        if member == "Connect":
            self._connect()
        elif member == "Disconnect":
            self.disconnect()
        else:
            return super().call(member, body, sender)
        return NOTHING

    def _connect(self) -> None:
        """The answer comes after `connect_s`. Raises Later."""
        self.asked += 1
        self._bluez.connecting.append(self.path)
        self._bluez.at_once = max(self._bluez.at_once, len(self._bluez.connecting))
        loop = asyncio.get_running_loop()
        raise Later(lambda answer: loop.call_later(self.connect_s, self._connected, answer))

    def _connected(self, answer: Callable[[Reply | DBusError], None]) -> None:
        self._bluez.connecting.remove(self.path)
        if self.refuse:
            answer(DBusError(self.refuse, "the simulated device refuses"))
            return
        if self._bluez.fussy and self._adapter.sessions:
            answer(DBusError("org.bluez.Error.InProgress", "Operation already in progress"))
            return
        self._show_connected()
        answer(NOTHING)

    def _show_connected(self) -> None:
        for node in (*self._services.values(), *self._characteristics):
            if node not in self._bluez.objects:
                self._bluez.objects.add(node)
        self._bluez.objects.change(self, {"Connected": Variant("b", True)})
        self._bluez.objects.change(self, {"ServicesResolved": Variant("b", True)})

    def _is_news(self, services: dict[str, bytes], makers: dict[int, bytes], rssi_dbm: int) -> bool:
        if self._reported is None:
            return True
        old_services, old_makers, old_rssi_dbm = self._reported
        return (services, makers) != (old_services, old_makers) or abs(rssi_dbm - old_rssi_dbm) >= RSSI_STEP_DB
