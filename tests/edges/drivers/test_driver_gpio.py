import asyncio
import threading

import gpiozero
import pytest
from driver_helpers import LevelBridge, until
from gpiozero.pins.mock import MockFactory

from edge_agent.config.model import GpioButton, GpioInput, GpioOut
from edge_agent.core.errors import DriverError
from edge_agent.core.reading import Fault
from edge_agent.drivers import gpio, lines
from edge_agent.drivers.gpio import Button, GpioDriver, Input
from edge_agent.drivers.indicators import Output
from edge_agent.drivers.lines import BACKLOG

DOOR, BUTTON, RED, GREEN, BLUE, BUZZER = 5, 17, 22, 23, 24, 25


@pytest.fixture
def door(device_of):
    return Input(GpioInput(name="door", line=DOOR), device_of(LevelBridge("door"), "door"))


def button():
    return Button(GpioButton(line=BUTTON))


def lamp(**lines):
    return Output("lamp", GpioOut(**lines))


def values(got):
    return [item.value for item in got]


def levels(header, *lines):
    return [bool(header.pin(line).state) for line in lines]


async def test_an_input_gives_its_level_at_start_and_at_every_change(header, door, got, running):
    driver = GpioDriver(None, [], [door])
    running(driver)
    await until(lambda: values(got) == [False])
    start = asyncio.get_running_loop().time()
    header.pin(DOOR).drive_low()
    await until(lambda: values(got) == [False, True])
    header.pin(DOOR).drive_high()
    await until(lambda: values(got) == [False, True, False])
    assert start <= got[1].at < got[2].at < start + 1.0
    row = driver.devices()[0]
    assert (row.device, row.readings, row.faults) == ("door", 3, 0)
    assert row.health.ready


async def test_a_bouncing_contact_is_one_change_at_its_first_edge(header, door, got, running):
    running(GpioDriver(None, [], [door]))
    await until(lambda: got)
    pin = header.pin(DOOR)
    first = asyncio.get_running_loop().time()
    for _ in range(10):
        pin.drive_low()
        await asyncio.sleep(0.001)
        pin.drive_high()
    pin.drive_low()
    await until(lambda: len(got) == 2)
    await asyncio.sleep(0.05)
    assert values(got) == [False, True]
    assert got[1].at - first < 0.005


async def test_a_glitch_is_no_change(header, door, got, running):
    running(GpioDriver(None, [], [door]))
    await until(lambda: got)
    header.pin(DOOR).drive_low()
    header.pin(DOOR).drive_high()
    await asyncio.sleep(0.05)
    assert values(got) == [False]


async def test_a_lost_edge_hides_a_level_for_a_look_at_the_most(header, door, got, running, monkeypatch):
    monkeypatch.setattr(gpio, "LOOK_S", 0.03)
    running(GpioDriver(None, [], [door]))
    await until(lambda: got)
    header.pin(DOOR)._change_state(False)  # the level changes and nobody is told
    await until(lambda: values(got) == [False, True])


async def test_active_and_pull_are_independent(header, device_of, got, running):
    wired = GpioInput(name="leak", line=6, pull="up", active="high")
    running(GpioDriver(None, [], [Input(wired, device_of(LevelBridge("leak"), "leak"))]))
    await until(lambda: values(got) == [True])


async def test_raw_edges_of_the_button_reach_the_loop_stamped_by_the_thread(header, running):
    pressed = button()
    running(GpioDriver(pressed, [], []))
    await until(lambda: pressed.is_open)
    await asyncio.sleep(0.01)
    edges, threads = [], set()
    pressed.on_edge = lambda at: (edges.append(at), threads.add(threading.current_thread()))
    loop = asyncio.get_running_loop()
    start = loop.time()
    pin = header.pin(BUTTON)

    def press():
        pin.drive_low()
        pin.drive_high()
        pin.drive_low()

    await asyncio.to_thread(press)
    await until(lambda: len(edges) == 3)
    assert start <= edges[0] <= edges[1] <= edges[2] <= loop.time()
    assert threads == {threading.main_thread()}
    assert pressed.is_pressed()
    pin.drive_high()
    assert not pressed.is_pressed()


async def test_a_button_held_before_the_start_is_told_of(header, running):
    pressed = button()
    edges = []
    pressed.on_edge = lambda _at: edges.append(pressed.is_pressed())
    header.pin(BUTTON)._set_pull = lambda _value: None  # the finger is stronger than the resistor
    header.pin(BUTTON)._change_state(False)
    running(GpioDriver(pressed, [], []))
    await until(lambda: edges == [True])


async def test_a_line_that_howls_does_not_flood_the_loop(header, running):
    pressed = button()
    running(GpioDriver(pressed, [], []))
    await until(lambda: pressed.is_open)
    await asyncio.sleep(0.01)
    edges = []
    pressed.on_edge = edges.append
    for _ in range(5000):
        header.pin(BUTTON).drive_low()
        header.pin(BUTTON).drive_high()
    await asyncio.sleep(0.02)
    assert 0 < len(edges) <= BACKLOG
    header.pin(BUTTON).drive_low()
    await until(lambda: len(edges) <= BACKLOG + 1 and pressed.is_pressed())


@pytest.mark.parametrize(
    ("colour", "shown"),
    [
        ("red", [True, False, False]),
        ("green", [False, True, False]),
        ("blue", [False, False, True]),
        ("amber", [True, True, False]),
        ("mauve", [True, True, True]),
    ],
)
async def test_an_rgb_lamp_mixes_its_colours(header, running, colour, shown):
    rgb = lamp(red=RED, green=GREEN, blue=BLUE)
    running(GpioDriver(None, [rgb], []))
    await until(lambda: rgb.is_open)
    rgb.show(True, colour)
    assert levels(header, RED, GREEN, BLUE) == shown
    rgb.show(False, colour)
    assert levels(header, RED, GREEN, BLUE) == [False] * 3


