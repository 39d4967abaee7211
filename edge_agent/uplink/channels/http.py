"""One HTTPS POST by asyncio alone: HTTP/1.1, one request a connection, everything bounded (RFC 9112).

The standard library's client blocks, and costs a thread and 2 MB of imports; what is needed here is a page.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping
from typing import NamedTuple

from edge_agent.core.errors import LinkError
from edge_agent.texts import Said

MAX_HEAD_LINES = 100
MAX_LINE_BYTES = 8 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |$)")
_URL = re.compile(r"https://(\[[0-9A-Fa-f:.]+\]|[^/:?#\[\]@]+)(?::(\d{1,5}))?(/[^#]*)?")


class Url(NamedTuple):
    """An https address; the host without brackets."""

    host: str
    port: int
    path: str

    @classmethod
    def of(cls, text: str) -> "Url":
        """The parts. Raises ValueError for anything but https://host[:port][/path]."""
        found = _URL.fullmatch(text)
        if found is None or not text.isprintable() or " " in text or not 0 < int(found[2] or 443) < 65536:
            raise ValueError(f"not an https address: {text[:120]!r}")
        return cls(found[1].strip("[]"), int(found[2] or 443), found[3] or "/")


class HttpReply(NamedTuple):
    """Status, headers by their lower-case names, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def post(
    url: Url, headers: Mapping[str, str], body: bytes, context: ssl.SSLContext, most_bytes: int
) -> HttpReply:
    """Send it and read the answer, whose body may have `most_bytes`. The caller bounds the time.

    Raises OSError (ssl.SSLError too) from the connection, and LinkError for an answer that is not HTTP or too long.
    """
    reader, writer = await asyncio.open_connection(url.host, url.port, ssl=context, limit=MAX_LINE_BYTES)
    try:
        writer.write(_request(url, headers, body))
        await writer.drain()
        return await _reply(reader, most_bytes)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise LinkError(Said("other.cut")) from error
    finally:
        # no close_notify is waited for: the answer is here, or it is not wanted any more
        writer.transport.abort()


def _request(url: Url, headers: Mapping[str, str], body: bytes) -> bytes:
    host = f"[{url.host}]" if ":" in url.host else url.host
    head = {
        "Host": host if url.port == 443 else f"{host}:{url.port}",
        **headers,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = [f"POST {url.path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", ""]
    return "\r\n".join(lines).encode("ascii", "replace") + body


async def _reply(reader: asyncio.StreamReader, most_bytes: int) -> HttpReply:
    """Raises IncompleteReadError and ValueError for what is not HTTP. Interim answers (1xx) are passed over."""
    while True:
        found = _STATUS.match(await _line(reader))
        if found is None:
            raise ValueError("no status line")
        headers = await _headers(reader)
        status = int(found[1])
        if status >= 200:
            return HttpReply(status, headers, await _body(reader, status, headers, most_bytes))


async def _headers(reader: asyncio.StreamReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(MAX_HEAD_LINES):
        line = await _line(reader)
        if not line:
            return headers
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    raise ValueError("too many headers")


async def _line(reader: asyncio.StreamReader) -> bytes:
    return (await reader.readuntil(b"\n")).rstrip(b"\r\n")


async def _body(reader: asyncio.StreamReader, status: int, headers: Mapping[str, str], most_bytes: int) -> bytes:
    if status in (204, 304):
        return b""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return await _chunks(reader, most_bytes)
    if "content-length" in headers:
        return await reader.readexactly(_bounded(int(headers["content-length"]), most_bytes))
    body = b""
    while piece := await reader.read(most_bytes + 1 - len(body)):
        body += piece
        _bounded(len(body), most_bytes)
    return body


async def _chunks(reader: asyncio.StreamReader, most_bytes: int) -> bytes:
    body = b""
    while size := int((await _line(reader)).partition(b";")[0], 16):
        _bounded(len(body) + size, most_bytes)
        body += await reader.readexactly(size)
        await _line(reader)
    return body


def _bounded(size: int, most_bytes: int) -> int:
    if not 0 <= size <= most_bytes:
        raise LinkError(Said("other.too_much", bytes=most_bytes))
    return size
