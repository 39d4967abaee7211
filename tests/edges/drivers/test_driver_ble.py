import asyncio
import shutil

import pytest
from bleak import BleakScanner
from driver_helpers import until

from edge_agent.core.backoff import Backoff
from edge_agent.core.reading import Advert, Channel, Reading
from edge_agent.drivers import bluez as bluez_calls
from edge_agent.drivers import radio
from edge_agent.drivers.ble import BleDriver, Nearby
from simulators.bluez import BlueZ
from simulators.bluez.bus import PrivateBus

pytestmark = [
    pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs Debian's package dbus-daemon"),
    pytest.mark.usefixtures("quick_ble"),
]

KITCHEN, ATTIC, STRANGER = "A4:C1:38:00:00:01", "A4:C1:38:00:00:02", "F0:00:00:00:00:03"
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"


class AdvertBridge:
    """Keeps what it was fed and reads the first byte of the service data."""

    def __init__(self, device):
        self.channel = Channel(f"{device}.value")
        self.fed = []

    def feed(self, chunk, at):
        self.fed.append(chunk)
        yield Reading(self.channel, chunk.service_data[BTHOME][0], at)

    def next(self, _now):
        return None, None


@pytest.fixture
def driver_of(device_of):
    def make(silence_s=60.0, **more):
        devices = {
            address: Nearby(device_of(AdvertBridge(name), name))
            for address, name in ((KITCHEN, "kitchen"), (ATTIC, "attic"))
        }
        return BleDriver(devices, silence_s=silence_s, backoff=Backoff(base_s=0.02, cap_s=0.05), **more)

    return make


def ready(driver):
    return driver.health.ready


def code_of(said):
    return [line["reason"] for line in said if line["event"] == "lost"]


async def test_adverts_of_configured_devices_reach_their_bridges(bluez, driver_of, got, running):
    driver = driver_of()
    running(driver)
    await until(lambda: ready(driver))
    assert [row.health.sentence for row in driver.devices()] == ["not heard yet"] * 2
    bluez.peripheral(STRANGER, "TV").advertise(service_data={BTHOME: b"\x09"})
    bluez.peripheral(KITCHEN, "Kitchen").advertise(
        service_data={BTHOME: b"\x01x"}, manufacturer_data={0x0499: b"\x05"}, rssi_dbm=-71
    )
    await until(lambda: got)
    bluez.peripheral(KITCHEN, "Kitchen").advertise(service_data={BTHOME: b"\x02"}, rssi_dbm=-70)
    await until(lambda: [item.value for item in got] == [1, 2])
    bridge = driver._devices[KITCHEN].device._bridge
    assert bridge.fed[0] == Advert(KITCHEN, "Kitchen", -71, {BTHOME: b"\x01x"}, {0x0499: b"\x05"})
    kitchen, attic = driver.devices()
    assert kitchen.readings == 2
    assert kitchen.health.ready
    assert kitchen.last_at <= asyncio.get_running_loop().time()
    assert not attic.health.ready
    assert "battery" in attic.health.fix


async def test_repetitions_are_left_out_by_bluez(bluez, driver_of, got, running):
    driver = driver_of()
    running(driver)
    await until(lambda: ready(driver))
    peripheral = bluez.peripheral(KITCHEN, "Kitchen")
    for _ in range(5):
        peripheral.advertise(service_data={BTHOME: b"\x01"})
    await until(lambda: got)
    await asyncio.sleep(0.05)
    assert len(got) == 1


async def test_without_any_bus_it_says_what_to_install(driver_of, running, monkeypatch, tmp_path, said):
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    driver = driver_of()
    running(driver)
    await until(lambda: driver.health.fix)
    assert "apt install" in driver.health.fix
    assert [row.health for row in driver.devices()] == [driver.health] * 2
    await asyncio.sleep(0.2)
    assert code_of(said) == ["bus"]


async def test_without_bluetoothd_it_says_what_to_start(driver_of, running, monkeypatch, said):
    bus = PrivateBus()
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", await bus.start())
    try:
        driver = driver_of()
        running(driver)
        await until(lambda: driver.health.fix)
        assert "systemctl enable --now bluetooth" in driver.health.fix
        await asyncio.sleep(0.2)
        assert code_of(said) == ["service"]
    finally:
        await bus.stop()


