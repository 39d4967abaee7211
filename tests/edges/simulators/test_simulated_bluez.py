import asyncio
import os
import sys

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakDBusError

from edge_agent.core.errors import DriverError
from simulators.bluez import BlueZ
from tests.edges.simulators.waiting import until

BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"
SERVICE = "f00dcafe-0001-4000-8000-00805f9b34fb"
VALUE = "f00dcafe-0002-4000-8000-00805f9b34fb"


def nobody(_device, _advert):
    pass


async def test_a_scanning_bleak_hears_each_advertisement_once_with_its_data():
    heard = []
    async with BlueZ() as bluez:
        kitchen = bluez.peripheral("C0:11:22:33:44:01", "Kitchen")
        assert not kitchen.advertise({BTHOME: b"\x40\x00\x00"})
        async with BleakScanner(lambda device, advert: heard.append((device, advert))):
            for number in range(3):
                assert kitchen.advertise({BTHOME: bytes([0x40, 0, number])}, {0x0499: b"\x05"}, -50 - number)
            await until(lambda: len(heard) == 3)
            await asyncio.sleep(0.05)
        assert not kitchen.advertise({BTHOME: b"\x40\x00\x09"})
    assert [advert.service_data[BTHOME][2] for _, advert in heard] == [0, 1, 2]
    assert [advert.rssi for _, advert in heard] == [-50, -51, -52]
    assert {(device.address, device.name) for device, _ in heard} == {("C0:11:22:33:44:01", "Kitchen")}
    assert heard[0][1].manufacturer_data == {0x0499: b"\x05"}


async def test_a_repetition_is_no_news_unless_the_scanner_asked_for_duplicates_or_the_signal_moved():
    async with BlueZ() as bluez:
        kitchen = bluez.peripheral("C0:11:22:33:44:01", "Kitchen")
        async with BleakScanner(nobody):
            assert kitchen.advertise({BTHOME: b"a"}, None, -60)
            assert not kitchen.advertise({BTHOME: b"a"}, None, -62)
            assert kitchen.advertise({BTHOME: b"a"}, None, -70)
        async with BleakScanner(nobody, bluez={"filters": {"DuplicateData": True}}):
            assert kitchen.advertise({BTHOME: b"a"}, None, -70)
            assert kitchen.advertise({BTHOME: b"a"}, None, -70)


async def test_a_scan_that_begins_again_hears_what_was_heard_before():
    async with BlueZ() as bluez:
        kitchen = bluez.peripheral("C0:11:22:33:44:01", "Kitchen")
        for _ in range(2):
            async with BleakScanner() as scanner:
                assert kitchen.advertise({BTHOME: b"same"})
                await until(lambda scanner=scanner: scanner.discovered_devices)


async def test_a_child_process_finds_the_bus_by_its_environment_and_its_scan_ends_with_it():
    script = (
        "import asyncio\nfrom bleak import BleakScanner\n"
        "async def main():\n"
        "    async with BleakScanner() as scanner:\n"
        "        print('scanning', flush=True)\n"
        "        async for device, advert in scanner.advertisement_data():\n"
        "            print(device.address, flush=True)\n"
        "            await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    async with BlueZ() as bluez:
        kitchen = bluez.peripheral("C0:11:22:33:44:01", "Kitchen")
        environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": bluez.address}
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, env=environment, stdout=asyncio.subprocess.PIPE
        )
        try:
            assert await asyncio.wait_for(child.stdout.readline(), 10) == b"scanning\n"
            assert kitchen.advertise({BTHOME: b"x"})
            assert await asyncio.wait_for(child.stdout.readline(), 5) == b"C0:11:22:33:44:01\n"
        finally:
            child.kill()
            await child.communicate()
        await until(lambda: bluez.scanning == (False, False))
        assert not kitchen.advertise({BTHOME: b"y"})


async def test_a_connected_device_is_read_notifies_takes_writes_and_drops():
    async with BlueZ() as bluez:
        sensor = bluez.peripheral("C0:11:22:33:44:02", "Sensor")
        value = sensor.characteristic(SERVICE, VALUE, b"\x2a", ["read", "notify", "write"])
        found, gone, got = [], [], []
        async with BleakScanner(lambda device, _: found.append(device)):
            sensor.advertise()
            await until(lambda: found)
        async with BleakClient(found[0], disconnected_callback=gone.append, timeout=2) as client:
            assert bytes(await client.read_gatt_char(VALUE)) == b"\x2a"
            assert not value.notify(b"\x00")
            await client.start_notify(VALUE, lambda _, data: got.append(bytes(data)))
            assert value.notify(b"\x01")
            assert value.notify(b"\x02")
            await until(lambda: len(got) == 2)
            await client.write_gatt_char(VALUE, b"hello", response=True)
            sensor.disconnect()
            await until(lambda: gone)
    assert got == [b"\x01", b"\x02"]
    assert list(value.written) == [b"hello"]


async def test_a_device_may_refuse_to_connect():
    async with BlueZ() as bluez:
        sensor = bluez.peripheral("C0:11:22:33:44:02", "Sensor")
        sensor.refuse = "org.bluez.Error.AuthenticationFailed"
        found = []
        async with BleakScanner(lambda device, _: found.append(device)):
            sensor.advertise()
            await until(lambda: found)
        with pytest.raises((BleakDBusError, TimeoutError)):
            await BleakClient(found[0], timeout=0.5).connect()


async def test_without_power_or_adapter_bleak_says_so_and_afterwards_works_again():
    async with BlueZ() as bluez:
        kitchen = bluez.peripheral("C0:11:22:33:44:01", "Kitchen")
        bluez.set_powered(False)
        with pytest.raises(BleakBluetoothNotAvailableError):
            await BleakScanner(nobody).start()
        bluez.set_powered(True)
        await asyncio.sleep(0.05)
        async with BleakScanner(nobody):
            assert kitchen.advertise({BTHOME: b"x"})
        bluez.remove_adapter()
        await asyncio.sleep(0.05)
        with pytest.raises(BleakBluetoothNotAvailableError):
            await BleakScanner(nobody).start()
        bluez.add_adapter()
        await asyncio.sleep(0.05)
        async with BleakScanner(nobody):
            assert kitchen.advertise({BTHOME: b"x"})


async def test_losing_power_in_the_middle_of_a_scan_silences_every_device():
    async with BlueZ() as bluez:
        kitchen = bluez.peripheral("C0:11:22:33:44:01", "Kitchen")
        scanner = BleakScanner(nobody)
        await scanner.start()
        assert kitchen.advertise({BTHOME: b"x"})
        bluez.set_powered(False)
        assert not kitchen.advertise({BTHOME: b"y"})
        with pytest.raises(BleakDBusError):
            await scanner.stop()


async def test_the_environment_is_as_before_when_it_closes(monkeypatch):
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
    async with BlueZ() as bluez:
        assert os.environ["DBUS_SYSTEM_BUS_ADDRESS"] == bluez.address
    assert os.environ["DBUS_SYSTEM_BUS_ADDRESS"] == "unix:path=/nowhere"


async def test_a_missing_dbus_daemon_is_one_error_that_names_the_package(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(DriverError, match="Debian package dbus-daemon"):
        async with BlueZ():
            pass
