"""Serial devices on pseudo-terminals: the agent opens them as it opens /dev/serial/by-id paths.

What is emitted while nobody listens is unheard and goes nowhere, as on a wire: nothing waits for a later reader.
"""

import asyncio
import contextlib
import os
import select
import termios
import tty
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

POLL_S = 0.02
# A program that opens a port sets it up and throws away what came before: until then it does not listen.
SETTLE_S = 0.25
# The line holds 4 kB on its way (N_TTY_BUF_SIZE of Linux); the device itself keeps this much more, then drops.
BACKLOG_BYTES = 16_384
READ_BYTES = 4096
REPLAY_STEP_S = 0.02
BITS_PER_BYTE = 10
_BAUDS = {
    getattr(termios, f"B{baud}"): baud for baud in (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}


class SerialTwin:
    """One device's end of a serial line. While it is plugged in, `path` is a symbolic link to the other end.

    `on_bytes(data)` is called with what the agent writes. Used as an async context manager; its work is a timer of
    the running loop.
    """

    def __init__(self, path: Path, on_bytes: Callable[[bytes], None] | None = None) -> None:
        self.path = path
        self.on_bytes = on_bytes
        self._master = -1
        self._backlog = bytearray()
        self._opened_at: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self.plug()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()

    @property
    def plugged(self) -> bool:
        """Whether the device is there."""
        return self._master >= 0

    @property
    def listening(self) -> bool:
        """Whether somebody has the port open, and has had it long enough to have set it up."""
        now = asyncio.get_running_loop().time()
        return self._look(now) and self._opened_at is not None and now - self._opened_at >= SETTLE_S

    @property
    def baud(self) -> int:
        """The speed that the other end has set; both ends of a pty share it. 0: unplugged, or one that has no name."""
        return _BAUDS.get(termios.tcgetattr(self._master)[5], 0) if self.plugged else 0

    def plug(self) -> None:
        """The device appears: a new terminal behind the same path."""
        if self.plugged:
            return
        master, slave = os.openpty()
        tty.setraw(slave)
        name = os.ttyname(slave)
        # Once opened and closed, the master reports POLLHUP until somebody opens the other end.
        os.close(slave)
        os.set_blocking(master, False)
        self._master = master
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(name)
        self._tick()

    def unplug(self) -> None:
        """The device is pulled out: the path is gone and who had it open gets a hang-up."""
        if not self.plugged:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        os.close(self._master)
        self._master = -1
        self._backlog.clear()
        self._opened_at = None
        self.path.unlink(missing_ok=True)

    def emit(self, data: bytes) -> bool:
        """Send `data` whole or not at all, without waiting; whether somebody listens and will get it.

        What the line does not hold at once follows in order. With more than 16 kB waiting nothing more is taken.
        """
        if not self.listening or len(self._backlog) + len(data) > BACKLOG_BYTES:
            return False
        self._backlog += data
        self._flush()
        return True

    async def replay(self, path: Path, baud: int, speed: float = 1.0) -> int:
        """Send a captured file at its baud rate times `speed`, waiting for a listener; bytes sent.

        A byte is ten bits on the wire (8N1). Returns early when the device is unplugged.
        """
        data = await asyncio.to_thread(path.read_bytes)
        rate = baud / BITS_PER_BYTE * speed
        loop = asyncio.get_running_loop()
        sent, due = 0, 0.0
        while sent < len(data) and self.plugged:
            room = int(max(1.0, rate * REPLAY_STEP_S))
            if self.emit(data[sent : sent + min(room, BACKLOG_BYTES)]):
                taken = min(room, BACKLOG_BYTES, len(data) - sent)
                sent += taken
                due = max(due, loop.time()) + taken / rate
                await asyncio.sleep(max(0.0, due - loop.time()))
            else:
                await asyncio.sleep(POLL_S)
        return sent

    def _look(self, now: float) -> bool:
        """Whether somebody has the port open, keeping when that began."""
        if not self.plugged:
            return False
        poll = select.poll()
        poll.register(self._master, 0)
        hung_up = any(event & select.POLLHUP for _, event in poll.poll(0))
        if hung_up:
            self._opened_at = None
            self._backlog.clear()
        elif self._opened_at is None:
            self._opened_at = now
        return not hung_up

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        if self._look(loop.time()):
            self._flush()
            self._receive()
        if self.plugged:
            self._timer = loop.call_later(POLL_S, self._tick)

    def _flush(self) -> None:
        while self._backlog:
            # BlockingIOError: the line is full; EIO: the listener left between two looks.
            try:
                del self._backlog[: os.write(self._master, self._backlog)]
            except OSError:
                return

    def _receive(self) -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = os.read(self._master, READ_BYTES)
        if data and self.on_bytes is not None:
            self.on_bytes(data)


class OnPort:
    """A device that answers, on a twin of its own: an async context manager that plugs it in and out."""

    def __init__(self, path: Path, on_bytes: Callable[[bytes], None]) -> None:
        self.twin = SerialTwin(path, on_bytes)

    async def __aenter__(self) -> Self:
        self.twin.plug()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.twin.unplug()