async def test_an_adapter_that_is_off_says_how_to_switch_it_on_and_is_used_when_it_is(
    bluez, driver_of, got, running, said
):
    bluez.set_powered(False)
    driver = driver_of()
    running(driver)
    await until(lambda: "power on" in driver.health.fix)
    bluez.set_powered(True)
    await until(lambda: ready(driver))
    bluez.peripheral(KITCHEN, "Kitchen").advertise(service_data={BTHOME: b"\x01"})
    await until(lambda: got)
    assert [line["event"] for line in said if line["what"] == "bluetooth"] == ["lost", "back"]


@pytest.mark.parametrize("adapter", ["", "hci0"])
async def test_an_adapter_pulled_out_under_the_scan_is_lost_once_and_back_once(
    bluez, driver_of, got, running, said, adapter
):
    driver = driver_of(adapter=adapter)
    running(driver)
    await until(lambda: ready(driver))
    bluez.remove_adapter()
    await until(lambda: not ready(driver))
    assert "adapter" in driver.health.sentence
    await asyncio.sleep(0.15)
    bluez.add_adapter()
    await until(lambda: ready(driver))
    bluez.peripheral(KITCHEN, "Kitchen").advertise(service_data={BTHOME: b"\x01"})
    await until(lambda: got)
    assert [line["event"] for line in said if line["what"] == "bluetooth"] == ["ready", "lost", "back"]


async def test_an_adapter_switched_off_under_the_scan_is_a_state(bluez, driver_of, running):
    driver = driver_of()
    running(driver)
    await until(lambda: ready(driver))
    bluez.set_powered(False)
    await until(lambda: "switched off" in driver.health.sentence)
    bluez.set_powered(True)
    await until(lambda: ready(driver))


async def test_an_adapter_that_is_not_there_is_named(bluez, driver_of, running):
    driver = driver_of(adapter="hci7")
    running(driver)
    await until(lambda: driver.health.fix)
    assert "hci7" in driver.health.sentence
    assert "ble.adapter" in driver.health.fix


async def test_a_scan_that_bluetoothd_ended_is_started_again(bluez, driver_of, running, said):
    driver = driver_of()
    running(driver)
    await until(lambda: ready(driver))
    bluez.adapter.end_sessions()  # and nobody says so
    await until(lambda: bluez.scanning[0])
    await until(lambda: ready(driver))
    assert code_of(said) == ["ended"]


async def test_silence_from_everybody_restarts_the_scanner_and_where_that_helps_nothing_is_said(
    bluez, driver_of, got, running, said
):
    bluez.adapter.deaf = "scan"
    driver = driver_of(silence_s=0.3)
    running(driver)
    await until(lambda: ready(driver))
    await until(lambda: not bluez.adapter.deaf)
    await until(lambda: bluez.peripheral(KITCHEN, "Kitchen").advertise(service_data={BTHOME: b"\x01"}))
    await until(lambda: got)
    assert ready(driver)
    assert code_of(said) == []


async def test_devices_that_say_the_same_for_hours_are_no_silence(bluez, driver_of, running, said):
    driver = driver_of(silence_s=0.2)
    running(driver)
    kitchen = bluez.peripheral(KITCHEN, "Kitchen")
    for _ in range(100):
        kitchen.advertise(service_data={BTHOME: b"\x01"})
        await asyncio.sleep(0.01)
    assert ready(driver)
    assert code_of(said) == []
    assert bluez.adapter.power_cycles == 0


async def test_an_adapter_that_stays_deaf_is_switched_off_and_on(bluez, driver_of, got, running, said):
    bluez.adapter.deaf = "power"
    driver = driver_of(silence_s=0.05)
    running(driver)
    await until(lambda: not bluez.adapter.deaf)
    await until(lambda: bluez.peripheral(KITCHEN, "Kitchen").advertise(service_data={BTHOME: b"\x01"}))
    await until(lambda: got)
    await until(lambda: ready(driver))
    assert code_of(said)[:2] == ["silent", "power_cycle"]
    assert bluez.adapter.power_cycles == 1


