"""An adapter: who scans with it, whether it is on, and how it goes wrong."""

from typing import TYPE_CHECKING, Any

from dbus_fast import Variant
from dbus_fast.errors import DBusError

from simulators.bluez.objects import NOTHING, Node, Reply

if TYPE_CHECKING:
    from simulators.bluez.service import BlueZ

MONITORS = "org.bluez.AdvertisementMonitorManager1"
# What a deaf adapter is cured by, from the mildest: each one also cures what those before it do.
CURES = ("scan", "power", "service")


class Adapter(Node):
    """org.bluez.Adapter1: each client has its own discovery session, which ends with its connection.

    With `experimental` it also has AdvertisementMonitorManager1, for passive scans. `deaf` is empty, or what cures it:
    until then no scanner is told anything, and nothing else shows it.
    """

    interface = "org.bluez.Adapter1"

    def __init__(self, bluez: "BlueZ", name: str, address: str, *, experimental: bool = False) -> None:
        properties = {
            "Address": Variant("s", address),
            "AddressType": Variant("s", "public"),
            "Name": Variant("s", "simulated"),
            "Alias": Variant("s", "simulated"),
            "Powered": Variant("b", True),
            "Discovering": Variant("b", False),
            "Roles": Variant("as", ["central"]),
        }
        super().__init__(f"/org/bluez/{name}", properties)
        self.also = (MONITORS,) if experimental else ()
        self.deaf = ""
        self.power_cycles = 0
        self.sessions: set[str] = set()
        self.monitors: dict[str, str] = {}
        self._bluez = bluez
        self._duplicates: dict[str, bool] = {}

    @property
    def powered(self) -> bool:
        """Whether it is switched on."""
        return bool(self.properties["Powered"].value)

    @property
    def hears(self) -> bool:
        """Whether anybody would be told of an advertisement."""
        return bool(self.sessions or self.monitors) and not self.deaf

    @property
    def duplicates(self) -> bool:
        """Whether a scanning client asked to be told of repetitions."""
        return any(self._duplicates.get(client, False) for client in self.sessions)

    def cure(self, by: str) -> None:
        """One of CURES was done to it."""
        if self.deaf and CURES.index(by) >= CURES.index(self.deaf):
            self.deaf = ""

    def call(self, member: str, body: list[Any], sender: str) -> Reply:
        """SetDiscoveryFilter, StartDiscovery, StopDiscovery, RemoveDevice, RegisterMonitor, UnregisterMonitor."""
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
        elif member == "RegisterMonitor" and self.also:
            self.monitors[str(body[0])] = sender
            self._bluez.forget()
        elif member == "UnregisterMonitor" and self.also:
            self.monitors.pop(str(body[0]), None)
        else:
            return super().call(member, body, sender)
        return NOTHING

    def set(self, name: str, value: Any) -> None:
        """Powered can be set."""
        if name != "Powered":
            super().set(name, value)
        self.power_cycles += bool(value) and not self.powered
        self.set_powered(bool(value))

    def set_powered(self, on: bool) -> None:
        """Switch it; off ends every scan and connection without a word to the scanner."""
        self._bluez.objects.change(self, {"Powered": Variant("b", on)})
        if on:
            self.cure("power")
        else:
            self._bluez.disconnect(self.path)
            self.end_sessions()

    def end_sessions(self) -> None:
        """Forget who scans."""
        self.sessions.clear()
        self.monitors.clear()
        self._show_discovering()

    def left(self, name: str) -> None:
        """A client left the bus: its session ends."""
        self._duplicates.pop(name, None)
        self.monitors = {path: client for path, client in self.monitors.items() if client != name}
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
        self.cure("scan")
        self._show_discovering()

    def _show_discovering(self) -> None:
        if self.properties["Discovering"].value != bool(self.sessions):
            self._bluez.objects.change(self, {"Discovering": Variant("b", bool(self.sessions))})
