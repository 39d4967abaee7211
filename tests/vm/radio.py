"""Bluetooth for a guest: a virtual controller on its third serial port, and devices in the same air, made by Bumble.

The guest's kernel and bluetoothd see a real adapter (btattach, H4). The devices run on the host and outlive the guest's
power cuts.
"""

import asyncio
import contextlib
import struct
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

from bumble import hci, ll
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData, PhysicalTransport
from bumble.device import AdvertisingType, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport import open_transport

from tests.vm.machine import Machine

BTHOME = 0xFCD2
SERVICE, SAYS, HEARS = (f"f00dcafe-000{number}-4000-8000-00805f9b34fb" for number in (1, 2, 3))
INTERVAL_MS = 200.0
SETTLE_S = 0.5
BATTERY = 87
_FEATURES = (
    hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING
)


class _Air(LocalLink):
    """Bumble 0.0.236 labels data with the sender's random address; a central that connected from its public one is
    then unknown. Here it is the address that the connection was made with.
    """

    def send_acl_data(self, sender_controller: Any, destination_address: Any, transport: Any, data: bytes) -> None:
        connection = sender_controller.le_connections.get(destination_address)
        to = self.find_le_controller(destination_address)
        if transport != PhysicalTransport.LE or connection is None or to is None:
            super().send_acl_data(sender_controller, destination_address, transport, data)
            return
        asyncio.get_running_loop().call_soon(to.on_link_acl_data, connection.self_address, transport, data)


class _Adapter(Controller):
    """A reset ends connections and scan, as Bumble's own does not (Core Specification, Vol 4 Part E 7.3.2)."""

    def on_hci_reset_command(self, command: Any) -> Any:
        for connection in tuple(self.le_connections.values()):
            connection.send_ll_control_pdu(ll.TerminateInd(hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR))
            del self.le_connections[connection.peer_address]
        self.le_scan_enable = False
        return super().on_hci_reset_command(command)


class World:
    """Devices near the guest. All methods may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.written: list[bytes] = []
        self._loop = loop
        self._air = _Air()
        self._devices: dict[str, Device] = {}
        self._packet = 0
        self._plugged: Any = None
        self._adapter: Controller | None = None
        self._says: Characteristic[bytes] | None = None

    def plug(self, machine: Machine) -> None:
        """Put the controller on the guest's serial port."""
        self.do(self._plug(f"unix-client:{machine.radio}"))

    def unplug(self) -> None:
        """It has no power: the guest is gone, or the adapter was pulled out. The devices stay."""
        self.do(self._unplug())

    def thermometer(self, address: str, celsius: float) -> None:
        """A BTHome v2 thermometer says this from now on; it is made when it was not there."""
        self._packet = (self._packet + 1) % 256
        data = struct.pack("<BBBBh", 0x40, 0x00, self._packet, 0x02, round(celsius * 100))
        self.do(self._advertise(address, _advert(struct.pack("<H", BTHOME) + data)))

    def hush(self, address: str) -> None:
        """It says nothing any more."""
        self.do(self._devices[address].stop_advertising())

    def box(self, address: str) -> None:
        """A device to connect to: SAYS can be read and notifies, HEARS can be written; its battery can be read."""
        self.do(self._make_box(address))

    def say(self, address: str, payload: bytes) -> None:
        """The box notifies whoever subscribed."""
        self.do(self._devices[address].notify_subscribers(self._says, payload))

    def drop(self, address: str) -> None:
        """The box ends its connections."""
        self.do(self._drop(address))

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30.0)

    async def close(self) -> None:
        """All that Bumble has begun ends."""
        await self._unplug()
        await asyncio.sleep(SETTLE_S)  # devices begin to advertise again; a task that never ran cannot be ended well
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _plug(self, words: str) -> None:
        self._plugged = await open_transport(words)
        self._adapter = _Adapter(
            "adapter",
            host_source=self._plugged.source,
            host_sink=self._plugged.sink,
            link=self._air,
            public_address="F0:F1:F2:F3:F4:F5",
        )
        # It claims these, and never sends the events of them that Linux then waits for: 20 s for each connection.
        self._adapter.le_features &= ~_FEATURES

    async def _unplug(self) -> None:
        if self._adapter is not None:
            self._adapter.on_hci_reset_command(None)
            self._air.remove_controller(self._adapter)
            self._adapter = None
            with contextlib.suppress(OSError):
                await self._plugged.close()

    async def _device(self, address: str) -> Device:
        if address not in self._devices:
            host = Host()
            host.controller = Controller(address, link=self._air, host_sink=None)
            device = self._devices[address] = Device(name=address, address=hci.Address(address), host=host)
            await device.power_on()
        return self._devices[address]

    async def _advertise(self, address: str, data: bytes) -> None:
        device = await self._device(address)
        if device.is_advertising:
            await device.stop_advertising()
        await device.start_advertising(
            advertising_type=AdvertisingType.UNDIRECTED,
            advertising_data=data,
            advertising_interval_min=INTERVAL_MS,
            advertising_interval_max=INTERVAL_MS,
        )

    async def _make_box(self, address: str) -> None:
        device = await self._device(address)
        flags = Characteristic.Properties
        self._says = Characteristic(SAYS, flags.READ | flags.NOTIFY, Characteristic.READABLE, b"begin")
        hears = Characteristic(
            HEARS,
            flags.WRITE,
            Characteristic.WRITEABLE,
            CharacteristicValue(write=lambda _, value: self.written.append(bytes(value))),
        )
        battery = Characteristic("2A19", flags.READ, Characteristic.READABLE, bytes([BATTERY]))
        device.add_services([Service(SERVICE, [self._says, hears]), Service("180F", [battery])])
        await device.start_advertising(
            auto_restart=True,
            advertising_data=_advert(),
            scan_response_data=bytes(
                AdvertisingData(
                    [(AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, UUID(SERVICE).to_bytes())]
                )
            ),
            advertising_interval_min=INTERVAL_MS,
            advertising_interval_max=INTERVAL_MS,
        )

    async def _drop(self, address: str) -> None:
        device = self._devices[address]
        for connection in tuple(device.connections.values()):
            await connection.disconnect()


def _advert(service_data: bytes = b"") -> bytes:
    """Flags, and this service data."""
    parts = [(AdvertisingData.Type.FLAGS, b"\x06")]
    if service_data:
        parts.append((AdvertisingData.Type.SERVICE_DATA_16_BIT_UUID, service_data))
    return bytes(AdvertisingData(parts))


@contextlib.contextmanager
def world() -> Iterator[World]:
    """An air of its own, in a thread of its own, while this is entered."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="radio", daemon=True)
    thread.start()
    made = World(loop)
    try:
        yield made
    finally:
        made.do(made.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
