"""Questions of the page, handed on to the control socket: which may be asked, and the two ways of asking."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from edge_agent.control.types import API_VERSION

# What a page may look at, and what it may do. A press is not among them: the help button is beside the lamp, and no
# page is to be taken for it.
LOOKS = frozenset(
    {
        "channels",
        "config",
        "consent",
        "console",
        "findings",
        "findings/explain",
        "help",
        "help/test",
        "lamp",
        "log",
        "queue",
        "raw",
        "selftest",
        "status",
        "survey/serial",
    }
)
DOES = frozenset(
    {
        "cancel",
        "consent",
        "findings/normal",
        "findings/shelve",
        "help/answer",
        "help/say",
        "help/test",
        "raw",
        "selftest",
        "survey/ble",
        "survey/serial",
        "survey/gpio",
    }
)
ANSWER_TIMEOUT_S = 70.0  # a self-test takes a minute
MAX_REPLY_BYTES = 8 << 20
PIECE_BYTES = 65536


class Reply(NamedTuple):
    """What the agent answered: an HTTP status and a body of JSON."""

    status: int
    body: bytes


class RelayError(Exception):
    """The agent does not answer: what is wrong, for a person."""


class Relay:
    """The control socket at `path`."""

    def __init__(self, path: Path | str) -> None:
        self._path = os.fspath(path)

    async def ask(self, route: str, body: bytes | None = None) -> Reply:
        """One question; with a body it is a POST. Raises RelayError."""
        async with self._talk(route, body, {}) as (status, reader):
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    return Reply(status, await _rest(reader))
            except (OSError, TimeoutError) as error:
                raise _silent(error) from error

    async def told(self, route: str, body: bytes | None = None) -> Any:
        """The same as plain data. Raises RelayError, also where the agent refuses."""
        reply = await self.ask(route, body)
        try:
            data = json.loads(reply.body)
        except ValueError as error:
            raise RelayError("the agent's answer was not understood") from error
        if reply.status != 200:
            raise RelayError(str(data.get("error", "the agent refuses")))
        return data

    async def events(self, kinds: str, last: str = "") -> AsyncGenerator[bytes, None]:
        """The live stream as it comes, in pieces, until the agent ends it. Raises RelayError where none begins."""
        async with self._talk(f"events?kinds={kinds}", None, {"Last-Event-ID": last} if last else {}) as (
            status,
            reader,
        ):
            if status != 200:
                raise RelayError("the agent has too many listeners")
            while piece := await reader.read(PIECE_BYTES):
                yield piece

    @asynccontextmanager
    async def _talk(
        self, route: str, body: bytes | None, headers: dict[str, str]
    ) -> AsyncGenerator[tuple[int, asyncio.StreamReader], None]:
        try:
            reader, writer = await asyncio.open_unix_connection(self._path)
        except OSError as error:
            raise _silent(error) from error
        try:
            yield await _begin(reader, writer, route, body, headers), reader
        finally:
            writer.transport.abort()


async def _begin(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, route: str, body: bytes | None, headers: dict[str, str]
) -> int:
    """Ask, and read the head of the answer; gives its status."""
    lines = [f"{'GET' if body is None else 'POST'} /v{API_VERSION}/{route} HTTP/1.0", "Host: edge-agent"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode("ascii") + (body or b""))
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await writer.drain()
            status = int((await reader.readline()).split()[1])
            while (await reader.readline()).strip():
                pass
    except (OSError, TimeoutError, ValueError, IndexError) as error:
        raise _silent(error) from error
    return status


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """All until the agent hangs up: one read gives only what is there by now. Raises RelayError beyond the bound."""
    body = bytearray()
    while piece := await reader.read(PIECE_BYTES):
        body += piece
        if len(body) > MAX_REPLY_BYTES:
            raise RelayError("the agent's answer is too long")
    return bytes(body)


def _silent(error: Exception) -> RelayError:
    return RelayError(f"the agent does not answer ({error or type(error).__name__})")
