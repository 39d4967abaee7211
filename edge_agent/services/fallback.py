"""In FALLBACK the call for help goes by every other channel at once, each on its own schedule, until one is answered.

What a channel brings back is believed by the same rules as what comes over MQTT; the first word that is, wins: the case
leaves FALLBACK, and the others stop. MQTT goes on beside all this, and the full event follows on it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import SystemRandom

import structlog

from edge_agent.core.backoff import Backoff
from edge_agent.core.compact import call_of
from edge_agent.core.errors import LinkBusyError, LinkError, WireError
from edge_agent.core.event import Event
from edge_agent.core.health import Health
from edge_agent.core.ports import Clock, HelpChannel
from edge_agent.texts import Said

# Nobody was bothered by a try that failed: it is made again soon.
FAILED_CAP_S = 30.0
# The longest that one try may take, whatever a channel promises.
TRY_S = 180.0
# Where an answer has to be fetched, it waits for nobody longer than this.
ASK_S = 30.0
# After the first answer the desk is asked for the next word so often, and then less and less.
FOLLOW_S, FOLLOW_CAP_S = 10.0, 300.0

_log = structlog.get_logger("fallback")
_random = SystemRandom()
# Seconds to the next resend, of: how many there were, how long the desk has been waited for, random in 0..1.
Resend = Callable[[int, float, float], float]


@dataclass(slots=True)
class Call:
    """One event on its way by the other channels; `over` when somebody has it, or it is wanted no more."""

    event: Event
    began_at: float
    over: asyncio.Event


class Way:
    """One channel and how it went: tries since the start, how the last one ended, and when (monotonic seconds)."""

    def __init__(self, channel: HelpChannel) -> None:
        self.channel = channel
        self.tries = 0
        self.sent = 0
        self.answered = 0
        self.last_at: float | None = None
        self.last: str = Said("other.unused")

    def told(self, now: float) -> Health:
        """Its health, and the last try in words."""
        health = self.channel.health
        if self.last_at is None:
            return Health(health.ready, Said("other.tried", said=health.sentence, last=self.last), health.fix)
        ago = Said("time.ago", span=_span(now - self.last_at))
        return Health(health.ready, Said("other.tried_ago", said=health.sentence, last=self.last, ago=ago), health.fix)


class FallBack:
    """`ways` in the order of the configuration. `start`, `look` and `heard` may be called at any time from the loop.

    `waiting()` is the event that nobody acknowledged yet, `asking()` the one by which the desk is asked for more of a
    case that it has, None when there is none; `live()` whether a case is open, `connected()` whether the first channel
    carries again.
    `believe(payload)` hands over what came back, and says whether it was to be believed.
    """

    def __init__(
        self,
        clock: Clock,
        gateway: str,
        *,
        waiting: Callable[[], Event | None],
        asking: Callable[[], Event | None],
        live: Callable[[], bool],
        connected: Callable[[], bool],
        believe: Callable[[bytes], bool],
        resend: Resend,
    ) -> None:
        self.ways: list[Way] = []
        self._clock = clock
        self._gateway = gateway
        self._waiting = waiting
        self._asking = asking
        self._live = live
        self._connected = connected
        self._believe = believe
        self._resend = resend
        self._call: Call | None = None
        self._began = asyncio.Event()
        self._changed = asyncio.Event()
        self._used = False

    def add(self, channels: Sequence[HelpChannel]) -> None:
        """The channels, once they are made."""
        self.ways += [Way(channel) for channel in channels]

    def wanted(self) -> bool:
        """Whether a channel should stay open: a call goes by it, or what follows on the answer may still come."""
        return self._call is not None or (self._used and self._live())

    def start(self) -> None:
        """Call by every channel; while that is under way it changes nothing."""
        event = self._waiting()
        if event is None or not self.ways or (self._call and self._call.event.id == event.id):
            return
        self._end()
        _log.warning("fallback", case=event.subject, channels=[way.channel.name for way in self.ways])
        self._call = Call(event, self._clock.now().monotonic, asyncio.Event())
        self._used = True
        self._began.set()
        self._stir()

    def look(self) -> None:
        """Something changed in the case: stop when nothing waits any more."""
        event = self._waiting()
        if self._call and (event is None or event.id != self._call.event.id):
            self._end()
        self._used = self._used and self._live()
        self._stir()

    def heard(self, name: str, payload: bytes) -> bool:
        """What a channel brought, of its own accord or as an answer; says whether it was to be believed."""
        believed = self._believe(payload)
        for way in self.ways:
            if way.channel.name == name and believed:
                way.answered += 1
                self._note(way, Said("other.answered"))
        return believed

    async def serve(self, way: Way) -> None:
        """One channel's part in every call, until cancelled. What it raises concerns this channel alone."""
        while True:
            changed, call = self._changed, self._call
            if call is not None:
                await _until(call.over, self._repeat(way, call.event, call.began_at))
            elif way.channel.must_ask and self._asking() is not None:
                await _until(self._began, self._follow(way))
            else:
                await changed.wait()

    def _stir(self) -> None:
        """Every way looks again at what it has to do."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _end(self) -> None:
        if self._call is not None:
            self._call.over.set()
            self._call = None
        self._began.clear()

    async def _repeat(self, way: Way, event: Event, began_at: float) -> None:
        """Send it again and again, as the law asks; what could not even be sent is tried again soon."""
        backoff, sent = Backoff(base_s=2.0, cap_s=FAILED_CAP_S), 0
        while True:
            share = _random.random()
            try:
                await self._try(way, event)
            except LinkBusyError as error:
                self._note(way, Said("other.failed", why=error.args[0]))
                pause_s = max(1.0, error.after_s)
            except (LinkError, WireError) as error:
                self._note(way, Said("other.failed", why=error.args[0]))
                pause_s = max(1.0, backoff.delay(0.5 + share / 2))
            else:
                sent += 1
                waited_s = self._clock.now().monotonic - began_at
                pause_s = max(self._resend(sent, waited_s, share), way.channel.resend_s)
                if way.channel.must_ask:
                    pause_s = min(pause_s, ASK_S)
            await asyncio.sleep(pause_s)

    async def _follow(self, way: Way) -> None:
        """Ask for what the desk says after its first answer, for as long as that can come in no other way.

        Also where MQTT brought that answer, or it came before a restart.
        """
        backoff = Backoff(base_s=FOLLOW_S, cap_s=FOLLOW_CAP_S)
        while self._asking() is not None:
            await asyncio.sleep(backoff.delay(0.9 + 0.1 * _random.random()))
            event = self._asking()
            if self._connected():
                backoff.attempts = 0
            elif event is not None:
                with suppress(LinkError, WireError):
                    await self._try(way, event)

    async def _try(self, way: Way, event: Event) -> None:
        """One try. Raises LinkError when it was not taken."""
        way.tries += 1
        compact = call_of(event, self._gateway, self._clock.now()).pack()
        try:
            async with asyncio.timeout(TRY_S):
                reply = await way.channel.send(event, compact)
        except TimeoutError:
            raise LinkError(Said("other.too_long", seconds=round(TRY_S))) from None
        way.sent += 1
        self._note(way, Said("other.sent"))
        if reply is not None and not self.heard(way.channel.name, reply):
            self._note(way, Said("other.answered_wrong"))

    def _note(self, way: Way, said: str) -> None:
        if said != way.last:
            _log.info("channel", channel=way.channel.name, said=said)
        way.last, way.last_at = said, self._clock.now().monotonic


async def _until(event: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Do the work until it ends or the event is set."""
    tasks = asyncio.ensure_future(work), asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
