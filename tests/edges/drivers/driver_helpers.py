"""A bridge that reads lines, a pty that can be unplugged, and a wait for something to become true."""

import asyncio
import os
import pty
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

from edge_agent.core.reading import Channel, ChannelKind, Chunk, Fault, Item, Level, Reading, Send

POLL_S = 0.002


async def until(what: Callable[[], object], within_s: float = 3.0) -> None:
    """Wait for `what()` to be true; AssertionError when it does not become so."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    while not what():
        assert loop.time() < end, "it did not happen in time"
        await asyncio.sleep(POLL_S)


class LineBridge:
    """Numbers in lines; `?` is answered with `here`; with `every_s` it sends `ask` on that beat."""

    def __init__(self, device: str = "probe", every_s: float | None = None) -> None:
        self.channel = Channel(f"{device}.value")
        self.device = device
        self.every_s = every_s
        self.at: float | None = None
        self.rest = b""

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        assert isinstance(chunk, bytes)
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        for line in lines:
            if line == b"?":
                yield Send(b"here\n")
            elif line == b"break":
                raise RuntimeError(line)
            else:
                try:
                    yield Reading(self.channel, float(line), at)
                except ValueError:
                    yield Fault(self.device, "garbage", "This is not a number", at)

    def next(self, now: float) -> tuple[float | None, Send | None]:
        if self.every_s is None:
            return None, None
        if self.at is None:
            self.at = now + self.every_s
        if now < self.at:
            return self.at, None
        self.at = now + self.every_s
        return self.at, Send(b"ask\n")


class LevelBridge:
    """A contact."""

    def __init__(self, device: str) -> None:
        self.channel = Channel(f"{device}.active", "", ChannelKind.STATE)

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        assert isinstance(chunk, Level)
        yield Reading(self.channel, chunk.active, at)

    def next(self, now: float) -> tuple[float | None, Send | None]:  # noqa: ARG002  # it asks nothing
        return None, None


class Plug:
    """One serial device on a pty, with `link` pointing to it while it is plugged in."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self.master = self.slave = -1

    def plug(self) -> "Plug":
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.port = os.ttyname(self.slave)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(self.port)
        return self

    def unplug(self) -> None:
        if self.master >= 0:
            os.close(self.master)
            os.close(self.slave)
            self.master = -1
            self.link.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        os.write(self.master, data)

    def read(self) -> bytes:
        try:
            return os.read(self.master, 65536)
        except BlockingIOError:
            return b""
