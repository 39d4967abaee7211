"""One board: QEMU runs the firmware, its UART is a serial port, its button is a key of QEMU's keyboard."""

import asyncio
import contextlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from firmware_bridges.native.bodies import parse
from firmware_bridges.native.messages import Beat, Data
from firmware_bridges.native.wire import Decoder, Frame
from simulators.firmware.build import EMULATOR, Firmware
from simulators.ports import SerialTwin

# Virtual time by instructions and no waiting: 256 ns each. An hour passes in a minute or two.
FAST = ("-icount", "shift=8,sleep=off")
# QEMU has the board's SELECT button on this key (hw/input/stellaris_input.c).
BUTTON = "ctrl"
START_S = 10.0
CHUNK = 4096


class Board:
    """A help panel behind `port`. With `fast` its time runs as quickly as the machine can.

    `pull` and `plug` are the cable; the board runs on without it. `uptime_s` is what it said last of its own time.
    """

    def __init__(self, port: Path, firmware: Firmware | None = None, *, fast: bool = False) -> None:
        self._twin = SerialTwin(port, self._to_board)
        self._fast = fast
        self._scratch = TemporaryDirectory(prefix="board")
        self.firmware = firmware or Firmware.make(Path(self._scratch.name))
        self._qemu: asyncio.subprocess.Process | None = None
        self._uart: asyncio.StreamWriter | None = None
        self._control: asyncio.StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._down = False
        self._said = asyncio.Event()
        self.uptime_s: float | None = None

    async def __aenter__(self) -> Self:
        folder = Path(self._scratch.name)
        uart, control = folder / "uart", folder / "qmp"
        self._qemu = await asyncio.create_subprocess_exec(
            EMULATOR,
            *("-M", "lm3s6965evb", "-kernel", str(self.firmware.elf), "-display", "none", "-monitor", "none", "-S"),
            *("-chardev", f"socket,id=uart,path={uart},server=on,wait=off", "-serial", "chardev:uart"),
            *("-qmp", f"unix:{control},server=on,wait=off"),
            *(FAST if self._fast else ()),
            stderr=asyncio.subprocess.DEVNULL,  # it complains of the watchdog that is not set yet, at each reset
        )
        from_uart, self._uart = await _connected(uart)
        from_control, self._control = await _connected(control)
        await self._twin.__aenter__()
        self._tasks = [asyncio.create_task(self._from_board(from_uart)), asyncio.create_task(self._watch(from_control))]
        self._tell("qmp_capabilities")
        self._tell("cont")
        self._wire_button()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        for writer in (self._uart, self._control):
            if writer is not None:
                writer.close()
        if self._qemu is not None and self._qemu.returncode is None:
            self._qemu.kill()
            await self._qemu.wait()
        await self._twin.__aexit__(kind, error, trace)
        self._scratch.cleanup()

    async def hold_button(self, seconds: float) -> None:
        """Press the button for so long, in the board's own seconds: a busy machine makes them longer."""
        await self.run(0.0)
        self.press()
        await self.run(seconds)
        self.release()

    async def run(self, seconds: float) -> None:
        """Let so much of the board's time pass, from when it says something. Raises TimeoutError where it hangs."""
        self.uptime_s = None
        while self.uptime_s is None:
            await self._said_something()
        end = self.uptime_s + seconds
        while self.uptime_s < end:
            await self._said_something()

    async def _said_something(self) -> None:
        self._said.clear()
        await asyncio.wait_for(self._said.wait(), START_S)

    def press(self) -> None:
        """Press the button and keep it down."""
        self._down = True
        self._key(True)

    def release(self) -> None:
        """Let go of it."""
        self._down = False
        self._key(False)

    def reset(self) -> None:
        """The board's reset pin: its memory stays."""
        self._tell("system_reset")

    def pull(self) -> None:
        """Pull the cable out of the gateway."""
        self._twin.unplug()

    def plug(self) -> None:
        """And in again."""
        self._twin.plug()

    def _wire_button(self) -> None:
        """After a reset QEMU's pin has no level until the key moves; the firmware takes that for a bounce."""
        self._key(not self._down)
        self._key(self._down)

    def _key(self, down: bool) -> None:
        event = {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": BUTTON}}}
        self._tell("input-send-event", {"events": [event]})

    def _tell(self, command: str, arguments: dict[str, Any] | None = None) -> None:
        assert self._control is not None
        asked = {"execute": command} | ({"arguments": arguments} if arguments else {})
        self._control.write(json.dumps(asked).encode() + b"\n")

    async def _watch(self, reader: asyncio.StreamReader) -> None:
        """QEMU's own words. Raises RuntimeError where it refuses what it was told."""
        while line := await reader.readline():
            said = json.loads(line)
            if "error" in said:
                raise RuntimeError(f"QEMU refuses: {said['error']}")
            if said.get("event") == "RESET":
                self._wire_button()

    async def _from_board(self, reader: asyncio.StreamReader) -> None:
        decoder = Decoder()
        while data := await reader.read(CHUNK):
            self._twin.emit(data)
            for each in decoder.feed(data):
                if isinstance(each, Frame) and isinstance(said := parse(each.type, each.body), Data | Beat):
                    self.uptime_s = said.uptime_ms / 1000
                    self._said.set()

    def _to_board(self, data: bytes) -> None:
        if self._uart is not None:
            self._uart.write(data)


async def _connected(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to one of QEMU's sockets, as soon as it is there. Raises TimeoutError."""
    async with asyncio.timeout(START_S):
        while True:
            with contextlib.suppress(OSError):
                return await asyncio.open_unix_connection(path)
            await asyncio.sleep(0.01)
