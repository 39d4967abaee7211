"""Talks with browsers: one request a connection, bounded in number, size and time.

microdot routes; the listener is ours and counts, as that of the control socket does (control/server.py says why).
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from microdot import Microdot, Request, Response

from edge_agent.console.web.address import SERVER
from edge_agent.control.bounds import Inbound, Outbound, Refused

MAX_CONNECTIONS = 64
REQUEST_TIMEOUT_S = 5.0
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
# With every answer: whose page it is, what keeps others out, and a gateway's words from ever becoming a script.
ALWAYS = {
    "Server": SERVER,
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
KINDS = {"html": "text/html; charset=utf-8", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
Handler = Callable[..., Awaitable[Any]]
# microdot's annotations know only the readers and writers of its own listener.
_parse: Any = Request.create


class Talks:
    """All talks under way. `check(request)` raises Refused for what no page of ours would send."""

    def __init__(self, web: Microdot, check: Callable[[Any], None]) -> None:
        self._web, self._check = web, check
        self._under_way: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin a talk, or hang up where there are too many."""
        if len(self._under_way) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        talk = asyncio.create_task(self._talk(reader, writer))
        self._under_way.add(talk)

        def over(_done: asyncio.Task[None]) -> None:
            self._under_way.discard(talk)
            writer.transport.abort()

        talk.add_done_callback(over)

    async def end(self) -> None:
        """End all of them, and wait for it."""
        for talk in list(self._under_way):
            talk.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        out = Outbound(writer)
        answer = None
        try:
            answer = await self._answer(Inbound(reader), out)
            answer.headers.update(ALWAYS)
            await answer.write(out)
            await out.close()
        except (asyncio.IncompleteReadError, OSError, TimeoutError):
            pass  # the browser left
        finally:
            if answer is not None and isinstance(answer.body, AsyncGenerator):
                await answer.body.aclose()

    async def _answer(self, inbound: Inbound, out: Outbound) -> Any:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                request = await _parse(self._web, inbound, out, None)
            if request is None or "Transfer-Encoding" in request.headers:
                return failure(400, "This is not understood.", "Use a browser.")
            self._check(request)
        except TimeoutError:
            return failure(408, "The request took too long to arrive.")
        except Refused as refused:
            return failure(refused.status, refused.error, refused.fix)
        except (ValueError, IndexError):
            return failure(400, "This is not an HTTP request.")
        return await self._web.dispatch_request(request)


async def hang_up(server: asyncio.Server) -> None:
    """Stop listening.

    Who was accepted in the last moment is let through first: a server of asyncio that is closed meanwhile loses the
    connection without closing it (CPython 3.11, Server._attach).
    """
    loop = asyncio.get_running_loop()
    for sock in server.sockets:
        loop.remove_reader(sock.fileno())
    for _ in range(3):
        await asyncio.sleep(0)
    server.close()


def object_of(request: Any) -> dict[str, Any]:
    """The JSON object of a body. Raises Refused."""
    try:
        told = json.loads(request.body or b"{}")
    except (ValueError, RecursionError) as error:
        raise Refused(400, "This is not JSON.", "Use the page itself.") from error
    if not isinstance(told, dict):
        raise Refused(400, "A JSON object is expected.", "Use the page itself.")
    return told


def plain(told: Any) -> Response:
    """Plain data as JSON."""
    return Response(json.dumps(told, allow_nan=False).encode(), 200, {"Content-Type": "application/json"})


def failure(status: int, error: str, fix: str = "") -> Response:
    """What went wrong and what to do, in words for people."""
    told = json.dumps({"error": error, "fix": fix}).encode()
    return Response(told, status, {"Content-Type": "application/json"})


def file_answer(files: dict[str, bytes], name: str) -> Response:
    """One of the page's own files."""
    found = files.get(name)
    if found is None:
        return failure(404, "There is no such page.")
    return Response(found, 200, {"Content-Type": KINDS[name.rpartition(".")[2]]})


def in_words(handler: Handler) -> Handler:
    """What a handler refuses becomes an answer; microdot would print it first."""

    async def answer(request: Any, **named: Any) -> Any:
        try:
            return await handler(request, **named)
        except Refused as refused:
            return failure(refused.status, refused.error, refused.fix)

    return answer


def constant(status: int, error: str) -> Any:
    """A handler that always says this."""

    async def answer(_request: Any) -> Response:
        return failure(status, error)

    return answer


def name_of(host: str) -> str:
    """The name of `name:port`; an IPv6 address keeps its brackets."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def check_origin(headers: Any, method: str, allowed: Callable[[str], bool]) -> None:
    """Refuse requests that another page had the browser make. Raises Refused.

    The Host tells a page that got our address under its own name (`allowed` knows ours), the Origin every other one.
    """
    host = headers.get("Host", "").lower()
    if not allowed(name_of(host)):
        raise Refused(403, "this server has no such name", "Use the address that was told you.")
    origin = headers.get("Origin", "").lower()
    if origin and origin.partition("://")[2] != host:
        raise Refused(403, "requests from other pages are refused", "Use the page itself.")
    if method == "POST" and not origin:
        raise Refused(403, "a request without Origin changes nothing", "Use the page itself.")
