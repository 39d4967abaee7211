"""The control API: HTTP over a Unix socket, the only way into the agent from its own machine.

microdot routes and writes, we listen. Its own listener bounds neither headers nor time and prints each bad request,
and the queue of its server-sent events has no end; but `Request.create` and `dispatch_request`, the seam that its
ASGI adapter uses too, take any reader, so ours counts. Over asyncio it adds 0.3 MB. h11 reads more strictly and would
leave routing, bodies and answers to us. One request a connection; a client is known by the socket's permissions.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from microdot import Microdot, Request, Response

from edge_agent import __version__
from edge_agent.control.bounds import LINE_BYTES, Inbound, Outbound, Refused
from edge_agent.control.listener import listening
from edge_agent.control.routes import ROUTES, Route
from edge_agent.control.types import (
    API_VERSION,
    LIVE_KINDS,
    Agent,
    Failure,
    Live,
    Reply,
    decode,
    encode,
    query,
)
from edge_agent.core.errors import AgentError, WireError

MAX_CONNECTIONS = 32
# Half of the connections stay free for questions and presses.
MAX_LISTENERS = 16
REQUEST_TIMEOUT_S = 3.0
HEARTBEAT_S = 10.0
Handler = Callable[[Any], Coroutine[Any, Any, Response]]
# microdot's annotations know only the readers, writers and bodies of its own listener.
_parse: Any = Request.create
_response: Any = Response
LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})
HOSTS = frozenset({"localhost", "edge-agent"})
DESCRIPTION = f"what /v{API_VERSION}/openapi.json describes"
JSON = {"Content-Type": "application/json", "Cache-Control": "no-store"}
# What Prometheus expects of its format (exposition_formats.md).
TEXT = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Cache-Control": "no-store"}
STREAM = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
_BUSY = encode(Failure(error=f"{MAX_CONNECTIONS} clients are being answered", fix="Try again in a moment."))
BUSY = b"HTTP/1.0 503 Busy\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_BUSY) + _BUSY
# Answers that microdot gives by itself, in our words.
OWN_WORDS = {
    413: ("the body is too large", "Send a small JSON object."),
    500: ("the agent made a mistake while answering", "Its log has the details: journalctl -u edge-agent."),
}


@dataclass(slots=True)
class Counts:
    """Totals since start: requests answered well, requests refused, clients that left before they were answered."""

    served: int = 0
    refused: int = 0
    left: int = 0


class _Server:
    """One agent's routes and the talks under way on one socket: who may only look cannot use up the other one's."""

    def __init__(self, agent: Agent, counts: Counts, *, writes: bool) -> None:
        self._agent = agent
        self._writes = writes
        self._counts = counts
        self._listeners = 0
        self._ended = False
        self._talks: set[asyncio.Task[None]] = set()
        self._web = self._routes()

    def _routes(self) -> Microdot:
        web = Microdot()
        for route in ROUTES:
            method = web.post if route.writes else web.get
            method(f"/v{API_VERSION}/{route.name}")(_handler(self._agent, route))
        web.get(f"/v{API_VERSION}/events")(self._events)
        web.get(f"/v{API_VERSION}/openapi.json")(_described)
        web.errorhandler(404)(_unknown)
        web.errorhandler(405)(_other_method)
        for status, words in OWN_WORDS.items():
            web.errorhandler(status)(_constant(status, *words))
        return web

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin a talk, or say that there are too many, at no more cost than saying it."""
        if self._ended:
            writer.transport.abort()
            return
        if len(self._talks) >= MAX_CONNECTIONS:
            self._counts.refused += 1
            writer.write(BUSY)
            writer.close()
            return
        talk = asyncio.create_task(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(lambda done: self._over(done, writer))

    def _over(self, talk: asyncio.Task[None], writer: asyncio.StreamWriter) -> None:
        """Every talk ends here, also one that was cancelled before its first step."""
        self._talks.discard(talk)
        writer.transport.abort()

    async def end(self) -> None:
        """End all talks and wait for it; nobody who was on the way in gets one any more."""
        self._ended = True
        talks = list(self._talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        out = Outbound(writer)
        answer = None
        try:
            answer = await self._answer(Inbound(reader), out)
            if answer.status_code < 400:
                self._counts.served += 1
            else:
                self._counts.refused += 1
            await answer.write(out)
            await out.close()
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            self._counts.left += 1
        finally:
            if answer and isinstance(answer.body, AsyncGenerator):
                await answer.body.aclose()

    async def _answer(self, inbound: Inbound, out: Outbound) -> Any:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                request = await _parse(self._web, inbound, out, None)
            _check(request, self._writes)
        except TimeoutError:
            return _failure(408, "the request took too long to arrive", f"Send it within {REQUEST_TIMEOUT_S:g} s.")
        except Refused as refused:
            return _failure(refused.status, refused.error, refused.fix)
        except (ValueError, IndexError):
            return _failure(400, "this is not an HTTP request", "Use edge-agent, or curl --unix-socket.")
        return await self._web.dispatch_request(request)

    async def _events(self, request: Any) -> Any:
        if self._listeners >= MAX_LISTENERS:
            return _failure(503, f"{MAX_LISTENERS} listeners are there already", "Close one of them.")
        asked = request.args.get("kinds")
        kinds = asked.split(",") if asked else list(LIVE_KINDS)
        unknown = [kind for kind in kinds if kind not in LIVE_KINDS]
        if unknown:
            known = f"Ask for /v1/events?kinds= and some of {','.join(LIVE_KINDS)}."
            return _failure(400, f"there are no events of the kind {unknown[0][:40]!r}", known)
        events = self._agent.listen(kinds, request.headers.get("Last-Event-ID", ""))
        return _response(self._stream(events, request.sock[0]), 200, STREAM)

    async def _stream(self, events: AsyncIterator[Live], inbound: Inbound) -> AsyncGenerator[bytes, None]:
        """Server-sent events as they come, a comment in a long quiet, until the client leaves or the agent ends it."""
        self._listeners += 1
        gone = asyncio.create_task(inbound.left())
        upcoming: asyncio.Task[Live | None] | None = asyncio.create_task(_next(events))
        try:
            yield b": listening\n\n"  # from here on the client misses nothing
            while not gone.done():
                upcoming = upcoming or asyncio.create_task(_next(events))
                await asyncio.wait({upcoming, gone}, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
                if not upcoming.done():
                    yield b": still here\n\n"
                    continue
                event = upcoming.result()
                if event is None:
                    return
                upcoming = None
                ident = f"id: {event.id}\n" if event.id else ""
                yield f"{ident}event: {event.kind}\ndata: ".encode() + encode(event.data) + b"\n\n"
        finally:
            self._listeners -= 1
            await _stop(gone, upcoming)
            if isinstance(events, AsyncGenerator):
                await events.aclose()


async def serve(agent: Agent, path: Path, counts: Counts | None = None, *, read_group: str = "") -> None:
    """Answer on the socket at `path`, and beside it to those who may only look, until cancelled; then end all talks.

    An optional task: raises ControlError when the sockets cannot be had. What clients do never ends it; `counts`
    tells how much of it there was.
    """
    counts = counts or Counts()
    servers = [_Server(agent, counts, writes=writes) for writes in (True, False)]
    with listening(path, read_group) as socks:
        open_ones: list[asyncio.Server] = []
        try:
            for server, sock in zip(servers, socks, strict=True):
                open_ones.append(await asyncio.start_unix_server(server.accept, sock=sock, limit=LINE_BYTES))
            await asyncio.get_running_loop().create_future()
        finally:
            for each in open_ones:
                each.close()
            for server in servers:
                await server.end()


def _check(request: Any, writes: bool) -> None:
    """Refuse what no console of ours would send: a web page's request carries a foreign Host or an Origin."""
    if request is None:
        raise Refused(400, "this is not an HTTP request", "Use edge-agent, or curl --unix-socket.")
    if "Origin" in request.headers:
        raise Refused(403, "requests from web pages are refused", "Use edge-agent on this machine.")
    if request.headers.get("Host", "").lower() not in HOSTS:
        raise Refused(403, "the Host header must be localhost or edge-agent", "Ask for http://localhost/v1/status.")
    if not writes and request.method not in LOOKING:
        raise Refused(403, "on this socket one may only look", "Use control.sock, as a member of its group.")
    if "Transfer-Encoding" in request.headers:
        raise Refused(411, "a body in chunks is not read", "Send Content-Length.")


def _handler(agent: Agent, route: Route) -> Handler:
    async def answer(request: Any) -> Response:
        try:
            ask = decode(request.body or b"{}", route.ask) if route.writes else query(_once(request.args), route.ask)
        except WireError as error:
            what, how = ("body", "JSON such as {}") if route.writes else ("query", DESCRIPTION)
            return _failure(400, f"the {what} is not what was expected: {error.args[0]}", f"Send {how}.")
        try:
            said = route.answer(agent, ask)
            if isinstance(said, str):
                return Response(said, 200, TEXT)
            reply = said if isinstance(said, Reply) else await said
        except AgentError as error:
            return _failure(409, error.args[0], error.fix)
        return Response(encode(reply), 200, JSON)

    return answer


def _once(args: Any) -> dict[str, str]:
    """The query's names and values. Raises WireError where a name has several."""
    twice = [name for name in args if len(args.getlist(name)) > 1]
    if twice:
        raise WireError(f"{twice[0][:40]!r} is there twice")
    return {name: args[name] for name in args}


async def _described(_request: Any) -> Response:
    from edge_agent.control.openapi import description  # noqa: PLC0415 - rarely asked for

    return Response(description(), 200, JSON)


def _constant(status: int, error: str, fix: str) -> Handler:
    async def answer(_request: Any) -> Response:
        return _failure(status, error, fix)

    return answer


async def _unknown(request: Any) -> Response:
    error = f"agent {__version__} has no {request.path[:100]}: it speaks version {API_VERSION} of the control API"
    return _failure(
        404, error, "Use the edge-agent command that was installed with the agent; restart it after an upgrade."
    )


async def _other_method(request: Any) -> Response:
    writes = {route.writes for route in ROUTES if request.path == f"/v{API_VERSION}/{route.name}"} or {False}
    methods = [method for method, write in (("GET", False), ("POST", True)) if write in writes]
    answer = _failure(405, "this route does not take that method", f"Ask it with {' or '.join(methods)}.")
    answer.headers["Allow"] = ", ".join(methods)
    return answer


def _failure(status: int, error: str, fix: str) -> Response:
    return Response(encode(Failure(error=error, fix=fix)), status, JSON)


async def _next(events: AsyncIterator[Live]) -> Live | None:
    try:
        return await anext(events, None)
    except AgentError:
        return None  # the stream ends; the client may listen again


async def _stop(*tasks: asyncio.Task[Any] | None) -> None:
    waiting = [task for task in tasks if task]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
