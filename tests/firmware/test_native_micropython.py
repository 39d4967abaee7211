"""The device's end in MicroPython, run by MicroPython itself: the vectors, and a device read by the whole agent."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from edge_agent.core.request import State
from firmware_bridges.native.messages import Status
from tests.firmware.native_agent import bridge, crash, latest, running, told, until
from tests.firmware.native_frames import NATIVE
from tests.firmware.native_process import ProcessDevice, micropython

EXAMPLE = NATIVE / "micropython" / "examples" / "main.py"


def test_it_reads_and_writes_the_vectors() -> None:
    command = (*micropython("micropython_vectors.py"), str(NATIVE / "vectors" / "frames.json"))
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "OK 23 6 5 True", done.stdout + done.stderr


def panel(folder: Path) -> ProcessDevice:
    return ProcessDevice((*micropython("micropython_board.py"), str(EXAMPLE), str(folder)), folder)


def holding(folder: Path) -> bool:
    """Whether its file holds something."""
    return '"held": []' not in (folder / "held.json").read_text(encoding="utf-8")


async def test_it_measures_has_a_help_button_and_obeys(tmp_path: Path) -> None:
    async with panel(tmp_path).on() as device, running(tmp_path) as agent:
        await until(lambda: latest(agent, "temperature") is not None)
        assert latest(agent, "temperature") == pytest.approx(27.0, abs=0.1)
        await until(lambda: latest(agent, "help") is False)
        await until(lambda: latest(agent, "firmware") == "Acme panel 1.0")
        assert (await told(agent, "dance")).status == Status.UNKNOWN_VERB
        device.do("press")
        await until(lambda: agent.help.state is State.CANCEL_WINDOW)
        await until(lambda: holding(tmp_path))
        await until(lambda: not holding(tmp_path))
        device.let_go()
        await until(lambda: latest(agent, "help") is False)
        await asyncio.sleep(0.5)
        assert agent.help.case is not None
        assert agent.help.case.nudges == 0
        assert bridge(agent.hardware).host.bad == 0
        assert (await told(agent, "reset")).status == Status.OK
        await until(lambda: device.lives == 2)


async def test_a_press_survives_the_power_cut_of_the_device(tmp_path: Path) -> None:
    async with panel(tmp_path).on() as device:
        await until((tmp_path / "held.json").exists)
        device.do("press")
        await until(lambda: holding(tmp_path))
        device.let_go()
        device.kill()
        await until(lambda: device.lives == 2)
        async with running(tmp_path) as agent:
            await until(lambda: agent.help.state is State.CANCEL_WINDOW)
            await until(lambda: not holding(tmp_path))


async def test_an_exception_is_a_finding_in_the_next_life(tmp_path: Path) -> None:
    async with panel(tmp_path).on() as device, running(tmp_path) as agent:
        await until(lambda: latest(agent, "temperature") is not None)
        device.do("break")
        await until(lambda: crash(agent))
        await until(lambda: device.lives == 2)
        finding = crash(agent)
        assert finding is not None
        assert "OSError: the sensor does not answer" in finding.sentence
        await until(lambda: latest(agent, "console") == "boot: MicroPython")