async def test_when_that_does_not_help_the_service_is_restarted(bluez, driver_of, got, running, said):
    bluez.adapter.deaf = "service"
    driver = driver_of(silence_s=0.05)
    running(driver)
    await until(lambda: bluez.systemd.restarts)
    await until(lambda: bluez.peripheral(KITCHEN, "Kitchen").advertise(service_data={BTHOME: b"\x01"}))
    await until(lambda: got)
    await until(lambda: ready(driver))
    assert code_of(said)[:3] == ["silent", "power_cycle", "service_restart"]
    assert (bluez.adapter.power_cycles, bluez.systemd.restarts) == (1, 1)


async def test_an_agent_that_may_not_restart_the_service_says_what_to_do(bluez, driver_of, running, said):
    bluez.adapter.deaf = "service"
    bluez.systemd.allowed = False
    driver = driver_of(silence_s=0.05)
    running(driver)
    await until(lambda: "service_restart" in code_of(said))
    assert "systemctl restart bluetooth" in driver.health.fix
    await asyncio.sleep(0.5)
    assert sorted(code_of(said)) == ["power_cycle", "service_restart", "silent"]


async def test_bluetoothd_that_does_not_answer_is_restarted(bluez, driver_of, running, said, monkeypatch):
    monkeypatch.setattr(bluez_calls, "ANSWER_S", 0.05)
    monkeypatch.setattr(radio, "HANG_UP_S", 0.05)
    driver = driver_of(silence_s=0.2)
    running(driver)
    await until(lambda: ready(driver))
    bluez.objects.hangs = True
    await until(lambda: bluez.systemd.restarts, 10.0)
    await until(lambda: bluez.peripheral(KITCHEN, "Kitchen").advertise(service_data={BTHOME: b"\x01"}), 10.0)
    await until(lambda: ready(driver))
    assert code_of(said)[0] == "hangs"


async def test_bluetoothd_that_was_restarted_is_used_again(bluez, driver_of, got, running, said):
    driver = driver_of()
    running(driver)
    await until(lambda: ready(driver))
    await bluez.restart()
    await until(lambda: bluez.scanning[0])
    await until(lambda: bluez.peripheral(KITCHEN, "Kitchen").advertise(service_data={BTHOME: b"\x01"}))
    await until(lambda: got)
    await until(lambda: ready(driver))
    assert len(code_of(said)) == 1


async def test_bluetoothd_that_was_away_for_a_while_is_lost_once_and_back_once(bluez, driver_of, running, said):
    driver = driver_of()
    running(driver)
    await until(lambda: ready(driver))
    await bluez.stop()
    await until(lambda: "not running" in driver.health.sentence)
    await asyncio.sleep(0.2)
    await bluez.start()
    await until(lambda: ready(driver))
    assert code_of(said) == ["service"]


@pytest.mark.parametrize("wanted", ["hci1", "f0:f1:f2:f3:f4:f6"])
async def test_of_several_adapters_one_is_named_by_its_name_or_its_address(driver_of, got, running, wanted):
    async with BlueZ(also=("hci1",)) as bluez:
        driver = driver_of(adapter=wanted)
        running(driver)
        await until(lambda: ready(driver))
        assert driver.health.sentence == "scanning on hci1"
        assert not bluez.scanning[0]
        attic = bluez.peripheral(ATTIC, "Attic", adapter="hci1")
        await until(lambda: attic.advertise(service_data={BTHOME: b"\x07"}))
        await until(lambda: got)


async def test_of_several_adapters_the_first_that_is_on_is_used(driver_of, running):
    async with BlueZ(also=("hci1",)) as bluez:
        bluez.set_powered(False)
        driver = driver_of()
        running(driver)
        await until(lambda: driver.health.sentence == "scanning on hci1")


async def test_one_of_several_that_is_pulled_out_is_noticed_while_another_is_there(driver_of, running):
    async with BlueZ(also=("hci1",)) as bluez:
        driver = driver_of(adapter="hci0")
        running(driver)
        await until(lambda: ready(driver))
        bluez.remove_adapter()
        await until(lambda: not ready(driver))
        await until(lambda: "F0:F1:F2:F3:F4:F6" in driver.health.fix)
        bluez.add_adapter()
        await until(lambda: ready(driver))


