"""The drain: takes events from the lanes, in order of priority, and sees each one to the broker.

Strategy. Nothing is awaited one by one: as many messages are in flight as the link allows, each in its own small task,
and each acknowledgement sends the next. An event leaves its spool on its own acknowledgement and on nothing else, so
whatever happens to a link, the next link starts again from what the spool still holds, with the same ids. Every link
begins a new `_Session`; an answer that comes late for an old one still releases its event and touches nothing more.
A refusal rests the whole lane, longer each time, and then one message goes ahead alone: most refusals concern all of
a lane (an access list, a quota), and a lane must not empty itself into quarantine while somebody mends that.

How much is on its way is bounded thrice: by the broker's window in messages (uplink/slots.py: a few of it are for help
alone), by what the link delivers in about a second (uplink/pace.py: help does not wait for it), and by a number of
messages a second that a broker can hand on. What is too long for link or broker goes in parts (uplink/parts.py).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from edge_agent.core.clock import Boots
from edge_agent.core.consent import Consent
from edge_agent.core.errors import LinkError, LinkRefusedError, StoreError
from edge_agent.core.event import Event, EventKind, Lane
from edge_agent.core.ports import Clock, Link, Spool
from edge_agent.core.rhythm import until_next
from edge_agent.core.wire import attributes, up_topic
from edge_agent.uplink.lanes import LaneQueue
from edge_agent.uplink.pace import Bucket, Flight, Pace
from edge_agent.uplink.parts import MAX_PAYLOAD_BYTES, Piece, divisible
from edge_agent.uplink.reasons import QUOTA_EXCEEDED, TOO_LARGE, LinkLostError
from edge_agent.uplink.slots import Slots

MAX_REFUSALS = 3
MAX_REST_S = 60.0
# A disk that fails is asked again after this long.
STORE_REST_S = 5.0
# Releases reach the disk after so many or so long; a lane that is committed anyway carries them along.
SAVE_AFTER = 500
SAVE_AFTER_S = 30.0
# It comes round at least this often, as proof of life.
ROUND_S = 5.0
# At most so many events are looked at in one go, so that a long row of withheld ones blocks nothing.
MAX_PICKS = 200
# These live as long as their link; what a named state says last stays true.
_NOT_RETAINED = ("", "heartbeat")

log = structlog.get_logger("drain")


@dataclass(slots=True)
class _Session:
    """One link. `up_at` is when it came, on the monotonic clock of `boot_id`; `sizes` are of what is on its way."""

    link: Link
    slots: Slots
    up_at: float
    boot_id: str
    pace: Pace = field(default_factory=Pace)
    sizes: Counter[int] = field(default_factory=Counter)
    broken: bool = False


class Drain:
    """Vital. `up` and `down` tell it of links, `wake` of committed events; `run` never ends by itself.

    * `on_delivered(event)` after its PUBACK, `on_quarantine(event, reason)` when it was given up: plain calls.
    * `messages_per_s` bounds all lanes but help.
    * `boots` dates what was stored in earlier boots.
    * `calling`: somebody calls for help just now. Readings wait meanwhile, so that the loop is free for the call.
    * `counts`: delivered, bytes (of payloads that the broker took), withheld (no consent), refused, quarantined,
      store_errors; withheld and quarantined also by lane, as in `withheld telemetry`.
    """

    def __init__(
        self,
        spools: Sequence[Spool],
        gateway: str,
        root: str,
        clock: Clock,
        consent: Callable[[], Consent],
        *,
        in_flight: int = 20,
        reserved_for_help: int = 3,
        messages_per_s: float = 1000.0,
        refused_rest_s: float = 1.0,
        boots: Boots | None = None,
        calling: Callable[[], bool] = lambda: False,
        on_delivered: Callable[[Event], None] = lambda _: None,
        on_quarantine: Callable[[Event, str], None] = lambda _event, _reason: None,
    ) -> None:
        order = list(Lane)
        self._lanes = [LaneQueue(spool) for spool in sorted(spools, key=lambda spool: order.index(spool.lane))]
        self._gateway = gateway
        self._root = root
        self._clock = clock
        self._boots = boots
        self._consent = consent
        self._calling = calling
        self._in_flight = in_flight
        self._reserved = reserved_for_help
        self._bucket = Bucket(messages_per_s)
        self._broker_takes = MAX_PAYLOAD_BYTES
        self._refused_rest_s = refused_rest_s
        self._on_delivered = on_delivered
        self._on_quarantine = on_quarantine
        self._session: _Session | None = None
        self._changed = asyncio.Event()
        self.counts: Counter[str] = Counter()

    @property
    def in_flight(self) -> int:
        """How many messages wait for their acknowledgement."""
        return self._session.slots.in_flight if self._session else 0

    def flying(self, lane: Lane) -> int:
        """How many messages of this lane wait for their acknowledgement."""
        return sum(len(state.flying) for state in self._lanes if state.spool.lane is lane)

    def up(self, link: Link) -> None:
        """A link is there."""
        now = self._clock.now()
        total = min(self._in_flight, link.window)
        self._session = _Session(link, Slots(total, self._reserved), now.monotonic, now.boot_id)
        for lane in self._lanes:
            lane.restart()
        self._changed.set()

    def down(self, _reason: str = "") -> None:
        """The link is gone; what was in flight is sent again on the next one."""
        self._session = None

    def wake(self, lane: Lane) -> None:
        """Something was committed in this lane. Help that is sent again does not rest any longer."""
        for state in self._lanes:
            if state.spool.lane is lane:
                state.rewind()
                if lane is Lane.HELP:
                    state.rests_until = 0.0
        self._changed.set()

    async def run(self, beat: Callable[[], None] = lambda: None) -> None:
        """Send until cancelled; `beat` is called each round. Who closes the spools commits what was released."""
        async with asyncio.TaskGroup() as group:
            while True:
                beat()
                with suppress(TimeoutError):
                    async with asyncio.timeout(until_next(asyncio.get_running_loop().time(), ROUND_S)):
                        await self._changed.wait()
                self._changed.clear()
                self._pump(group)
                now = asyncio.get_running_loop().time()
                for lane in self._lanes:
                    if not lane.saving and lane.save_at is not None and now >= lane.save_at:
                        lane.saving = True
                        group.create_task(self._save(lane))

    def _pump(self, group: asyncio.TaskGroup) -> None:
        """Fill the free slots."""
        session = self._session
        if session is None:
            return
        for _ in range(MAX_PICKS):
            lane = None if session.broken else self._next_lane(session)
            if lane is None:
                return
            piece = lane.head(lambda event: self._in_parts(session, event))
            if not self._consent().lets_out(piece.event):
                self._withhold(lane, piece.event)
            elif self._room(session, piece):
                session.slots.take(piece.event.lane)
                session.sizes[len(piece.payload)] += 1
                flight = session.pace.sent(piece.size, asyncio.get_running_loop().time())
                group.create_task(self._fly(group, session, lane, lane.take(), flight))
            else:
                return
        self._changed.set()

    def _next_lane(self, session: _Session) -> LaneQueue | None:
        now = asyncio.get_running_loop().time()
        waiting = [lane for lane in self._lanes if self._waits(lane, now)]
        names = [lane.spool.lane for lane in waiting]
        return next((lane for lane in waiting if session.slots.may_send(lane.spool.lane, names)), None)

    def _waits(self, lane: LaneQueue, now: float) -> bool:
        if now < lane.rests_until or (lane.refusals and lane.flying):
            return False
        try:
            return lane.fill(self._in_flight)
        except StoreError as error:
            self._store_failed(lane, error)
            self._rest(lane, STORE_REST_S)
            return False

    def _in_parts(self, session: _Session, event: Event) -> bool:
        """Whether to cut it: help only where the broker takes no more, for nothing goes before it anyway."""
        if not divisible(event):
            return False
        too_long = event.lane is not Lane.HELP and session.pace.too_long(Piece(event).size)
        return too_long or len(event.payload) > self._broker_takes

    def _room(self, session: _Session, piece: Piece) -> bool:
        """Whether link and broker take this piece now. Help waits for neither."""
        if piece.event.lane is Lane.HELP:
            return True
        if not session.pace.open() or (piece.event.lane is Lane.TELEMETRY and self._calling()):
            return False
        loop = asyncio.get_running_loop()
        wait_s = self._bucket.wait_s(loop.time())
        if wait_s > 0:
            loop.call_later(wait_s, self._changed.set)
            return False
        self._bucket.take()
        return True

    async def _fly(
        self, group: asyncio.TaskGroup, session: _Session, lane: LaneQueue, piece: Piece, flight: Flight
    ) -> None:
        event, now = piece.event, self._clock.now()
        offline = event.boot_id != session.boot_id or event.at < session.up_at
        try:
            await session.link.publish(
                up_topic(self._root, self._gateway, event.kind, event.name),
                piece.payload,
                piece.told(attributes(event, self._gateway, now, historical=offline, boots=self._boots)),
                retain=event.kind is EventKind.STATE and event.name not in _NOT_RETAINED,
            )
        except LinkRefusedError as error:
            session.pace.forget(flight)
            self._landed(session, lane, piece)
            self._refused(lane, piece, error.reason)
        except LinkError as error:
            if not session.broken and isinstance(error, LinkLostError) and error.word == "too_large":
                self._takes_less_than(max(+session.sizes))
            session.broken = True
            return
        else:
            session.pace.arrived(flight, asyncio.get_running_loop().time())
            self._landed(session, lane, piece)
            self._delivered(lane, piece)
        self._pump(group)

    def _landed(self, session: _Session, lane: LaneQueue, piece: Piece) -> None:
        session.sizes[len(piece.payload)] -= 1
        if session is self._session:
            session.slots.give(piece.event.lane)
            lane.flying.discard((piece.event.sequence, piece.part))

    def _takes_less_than(self, size: int) -> None:
        """The broker refused a payload of this size, or hung up over it."""
        self._broker_takes = min(self._broker_takes, size // 2)
        log.warning("the broker takes only small messages; larger ones go in parts", payload_bytes=self._broker_takes)

    def _withhold(self, lane: LaneQueue, event: Event) -> None:
        self.counts["withheld"] += 1
        self.counts[f"withheld {event.lane.value}"] += 1
        self._release(lane, event)

    def _delivered(self, lane: LaneQueue, piece: Piece) -> None:
        self.counts["bytes"] += len(piece.payload)
        lane.refusals = 0
        if lane.arrived(piece):
            self.counts["delivered"] += 1
            self._release(lane, piece.event)
            self._on_delivered(piece.event)

    def _refused(self, lane: LaneQueue, piece: Piece, reason: str) -> None:
        event = piece.event
        self.counts["refused"] += 1
        lane.again(piece)
        if reason == TOO_LARGE and piece.parts == 1 and divisible(event):
            self._takes_less_than(len(event.payload))
            return
        lane.tries[event.id] += 1
        if asyncio.get_running_loop().time() >= lane.rests_until:  # else it was refused together with others
            lane.refusals += 1
            self._rest(lane, min(MAX_REST_S, self._refused_rest_s * 2.0 ** min(lane.refusals - 1, 10)))
        # a quota says nothing of the message: it waits until there is some again
        if lane.tries[event.id] >= MAX_REFUSALS and reason != QUOTA_EXCEEDED:
            self._quarantine(lane, event, reason)

    def _quarantine(self, lane: LaneQueue, event: Event, reason: str) -> None:
        self.counts["quarantined"] += 1
        self.counts[f"quarantined {event.lane.value}"] += 1
        log.warning("an event was given up", id=event.id_text, type=event.type, reason=reason)
        self._release(lane, event)
        self._on_quarantine(event, reason)

    def _rest(self, lane: LaneQueue, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        lane.rests_until = loop.time() + seconds
        loop.call_later(seconds, self._changed.set)

    def _release(self, lane: LaneQueue, event: Event) -> None:
        lane.done(event)
        try:
            lane.spool.release(event)
        except StoreError as error:
            self._store_failed(lane, error)
        loop = asyncio.get_running_loop()
        lane.unsaved += 1
        if lane.unsaved == 1:
            lane.save_at = loop.time() + SAVE_AFTER_S
            loop.call_later(SAVE_AFTER_S, self._changed.set)
        elif lane.unsaved == SAVE_AFTER:
            lane.save_at = loop.time()
            self._changed.set()

    async def _save(self, lane: LaneQueue) -> None:
        """Bring a lane's releases to the disk, one commit at a time."""
        lane.unsaved, lane.save_at = 0, None
        try:
            await lane.spool.commit()
        except StoreError as error:
            self._store_failed(lane, error)
            lane.save_at = asyncio.get_running_loop().time() + STORE_REST_S
            asyncio.get_running_loop().call_later(STORE_REST_S, self._changed.set)
        finally:
            lane.saving = False

    def _store_failed(self, lane: LaneQueue, error: StoreError) -> None:
        # the store itself says so in the log; here it is only counted
        self.counts["store_errors"] += 1
        log.debug("a spool failed", lane=lane.spool.lane.value, error=str(error))
