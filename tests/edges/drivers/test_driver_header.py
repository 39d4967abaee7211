"""All that hangs on the header, on the simulator's board: contacts, pulses, button, lamp, buzzer and relay.

The board is in a thread of its own, as it is in another process for the agent.
"""

import asyncio
import threading

import gpiozero
import pytest
from driver_helpers import until
from msgspec import convert

from edge_agent.config.model import Config
from edge_agent.core.reading import Reading
from edge_agent.drivers import gpio
from edge_agent.drivers.registry import build
from simulators.gpio.board import Board
from simulators.gpio.pins import SimulatedFactory

BUTTON, RED, GREEN, BUZZER, RELAY = 17, 22, 23, 27, 26
DOOR, FLOOR, HALL, TANK, METER = 5, 6, 13, 16, 19
CONFIG = {
    "gpio": {
        "button": {"line": BUTTON},
        "lamp": {"red": RED, "green": GREEN},
        "buzzer": {"line": BUZZER},
        "input": [
            {"name": "door", "line": DOOR, "options": {"quantity": "open", "invert": True}},
            {"name": "floor", "line": FLOOR, "options": {"quantity": "wet"}},
            {
                "name": "hall",
                "line": HALL,
                "pull": "down",
                "active": "high",
                "options": {"quantity": "motion"},
            },
            {"name": "tank", "line": TANK, "options": {"quantity": "full"}},
            {
                "name": "meter",
                "line": METER,
                "language": "pulses",
                "options": {"quantity": "energy", "unit": "kWh", "per_unit": 1000},
            },
        ],
        "relay": [{"feeds": "meter", "line": RELAY}],
    }
}


class Header:
    """A board whose loop is in another thread; its methods may be called from here."""

    def __init__(self, path):
        self._path = path
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self):
        self.loop = asyncio.get_running_loop()
        async with Board(self._path, 1) as self.board:
            for line in (DOOR, FLOOR, TANK, METER, BUTTON):
                self.board.drive(line, True)
            self.board.drive(HALL, False)
            self._ready.set()
            await self._stop.wait()

    def __enter__(self):
        self._thread.start()
        self._ready.wait(5)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def switch(self, line, level):
        """A mechanical contact, with its bounces."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.board.switch(line, level), self.loop))

    def drive(self, line, *levels):
        """Levels at once, one after the other."""
        self.loop.call_soon_threadsafe(lambda: [self.board.drive(line, level) for level in levels])

    def shown(self, line):
        """What an output shows now."""
        history = self.board.history(line)
        return history[-1].level if history else 0


@pytest.fixture
async def header(tmp_path, monkeypatch):
    with Header(tmp_path / "gpio.sock") as header:
        monkeypatch.setenv("EDGE_SIM_GPIO", str(tmp_path / "gpio.sock"))
        gpiozero.Device.pin_factory = SimulatedFactory()
        yield header
        factory, gpiozero.Device.pin_factory = gpiozero.Device.pin_factory, None
        factory.close()


@pytest.fixture
async def hardware(header, got, running, monkeypatch):
    monkeypatch.setattr(gpio, "LOOK_S", 0.1)
    hardware = build(convert(CONFIG, Config), got.append)
    header.task = running(hardware.drivers[0])
    await until(lambda: header.board.connected(METER) and hardware.drivers[0].health.ready)
    await until(lambda: {"door.open", "floor.wet", "hall.motion", "tank.full", "meter.energy"} <= values(got).keys())
    return hardware


def values(got):
    return {item.channel.name: item.value for item in got if isinstance(item, Reading)}


async def test_contacts_and_detectors_say_what_they_mean(header, hardware, got):
    at_rest = {"door.open": True, "floor.wet": False, "hall.motion": False, "tank.full": False, "meter.energy": 0.0}
    assert values(got) == at_rest
    for line, level, name, value in (
        (DOOR, False, "door.open", False),
        (FLOOR, False, "floor.wet", True),
        (HALL, True, "hall.motion", True),
        (TANK, False, "tank.full", True),
    ):
        before = len([item for item in got if item.channel.name == name])
        await header.switch(line, level)
        await until(lambda name=name, value=value: values(got)[name] is value)
        await asyncio.sleep(0.15)
        assert len([item for item in got if item.channel.name == name]) == before + 1


async def test_pulses_are_counted_once_whatever_bounces(header, hardware, got):
    for level in [False, True] * 5:
        header.drive(METER, level, not level, level)
        await asyncio.sleep(0.05)
    await until(lambda: values(got)["meter.energy"] == 0.005)
    await asyncio.sleep(0.25)
    assert values(got)["meter.energy"] == 0.005


async def test_the_button_is_seen_and_its_edges_are_told(header, hardware):
    edges = []
    hardware.button.on_edge = edges.append
    assert not hardware.button.is_pressed()
    await header.switch(BUTTON, False)
    await until(lambda: edges and hardware.button.is_pressed())
    await header.switch(BUTTON, True)
    await until(lambda: not hardware.button.is_pressed())


async def test_lamp_buzzer_and_relay_are_on_their_lines_and_off_at_the_end(header, hardware):
    hardware.lamp.show(True, "red")
    hardware.buzzer.show(True, "")
    hardware.relays["meter"].show(True, "")
    await until(lambda: [header.shown(line) for line in (RED, GREEN, BUZZER, RELAY)] == [1, 0, 1, 1])
    hardware.lamp.show(True, "amber")
    hardware.buzzer.show(False, "")
    hardware.relays["meter"].show(False, "")
    await until(lambda: [header.shown(line) for line in (RED, GREEN, BUZZER, RELAY)] == [1, 1, 0, 0])
    hardware.relays["meter"].show(True, "")
    await until(lambda: header.shown(RELAY) == 1)
    header.task.cancel()  # as the supervisor stops it
    await until(lambda: [header.shown(line) for line in (RED, GREEN, BUZZER, RELAY)] == [0, 0, 0, 0])
