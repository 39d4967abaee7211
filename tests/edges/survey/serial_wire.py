"""A device on a pty that talks at its own speed: who listens at another one hears what a UART makes of its bits."""

import os
import select
import termios
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import cycle
from typing import Self

from firmware_bridges.trial import bauds

STEP_S = 0.01
BITS = 10  # of a character: 8N1
SPEEDS = {getattr(termios, f"B{baud}"): baud for baud in bauds()}


@lru_cache(maxsize=256)
def resampled(data: bytes, spoken: int, heard: int) -> bytes:
    """What a receiver at `heard` baud takes 8N1 characters of `spoken` baud for, which follow one another at once.

    It waits for a falling edge, and looks in the middle of each of its own bits, as UARTs do. A wrong stop bit, which a
    pty cannot tell, is passed over; then the line must be high before the next character begins.
    """
    if spoken == heard:
        return data
    line = [level for byte in data for level in (0, *(byte >> bit & 1 for bit in range(8)), 1)] + [1] * BITS
    out, now = bytearray(), 0.0
    while (begin := _edge(line, now * spoken)) is not None:
        bits = (int((begin / spoken + (bit + 1.5) / heard) * spoken) for bit in range(9))
        *levels, stop = (line[place] if place < len(line) else 1 for place in bits)
        out.append(sum(level << bit for bit, level in enumerate(levels)))
        now = begin / spoken + 9.5 / heard
        while not stop and now * spoken < len(line) and not line[int(now * spoken)]:
            now += 0.5 / heard
    return bytes(out)


def _edge(line: list[int], place: float) -> float | None:
    """Where the line is low for the first time from here on."""
    if int(place) < len(line) and not line[int(place)]:
        return place
    found = next((at for at in range(int(place), len(line)) if not line[at]), None)
    return None if found is None else float(found)


class Wire:
    """Says `messages` in turn, one each `every_s`, to whoever has opened `path`. Keeps what that one `written` has."""

    def __init__(self, messages: list[bytes], baud: int = 9600, every_s: float = 1.0) -> None:
        self.written = b""
        self.speeds: list[int] = []  # that somebody listened at, in order
        self._messages, self._baud, self._every_s = messages, baud, every_s
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        os.close(slave)  # only who listens has it open
        os.set_blocking(self._master, False)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    def unplug(self) -> None:
        if not self._ends.is_set():
            self._ends.set()
            self._thread.join()
            os.close(self._master)

    def _talk(self) -> None:
        for message in cycle(self._messages):
            next_at = time.monotonic() + self._every_s
            for piece in self._pieces(message):
                if (heard := self._look()) and piece:
                    with suppress(OSError):  # nobody takes it
                        os.write(self._master, resampled(piece, self._baud, heard))
                if self._ends.wait(STEP_S):
                    return
            while time.monotonic() < next_at:
                self._look()
                if self._ends.wait(STEP_S):
                    return

    def _pieces(self, message: bytes) -> Iterator[bytes]:
        size = max(1, int(self._baud / BITS * STEP_S))
        yield from (message[place : place + size] for place in range(0, len(message), size))

    def _look(self) -> int:
        """The speed of who listens; 0: nobody does."""
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        events = dict(poll.poll(0)).get(self._master, 0)
        if events & select.POLLIN:
            self.written += os.read(self._master, 4096)
        if events & select.POLLHUP:
            return 0
        speed = SPEEDS.get(termios.tcgetattr(self._master)[5], 0)
        if speed and self.speeds[-1:] != [speed]:
            self.speeds.append(speed)
        return speed
