"""The serial driver with devices that must be asked: their twins on ptys, their real bridges."""

import asyncio

import pytest
from driver_helpers import until

from edge_agent.config.model import SerialDevice
from edge_agent.core.backoff import Backoff
from edge_agent.core.reading import Fault, Reading
from edge_agent.drivers.port import PortFinder
from edge_agent.drivers.serial import SerialDriver
from firmware_bridges.registry import language
from simulators.optical_meter import OpticalMeter

REGISTERS = {"F.F": "00000000", "1.8.0": "0302.8260*kWh", "2.8.0": "0000.1000*kWh", "C.1.0": "54800102"}


@pytest.fixture
def driver_of(device_of, tmp_path):
    def make(name, **options):
        spec = language(name)
        complete = {key: option.default for key, option in spec.options.items()} | options
        port = str(tmp_path / "port")
        settings = SerialDevice(name="probe", port=port, language=name)
        device = device_of(spec.make("probe", complete))
        backoff = Backoff(base_s=0.01, cap_s=0.02)
        return SerialDriver(settings, device, spec.baud, backoff=backoff, finder=PortFinder(port, tmp_path))

    return make


def values(got):
    return {item.channel.name: item.value for item in got if isinstance(item, Reading)}


def codes(got):
    return [item.code for item in got if isinstance(item, Fault)]


@pytest.mark.parametrize(("letter", "baud"), [("0", 300), ("5", 9600), ("6", 9600)])
async def test_a_meter_is_asked_at_300_baud_and_read_at_the_speed_it_offers(
    driver_of, tmp_path, got, running, letter, baud
):
    async with OpticalMeter(tmp_path / "port", lambda: REGISTERS, letter=letter) as meter:
        running(driver_of("iec62056"))
        await until(lambda: values(got), within_s=8.0)
        assert values(got) == {"probe.energy_import": 302.826, "probe.energy_export": 0.1}
        assert meter.twin.baud == baud
        assert codes(got) == []


async def test_a_meter_is_asked_again_after_a_while(driver_of, tmp_path, got, running):
    async with OpticalMeter(tmp_path / "port", lambda: REGISTERS) as meter:
        meter.echo = True
        driver = driver_of("iec62056", every_s=5.0)
        running(driver)
        await until(lambda: meter.readouts == 2, within_s=15.0)
        await until(lambda: driver.devices()[0].readings == 4)
        assert codes(got) == []


async def test_a_readout_with_a_wrong_check_character_gives_nothing(driver_of, tmp_path, got, running):
    async with OpticalMeter(tmp_path / "port", lambda: REGISTERS) as meter:
        meter.faults.add("check")
        running(driver_of("iec62056"))
        await until(lambda: got, within_s=8.0)
        assert codes(got) == ["checksum"]
        assert values(got) == {}


@pytest.mark.parametrize("fault", ["dead", "mute"])
async def test_a_meter_that_does_not_answer_is_said_and_asked_again(driver_of, tmp_path, got, running, fault):
    async with OpticalMeter(tmp_path / "port", lambda: REGISTERS) as meter:
        meter.faults.add(fault)
        running(driver_of("iec62056", every_s=5.0))
        await until(lambda: codes(got) == ["silent"], within_s=10.0)
        meter.faults.clear()
        await until(lambda: values(got), within_s=12.0)
        assert values(got)["probe.energy_import"] == 302.826


async def test_a_meter_that_was_unplugged_while_it_spoke_is_read_when_it_is_back(driver_of, tmp_path, got, running):
    async with OpticalMeter(tmp_path / "port", lambda: REGISTERS) as meter:
        running(driver_of("iec62056", every_s=5.0))
        await until(lambda: meter.twin.baud == 300, within_s=5.0)
        await asyncio.sleep(0.3)
        meter.twin.unplug()
        await asyncio.sleep(0.2)
        meter.twin.plug()
        await until(lambda: values(got), within_s=20.0)
