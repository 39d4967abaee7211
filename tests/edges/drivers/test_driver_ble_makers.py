"""Adverts of makers on their way through BlueZ: listed services, and values in the place of a company id."""

import shutil
from pathlib import Path

import pytest
from driver_helpers import until

from edge_agent.core.backoff import Backoff
from edge_agent.core.reading import uuid
from edge_agent.drivers.ble import BleDriver, Nearby
from firmware_bridges.contract import subject
from firmware_bridges.registry import language
from simulators.bluez import BlueZ

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs Debian's package dbus-daemon")

ADDRESS = "A4:C1:38:00:00:01"
FOLDER = Path(__file__).parents[3] / "firmware_bridges"


@pytest.fixture
async def hears(device_of, running):
    """A driver with one device of a language, when it scans; and the adapter's BlueZ."""
    async with BlueZ() as bluez:

        async def start(name):
            bridge = subject(language(name), FOLDER / name).make(device="shed")
            driver = BleDriver(
                {ADDRESS: Nearby(device_of(bridge, "shed"))}, silence_s=60.0, backoff=Backoff(0.02, 0.05)
            )
            running(driver)
            await until(lambda: driver.health.ready)
            return bluez.peripheral(ADDRESS, "GVH5102_0001" if name == "govee" else "sps")

        yield start


def values(got, quantity):
    return [item.value for item in got if item.channel.name == f"shed.{quantity}"]


async def test_the_services_that_an_advert_lists_reach_its_language(hears, got):
    thermometer = await hears("govee")
    thermometer.advertise(manufacturer_data={1: bytes.fromhex("010103cb0164")}, listed=[uuid(0xEC88)])
    await until(lambda: values(got, "temperature") == [24.8])


async def test_a_thermometer_whose_company_id_is_its_temperature_is_read_while_bluez_keeps_them_all(hears, got):
    thermometer = await hears("inkbird")
    for company, payload in ((2204, "f41000ba4e6408"), (2047, "00000031603306")):
        thermometer.advertise(manufacturer_data={company: bytes.fromhex(payload)})
        await until(lambda: values(got, "temperature")[-1:] == [company / 100])  # noqa: B023  # awaited here
    assert len(thermometer.properties["ManufacturerData"].value) == 2
    assert values(got, "temperature") == [22.04, 20.47]
