"""The serial driver with devices that must be asked: their twins on ptys, their real bridges."""

import asyncio
from datetime import UTC, datetime

import pytest
from driver_helpers import until

from edge_agent.config.model import SerialDevice
from edge_agent.core.backoff import Backoff
from edge_agent.core.reading import Codes, Fault, Reading
from edge_agent.drivers.port import PortFinder
from edge_agent.drivers.serial import SerialDriver
from firmware_bridges.iec62056 import signon
from firmware_bridges.mhz19 import bridge as mhz19
from firmware_bridges.otgw import bridge as otgw
from firmware_bridges.registry import language
from simulators.home_emitters import Otgw
from simulators.modbus_slave import ModbusBus, Unit, float_words
from simulators.optical_meter import OpticalMeter
from simulators.ports import SerialTwin

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
async def test_a_meter_that_does_not_answer_is_said_and_asked_again(
    driver_of, tmp_path, got, running, fault, monkeypatch
):
    for name, seconds in (("NAME_S", 0.8), ("SILENCE_S", 0.8), ("RETRY_S", 0.5)):
        monkeypatch.setattr(signon, name, seconds)
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


METER = {"input": dict.fromkeys(range(80), 0) | {342: 0, 343: 0}}


def meter(volts=230.1):
    unit = Unit(METER)
    unit.put("input", 0, float_words(volts))
    unit.put("input", 72, float_words(1234.5))
    return unit


async def test_a_modbus_meter_is_read_by_its_map(driver_of, tmp_path, got, running):
    async with ModbusBus(tmp_path / "port", {1: meter()}) as bus:
        bus.echo = True
        running(driver_of("modbus", map="sdm120"))
        await until(lambda: "probe.energy_total" in values(got))
        assert values(got)["probe.voltage"] == 230.1
        assert values(got)["probe.energy_import"] == 1234.5
        assert codes(got) == []


async def test_units_of_one_bus_are_told_apart_and_a_dead_one_costs_the_others_little(
    driver_of, tmp_path, got, running
):
    units = {name: {"unit": number, "map": "sdm120"} for name, number in (("house", 1), ("pump", 2), ("gone", 9))}
    async with ModbusBus(tmp_path / "port", {1: meter(), 2: meter(231.5)}) as bus:
        running(driver_of("modbus", units=units, timeout_s=0.1, retries=1))
        await until(lambda: {"probe.house_voltage", "probe.pump_voltage"} <= values(got).keys())
        await until(lambda: values(got).get("probe.gone_voltage", 0) is None)
        assert (values(got)["probe.house_voltage"], values(got)["probe.pump_voltage"]) == (230.1, 231.5)
        assert codes(got) == ["timeout"]
        bus.units[9] = meter(229.0)


async def test_an_answer_that_is_late_is_not_taken_for_the_next_one(driver_of, tmp_path, got, running):
    """Two blocks of one length: a late answer to the first would pass for one to the second."""
    unit = Unit({"holding": {0: 111, 10: 222}})
    own = tmp_path / "own.toml"
    own.write_text(
        'title = "two"\nsource = "made"\ntable = "holding"\nevery_s = 0.5\nregister = [\n'
        '{ name = "first", address = 0 },\n{ name = "second", address = 10 },\n]\n',
        encoding="utf-8",
    )
    async with ModbusBus(tmp_path / "port", {1: unit}):
        unit.faults.add("late")
        unit.late_s = 0.15
        running(driver_of("modbus", map=str(own), timeout_s=0.1, retries=0))
        await until(lambda: unit.asked >= 2, within_s=10.0)
        unit.faults.clear()
        await until(lambda: values(got).get("probe.first") and values(got).get("probe.second"), within_s=10.0)
        told = {(item.channel.name, item.value) for item in got if isinstance(item, Reading)}
        assert told <= {("probe.first", None), ("probe.second", None), ("probe.first", 111), ("probe.second", 222)}
        assert "late" in codes(got)


@pytest.mark.parametrize(("fault", "code"), [("silent", "timeout"), ("crc", "checksum")])
async def test_a_modbus_unit_that_fails_and_comes_back(driver_of, tmp_path, got, running, fault, code):
    own = tmp_path / "own.toml"
    own.write_text(
        'title = "one"\nsource = "made"\nevery_s = 0.3\nregister = [{ name = "x", address = 0 }]\n', encoding="utf-8"
    )
    unit = Unit({"input": {0: 7}})
    unit.faults.add(fault)
    async with ModbusBus(tmp_path / "port", {1: unit}):
        running(driver_of("modbus", map=str(own), timeout_s=0.1))
        await until(lambda: codes(got) == [code])
        assert unit.asked in (0, 3)  # once, and two more tries
        assert values(got) == {"probe.x": None}
        unit.faults = {"noise"}
        await until(lambda: values(got) == {"probe.x": 7}, within_s=5.0)


async def test_a_gateway_in_summary_mode_is_told_to_print_its_messages(driver_of, tmp_path, got, running, monkeypatch):
    monkeypatch.setattr(otgw, "SILENCE_S", 0.2)
    boiler = Otgw()
    heard = []

    def hear(data):
        heard.append(data)
        if data == otgw.RAW_MESSAGES:
            twin.emit(b"PS: 0\r\n" + boiler.frame({"flow_temperature": 61.5, "fault_code": 118}, datetime.now(UTC)))

    async with SerialTwin(tmp_path / "port", hear) as twin:
        running(driver_of("otgw", codes={"118": "the water pressure is too low"}))
        await until(lambda: values(got).get("probe.flow_temperature") == 61.5, within_s=5.0)
    assert codes(got)[:1] in ([], ["missing"])
    told = [[(code.code, code.meaning) for code in item.codes] for item in got if isinstance(item, Codes)]
    assert told[-1] == [("OEM 118", "the water pressure is too low")]


async def test_a_carbon_dioxide_sensor_is_asked_and_read(driver_of, tmp_path, got, running):
    def hear(data):
        if mhz19.ASK in data:
            twin.emit(bytes.fromhex("ff86027c42000000ba"))

    async with SerialTwin(tmp_path / "port", hear) as twin:
        running(driver_of("mhz19", every_s=1.0))
        await until(lambda: values(got).get("probe.co2") == 636, within_s=5.0)
