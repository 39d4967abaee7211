"""`edge-agent console`: serves the page on site while somebody here has opened it, and nothing while nobody has."""

import argparse
import asyncio
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge_agent.console.out import say
from edge_agent.console.web.address import LOOPBACK
from edge_agent.console.web.certificate import CertificateError, context
from edge_agent.console.web.gate import Gate
from edge_agent.console.web.relay import Relay, RelayError
from edge_agent.console.web.site import Site
from edge_agent.console.web.talks import hang_up
from edge_agent.control.bounds import LINE_BYTES
from edge_agent.control.paths import find_socket

RETRY_S = 2.0
HANDSHAKE_S = 5.0
SHUT = b'{"seconds": 0}'
EXAMPLE = """example:
  edge-agent console          serve the page; it is shut until edge-agent console open

It listens nowhere while the page is shut. It is a service of its own: systemd/edge-agent-console.service.
exit codes: 0 stopped, 2 wrong usage"""


class Serving:
    """The command."""

    help = "serve the page on site while it is open; it is shut unless somebody here opens it"

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""
        parser.epilog = EXAMPLE
        parser.add_argument("--socket", metavar="PATH", help="the control socket (or set EDGE_AGENT_SOCKET)")
        told = "the folder of its certificate (default: STATE_DIRECTORY, or edge-agent-console in the XDG state folder)"
        parser.add_argument("--state", metavar="FOLDER", help=told)

    def run(self, args: argparse.Namespace) -> int:
        """Until it is stopped."""
        with suppress(KeyboardInterrupt, asyncio.CancelledError):
            asyncio.run(Keeper(Relay(find_socket(args.socket)), _folder(args.state)).run())
        return 0


class Keeper:
    """Follows what the agent says of the page: listens while it is open, and where it is meant to be seen."""

    def __init__(self, relay: Relay, folder: Path) -> None:
        self._relay, self._folder = relay, folder
        self._site = Site(relay, self._bar)
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._served: tuple[str, bool, int] | None = None
        self._told = ""
        self._guessed = ""  # the PIN that somebody tries to find out, until the agent knows

    async def run(self) -> None:
        """For ever."""
        try:
            while True:
                try:
                    await self._follow()
                except RelayError as error:
                    self._say(f"waiting for the agent: {error}")
                # without the agent nobody knows whether it is still open
                await self._shut()
                await asyncio.sleep(RETRY_S)
        finally:
            await self._shut()

    async def _follow(self) -> None:
        """As it is now, and then at every change. Raises RelayError."""
        events = self._relay.events("console")
        try:
            await anext(events)  # the stream is there: nothing is missed from here on
            await self._look()
            async for _ in events:  # also when the agent only says that it is there: pieces begin and end anywhere
                await self._look()
        except StopAsyncIteration:
            return
        finally:
            await events.aclose()

    async def _look(self) -> None:
        told = await self._relay.told("console", b'{"look": true}')
        if told["left_s"] <= 0.0:
            self._guessed = ""
            await self._shut()
            if not self._told.startswith("shut"):
                self._say("shut; edge-agent console open opens it")
        elif told["pin"] == self._guessed:
            await self._relay.told("console", SHUT)  # it could not be told before
        else:
            await self._open(told)

    async def _open(self, told: dict[str, Any]) -> None:
        wanted = (told["pin"], told["lan"], told["port"])
        if self._served != wanted:
            same = self._served is not None and self._served[0] == told["pin"]
            await self._listen(told, self._site.gate if same else None)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(told["left_s"], self._time_is_up)

    async def _listen(self, told: dict[str, Any], gate: Gate | None) -> None:
        """Serve it anew: on loopback in the clear, or on every address over TLS; who was in stays in."""
        await self._shut()
        try:
            tls = context(self._folder, datetime.now(UTC), self._renewed) if told["lan"] else None
            hosts = None if told["lan"] else LOOPBACK
            shaking_s = HANDSHAKE_S if tls else None
            self._server = await asyncio.start_server(
                self._site.talks.accept,
                hosts,
                told["port"],
                ssl=tls,
                ssl_handshake_timeout=shaking_s,
                limit=LINE_BYTES,
            )
        except (CertificateError, OSError) as error:
            self._say(f"the page cannot be served: {error}")
            return
        self._site.gate, self._site.tls = gate or Gate(told["pin"]), tls is not None
        self._served = (told["pin"], told["lan"], told["port"])
        self._say(f"open on {'the network' if tls else 'this machine'}, port {told['port']}")

    def _renewed(self, ends: datetime) -> None:
        self._say(f"a new certificate, and so a new fingerprint: the one before ends on {ends:%Y-%m-%d}")

    def _time_is_up(self) -> None:
        self._soon(self._shut())

    def _bar(self) -> None:
        """Somebody guesses: the page is shut for all, and a person may open it again."""
        self._guessed = self._site.gate.pin if self._site.gate else self._guessed
        self._say("shut: too many wrong PINs")
        self._soon(self._bar_all())

    async def _bar_all(self) -> None:
        with suppress(RelayError):
            await self._relay.told("console", SHUT)
        await self._shut()

    def _soon(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _shut(self) -> None:
        server, self._server = self._server, None
        if self._timer is not None:
            self._timer.cancel()
        self._served = self._site.gate = None
        if server is not None:
            await hang_up(server)
            await self._site.talks.end()
            self._say("shut")

    def _say(self, what: str) -> None:
        if what != self._told:
            self._told = what
            say(f"console: {what}")


def _folder(option: str | None) -> Path:
    given = option or os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    state = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser()
    return state / "edge-agent-console"


SERVE = Serving()
