"""The desk's HTTPS door: takes an event in HTTP's binary mode of CloudEvents, and answers with the signed word.

It speaks as much HTTP as an agent does (docs/wire.md), and is bounded as everything that strangers can reach.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import unquote

from edge_agent.core.errors import ConfigError, LinkError, WireError
from edge_agent.core.event import EventKind
from edge_agent.core.wire import ROOT, text_of, unpack, up_topic
from edge_agent.uplink.connection import Arrival
from simulators.desk.desk import Desk
from simulators.desk.voice import CANCEL_RECEIVED, ENGAGED, RECEIVED, RESOLVED

MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 100 * 1024
# An answer waits so long for somebody at the desk; a later try fetches what was said meanwhile.
PATIENCE_S = 10.0
_REQUEST_S = 10.0
_LOOK_S = 0.05
_ACKNOWLEDGES = (RECEIVED, ENGAGED, RESOLVED)
_CANCELLED = "edge.help.cancelled.v1"


class _Request(NamedTuple):
    attributes: dict[str, str]
    token: str
    body: bytes


class HttpsDoor:
    """An async context manager on `port` of `host` (0: any free one). `token` empty: anybody may call.

    `answers` False: it says 202 and leaves it to MQTT. `busy_s` above 0: it says 503 and when to come again.
    """

    def __init__(
        self,
        desk: Desk,
        context: ssl.SSLContext,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str = "",
        root: str = ROOT,
    ) -> None:
        self._host = host
        self.port = port
        self.answers = True
        self.busy_s = 0
        self.calls = 0
        self.refused = 0
        self._desk = desk
        self._context = context
        self._token = token
        self._root = root
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, self._host, self.port, ssl=self._context, limit=MAX_HEAD_BYTES
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_S):
                request = await _read(reader)
            status, more, body = await self._answer(request)
        except WireError as error:
            self.refused += 1
            status, more, body = "400 Bad Request", "", str(error).encode()[:200]
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            self.refused += 1
            writer.transport.abort()
            return
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{more}\r\n"
        writer.write(head.encode() + body)
        with suppress(OSError):
            await writer.drain()
            writer.close()

    async def _answer(self, request: _Request) -> tuple[str, str, bytes]:
        """Status line, further headers and body."""
        if self.busy_s:
            return "503 Service Unavailable", f"Retry-After: {self.busy_s}\r\n", b""
        if self._token and request.token != self._token:
            self.refused += 1
            return "401 Unauthorized", "", b""
        gateway, case = self._take(request)
        cancelled = request.attributes.get("type") == _CANCELLED
        awaited = (CANCEL_RECEIVED,) if cancelled else _ACKNOWLEDGES
        word = await self._word(gateway, case, awaited) if self.answers else None
        if word is None:
            return "202 Accepted", "", b""
        return "200 OK", "Content-Type: application/msgpack\r\n", word

    def _take(self, request: _Request) -> tuple[str, str]:
        """Hand it to the desk; gives the gateway and the request that it is about. Raises WireError."""
        source = request.attributes.get("source", "")
        gateway = source.removeprefix("edge:")
        data = unpack(request.body)
        if not gateway or gateway == source or "/" in gateway or not isinstance(data, dict):
            raise WireError("an event says in ce-source which gateway it is of, and its data is a map")
        self.calls += 1
        self._desk.deliver(Arrival.of(up_topic(self._root, gateway, EventKind.HELP), request.body, request.attributes))
        return gateway, text_of(data, "request")

    async def _word(self, gateway: str, request: str, awaited: tuple[str, ...]) -> bytes | None:
        """The newest word of these types in the case; None when there is none yet."""
        until = time.monotonic() + PATIENCE_S
        while True:
            case = next((c for c in self._desk.cases if c.gateway == gateway and c.request == request), None)
            said = self._desk.words(case) if case is not None else []
            found = [words for words in said if words.type in awaited]
            if found:
                return self._desk.payload(found[-1])
            if time.monotonic() > until:
                return None
            await asyncio.sleep(_LOOK_S)


@asynccontextmanager
async def calls(desk: Desk, place: tuple[str, int] | None, certificate: Path | None, root: str) -> AsyncIterator[None]:
    """Take calls there while within, if there is a place for it; `certificate` holds the key too, PEM.

    Raises ConfigError when the certificate is of no use, LinkError when the address cannot be had.
    """
    if place is None:
        yield
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # not every system says so by itself
    try:
        context.load_cert_chain(certificate or "")
    except OSError as error:
        why = f"--calls-cert {certificate or 'is missing'}: no certificate with its key ({error.strerror or error})"
        raise ConfigError(why, fix="Name a PEM file with both") from error
    door = HttpsDoor(desk, context, host=place[0], port=place[1], root=root)
    try:
        await door.__aenter__()
    except OSError as error:
        raise LinkError(f"no calls can be taken at {place[0]}:{place[1]}: {error.strerror or error}") from error
    try:
        yield
    finally:
        await door.__aexit__(None, None, None)


async def _read(reader: asyncio.StreamReader) -> _Request:
    """Raises WireError for what is no such request, EOFError and LimitOverrunError from the stream."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    length = headers.get("content-length", "")
    if not head[0].startswith("POST ") or not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        raise WireError("a POST with a Content-Length of at most 100 KiB")
    attributes = {name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")}
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return _Request(attributes, token if scheme == "Bearer" else "", await reader.readexactly(int(length)))
