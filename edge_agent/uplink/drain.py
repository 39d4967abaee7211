"""The drain: takes events from the lanes, in order of priority, and sees each one to the broker.

Strategy. Nothing is awaited one by one: as many messages are in flight as the link allows, each in its own small task,
and each acknowledgement sends the next. An event leaves its spool on its own acknowledgement and on nothing else, so
whatever happens to a link, the next link starts again from what the spool still holds, with the same ids. Every link
begins a new `_Session`; an answer that comes late for an old one still releases its event and touches nothing more.
A refusal rests the whole lane, longer each time, and then one message goes ahead alone: most refusals concern all of
a lane (an access list, a quota), and a lane must not empty itself into quarantine while somebody mends that.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from edge_agent.core.consent import Consent
from edge_agent.core.errors import LinkError, LinkRefusedError, StoreError
from edge_agent.core.event import Event, EventKind, Lane
from edge_agent.core.ports import Clock, Link, Spool
from edge_agent.core.wire import attributes, up_topic
from edge_agent.uplink.slots import Slots

# AWS IoT Core takes 128 KB with everything; the attributes need room too.
MAX_PAYLOAD_BYTES = 100 * 1024
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
    """One link. `up_at` is when it came, on the monotonic clock of `boot_id`."""

    link: Link
    slots: Slots
    up_at: float
    boot_id: str
    broken: bool = False


@dataclass(slots=True)
class _LaneState:
    """A spool and how far this link is with it. `refusals` counts rests in a row, `tries` refusals by event."""

    spool: Spool
    queue: deque[Event] = field(default_factory=deque)
    after: int = 0
    dry: bool = False
    flying: set[int] = field(default_factory=set)
    rests_until: float = 0.0
    refusals: int = 0
    tries: Counter[bytes] = field(default_factory=Counter)
    unsaved: int = 0
    save_at: float | None = None
    saving: bool = False

    def rewind(self) -> None:
        """Look at the spool from its start again; what is in flight is passed over."""
        self.queue.clear()
        self.after, self.dry = 0, False

    def fill(self, limit: int) -> None:
        """Have something in the queue, if the spool has anything. Raises StoreError."""
        while not self.queue and not self.dry:
            found = self.spool.pending(self.after, limit)
            self.dry = not found
            if found:
                self.after = found[-1].sequence
                self.queue.extend(event for event in found if event.sequence not in self.flying)


class Drain:
    """Vital. `up` and `down` tell it of links, `wake` of committed events; `run` never ends by itself.

    * `on_delivered(event)` after its PUBACK, `on_quarantine(event, reason)` when it was given up: plain calls.
    * `counts`: delivered, bytes (of delivered payloads), withheld (no consent), refused, quarantined, store_errors;
      withheld and quarantined also by lane, as in `withheld telemetry`.
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
        refused_rest_s: float = 1.0,
        on_delivered: Callable[[Event], None] = lambda _: None,
        on_quarantine: Callable[[Event, str], None] = lambda _event, _reason: None,
    ) -> None:
        order = list(Lane)
        self._lanes = [_LaneState(spool) for spool in sorted(spools, key=lambda spool: order.index(spool.lane))]
        self._gateway = gateway
        self._root = root
        self._clock = clock
        self._consent = consent
        self._in_flight = in_flight
        self._reserved = reserved_for_help
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
            lane.flying.clear()
            lane.rests_until = 0.0
            lane.rewind()
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
                    async with asyncio.timeout(ROUND_S):
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
            picked = None if session.broken else self._pick(session)
            if picked is None:
                return
            lane, event = picked
            if not self._consent().lets_out(event):
                self.counts["withheld"] += 1
                self.counts[f"withheld {event.lane.value}"] += 1
                self._release(lane, event)
            elif len(event.payload) > MAX_PAYLOAD_BYTES:
                self._quarantine(lane, event, f"{len(event.payload)} bytes, more than a message may have")
            else:
                session.slots.take(event.lane)
                lane.flying.add(event.sequence)
                group.create_task(self._fly(group, session, lane, event))
        self._changed.set()

    def _pick(self, session: _Session) -> tuple[_LaneState, Event] | None:
        now = asyncio.get_running_loop().time()
        waiting = [lane for lane in self._lanes if self._waits(lane, now)]
        names = [lane.spool.lane for lane in waiting]
        for lane in waiting:
            if session.slots.may_send(lane.spool.lane, names):
                return lane, lane.queue.popleft()
        return None

    def _waits(self, lane: _LaneState, now: float) -> bool:
        if now < lane.rests_until or (lane.refusals and lane.flying):
            return False
        try:
            lane.fill(self._in_flight)
        except StoreError as error:
            self._store_failed(lane, error)
            self._rest(lane, STORE_REST_S)
        return bool(lane.queue)

    async def _fly(self, group: asyncio.TaskGroup, session: _Session, lane: _LaneState, event: Event) -> None:
        now = self._clock.now()
        offline = event.boot_id != session.boot_id or event.at < session.up_at
        try:
            await session.link.publish(
                up_topic(self._root, self._gateway, event.kind, event.name),
                event.payload,
                attributes(event, self._gateway, now, historical=offline),
                retain=event.kind is EventKind.STATE and event.name not in _NOT_RETAINED,
            )
        except LinkRefusedError as error:
            self._landed(session, lane, event)
            self._refused(lane, event, error.reason)
        except LinkError:
            session.broken = True
            return
        else:
            self._landed(session, lane, event)
            self._delivered(lane, event)
        self._pump(group)

    def _landed(self, session: _Session, lane: _LaneState, event: Event) -> None:
        if session is self._session:
            session.slots.give(event.lane)
            lane.flying.discard(event.sequence)

    def _delivered(self, lane: _LaneState, event: Event) -> None:
        self.counts["delivered"] += 1
        self.counts["bytes"] += len(event.payload)
        lane.refusals = 0
        del lane.tries[event.id]
        self._release(lane, event)
        self._on_delivered(event)

    def _refused(self, lane: _LaneState, event: Event, reason: str) -> None:
        self.counts["refused"] += 1
        lane.tries[event.id] += 1
        if asyncio.get_running_loop().time() >= lane.rests_until:  # else it was refused together with others
            lane.refusals += 1
            self._rest(lane, min(MAX_REST_S, self._refused_rest_s * 2.0 ** min(lane.refusals - 1, 10)))
        if lane.tries[event.id] >= MAX_REFUSALS:
            self._quarantine(lane, event, reason)
        lane.rewind()

    def _quarantine(self, lane: _LaneState, event: Event, reason: str) -> None:
        self.counts["quarantined"] += 1
        self.counts[f"quarantined {event.lane.value}"] += 1
        del lane.tries[event.id]
        log.warning("an event was given up", id=event.id_text, type=event.type, reason=reason)
        self._release(lane, event)
        self._on_quarantine(event, reason)

    def _rest(self, lane: _LaneState, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        lane.rests_until = loop.time() + seconds
        loop.call_later(seconds, self._changed.set)

    def _release(self, lane: _LaneState, event: Event) -> None:
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

    async def _save(self, lane: _LaneState) -> None:
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

    def _store_failed(self, lane: _LaneState, error: StoreError) -> None:
        # the store itself says so in the log; here it is only counted
        self.counts["store_errors"] += 1
        log.debug("a spool failed", lane=lane.spool.lane.value, error=str(error))