async def test_a_passive_scan_hears_without_asking(driver_of, got, running, said):
    async with BlueZ(experimental=True) as bluez:
        driver = driver_of(passive=True)
        running(driver)
        await until(lambda: bluez.adapter.monitors)
        assert not bluez.scanning[0]
        await until(lambda: bluez.peripheral(KITCHEN, "Kitchen").advertise(service_data={BTHOME: b"\x01"}))
        await until(lambda: got)
        await asyncio.sleep(0.1)
        assert ready(driver)
        assert [line for line in said if line["event"] == "passive_scan"] == []


async def test_where_bluez_has_no_passive_scan_an_active_one_is_used_and_that_is_said_once(
    bluez, driver_of, running, said
):
    driver = driver_of(passive=True)
    running(driver)
    await until(lambda: bluez.scanning[0] and ready(driver))
    bluez.adapter.end_sessions()
    await until(lambda: bluez.scanning[0])
    (note,) = [line for line in said if line["event"] == "passive_scan"]
    assert "experimental" in note["reason"]


async def test_a_passive_scan_that_hears_nothing_becomes_an_active_one(driver_of, running, said):
    async with BlueZ(experimental=True) as bluez:
        bluez.adapter.deaf = "scan"
        driver = driver_of(passive=True, silence_s=0.1)
        running(driver)
        await until(lambda: bluez.scanning[0])
        assert [line["reason"] for line in said if line["event"] == "passive_scan"] == ["nothing was heard by it"]


async def test_a_stranger_breaks_the_silence_too(bluez, driver_of, running):
    driver = driver_of(silence_s=0.2)
    running(driver)
    await until(lambda: ready(driver))
    for number in range(20):
        bluez.peripheral(STRANGER, "TV").advertise(service_data={BTHOME: bytes([number])})
        await asyncio.sleep(0.02)
    assert ready(driver)


async def test_the_bus_dies_under_the_scan_and_another_takes_its_place(driver_of, got, running, monkeypatch):
    driver = driver_of()
    async with BlueZ():
        running(driver)
        await until(lambda: ready(driver))
    await until(lambda: not ready(driver))
    async with BlueZ() as again:
        await until(lambda: ready(driver))
        again.peripheral(ATTIC, "Attic").advertise(service_data={BTHOME: b"\x07"})
        await until(lambda: [item.value for item in got] == [7])
        await until(lambda: driver.devices()[1].health.ready)


async def test_a_scan_left_over_in_bluez_is_got_rid_of(bluez, driver_of, running, said):
    await BleakScanner().start()  # on the same connection, and never stopped
    driver = driver_of()
    running(driver)
    await until(lambda: ready(driver))
    assert code_of(said) == ["busy"]


async def test_the_scan_ends_with_the_driver(bluez, driver_of, running):
    driver = driver_of()
    task = running(driver)
    await until(lambda: ready(driver))
    assert bluez.scanning[0]
    task.cancel()
    await asyncio.wait([task])
    await until(lambda: not bluez.scanning[0])
    assert not ready(driver)


@pytest.mark.parametrize("steps", [1, 5, 20, 60, 100])
async def test_no_scan_is_left_over_when_the_driver_is_stopped_while_it_starts(bluez, driver_of, running, steps):
    task = running(driver_of())
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0.05)
    assert not bluez.scanning[0]


async def test_a_bridge_that_raises_does_not_silence_the_other_devices(bluez, driver_of, got, running, caplog):
    driver = driver_of()
    running(driver)
    await until(lambda: ready(driver))
    for number in range(3):  # without service data for BTHome, which this bridge takes for granted
        bluez.peripheral(KITCHEN, "Kitchen").advertise(manufacturer_data={1: bytes([number])})
        bluez.peripheral(ATTIC, "Attic").advertise(service_data={BTHOME: bytes([number])})
    await until(lambda: [item.value for item in got] == [0, 1, 2])
    kitchen, attic = driver.devices()
    assert "decoder failed" in kitchen.health.sentence
    assert kitchen.faults == 1
    assert attic.health.ready
    raised = [record.exc_info[0] for record in caplog.records if record.exc_info]
    assert raised.count(KeyError) == 1