@pytest.mark.parametrize("colour", ["green", "amber", "red", "blue", ""])
async def test_a_lamp_that_is_on_is_never_dark_whatever_the_colour(header, running, colour):
    for number, wiring in enumerate(({"line": RED}, {"red": RED, "green": GREEN}, {"blue": BLUE})):
        one = lamp(**wiring)
        task = running(GpioDriver(None, [one], []))
        await until(lambda one=one: one.is_open)
        one.show(True, colour)
        assert any(levels(header, *wiring.values())), number
        task.cancel()
        await asyncio.wait([task])


async def test_an_active_low_lamp_is_driven_the_other_way_round_and_never_flashes_at_start(header, running):
    low = lamp(line=RED, active="low")
    running(GpioDriver(None, [low], []))
    await until(lambda: low.is_open)
    assert levels(header, RED) == [True]
    low.show(True, "green")
    assert levels(header, RED) == [False]


async def test_what_a_lamp_was_told_before_its_lines_were_there_is_shown_then(header, running):
    late, buzzer = lamp(line=RED), Output("buzzer", GpioOut(line=BUZZER))
    late.show(True, "green")
    buzzer.show(True, "")
    running(GpioDriver(None, [late, buzzer], []))
    await until(lambda: levels(header, RED, BUZZER) == [True, True])
    buzzer.show(False, "")
    assert levels(header, RED, BUZZER) == [True, False]


async def test_pins_are_dark_and_free_after_the_end_and_can_be_taken_again(header, door, got, running):
    light, pressed = lamp(line=RED), button()
    driver = GpioDriver(pressed, [light], [door])
    for start in range(1, 3):
        task = running(driver)
        await until(lambda start=start: len(got) == start)
        light.show(True, "red")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert levels(header, RED) == [False]
        assert not pressed.is_open
        assert not driver.health.ready
        header.pin(BUTTON).drive_low()
        assert not pressed.is_pressed()
        header.pin(BUTTON).drive_high()


async def test_one_line_that_cannot_be_had_leaves_the_others_running(header, door, got, running, said):
    nowhere, twice = lamp(line=99), Output("buzzer", GpioOut(line=BUTTON))
    pressed = button()
    driver = GpioDriver(pressed, [nowhere, twice], [door])
    running(driver)
    await until(lambda: got)
    assert driver.health.ready
    assert pressed.health.ready
    assert "GPIO99 is not a line" in nowhere.health.sentence
    assert "used twice" in twice.health.sentence
    nowhere.show(True, "red")  # and it never raises
    assert sorted(line["what"] for line in said if line["event"] == "lost") == ["buzzer", "lamp"]


async def test_a_line_that_fails_later_is_taken_again(header, door, got, running, monkeypatch, said):
    monkeypatch.setattr(gpio, "LOOK_S", 0.02)
    monkeypatch.setattr(gpio, "RETRY_S", 0.05)
    driver = GpioDriver(button(), [], [door])
    running(driver)
    await until(lambda: got)
    pin = header.pin(DOOR)
    whole = pin._get_state

    def gone():
        raise OSError(19, "No such device")

    pin._get_state = gone
    await until(lambda: not door.device.health.ready)
    assert driver.health.ready
    pin._get_state = whole
    await until(lambda: door.device.health.ready)
    assert [line["event"] for line in said if line["what"] == "door"] == ["ready", "lost", "back"]
    assert [item.code for item in got if isinstance(item, Fault)] == ["line"]


async def test_without_a_chip_it_says_what_to_do_and_works_when_there_is_one(door, got, running, monkeypatch, tmp_path):
    monkeypatch.setattr(lines, "DEV", tmp_path)
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
    pressed = button()
    driver = GpioDriver(pressed, [], [door])
    with pytest.raises(DriverError) as caught:
        await asyncio.wait_for(driver.run(), 5.0)
    assert caught.value.retry
    assert "[gpio]" in caught.value.fix
    assert driver.health.fix == pressed.health.fix == door.device.health.fix == caught.value.fix
    gpiozero.Device.pin_factory = MockFactory()
    running(driver)
    await until(lambda: got and driver.health.ready and pressed.health.ready)


async def test_a_pin_factory_that_does_not_exist_is_named(door, monkeypatch):
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "nonsense")
    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
    with pytest.raises(DriverError, match="nonsense") as caught:
        await GpioDriver(None, [], [door]).run()
    assert "GPIOZERO_PIN_FACTORY" in caught.value.fix


async def test_gpiozeros_own_mock_is_chosen_by_its_own_switch_and_closed_again(door, got, running, monkeypatch):
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
    task = running(GpioDriver(None, [], [door]))
    await until(lambda: got)
    assert isinstance(gpiozero.Device.pin_factory, MockFactory)
    task.cancel()
    await asyncio.wait([task])
    assert gpiozero.Device.pin_factory is None


async def test_a_bridge_that_raises_does_not_take_the_button_with_it(header, device_of, running):
    class Broken(LevelBridge):
        def feed(self, _chunk, _at):
            raise RuntimeError("oh")

    heard = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: heard.append(context["exception"]))
    broken = Input(GpioInput(name="door", line=DOOR), device_of(Broken("door"), "door"))
    pressed = button()
    driver = GpioDriver(pressed, [], [broken])
    running(driver)
    await until(lambda: heard)
    assert driver.health.ready
    assert not driver.devices()[0].health.ready
    header.pin(BUTTON).drive_low()
    assert pressed.is_pressed()
