"""The page itself: its files, who comes in, and the questions it may ask.

Nothing of the gateway is ever written into HTML: pages are files, all else is JSON that the page puts in as text.
"""

import asyncio
import ipaddress
from collections.abc import AsyncGenerator, Callable
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from microdot import Microdot, Response

from edge_agent.console.web.gate import Gate
from edge_agent.console.web.relay import DOES, LOOKS, Relay, RelayError, Reply
from edge_agent.console.web.surveys import judged
from edge_agent.console.web.talks import (
    KINDS,
    Handler,
    Talks,
    check_origin,
    constant,
    failure,
    file_answer,
    in_words,
    object_of,
    plain,
)
from edge_agent.control.bounds import Refused
from edge_agent.control.types import LIVE_KINDS
from edge_agent.texts import languages, texts

MAX_LISTENERS = 16
COOKIE = "edge-console"
_response: Any = Response
_FOLDER = files("edge_agent.console.web") / "static"


def static_files() -> dict[str, bytes]:
    """The page's files by name, read once; those that other projects made are in `vendor`, where they were fetched."""
    found = {each.name: each.read_bytes() for each in _FOLDER.iterdir() if each.name.rpartition(".")[2] in KINDS}
    vendor = _FOLDER / "vendor"
    if vendor.is_dir():
        found |= {each.name: each.read_bytes() for each in vendor.iterdir() if each.name.rpartition(".")[2] in KINDS}
    return found


class Site:
    """Served while `gate` is there; `barred()` is called when somebody guessed too often."""

    def __init__(self, relay: Relay, barred: Callable[[], None]) -> None:
        self.gate: Gate | None = None
        self._relay, self._barred = relay, barred
        self._files = static_files()
        self._listeners = 0
        self.tls = False
        self.talks = Talks(self._routes(), self._check)

    def _routes(self) -> Microdot:
        web = Microdot()
        reads: dict[str, Handler] = {
            "/": self._index,
            "/static/<name>": self._file,
            "/texts/<language>": self._texts,
            "/api/events": self._events,
            "/api/<path:route>": self._look,
        }
        does: dict[str, Handler] = {"/login": self._login, "/logout": self._logout, "/api/<path:route>": self._do}
        for path, handler in reads.items():
            web.get(path)(in_words(handler))
        for path, handler in does.items():
            web.post(path)(in_words(handler))
        for status, words in {404: "There is no such page.", 405: "Not so.", 413: "That is too long."}.items():
            web.errorhandler(status)(constant(status, words))
        return web

    def _check(self, request: Any) -> None:
        check_origin(request.headers, request.method, _ours)

    # who is there

    def _is_in(self, request: Any) -> bool:
        return self.gate is not None and self.gate.knows(request.cookies.get(COOKIE, ""))

    def _expect(self, request: Any) -> None:
        """Raises Refused for who has not come in."""
        if not self._is_in(request):
            raise Refused(401, "pin", "The PIN was shown where the page was opened.")

    async def _index(self, request: Any) -> Response:
        return file_answer(self._files, "index.html" if self._is_in(request) else "pin.html")

    async def _file(self, _request: Any, name: str) -> Response:
        return file_answer(self._files, name)

    async def _texts(self, _request: Any, language: str) -> Response:
        """The words of the page, and what languages there are; nothing of the gateway is in them."""
        if language not in languages():
            return failure(404, "There is no such language.")
        here = texts(language)
        said = {key: text for key, text in here.items() if key.partition(".")[0] in ("page", "state", "verdict")}
        return plain({"language": language, "languages": languages(), "said": said})

    async def _login(self, request: Any) -> Response:
        if self.gate is None:
            raise Refused(403, "shut", "edge-agent console open")
        ident = self.gate.enter(str(object_of(request).get("pin", "")).strip())
        if ident is None:
            if self.gate.barred:
                self._barred()
            raise Refused(401, "wrong", "The PIN was shown where the page was opened.")
        answer = plain({})
        secure = "; Secure" if self.tls else ""
        answer.headers["Set-Cookie"] = f"{COOKIE}={ident}; Path=/; HttpOnly; SameSite=Strict{secure}"
        return answer

    async def _logout(self, request: Any) -> Response:
        if self.gate is not None:
            self.gate.leave(request.cookies.get(COOKIE, ""))
        return plain({})

    # what is asked

    async def _look(self, request: Any, route: str) -> Response:
        self._expect(request)
        if route not in LOOKS:
            return failure(404, "The page may not ask that.")
        asked = urlencode({key: request.args[key] for key in request.args})
        return await self._handed_on(f"{route}?{asked}" if asked else route)

    async def _do(self, request: Any, route: str) -> Response:
        self._expect(request)
        if route not in DOES:
            return failure(404, "The page may not do that.")
        object_of(request)
        return await self._handed_on(route, request.body or b"{}")

    async def _handed_on(self, route: str, body: bytes | None = None) -> Response:
        try:
            reply: Reply = await judged(route, await self._relay.ask(route, body))
        except RelayError as error:
            return failure(502, str(error), "journalctl -u edge-agent")
        return Response(reply.body, reply.status, {"Content-Type": "application/json"})

    async def _events(self, request: Any) -> Any:
        self._expect(request)
        kinds = request.args.get("kinds", "help,lamp,finding,status,console")
        if not set(kinds.split(",")) <= LIVE_KINDS.keys():
            return failure(404, "The page may not ask that.")
        if self._listeners >= MAX_LISTENERS:
            raise Refused(503, "Too many pages are open.", "Close one of them.")
        stream = self._stream(kinds, request.headers.get("Last-Event-ID", ""), request.sock[0])
        return _response(stream, 200, {"Content-Type": "text/event-stream"})

    async def _stream(self, kinds: str, last: str, inbound: Any) -> AsyncGenerator[bytes, None]:
        """The agent's own stream, until the browser leaves, the page is shut, or the agent ends it."""
        self._listeners += 1
        events = self._relay.events(kinds, last if last.isprintable() else "")
        gone = asyncio.ensure_future(inbound.left())
        piece: asyncio.Future[bytes] | None = None
        try:
            while not gone.done():
                piece = asyncio.ensure_future(anext(events))
                await asyncio.wait({piece, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not piece.done():
                    return
                yield piece.result()
        except (RelayError, StopAsyncIteration, OSError):
            return
        finally:
            self._listeners -= 1
            for task in (gone, piece):
                if task is not None:
                    task.cancel()
            await asyncio.gather(*(task for task in (gone, piece) if task is not None), return_exceptions=True)
            await events.aclose()


def _ours(name: str) -> bool:
    """A page is called by an address or as localhost, so that no foreign name can point a browser here."""
    if name == "localhost":
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
