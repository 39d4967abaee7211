"""bluetoothd and systemd over D-Bus, for what bleak has no words for: which adapter, how it is, and the ladder's steps.

One connection of its own: what bleak remembers of a bluetoothd that has gone is not what is.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bleak.exc import BleakDBusError
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from edge_agent.drivers.radio import ANSWER_S, ERRORS, NO_ADAPTER, OFF, WEAK, RadioError, translated
from edge_agent.texts import Said

BLUEZ = "org.bluez"
ADAPTER = "org.bluez.Adapter1"
DEVICE = "org.bluez.Device1"
PROPERTIES = "org.freedesktop.DBus.Properties"
UNIT = "bluetooth.service"
SWITCH_S = 10.0  # a controller that loads its firmware again takes some seconds
LOOK_AGAIN_S = 0.1
# bluetoothd says the second where there was an object once.
_GONE = frozenset({"org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownMethod"})


class Adapter(NamedTuple):
    """One adapter as bluetoothd sees it; `owner` is the bus name of that bluetoothd, another one after each start."""

    path: str
    address: str
    powered: bool
    discovering: bool
    central: bool
    owner: str

    @property
    def name(self) -> str:
        """Such as hci0."""
        return self.path.rpartition("/")[2]


class Objects(NamedTuple):
    """All adapters, by name, and the paths of devices that are connected, by address."""

    adapters: Sequence[Adapter]
    connected: Mapping[str, str]


class Bus:
    """One connection to the system's bus, made when it is needed. All raises RadioError."""

    def __init__(self) -> None:
        self._bus: MessageBus | None = None

    async def objects(self) -> Objects:
        """What bluetoothd has."""
        reply = await self._call(BLUEZ, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        objects = reply.body[0].items()
        return Objects(
            sorted(_adapter(path, has[ADAPTER], reply.sender) for path, has in objects if ADAPTER in has),
            {
                has[DEVICE]["Address"].value.upper(): path
                for path, has in objects
                if DEVICE in has and has[DEVICE]["Connected"].value
            },
        )

    async def let_go(self, path: str) -> None:
        """End a connection that nobody holds: of an agent before this one, or of a bluetoothd before this one.

        A device that is connected does not advertise, and would never be heard.
        """
        with contextlib.suppress(_RefusedError):
            await self._call(BLUEZ, path, DEVICE, "Disconnect")

    async def look(self, path: str) -> Adapter:
        """How one adapter is now. Raises RadioError `adapter` when it is gone."""
        try:
            reply = await self._call(BLUEZ, path, PROPERTIES, "GetAll", "s", ADAPTER)
        except _RefusedError as refused:
            if refused.name not in _GONE:
                raise
            raise NO_ADAPTER.error() from refused
        return _adapter(path, reply.body[0], reply.sender)

    async def power_cycle(self, path: str) -> None:
        """Switch an adapter off and on; back when it is on."""
        await self._switch(path, on=False)
        await self._switch(path, on=True)

    async def restart_service(self) -> None:
        """Have systemd restart bluetoothd. Raises RadioError `denied` where the agent may not."""
        manager = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
        await self._call(*manager, "RestartUnit", "ss", UNIT, "replace")

    def close(self) -> None:
        """Hang up; the next call makes a new connection."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.disconnect()

    async def _switch(self, path: str, *, on: bool) -> None:
        ends = asyncio.get_running_loop().time() + SWITCH_S
        while asyncio.get_running_loop().time() < ends:
            with contextlib.suppress(_RefusedError):  # busy: it is asked again
                await self._call(BLUEZ, path, PROPERTIES, "Set", "ssv", ADAPTER, "Powered", Variant("b", on))
                if (await self.look(path)).powered == on:
                    return
            await asyncio.sleep(LOOK_AGAIN_S)
        raise RadioError("power", Said("radio.stuck_on" if on else "radio.stuck_off"), fix=OFF.fix)

    async def _call(
        self, destination: str, path: str, interface: str, member: str, signature: str = "", *body: object
    ) -> Message:
        message = Message(
            destination=destination, path=path, interface=interface, member=member, signature=signature, body=[*body]
        )
        try:
            async with asyncio.timeout(ANSWER_S):
                reply = await (await self._connected()).call(message)
        except ERRORS as error:
            self.close()
            raise translated(error) from error
        if reply is None or reply.message_type is MessageType.ERROR:
            raise _RefusedError(reply)
        return reply

    async def _connected(self) -> MessageBus:
        if self._bus is None or not self._bus.connected:
            self.close()
            self._bus = MessageBus(bus_type=BusType.SYSTEM)
            await self._bus.connect()
        return self._bus


class _RefusedError(RadioError):
    """The other side answered with an error of this name."""

    def __init__(self, reply: Message | None) -> None:
        self.name = (reply.error_name if reply is not None else "") or ""
        known = translated(BleakDBusError(self.name, reply.body if reply is not None else []))
        super().__init__(known.code, known.args[0], fix=known.fix)


def choose(adapters: Sequence[Adapter], wanted: str) -> Adapter:
    """The adapter of this name or address; any: the first that is on. Raises RadioError, also where it is off."""
    named = [each for each in adapters if not wanted or wanted.upper() in (each.name.upper(), each.address)]
    if not adapters:
        raise NO_ADAPTER.error()
    if not named:
        known = ", ".join(f"{each.name} ({each.address})" for each in adapters)
        raise RadioError(
            "adapter",
            Said("radio.unknown", name=wanted),
            fix=Said("radio.unknown_fix", known=known),
        )
    able = [each for each in named if each.central]
    if not able:
        raise WEAK.error()
    on = [each for each in able if each.powered]
    if not on:
        raise OFF.error()
    return on[0]


def _adapter(path: str, properties: Mapping[str, Any], owner: str | None) -> Adapter:
    has = {name: each.value for name, each in properties.items()}
    return Adapter(
        path,
        str(has.get("Address", "")).upper(),
        bool(has.get("Powered")),
        bool(has.get("Discovering")),
        "central" in has.get("Roles", ["central"]),  # BlueZ before 5.54 does not say
        owner or "",
    )
