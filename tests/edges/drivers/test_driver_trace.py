"""A survey of the header: what it sees of the edges, and that whoever listens to a line is not disturbed by it."""

import asyncio
import threading
import time

import pytest
from driver_helpers import LevelBridge, until

from edge_agent.config.model import Config, GpioButton, GpioInput
from edge_agent.core.reading import Pulses
from edge_agent.drivers import gpio
from edge_agent.drivers.gpio import Button, GpioDriver
from edge_agent.drivers.inputs import Counter, Input
from edge_agent.drivers.lines import Line
from edge_agent.drivers.survey import HeaderSurvey, edges, high
from edge_agent.drivers.trace import MAX_EDGES
from edge_agent.texts import texts
from edge_agent.view.gpio import gpio_survey

DOOR, BUTTON, METER = 5, 17, 6


class PulseBridge(LevelBridge):
    """Remembers what it was fed."""

    def __init__(self, name):
        super().__init__(name)
        self.pulses = 0

    def feed(self, chunk, _at):
        if isinstance(chunk, Pulses):
            self.pulses += chunk.number
        return iter(())


@pytest.fixture
async def parts(header, device_of, running, monkeypatch):
    """Button, door and meter on a header that is looked at often."""
    monkeypatch.setattr(gpio, "LOOK_S", 0.02)
    monkeypatch.setattr(gpio, "RETRY_S", 0.02)
    button = Button(GpioButton(line=BUTTON))
    door = Input(GpioInput(name="door", line=DOOR), device_of(LevelBridge("door"), "door"))
    meter = Counter(GpioInput(name="meter", line=METER, debounce_ms=0.0), device_of(PulseBridge("meter"), "meter"))
    driver = GpioDriver(button, [], [door, meter])
    running(driver)
    await until(lambda: button.is_open and door.is_open and meter.is_open)
    await asyncio.sleep(0.01)
    return driver, button, door, meter


def press(header, line, times=1):
    for _ in range(times):
        header.pin(line).drive_low()
        header.pin(line).drive_high()


def clock():
    return asyncio.get_running_loop().time


async def test_without_a_survey_an_edge_takes_no_step_more_than_ever_and_again_when_it_is_over(header, parts):
    driver, *listening = parts
    before = [header.pin(part.wiring.line).when_changed for part in listening]
    assert [callback.__func__.__qualname__ for callback in before] == [
        "EdgeInput._stamp",
        "EdgeInput._stamp",
        "Counter._edge",
    ]
    driver.survey.prolong(0.05, clock())
    assert [header.pin(part.wiring.line).when_changed for part in listening] != before
    await until(lambda: not driver.survey.until)
    assert [header.pin(part.wiring.line).when_changed for part in listening] == before
    assert [part.line.trace for part in listening] == [None] * 3
    press(header, DOOR)
    assert edges(listening[1]) == []


async def test_every_edge_is_kept_with_its_level_and_whoever_listens_hears_it_all_the_same(header, parts):
    driver, button, _door, meter = parts
    told = []
    button.on_edge = told.append
    driver.survey.prolong(30.0, clock())
    began = clock()()
    assert driver.survey.began_at <= began
    await asyncio.to_thread(press, header, BUTTON, 3)
    await asyncio.to_thread(press, header, METER, 2)
    await until(lambda: len(told) == 6)
    seen = edges(button)
    assert [edge.high for edge in seen] == [False, True] * 3
    assert [edge.number for edge in seen] == [1, 2, 3, 4, 5, 6]
    assert began <= seen[0].at <= seen[-1].at <= clock()()
    assert [edge.high for edge in edges(meter)] == [False, True] * 2
    await until(lambda: meter.device._bridge.pulses == 2)


async def test_a_level_is_read_as_it_is_now_and_none_where_the_line_is_not_held(header, parts):
    _driver, button, door, _meter = parts
    assert high(door) is True
    header.pin(DOOR).drive_low()
    assert high(door) is False
    button.close()
    assert high(button) is None
    assert edges(button) == []


def test_why_a_line_is_not_held_is_said_in_the_households_language():
    survey = HeaderSurvey([Button(GpioButton(line=BUTTON))])
    (line,) = gpio_survey(Config(), survey, 0.0, texts("de").own).lines
    assert (line.held, line.sentence) == (False, "startet")


async def test_a_line_that_howls_keeps_the_newest_edges_and_says_how_many_there_were(header, parts):
    driver, _button, door, _meter = parts
    driver.survey.prolong(30.0, clock())
    await asyncio.to_thread(press, header, DOOR, 1000)
    seen = edges(door)
    assert len(seen) == MAX_EDGES
    assert (seen[0].number, seen[-1].number) == (2000 - MAX_EDGES + 1, 2000)


async def test_a_survey_that_is_on_goes_on_with_what_it_has_and_a_later_one_begins_anew(header, parts):
    driver, _button, door, _meter = parts
    driver.survey.prolong(30.0, clock())
    began, ends = driver.survey.began_at, driver.survey.until
    press(header, DOOR)
    driver.survey.prolong(1.0, clock())
    assert (driver.survey.began_at, driver.survey.until) == (began, ends)
    assert len(edges(door)) == 2
    driver.survey.look(ends)
    driver.survey.prolong(1.0, clock())
    assert driver.survey.began_at > began
    assert edges(door) == []


async def test_a_line_that_comes_back_during_a_survey_is_traced_again(header, parts):
    driver, _button, door, _meter = parts
    driver.survey.prolong(30.0, clock())
    door.close()
    await until(lambda: door.is_open and door.line.trace is not None)
    press(header, DOOR)
    assert len(edges(door)) == 2


async def test_a_trace_may_be_read_while_the_thread_adds_to_it(header, parts):
    driver, _button, door, _meter = parts
    driver.survey.prolong(30.0, clock())
    busy = threading.Thread(target=press, args=(header, DOOR, 5000))
    busy.start()
    while busy.is_alive():
        numbers = [edge.number for edge in edges(door)]
        assert numbers == list(range(numbers[0], numbers[-1] + 1)) if numbers else True
    busy.join()
    assert edges(door)[-1].number == 10_000


def test_whoever_listens_misses_no_edge_while_a_trace_begins_and_ends_many_times(header):
    told, kept = [], 0
    line = Line(DOOR, active_high=False, factory=header)
    line.as_input("up", lambda _ticks, state: told.append(state))
    busy = threading.Thread(target=press, args=(header, DOOR, 5000))
    busy.start()
    while busy.is_alive():
        line.begin_trace(time.monotonic)
        time.sleep(0.0001)  # the other thread's turn
        kept += len(line.trace.edges())
        line.end_trace()
    busy.join()
    assert told == [False, True] * 5000
    assert kept


def test_an_edge_that_is_on_its_way_when_a_trace_ends_is_heard_and_the_line_goes_on_listening(header):
    told = []
    line = Line(DOOR, active_high=False, factory=header)
    line.as_input("up", lambda _ticks, state: told.append(state))
    line.begin_trace(time.monotonic)
    in_hand = header.pin(DOOR)._when_changed  # held weakly: where it is gone gpiozero stops listening
    line.end_trace()
    in_hand()(0.0, 0)
    press(header, DOOR)
    assert told == [0, False, True]
