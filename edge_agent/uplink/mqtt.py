"""The uplink: connects while it is wanted, says what is wrong in plain words, and comes back.

When to try again. Where a broker answered, by refusing or by hanging up, a fleet must not hammer it: full jitter up to
five minutes, at least what its reason code asks for, forgiven only after stable minutes. Where nobody heard us (no
route, no name, no answer, nobody listens) trying costs nobody anything: every second or two, however long the outage
was, so that a backlog moves within 2 s of the network's return. A link, address or route that comes on this machine is
tried at once with a second of jitter, a press at once without. Brokers are tried in the config's order without a pause
between them, and the first is first again after every connection that ended.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import structlog

from edge_agent.core.backoff import Backoff
from edge_agent.core.errors import LinkError
from edge_agent.core.health import Health
from edge_agent.texts import Said
from edge_agent.texts.starting import STARTING
from edge_agent.uplink.client import Client
from edge_agent.uplink.connection import Arrival, MqttSettings, TlsFiles, Will
from edge_agent.uplink.dial import Dialer
from edge_agent.uplink.link import MqttLink
from edge_agent.uplink.reasons import LinkLostError

__all__ = ["Arrival", "LinkLostError", "MqttLink", "MqttSettings", "MqttUplink", "TlsFiles", "Will"]

# While a help request is open nobody waits longer than this for the next try.
URGENT_CAP_S = 10.0
CAP_S = 300.0
# How long the last word may take before a polite goodbye.
FAREWELL_S = 2.0
# After these another broker is tried at once, though the connection stood.
_ELSEWHERE = ("moved", "shutdown")
# The same line stands in the log at most this often.
QUIET_S = 60.0

log = structlog.get_logger("uplink")


class MqttUplink:
    """Connects, stays connected while it is wanted, and comes back.

    * `on_message(arrival)`: a plain call for each message; what it raises ends `run`.
    * `on_up(link)`, `on_down(reason)`: plain calls.
    * `wanted()`: whether to be connected at all; asked before each try, once a second while connected, and at `wake`.
    * `urgent()`: whether somebody waits for help, so that no pause may be long.
    * `will()`: what the broker shall say when we are gone; asked at each connect.
    * `farewell(link, why)`: the last word before a polite end; `why` is `stopped` or `off by choice`.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        on_message: Callable[[Arrival], None],
        on_up: Callable[[MqttLink], None] = lambda _: None,
        on_down: Callable[[str], None] = lambda _: None,
        wanted: Callable[[], bool] = lambda: True,
        urgent: Callable[[], bool] = lambda: False,
        will: Callable[[], Will | None] = lambda: None,
        farewell: Callable[[MqttLink, str], Awaitable[None]] | None = None,
    ) -> None:
        places = ((settings.host, settings.port), *settings.fallback)
        self._brokers = [replace(settings, host=host, port=port, fallback=()) for host, port in places]
        self._settings = self._brokers[0]
        self._dialer = Dialer()
        self._on_message = on_message
        self._on_up = on_up
        self._on_down = on_down
        self._wanted = wanted
        self._urgent = urgent
        self._will = will
        self._farewell = farewell
        self._backoff = Backoff(cap_s=CAP_S)
        self._changed = asyncio.Event()
        self._woken = asyncio.Event()
        self._up = False
        self._told = ""
        self._told_at: dict[str, float] = {}
        self.health: Health = STARTING
        self.counts: Counter[str] = Counter()

    def wake(self, jitter_s: float = 0.0) -> None:
        """Something changed (a press, a link came up, consent): look again, and try now if there is no connection.

        A link-up event passes 1 s of jitter, for a whole street comes back together; a press passes none.
        """
        if jitter_s > 0:
            self._backoff.attempts = 0
            asyncio.get_running_loop().call_later(random.random() * jitter_s, self.wake)  # noqa: S311 - not secret
            return
        self._woken.set()
        self._changed.set()

    @property
    def connected(self) -> bool:
        """Whether there is a link now."""
        return self._up

    async def run(self) -> None:
        """Live until cancelled; a cancelled run says goodbye to the broker, which takes FAREWELL_S at the most."""
        while True:
            if not self._wanted():
                self._state("off", Health(True, Said("part.off")))
                await self._pause(None)
                continue
            self._woken.clear()
            began, stood = asyncio.get_running_loop().time(), self.counts["connected"]
            errors = await self._one_round()
            in_vain = self.counts["connected"] == stood
            waited_s = asyncio.get_running_loop().time() - began if in_vain else 0.0
            if self._wanted():
                await self._pause(self._delay_s(errors, waited_s))

    async def _one_round(self) -> list[LinkLostError]:
        """Each broker in turn until one connects; gives why each did not, and why the last connection ended."""
        errors: list[LinkLostError] = []
        for settings in self._brokers:
            self._settings = settings
            lasted_s, error = await self._connection()
            self._backoff.stable(lasted_s)
            if error is not None:
                errors.append(error)
            elsewhere = error is not None and (lasted_s == 0 or error.word in _ELSEWHERE)
            if not (elsewhere and self._wanted()):
                break
        return errors

    def _delay_s(self, errors: list[LinkLostError], waited_s: float = 0.0) -> float:
        """The pause after these; `waited_s` is how long nobody answered, which was a pause for everybody there."""
        share = random.random()  # noqa: S311 - not secret
        soon = [error.within_s for error in errors]
        if soon and None not in soon:
            return max(0.0, share * max(within_s for within_s in soon if within_s is not None) - waited_s)
        urgent = self._urgent()
        self._backoff.cap_s = URGENT_CAP_S if urgent else CAP_S
        rest_s = 0.0 if urgent else max((error.rest_s for error in errors), default=0.0)
        return max(self._backoff.delay(share) - waited_s, rest_s)

    async def _pause(self, delay_s: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._woken.wait()
        self._woken.clear()

    async def _connection(self) -> tuple[float, LinkLostError | None]:
        """One connection from its start to its end; gives how long it stood, in seconds, and why it failed or ended."""
        loop = asyncio.get_running_loop()
        client = Client(self._settings, self._will(), self._changed.set, self._dialer)
        up_at, lost = None, None
        try:
            await client.open()
            refused = await client.listen()
            up_at = loop.time()
            await self._live(client, refused)
        except LinkLostError as error:
            lost = error
            self._state(error.word, Health(False, error.sentence, error.fix))
            self.counts[error.word] += 1
        finally:
            client.drop()
            if client.inbox.dropped:
                self.counts["dropped"] += client.inbox.dropped
        return 0.0 if up_at is None else loop.time() - up_at, lost

    async def _live(self, client: Client, refused: list[str]) -> None:
        """From up to down. Raises LinkLostError when it was lost, returns when it was ended on purpose."""
        link = MqttLink(client, self._settings)
        self.counts["connected"] += 1
        self._woken.clear()
        health = Health(True, Said("part.connected", host=self._settings.host))
        if refused:
            said = Said("part.deaf", topics=", ".join(refused)[:200])
            health = Health(False, said, Said("part.deaf_fix"))
        why = "stopped"
        try:
            self._up = True
            self._on_up(link)
            why = await self._serve(client, health, "deaf" if refused else "up")
        except asyncio.CancelledError:
            await self._leave(client, link, why)
            raise
        except LinkLostError as error:
            why = error.sentence
            raise
        else:
            await self._leave(client, link, why)
        finally:
            client.drop()
            self._up = False
            self._on_down(why)

    async def _serve(self, client: Client, health: Health, word: str) -> str:
        while True:
            self._changed.clear()
            while client.inbox:
                self.counts["received"] += 1
                self._on_message(client.inbox.take())
            ended = client.ended()
            if ended is not None:
                raise ended
            if not self._wanted():
                return "off by choice"
            self._state(word, health)
            await self._changed.wait()

    async def _leave(self, client: Client, link: MqttLink, why: str) -> None:
        with suppress(LinkError, TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                if self._farewell is not None:
                    await self._farewell(link, why)
        await client.goodbye()

    def _state(self, word: str, health: Health) -> None:
        """Keep the health, and log a change of it once: lost once, back once, and never a line a second."""
        self.health = health
        now = asyncio.get_running_loop().time()
        if word == self._told or now - self._told_at.get(word, -QUIET_S) < QUIET_S:
            return
        self._told, self._told_at[word] = word, now
        say = log.info if health.ready else log.warning
        say(health.sentence, state=word, host=self._settings.host, port=self._settings.port, fix=health.fix or None)
