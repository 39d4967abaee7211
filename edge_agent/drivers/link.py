"""One BLE device that must be connected to: heard, connected, asked and listened to, lost, and found again."""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Awaitable, Iterable, Mapping
from functools import partial
from typing import NamedTuple, TypeVar

from bleak import BleakClient
from bleak.backends.bluezdbus.version import BlueZFeatures
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDBusError, BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError

from edge_agent.core.backoff import Backoff
from edge_agent.core.health import Health
from edge_agent.core.ports import Gatt
from edge_agent.core.reading import Notify, Send
from edge_agent.drivers.air import Air
from edge_agent.drivers.asker import Asker
from edge_agent.drivers.device import Device
from edge_agent.drivers.radio import ERRORS, RadioError, Why, translated
from edge_agent.texts import Said

CONNECT_S = 20.0  # Linux gives a connection up after as long (HCI_LE_CONN_TIMEOUT)
# While a connection has the air alone nobody is heard, no button either: rarely, and not for long.
ALONE_S = 8.0
ALONE_EVERY = 4
ANSWER_S = 10.0  # a device answers within some connection intervals, of 4 s at the most; ATT itself waits for 30 s
HANG_UP_S = 5.0
OUT_BYTES = 4096  # what a bridge may want written before the first byte is gone
ECHO_S = 0.5  # bluetoothd tells a value that was read as a notification too

# A device that is heard is connected to within 2 s; one that refuses is tried ever more rarely, up to five minutes.
CONNECT_AGAIN = Backoff(base_s=2.0, cap_s=300.0, stable_s=60.0)

# bleak would run `bluetoothctl --version` to see whether BlueZ is older than 5.55; Debian 11 has that.
BlueZFeatures.checked_bluez_version = True

Some = TypeVar("Some")

# Bluetooth Core, Vol 3 Part F 3.4.1.1: insufficient authentication, authorisation, key size, encryption
_PAIRING = frozenset({0x05, 0x08, 0x0C, 0x0F})
_AUTHENTICATION = "org.bluez.Error.Authentication"
# What the driver tells of all devices at once.
_OF_THE_RADIO = frozenset({"adapter", "power", "denied", "service", "bus"})

_GONE = Why("gone", Said("radio.gone"), Said("radio.gone_fix"))
_REFUSES = Why("refuses", Said("radio.refuses"), Said("radio.refuses_fix"))
_SILENT = Why("hangs", Said("radio.mute"), Said("radio.mute_fix"))
_FOREIGN = Why("foreign", Said("radio.foreign"), Said("radio.foreign_fix"))


NOT_HEARD = Health(False, Said("part.not_heard"), Said("part.not_heard_fix"))


class _Told(NamedTuple):
    payload: bytes
    at: float
    read: bool


