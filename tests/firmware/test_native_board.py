"""A real firmware on a Cortex-M3 in QEMU, read by the real serial driver of the whole agent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge_agent.core.finding import Finding
from edge_agent.core.request import State
from firmware_bridges.native.messages import Status
from simulators.firmware import Board, Firmware, missing
from tests.firmware.native_agent import crash, latest, running, told, until

HOLD_S = 3.3  # the firmware wants 3 s


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Firmware:
    lacking = missing()
    if lacking:
        pytest.skip(f"the firmware is not built and not run: {lacking} is missing; run make tools")
    return Firmware.make(tmp_path_factory.mktemp("firmware"))


@asynccontextmanager
async def board_of(folder: Path, firmware: Firmware, *, fast: bool = False) -> AsyncIterator[Board]:
    async with Board(folder / "panel", firmware, fast=fast) as board:
        yield board


def where(finding: Finding, firmware: Firmware, register: str) -> str:
    return firmware.where(int(next(str(value) for name, value, _ in finding.stored if name == register), 16))


async def test_it_says_who_it_is_and_what_it_measures(tmp_path: Path, firmware: Firmware) -> None:
    async with board_of(tmp_path, firmware), running(tmp_path) as agent:
        await until(lambda: latest(agent, "temperature") is not None)
        channel = agent.sampling.latest["panel.temperature"].channel
        assert (channel.unit, channel.kind) == ("Cel", "gauge")
        assert 19.0 < latest(agent, "temperature") < 23.0  # type: ignore[operator]
        await until(lambda: latest(agent, "firmware") == "Acme help panel 1.0.0")
        await until(lambda: latest(agent, "reset_reason") == "power")
        await until(lambda: latest(agent, "help") is False)
        await until(lambda: latest(agent, "uptime"))
        assert latest(agent, "rx_bad") == latest(agent, "link_bad") == 0
        assert (await told(agent, "make coffee")).status == Status.UNKNOWN_VERB


async def test_a_held_button_on_the_board_is_one_case_whoever_counts_the_hold(
    tmp_path: Path, firmware: Firmware
) -> None:
    async with board_of(tmp_path, firmware) as board, running(tmp_path) as agent:
        await until(lambda: latest(agent, "help") is False)
        await board.hold_button(HOLD_S)
        await until(lambda: agent.help.state is State.CANCEL_WINDOW)
        await until(lambda: latest(agent, "help") is False)
        await asyncio.sleep(1.0)
        assert agent.help.case is not None
        assert (agent.help.state, agent.help.case.nudges) == (State.CANCEL_WINDOW, 0)
        assert len(await agent.outbox.requests.load()) == 1
        # two presses on the same button take it back
        for _ in range(2):
            await board.hold_button(0.3)
            await board.run(0.3)
        await until(lambda: agent.help.state is State.IDLE)


async def test_a_press_that_nobody_heard_is_held_over_a_reset_and_becomes_one_case(
    tmp_path: Path, firmware: Firmware
) -> None:
    async with board_of(tmp_path, firmware) as board:
        await board.hold_button(HOLD_S)
        board.reset()
        await board.run(0.5)
        async with running(tmp_path) as agent:
            await until(lambda: agent.help.state is State.CANCEL_WINDOW)
            code = agent.help.case.code  # type: ignore[union-attr]
        # whether the receipt got through or not: the same press after a restart of the agent, and of the board
        board.reset()
        async with running(tmp_path) as again:
            await until(lambda: latest(again, "uptime"))
            await asyncio.sleep(1.5)
            assert again.help.case is not None
            assert (again.help.case.code, again.help.case.nudges) == (code, 0)
            assert len(await again.outbox.requests.load()) == 1


async def test_the_cable_is_pulled_while_somebody_holds_the_button(tmp_path: Path, firmware: Firmware) -> None:
    async with board_of(tmp_path, firmware) as board, running(tmp_path) as agent:
        await until(lambda: latest(agent, "help") is False)
        board.pull()
        await board.hold_button(HOLD_S)
        assert agent.help.state is State.IDLE
        board.plug()
        await until(lambda: agent.help.state is State.CANCEL_WINDOW)
        case = agent.help.case
        assert case is not None
        assert case.pressed_at < agent.clock.now().monotonic - 0.2, "it is dated when it was"


async def test_a_hard_fault_is_a_finding_that_says_in_which_line(tmp_path: Path, firmware: Firmware) -> None:
    async with board_of(tmp_path, firmware), running(tmp_path) as agent:
        assert (await told(agent, "crash")).status == Status.OK, "it answers before it obeys"
        await until(lambda: crash(agent))
        finding = crash(agent)
        assert finding is not None
        assert where(finding, firmware, "pc").startswith("divide_what_is_not_there main.c:")
        assert where(finding, firmware, "lr").startswith("do_what_was_noted main.c:")
        assert ("build", firmware.build, "") in finding.stored
        assert "hard fault" in finding.sentence
        await until(lambda: latest(agent, "reset_reason") == "fault")
        assert latest(agent, "console") == f"help panel {firmware.build}: starting"
        queue = {lane.name: lane.events for lane in agent.view.queue().lanes}
        assert queue["finding"] >= 1


async def test_a_firmware_that_hangs_is_reset_by_its_watchdog_and_says_where_it_hung(
    tmp_path: Path, firmware: Firmware
) -> None:
    async with board_of(tmp_path, firmware), running(tmp_path) as agent:
        await told(agent, "hang")
        # its beats stay away, and that is told as well
        await until(lambda: latest(agent, "alive") is False)
        await until(lambda: crash(agent))
        finding = crash(agent)
        assert finding is not None
        assert where(finding, firmware, "pc").startswith("wait_for_nothing main.c:")
        await until(lambda: latest(agent, "reset_reason") == "watchdog")
        assert latest(agent, "alive") is True


async def test_its_time_may_run_as_fast_as_the_machine_can(tmp_path: Path, firmware: Firmware) -> None:
    async with board_of(tmp_path, firmware, fast=True), running(tmp_path) as agent:
        # two minutes of the board, in a few seconds where the machine is free
        await until(lambda: (latest(agent, "uptime") or 0.0) > 120.0, within_s=60.0)  # type: ignore[operator]
        assert latest(agent, "link_bad") == 0
