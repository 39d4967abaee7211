"""Twins of a vehicle's devices on their ptys, heard by the agent's own driver and bridges."""

import asyncio
import contextlib
from random import Random

import pytest

from edge_agent.config.model import SerialDevice as Settings
from edge_agent.config.options import complete_options
from edge_agent.core.backoff import Backoff
from edge_agent.core.reading import Codes, Reading
from edge_agent.drivers.device import Device
from edge_agent.drivers.port import PortFinder
from edge_agent.drivers.serial import SerialDriver
from firmware_bridges.registry import language
from simulators.devices import SerialDevice
from simulators.ledger import Emission
from simulators.scenario import load_scenario

VALUES = {
    "engine": {"rpm": 2100, "speed_kmh": 62, "coolant_c": 88, "voltage_v": 14.2, "codes": "P0217 P0301"},
    "lithium": {"voltage": 13.2, "current": -4.5, "charge": 81.0, "temperature": 21.5},
    "battery": {"voltage": 12.71, "current": -3.2, "charge": 64.5, "consumed": 12.5, "temperature": 21.0},
}
EXPECTED = {
    "engine": {"engine_speed": 2100.0, "speed": 62, "coolant_temperature": 88, "battery_voltage": 14.2, "mil": True},
    "lithium": {"voltage": 13.2, "current": -4.5, "charge": 81, "temperature_1": 21.5, "cell_1": 3.301},
    "battery": {"voltage": 12.71, "current": -3.2, "charge": 64.5, "consumed": -12.5, "alarm": False},
}
WITHIN_S = 20.0


def driver(name: str, speaks: str, port: str, got: list) -> SerialDriver:
    spec = language(speaks)
    device = Device(name, spec.make(name, complete_options(spec, {})), got.append)
    settings = Settings(name=name, port=port, language=speaks)
    return SerialDriver(settings, device, spec.baud, backoff=Backoff(0.01, 0.02), finder=PortFinder(port, by_id=None))


@pytest.mark.parametrize("name", sorted(VALUES))
async def test_a_twin_is_heard_as_it_is_and_expects_what_was_heard(name, tmp_path):
    spec = next(each for each in load_scenario("vehicle").devices if each.name == name)
    twin = SerialDevice(spec, tmp_path, Random(1))
    got: list = []
    emitted: list[Emission] = []
    loop = asyncio.get_running_loop()
    async with twin.twin:
        task = asyncio.create_task(driver(name, spec.language, str(twin.twin.path), got).run())
        ends = loop.time() + WITHIN_S
        told: dict[str, object] = {}
        while not EXPECTED[name].items() <= told.items():
            assert loop.time() < ends, f"heard only {told}"
            emitted += await twin.speak(VALUES[name], loop.time()) or ()
            await asyncio.sleep(0.1)
            told = {i.channel.name.partition(".")[2]: i.value for i in got if isinstance(i, Reading)}
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    emitted += await twin.speak(VALUES[name], loop.time()) or ()
    heard = [(i.channel.name, i.value) for i in got if isinstance(i, Reading) and i.value is not None]
    assert heard == [(each.channel, each.value) for each in emitted][: len(heard)]
    if name == "engine":
        lists = [[code.code for code in i.codes] for i in got if isinstance(i, Codes) and i.memory == "7e8"]
        assert [] not in lists