class Link:
    """Keeps a device connected. `hear` tells that it is there, `forget` that the radio is away.

    `run` ends only by cancellation. Connections are made in turn, each in bounded time; what the device said last is
    no reason to hold a turn: it is tried when it is heard, and ever more rarely while it refuses.
    """

    def __init__(self, device: Device, gatt: Gatt, backoff: Backoff) -> None:
        self.connected = False
        self.busy = False  # connected, or about to be
        self._device = device
        self._gatt = gatt
        self._backoff = backoff
        self._found: BLEDevice | None = None
        self._heard = asyncio.Event()
        self._failures = 0
        self._alone = False
        self._asker = Asker(device, self._send)
        self._characteristics: Mapping[str, BleakGATTCharacteristic] = {}
        self._out: deque[Send] = deque()
        self._told: dict[str, _Told] = {}
        self._wake = asyncio.Event()
        self._lost = False
        self._useful = False

    def hear(self, found: BLEDevice) -> None:
        """It was heard."""
        self._found = found
        self._heard.set()

    def forget(self) -> None:
        """What was heard is not true any more."""
        self._heard.clear()

    async def run(self, air: Air) -> None:
        """Connect, live, lose and find again, until cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            await self._heard.wait()
            await asyncio.sleep(self._backoff.delay(random.random()))  # noqa: S311  # jitter is no secret
            if self._heard.is_set():
                await self._once(air)

    async def _once(self, air: Air) -> None:
        assert self._found is not None
        client = BleakClient(self._found, self._disconnected, timeout=ALONE_S if self._alone else CONNECT_S)
        try:
            async with air.turn(alone=self._alone):
                self.busy = True
                self._characteristics = await self._connect(client)
            self._failures, self._alone = 0, False
            await self._live(client)
        except RadioError as error:
            if error.code == _REFUSES.code:
                self._failures += 1
                # a no at once is what radios say that cannot scan meanwhile; a time-out mostly means distance
                late = isinstance(error.__cause__, TimeoutError)
                self._alone = not late or self._failures % ALONE_EVERY == 0
                self._heard.clear()
                air.refresh()
            if error.code not in _OF_THE_RADIO:
                self._device.down(error.code, error.args[0], error.fix, self._loop.time())
        except BleakDeviceNotFoundError:
            self._heard.clear()  # bluetoothd has forgotten it: not there, or not any more
        finally:
            self.connected = False
            self._asker.stop()
            await self._hang_up(client)
            self.busy = False

    async def _hang_up(self, client: BleakClient) -> None:
        try:
            async with asyncio.timeout(HANG_UP_S):
                await client.disconnect()
        except ERRORS:
            self._heard.clear()  # who is connected still, to nobody, is let go when the next scan begins

    async def _connect(self, client: BleakClient) -> Mapping[str, BleakGATTCharacteristic]:
        """What it has, by UUID. Raises RadioError, or BleakDeviceNotFoundError."""
        self._lost = False
        try:
            await client.connect()
            found = sorted(client.services.characteristics.values(), key=lambda each: each.handle, reverse=True)
            return {each.uuid: each for each in found}
        except BleakDeviceNotFoundError:
            raise
        except ERRORS as error:
            if type(error) is BleakError:  # bleak's own: the device is not there any more
                raise BleakDeviceNotFoundError(client.address, str(error)) from error
            if isinstance(error, BleakDBusError) and error.dbus_error.startswith(_AUTHENTICATION):
                raise self._pairing().error() from error
            radio = translated(error)
            raise (radio if radio.code in _OF_THE_RADIO else _REFUSES.error()) from error

    async def _live(self, client: BleakClient) -> None:
        """From a connection to its end, which is a RadioError."""
        if self._gatt.characteristics.isdisjoint(self._characteristics):
            raise _FOREIGN.error()
        self._out.clear()
        self._told.clear()
        self._useful = False
        since = self._loop.time()
        for each in self._having(self._gatt.subscribe, "notify", "indicate"):
            await self._answered(client.start_notify(each, partial(self._notified, each.uuid)), each.uuid)
        due = dict.fromkeys((each.uuid for each in self._having(self._gatt.read, "read")), since)
        await self._read(client, due)
        if self._lost:
            raise _GONE.error()
        self.connected = True
        self._device.up(Said("radio.linked"))
        self._asker.start()
        try:
            while not self._lost:
                await self._read(client, due)
                await self._write(client)
                await self._sleep(min(due.values(), default=None))
            raise _GONE.error()
        finally:
            # one that told us something has earned another try at once; so has one that lasted
            self._backoff.stable(self._backoff.stable_s if self._useful else self._loop.time() - since)

    def _having(self, uuids: Iterable[str], *flags: str) -> list[BleakGATTCharacteristic]:
        """Those that the device has and that can be used so."""
        found = [self._characteristics[uuid] for uuid in uuids if uuid in self._characteristics]
        return [each for each in found if not set(flags).isdisjoint(each.properties)]

    async def _read(self, client: BleakClient, due: dict[str, float]) -> None:
        """Read what is due; its next time goes into `due`."""
        for uuid, at in tuple(due.items()):
            if at > self._loop.time() or self._lost:
                continue
            payload = await self._answered(client.read_gatt_char(self._characteristics[uuid]), uuid)
            if payload is not None:
                self._loop.call_soon(self._take, Notify(uuid, bytes(payload)), self._loop.time(), True)
            every_s = self._gatt.read[uuid]
            if every_s:
                due[uuid] = self._loop.time() + every_s
            else:
                del due[uuid]

    async def _write(self, client: BleakClient) -> None:
        while self._out and not self._lost:
            send = self._out.popleft()
            characteristic = self._characteristics.get(send.characteristic or self._gatt.write)
            if characteristic is None:
                what = "There is nothing on the device to write that to"
                self._device.fault("write", what, self._loop.time())
                continue
            piece = characteristic.max_write_without_response_size
            answered = "write" in characteristic.properties
            for begin in range(0, len(send.payload), piece):
                part = send.payload[begin : begin + piece]
                sent = client.write_gatt_char(characteristic, part, response=answered)
                await self._answered(sent, characteristic.uuid)

    async def _answered(self, question: Awaitable[Some], uuid: str) -> Some | None:
        """The device's answer; None for a no, which is its fault. Raises RadioError when it cannot go on."""
        try:
            async with asyncio.timeout(ANSWER_S):
                return await question
        except TimeoutError as error:
            raise (_GONE if self._lost else _SILENT).error() from error
        except ERRORS as error:
            if self._lost:
                raise _GONE.error() from error
            if _wants_pairing(error):
                raise self._pairing().error() from error
            if not isinstance(error, BleakError):
                raise translated(error) from error
            self._device.fault("gatt", f"The device refuses characteristic {uuid}: {error}", self._loop.time())
            return None

    async def _sleep(self, until: float | None) -> None:
        """Until something is to be written, the link is lost, or it is that time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._wake.wait()
        self._wake.clear()

    def _notified(self, uuid: str, _: BleakGATTCharacteristic, payload: bytearray) -> None:
        # apart: a bridge that raises must not trouble bleak
        self._loop.call_soon(self._take, Notify(uuid, bytes(payload)), self._loop.time(), False)

    def _take(self, value: Notify, at: float, read: bool) -> None:
        self._useful = True
        last = self._told.pop(value.characteristic, None)
        if last is not None and last.read != read and last.payload == value.payload and at - last.at < ECHO_S:
            return
        self._told[value.characteristic] = _Told(value.payload, at, read)
        for send in self._device.feed(value, at):
            self._send(send)
        self._asker.ask()

    def _send(self, send: Send) -> None:
        if sum(len(waits.payload) for waits in self._out) + len(send.payload) > OUT_BYTES:
            self._device.fault("overflow", "The device does not take what is sent to it", self._loop.time())
            return
        self._out.append(send)
        self._wake.set()

    def _disconnected(self, _: BleakClient) -> None:
        self._lost = True
        self._wake.set()

    def _pairing(self) -> Why:
        address = self._found.address if self._found is not None else "ADDRESS"
        return Why("pairing", Said("radio.pairing"), Said("radio.pairing_fix", address=address))


def _wants_pairing(error: Exception) -> bool:
    if isinstance(error, BleakGATTProtocolError):
        return error.code.value in _PAIRING
    # bluetoothd's word for three of those four (create_gatt_dbus_error in its src/gatt-client.c)
    return isinstance(error, BleakDBusError) and (error.dbus_error_details or "") == "Not paired"
