"""The door of the page on site: opened here, by a command, a second input or a yes to the desk; shut by time."""

import asyncio
from pathlib import Path

import pytest
from msgspec import structs
from services_scene import HandClock
from test_services_agent import config, running

from edge_agent.config.model import Console
from edge_agent.control.types import OpenConsole
from edge_agent.core.doorway import LONGEST_S, PIN_DIGITS
from edge_agent.core.question import Purpose, Question
from edge_agent.core.reading import Channel, Reading
from edge_agent.services.door import Door

KEY = Channel("cabinet.key", "")


def test_it_is_shut_until_somebody_opens_it_and_shuts_by_itself() -> None:
    clock, changes = HandClock(), []
    door = Door(clock, lambda: changes.append(door.doorway))
    assert door.doorway is None
    opened = door.open("command", lan=False, seconds=900.0)
    assert (len(opened.pin), opened.pin.isdigit(), opened.lan) == (PIN_DIGITS, True, False)
    clock.monotonic += 899.0
    assert door.left_s() == pytest.approx(1.0)
    clock.monotonic += 1.0
    assert door.doorway is None
    assert len(changes) == 1


def test_opened_again_it_stays_open_longer_with_the_same_pin_and_later_with_another() -> None:
    clock = HandClock()
    door = Door(clock, lambda: None)
    first = door.open("command", lan=False, seconds=900.0)
    clock.monotonic += 600.0
    again = door.open("input", lan=True, seconds=60.0)
    assert (again.pin, again.lan, door.left_s()) == (first.pin, True, pytest.approx(300.0))
    door.shut("command")
    assert door.doorway is None
    pins = {door.open("command", lan=False).pin for _ in range(8) if door.shut("command") is None}
    assert len(pins | {first.pin}) > 4


def test_nobody_opens_it_for_days() -> None:
    door = Door(HandClock(), lambda: None)
    door.open("command", lan=False, seconds=1e9)
    assert door.left_s() == LONGEST_S


async def test_a_second_input_opens_it_as_configured_and_only_when_it_turns_on(tmp_path: Path) -> None:
    console = Console(input_channel="cabinet.key", lan=True, minutes=5.0)
    async with running(structs.replace(config(tmp_path), console=console)) as agent:
        heard = agent.hub.listen(["console"])
        first = asyncio.ensure_future(anext(heard))
        await asyncio.sleep(0)
        for value in (False, True, True):
            agent._deliver(Reading(KEY, value, agent.clock.now().monotonic))
        told = (await first).data
        assert (told.by, told.lan, told.pin) == ("input", True, "")
        assert told.left_s == pytest.approx(300.0, abs=1.0)
        await heard.aclose()


def asked(purpose: Purpose) -> Question:
    return Question("q", "May I?", 60.0, 0.0, "boot", 0.0, purpose=purpose)


async def test_a_yes_to_the_desk_opens_it_and_a_yes_to_anything_else_does_not(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as agent:
        for purpose in Purpose:
            if purpose is not Purpose.PAGE:
                agent._agreed(asked(purpose))
        assert agent.view.console().left_s == 0.0
        agent._agreed(asked(Purpose.PAGE))
        assert (agent.view.console().by, agent.view.console().lan) == ("desk", False)


async def test_the_pin_is_for_those_who_may_open_it_alone(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as agent:
        opened = await agent.view.open_console(OpenConsole(seconds=60.0, lan=True))
        assert len(opened.pin) == PIN_DIGITS
        assert agent.view.console().pin == ""
        assert (await agent.view.open_console(OpenConsole(look=True))).pin == opened.pin
        shut = await agent.view.open_console(OpenConsole(seconds=0.0))
        assert (shut.left_s, shut.pin) == (0.0, "")
