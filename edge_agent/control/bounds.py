"""The two ends of a talk with a client, each with an end: what a request may cost, and how long an answer may take."""

import asyncio

# A request of ours has 4 header lines and 200 bytes; curl and browsers stay below 30 lines.
LINE_BYTES = 2048
MAX_LINES = 64
WRITE_TIMEOUT_S = 10.0


class Refused(Exception):  # noqa: N818 - the server makes an answer of it
    """A request that is answered with `status` (4xx), the error and what to do instead."""

    def __init__(self, status: int, error: str, fix: str) -> None:
        super().__init__(error)
        self.status, self.error, self.fix = status, error, fix


class Inbound:
    """What microdot reads a request from: a stream reader with an end to lines and to the length of each."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._lines = 0

    async def readline(self) -> bytes:
        """A whole line. Raises IncompleteReadError when the client left in the middle."""
        self._lines += 1
        if self._lines > MAX_LINES:
            raise Refused(431, "the request has too many headers", f"Send at most {MAX_LINES}.")
        try:
            line = await self._reader.readline()
        except ValueError as error:
            raise Refused(431, "a line of the request is too long", f"Send at most {LINE_BYTES} bytes.") from error
        if not line.endswith(b"\n"):
            raise asyncio.IncompleteReadError(line, None)
        return line

    async def readexactly(self, count: int) -> bytes:
        """The body; microdot has compared its length with 16 KiB before."""
        return await self._reader.readexactly(count)

    async def left(self) -> None:
        """Wait until the client hangs up or says more than its one request, which ends the talk too."""
        await self._reader.read(1)


class Outbound:
    """What microdot writes an answer to: a stream writer that gives up on a client who does not read."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def awrite(self, piece: bytes) -> None:
        """Write, and wait while the client's buffer is full. Raises TimeoutError when it stays full."""
        self._writer.write(piece)
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._writer.drain()
        except TimeoutError:
            raise TimeoutError("the client does not read") from None  # microdot looks at the words of an OSError

    async def close(self) -> None:
        """Hang up once the client has read all. Raises TimeoutError where it does not: the caller aborts then."""
        self._writer.close()
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await self._writer.wait_closed()
