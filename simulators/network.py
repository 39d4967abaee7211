"""A cable that can be cut: a TCP proxy between the agent and the broker, with outages on demand."""

import asyncio
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

# What one direction of one connection may hold: chunks on their way (64 of 16 KiB, 1 MiB) and the sockets' buffers.
_CHUNK_BYTES = 16 * 1024
_CHUNKS = 64
_HOST = "127.0.0.1"


@dataclass(slots=True)
class Outage:
    """One outage. Times are seconds of `time.monotonic()`; `ended_at` is None while it lasts."""

    kind: Literal["cut", "black hole"]
    began_at: float
    ended_at: float | None = None


class _Line:
    """One connection through the cable: its two sockets, and whether bytes of it vanished."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self._ends = (near, far)
        self.torn = False

    def abort(self) -> None:
        for end in self._ends:
            end.transport.abort()


class Cable:
    """An async context manager that listens on `port` of 127.0.0.1 and carries bytes to `target_port` of `target_host`.

    `delay_s` holds every byte back that long, each way. Buffers are bounded: a receiver that does not read stops its
    sender. A connection that lost bytes in a black hole is reset when the cable is mended, as by a router that forgot.
    """

    def __init__(self, target_port: int, *, target_host: str = _HOST, delay_s: float = 0.0) -> None:
        self.port = 0
        self.delay_s = delay_s
        self.outages: list[Outage] = []
        self._target = (target_host, target_port)
        self._server: asyncio.Server | None = None
        self._reserved: socket.socket | None = None
        self._hole = False
        self._lines: set[_Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._reserve()
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()
        self._end_outage()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # aborted transports close in the loop's next turn

    @property
    def connections(self) -> int:
        """How many connections go through now."""
        return len(self._lines)

    async def cut(self) -> None:
        """Every connection dies and new ones are refused, until `mend`."""
        self._begin_outage("cut")
        self._hole = False
        if self._server is not None:
            self._server.close()
            self._server = None
            self._reserve()
        for line in tuple(self._lines):
            line.abort()

    async def black_hole(self) -> None:
        """Connections stay, new ones are accepted, and every byte either way vanishes, until `mend`."""
        self._begin_outage("black hole")
        self._hole = True
        await self._listen()

    async def mend(self) -> None:
        """The cable carries again."""
        self._hole = False
        for line in tuple(self._lines):
            if line.torn:
                line.abort()
        await self._listen()
        self._end_outage()

    def _begin_outage(self, kind: Literal["cut", "black hole"]) -> None:
        self._end_outage()
        self.outages.append(Outage(kind, time.monotonic()))

    def _end_outage(self) -> None:
        if self.outages and self.outages[-1].ended_at is None:
            self.outages[-1].ended_at = time.monotonic()

    def _reserve(self) -> None:
        """Bind the port without listening: connections are refused, and nobody else can take it meanwhile."""
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((_HOST, self.port))
        self.port = self._reserved.getsockname()[1]

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, sock=self._reserved, limit=_CHUNK_BYTES)
            self._reserved = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target, limit=_CHUNK_BYTES)
        except OSError:
            return
        line = _Line(writer, far_writer)
        self._lines.add(line)
        ways = [asyncio.create_task(self._way(line, *way)) for way in ((reader, far_writer), (far_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            # one side hung up: what is still on its way the other way is let out, then both are closed
            await asyncio.wait(ways, timeout=self.delay_s + 0.1)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._lines.discard(line)
            line.abort()

    async def _way(self, line: _Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction: read, hold back, write. Ends when either socket does."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_CHUNKS)
        taking = asyncio.create_task(self._take(line, reader, queue))
        try:
            while True:
                due, chunk = await queue.get()
                if not chunk:
                    writer.write_eof()
                    return
                await asyncio.sleep(due - time.monotonic())
                if self._hole:
                    line.torn = True
                    continue
                writer.write(chunk)
                await writer.drain()
        except OSError:
            return
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)

    async def _take(self, line: _Line, reader: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]]) -> None:
        """Read until the end; what is read in a black hole is gone. An empty chunk says that it ended."""
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                if self._hole:
                    line.torn = True
                else:
                    await queue.put((time.monotonic() + self.delay_s, chunk))
        await queue.put((0.0, b""))
