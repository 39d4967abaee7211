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
# A slow link moves packets: an Ethernet frame's worth of TCP payload (1,500 less 52 of headers). What a kernel holds of
# a connection is kept as small as it goes, so that bytes wait in the modem's queue, which has its own bound.
_PACKET_BYTES = 1448
_SLOW_BUFFER_BYTES = 4 * _PACKET_BYTES
# Home routers and modems of the time before fq_codel held 64 KiB and more (Gettys and Nichols, "Bufferbloat", 2011).
QUEUE_BYTES = 64 * 1024


@dataclass(slots=True)
class Outage:
    """One outage. Times are seconds of `time.monotonic()`; `ended_at` is None while it lasts."""

    kind: Literal["cut", "black hole"]
    began_at: float
    ended_at: float | None = None


class _Modem:
    """One direction of a slow link: a bounded first-in-first-out queue, shared by all its connections, and a wire."""

    def __init__(self) -> None:
        self._free_at = 0.0

    async def take(self, size: int, bits_per_s: float, queue_bytes: int) -> float:
        """Wait for room in the queue; gives when the last bit has left, in seconds of `time.monotonic()`."""
        while True:
            now = time.monotonic()
            waiting_bytes = max(0.0, self._free_at - now) * bits_per_s / 8
            excess = waiting_bytes + size - queue_bytes
            if excess <= 0 or waiting_bytes == 0:
                break
            await asyncio.sleep(min(excess, waiting_bytes) * 8 / bits_per_s)
        self._free_at = max(self._free_at, now) + size * 8 / bits_per_s
        return self._free_at

    def clear(self) -> None:
        """What waited is gone."""
        self._free_at = 0.0


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

    `bits_per_s` makes a slow link of it, each way: all its connections wait in one modem's queue of `queue_bytes`, so
    that who sends too much at once makes everybody late by up to queue_bytes * 8 / bits_per_s. A real modem drops what
    does not fit and TCP slows down; this one stops reading, which a sender sees in the same way: its buffer stays full.
    """

    def __init__(
        self,
        target_port: int,
        *,
        target_host: str = _HOST,
        delay_s: float = 0.0,
        bits_per_s: float | None = None,
        queue_bytes: int = QUEUE_BYTES,
    ) -> None:
        self.port = 0
        self.delay_s = delay_s
        self.queue_bytes = queue_bytes
        self._bits_per_s = bits_per_s
        self._chunk_bytes = _CHUNK_BYTES if bits_per_s is None else _PACKET_BYTES
        self.outages: list[Outage] = []
        self._target = (target_host, target_port)
        self._server: asyncio.Server | None = None
        self._reserved: socket.socket | None = None
        self._hole = False
        self._modems = (_Modem(), _Modem())
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
        for modem in self._modems:
            modem.clear()
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
        self._reserved = self._socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # a process that is just being started has what was closed here open until its exec
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._reserved.bind((_HOST, self.port))
        self.port = self._reserved.getsockname()[1]

    def _socket(self) -> socket.socket:
        made = socket.socket()
        if self._bits_per_s is not None:
            # before listen or connect: both go into the handshake, and what is accepted inherits them
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _PACKET_BYTES)
            for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                made.setsockopt(socket.SOL_SOCKET, buffer, _SLOW_BUFFER_BYTES)
        return made

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, sock=self._reserved, limit=self._chunk_bytes)
            self._reserved = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = self._socket()
        try:
            far.setblocking(False)
            await asyncio.get_running_loop().sock_connect(far, self._target)
            far_reader, far_writer = await asyncio.open_connection(sock=far, limit=self._chunk_bytes)
        except OSError:
            far.close()
            return
        line = _Line(writer, far_writer)
        self._lines.add(line)
        up, down = self._modems
        ways = [
            asyncio.create_task(self._way(line, *way)) for way in ((up, reader, far_writer), (down, far_reader, writer))
        ]
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

    async def _way(
        self, line: _Line, modem: _Modem, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One direction: read, hold back, write. Ends when either socket does."""
        # what is on a slow link is bounded by its modem: queue_bytes and what its delay holds
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_CHUNKS if self._bits_per_s is None else 0)
        taking = asyncio.create_task(self._take(line, modem, reader, queue))
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

    async def _take(
        self, line: _Line, modem: _Modem, reader: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        """Read until the end; what is read in a black hole is gone. An empty chunk says that it ended."""
        with suppress(OSError):
            while chunk := await reader.read(self._chunk_bytes):
                if self._hole:
                    line.torn = True
                    continue
                out_at = time.monotonic()
                if self._bits_per_s is not None:
                    out_at = await modem.take(len(chunk), self._bits_per_s, self.queue_bytes)
                await queue.put((out_at + self.delay_s, chunk))
        await queue.put((0.0, b""))
