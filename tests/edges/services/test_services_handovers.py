"""What a device holds until it is safe here, on the whole agent: one press, one case, a receipt only from the disk."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs
from services_scene import until as within
from test_services_agent import config, running

from edge_agent.app import Agent
from edge_agent.config.model import Config
from edge_agent.core.errors import StoreError
from edge_agent.core.reading import Channel, Code, Codes, Handover, Reading, Send
from edge_agent.core.request import State
from edge_agent.store.ledger import Ledger

HELP = "panel.help"


async def until(true: Callable[[], object]) -> None:
    """It has to be saved, on a disk that others use as well."""
    await within(true, 20.0)


def with_button(folder: Path) -> Config:
    settings = config(folder)
    return structs.replace(settings, help=structs.replace(settings.help, button_channel=HELP))


def held(agent: Agent, key: str = "panel:01:7:1", ago_s: float = 0.0) -> Handover:
    return Handover(HELP, key, agent.clock.now().monotonic - ago_s, Send(b"receipt"))


def crashed(agent: Agent, key: str = "panel:01:7:2") -> Handover:
    at = agent.clock.now().monotonic
    codes = Codes("panel", (Code("crash", "it crashed at 0x0000123c"),), at, "firmware")
    return Handover("panel.firmware", key, at, Send(b"receipt"), codes)


def nudges(agent: Agent) -> int:
    assert agent.help.case is not None
    return agent.help.case.nudges


async def test_a_held_button_of_a_device_is_one_case_and_receipted_when_that_is_on_disk(tmp_path: Path) -> None:
    async with running(with_button(tmp_path)) as agent:
        handover = held(agent)
        assert not agent.handovers.take(handover), "it cannot be on disk yet"
        await until(lambda: agent.handovers.take(handover))
        await until(lambda: agent.help.state is State.CANCEL_WINDOW)
        (case,) = await agent.outbox.requests.load()
        for _ in range(20):
            assert agent.handovers.take(handover)
        await asyncio.sleep(0.05)
        assert agent.help.case == case, "repetitions change nothing"


async def test_it_is_the_same_press_after_a_restart_of_the_agent(tmp_path: Path) -> None:
    async with running(with_button(tmp_path)) as agent:
        handover = held(agent)
        await until(lambda: agent.handovers.take(handover))
        code = agent.help.case.code  # type: ignore[union-attr]
    async with running(with_button(tmp_path)) as again:
        await until(lambda: again.help.case is not None)
        assert again.handovers.take(held(again)), "known from the disk"
        await asyncio.sleep(0.05)
        assert again.help.case is not None
        assert (again.help.case.code, again.help.case.nudges) == (code, 0)


async def test_a_crash_between_the_case_and_its_key_makes_no_second_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(_: Ledger, done: object) -> None:
        raise StoreError("the power is cut here")

    with monkeypatch.context() as cut:
        async with running(with_button(tmp_path)) as agent:
            cut.setattr(Ledger, "keep", crash)
            handover = held(agent)
            agent.handovers.take(handover)
            await until(lambda: agent.help.state is State.CANCEL_WINDOW)
            await asyncio.sleep(0.05)
            assert not agent.handovers.take(handover), "the key is not on disk: the device has to hold it"
            code = agent.help.case.code  # type: ignore[union-attr]
    async with running(with_button(tmp_path)) as again:
        handover = held(again)
        await until(lambda: again.handovers.take(handover))
        assert again.help.case is not None
        assert again.help.case.code == code
        assert nudges(again) == 1, "in the open case it is an urgent word"


async def test_a_device_that_tells_its_level_too_is_counted_once(tmp_path: Path) -> None:
    async with running(with_button(tmp_path)) as agent:
        channel = Channel(HELP)
        agent._deliver(Reading(channel, True, agent.clock.now().monotonic))
        await until(lambda: agent.help.state is State.CANCEL_WINDOW)
        handover = held(agent)
        await until(lambda: agent.handovers.take(handover))
        agent._deliver(Reading(channel, False, agent.clock.now().monotonic))
        await asyncio.sleep(0.1)
        assert agent.help.state is State.CANCEL_WINDOW, "the window is not skipped"
        assert nudges(agent) == 0


async def test_the_other_way_round_the_gateway_counts_out_a_hold_that_the_device_told_before(tmp_path: Path) -> None:
    async with running(with_button(tmp_path)) as agent:
        channel = Channel(HELP)
        agent._deliver(Reading(channel, True, agent.clock.now().monotonic))
        await asyncio.sleep(0.7)
        agent.handovers.take(held(agent))
        await asyncio.sleep(0.8)  # by now it has been down for longer than the hold time
        assert agent.help.state is State.CANCEL_WINDOW
        agent._deliver(Reading(channel, False, agent.clock.now().monotonic))
        await asyncio.sleep(0.1)
        assert nudges(agent) == 0


async def test_a_press_that_waited_in_the_device_is_dated_when_it_was(tmp_path: Path) -> None:
    async with running(with_button(tmp_path)) as agent:
        now = agent.clock.now()
        agent.handovers.take(held(agent, ago_s=7200.0))
        await until(lambda: agent.help.state is State.CANCEL_WINDOW)
        case = agent.help.case
        assert case is not None
        assert case.pressed_at == pytest.approx(now.monotonic - 7200.0, abs=1.0)
        assert case.pressed_wall == pytest.approx(now.wall - 7200.0, abs=1.0)


async def test_a_press_from_before_the_gateway_was_switched_on_is_the_first_of_its_life(tmp_path: Path) -> None:
    async with running(with_button(tmp_path)) as agent:
        # a second before the clock began, as one that waited through a power cut of the gateway
        handover = held(agent, ago_s=agent.clock.now().monotonic + 1.0)
        await until(lambda: agent.handovers.take(handover))
        await until(lambda: agent.help.state is State.CANCEL_WINDOW)


async def test_a_second_hold_is_an_urgent_word_in_the_case_of_the_first(tmp_path: Path) -> None:
    async with running(with_button(tmp_path)) as agent:
        first, second = held(agent, "panel:01:7:1", ago_s=30.0), held(agent, "panel:01:7:2")
        third = held(agent, "panel:01:7:3", ago_s=-10.0)
        for handover in (first, second, third):
            await until(lambda handover=handover: agent.handovers.take(handover))
        assert nudges(agent) == 1, "the second ends the window, the third is a word"
        assert len(await agent.outbox.requests.load()) == 1


async def test_an_event_that_says_it_is_over_calls_for_nobody_and_gets_its_receipt(tmp_path: Path) -> None:
    async with running(with_button(tmp_path)) as agent:
        over = held(agent)._replace(codes=Codes("panel", (), agent.clock.now().monotonic, "help"))
        await until(lambda: agent.handovers.take(over))
        await asyncio.sleep(0.05)
        assert agent.help.case is None


async def test_a_crash_record_is_a_finding_on_disk_before_it_is_receipted(tmp_path: Path) -> None:
    async with running(config(tmp_path)) as agent:
        handover = crashed(agent)
        assert not agent.handovers.take(handover)
        await until(lambda: agent.handovers.take(handover))
        assert [f.channel for f in agent.found.register.confirmed()] == ["panel.firmware.crash"]
        assert next(lane for lane in agent.view.queue().lanes if lane.name == "finding").events == 1
    async with running(config(tmp_path)) as again:
        assert again.handovers.take(crashed(again)), "the same record makes no second finding"


async def test_what_the_disk_refuses_is_not_receipted_and_taken_when_the_disk_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.services.handovers.TRY_AGAIN_S", 0.05)

    async def refuse(_: Ledger, done: object) -> None:
        raise StoreError("read-only")

    async with running(config(tmp_path)) as agent:
        handover = crashed(agent)
        with monkeypatch.context() as refused:
            refused.setattr(Ledger, "keep", refuse)
            agent.handovers.take(handover)
            await asyncio.sleep(0.2)
            assert not agent.handovers.take(handover)
        await until(lambda: agent.handovers.take(handover))


async def test_a_device_gone_mad_cannot_fill_the_disk(tmp_path: Path) -> None:
    async with running(with_button(tmp_path)) as agent:
        for number in range(1000):
            agent.handovers.take(crashed(agent, f"panel:01:7:{number}"))
            agent.handovers.take(held(agent, f"panel:01:8:{number}"))
        assert len(agent.handovers._waiting) <= 32
        assert len(agent.handovers._pressed) <= 32
        last = held(agent, "panel:01:9:1")
        await until(lambda: agent.handovers.take(last))
