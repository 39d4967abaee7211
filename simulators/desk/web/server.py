"""The desk's page over HTTP: a queue, a case, and buttons. Off by default, and on loopback where nothing else is said.

Nothing here ever writes a gateway's words into HTML: pages are files, everything else is JSON that the page puts in as
text, and the content policy forbids any other script.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any, Self

from microdot import Microdot, Response

from edge_agent.console.web.talks import Handler, Talks, constant, failure, file_answer, object_of, plain
from edge_agent.control.bounds import LINE_BYTES, Inbound, Refused
from edge_agent.core.errors import LinkError, RefusedError
from simulators.desk.desk import Desk
from simulators.desk.web.acts import act
from simulators.desk.web.door import SESSION_S, Door, Session
from simulators.desk.web.replies import static_files, written_down

MAX_LISTENERS = 32
# Ages and urgency move without an event; a page that hears nothing for longer looks for itself.
HEARTBEAT_S = 5.0
# Several changes within this time are told as one.
TOGETHER_S = 0.1
# microdot's annotations know only the bodies of its own listener.
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
        self._tasks: set[asyncio.Task[None]] = set()
        self._listeners = 0
        self._changed = asyncio.Condition()
        self._changes = 0
        self._telling: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None
        self._talks = Talks(self._routes(), self._check)

    async def __aenter__(self) -> Self:
        try:
            self._server = await asyncio.start_server(self._talks.accept, self.host, self.port, limit=LINE_BYTES)
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
        await self._talks.end()
        await asyncio.gather(*self._tasks, return_exceptions=True)

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
            web.get(path)(written_down(handler))
        for path, handler in does.items():
            web.post(path)(written_down(handler))
        for status, words in {404: "There is no such page.", 405: "Not so.", 413: "That is too long."}.items():
            web.errorhandler(status)(constant(status, words))
        return web

    def _check(self, request: Any) -> None:
        """Raises Refused."""
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
        return file_answer(self._static, name)

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
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
