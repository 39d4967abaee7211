"""The desk's page over HTTP: a queue, a case, and buttons. Off by default, and on loopback where nothing else is said.

The listener is ours and counts, as that of the agent's control socket does (edge_agent/control/server.py says why);
microdot routes. One request a connection. Nothing here ever writes a gateway's words into HTML: pages are files,
everything else is JSON that the page puts in as text, and the content policy forbids any other script.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any, Self

from microdot import Microdot, Request, Response

from edge_agent.control.bounds import LINE_BYTES, Inbound, Outbound, Refused
from edge_agent.core.errors import LinkError, RefusedError
from simulators.desk.desk import Desk
from simulators.desk.web.acts import act
from simulators.desk.web.door import SESSION_S, Door, Session
from simulators.desk.web.replies import (
    ALWAYS,
    KINDS,
    Handler,
    constant,
    failure,
    in_words,
    object_of,
    plain,
    static_files,
)

MAX_CONNECTIONS = 64
MAX_LISTENERS = 32
REQUEST_TIMEOUT_S = 5.0
# Ages and urgency move without an event; a page that hears nothing for longer looks for itself.
HEARTBEAT_S = 5.0
# Several changes within this time are told as one.
TOGETHER_S = 0.1
# microdot's annotations know only the readers, writers and bodies of its own listener.
_parse: Any = Request.create
_response: Any = Response


class Page:
    """The page of one desk at `host`:`port` (0: any free one); an async context manager that listens.

    Raises LinkError when the address cannot be had. `port` is the one it has.
    """

    def __init__(self, desk: Desk, door: Door, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._desk = desk
        self._door = door
        self._static = static_files()
        self._talks: set[asyncio.Task[None]] = set()
        self._listeners = 0
        self._changed = asyncio.Condition()
        self._changes = 0
        self._telling: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None
        self._web = self._routes()

    async def __aenter__(self) -> Self:
        try:
            self._server = await asyncio.start_server(self._accept, self.host, self.port, limit=LINE_BYTES)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            fix = "Name another address with --web"
            raise LinkError(f"the page cannot be served at {self.host}:{self.port}: {why}", fix=fix) from error
        self.port = self._server.sockets[0].getsockname()[1]
        self._desk.on_change = self._tell_soon
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        if self._telling is not None:
            self._telling.cancel()
        for talk in list(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def _routes(self) -> Microdot:
        web = Microdot()
        reads: dict[str, Handler] = {
            "/": self._index,
            "/login": self._login_page,
            "/static/<name>": self._file,
            "/api/queue": self._queue,
            "/api/case/<int:number>": self._case,
            "/api/changes": self._listen,
        }
        does: dict[str, Handler] = {
            "/login": self._login,
            "/logout": self._logout,
            "/api/case/<int:number>/<name>": self._act,
        }
        for path, handler in reads.items():
            web.get(path)(in_words(handler))
        for path, handler in does.items():
            web.post(path)(in_words(handler))
        for status, words in {404: "There is no such page.", 405: "Not so.", 413: "That is too long."}.items():
            web.errorhandler(status)(constant(status, words))
        return web

    # talks

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._talks) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        talk = asyncio.create_task(self._talk(reader, writer))
        self._talks.add(talk)

        def over(_done: asyncio.Task[None]) -> None:
            self._talks.discard(talk)
            writer.transport.abort()

        talk.add_done_callback(over)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        out = Outbound(writer)
        answer = None
        try:
            answer = await self._answer(Inbound(reader), out)
            answer.headers.update(ALWAYS)
            await answer.write(out)
            await out.close()
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass  # the browser left
        finally:
            if answer is not None and isinstance(answer.body, AsyncGenerator):
                await answer.body.aclose()

    async def _answer(self, inbound: Inbound, out: Outbound) -> Any:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                request = await _parse(self._web, inbound, out, None)
            self._check(request)
        except TimeoutError:
            return failure(408, "The request took too long to arrive.")
        except Refused as refused:
            return failure(refused.status, refused.error, refused.fix)
        except (ValueError, IndexError):
            return failure(400, "This is not an HTTP request.")
        return await self._web.dispatch_request(request)

    def _check(self, request: Any) -> None:
        """Raises Refused."""
        if request is None or "Transfer-Encoding" in request.headers:
            raise Refused(400, "this is not understood", "Use a browser.")
        self._door.check_origin(request.headers, request.method)

    # who is there

    @property
    def _cookie(self) -> str:
        # cookies do not know ports: several desks of one machine must not log one another out
        return f"desk-{self.port}"

    def _expect(self, request: Any) -> Session:
        """Raises Refused for who is not logged in."""
        session = self._door.session(request.cookies.get(self._cookie, ""))
        if session is None:
            raise Refused(401, "Please log in.", "The desk printed a token when it started.")
        return session

    async def _index(self, request: Any) -> Response:
        if self._door.session(request.cookies.get(self._cookie, "")) is None:
            return Response("", 303, {"Location": "/login"})
        return self._page("index.html")

    async def _login_page(self, _request: Any) -> Response:
        return self._page("login.html")

    async def _login(self, request: Any) -> Response:
        told = object_of(request)
        ident = self._door.open(str(told.get("token", "")), str(told.get("name", "")))
        answer = plain({})
        kept = f"Path=/; HttpOnly; SameSite=Strict; Max-Age={SESSION_S:.0f}"
        answer.headers["Set-Cookie"] = f"{self._cookie}={ident}; {kept}"
        return answer

    async def _logout(self, request: Any) -> Response:
        self._door.close(request.cookies.get(self._cookie, ""))
        return plain({})

    async def _file(self, _request: Any, name: str) -> Response:
        return self._page(name)

    def _page(self, name: str) -> Response:
        found = self._static.get(name)
        if found is None:
            return failure(404, "There is no such page.")
        return Response(found, 200, {"Content-Type": KINDS[name.rpartition(".")[2]]})

    # what is shown and done

    async def _queue(self, request: Any) -> Response:
        me = self._expect(request)
        link = self._desk.health
        about = {"me": me.helper, "link": link.ready, "link_words": link.sentence}
        return plain({**self._desk.view.queue(time.time()), **about})

    async def _case(self, request: Any, number: int) -> Response:
        self._expect(request)
        found = self._desk.view.case(number, time.time())
        return failure(404, "There is no such case.") if found is None else plain(found)

    async def _act(self, request: Any, number: int, name: str) -> Response:
        me = self._expect(request)
        try:
            act(self._desk.hand, name, number, me.helper, object_of(request))
        except RefusedError as refused:
            return failure(409, refused.args[0])
        return plain({})

    # changes

    def _tell_soon(self) -> None:
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(TOGETHER_S, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._changes += 1
        task = asyncio.create_task(self._wake())
        self._talks.add(task)
        task.add_done_callback(self._talks.discard)

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _listen(self, request: Any) -> Any:
        session = self._expect(request)
        if self._listeners >= MAX_LISTENERS:
            raise Refused(503, "Too many pages are open.", "Close one of them.")
        return _response(self._stream(request.sock[0], session), 200, {"Content-Type": "text/event-stream"})

    async def _stream(self, inbound: Inbound, session: Session) -> AsyncGenerator[bytes, None]:
        """A line for every change, and one in a long quiet, until the browser leaves or its session ends."""
        self._listeners += 1
        gone = asyncio.create_task(inbound.left())
        told = -1
        try:
            while not gone.done() and time.monotonic() < session.until:
                if told == self._changes:
                    await self._change_after(told)
                told = self._changes
                yield b"data: %d\n\n" % told
        finally:
            self._listeners -= 1
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)

    async def _change_after(self, told: int) -> None:
        try:
            async with asyncio.timeout(HEARTBEAT_S), self._changed:
                await self._changed.wait_for(lambda: self._changes != told)
        except TimeoutError:
            return
