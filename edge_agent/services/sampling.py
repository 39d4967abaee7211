"""From a reading to a block: recorder, checks, columns, store. Plain calls from the driver on; no task per reading.

Strategy. Only what cannot wait is done for each reading: checks see it, and whoever listens is told. All else (flight
recorder, newest values, thinning, the open block) is done for many at once: each tick, when a block is full, and before
anybody looks; that is half the cost.

A block is closed by age or by size and is on disk with the next tick; a finding is committed at once. Between, the open
block is brought to disk as a draft once in the durability window: so a message may carry more than one window, and a
power cut costs no more than one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from edge_agent.core.block import pack
from edge_agent.core.event import EventKind
from edge_agent.core.ports import Clock
from edge_agent.core.reading import Codes, Fault, Reading
from edge_agent.core.recorder import Recorder
from edge_agent.core.rhythm import until_next
from edge_agent.core.thinning import Thinning, ThinSetting
from edge_agent.services.events import EventMaker
from edge_agent.services.lessons import Lessons
from edge_agent.services.post import Post
from edge_agent.services.register import Register
from edge_agent.services.troubles import Troubles
from edge_agent.services.watch import ENGLISH, CheckSetting, Watches
from edge_agent.texts import Texts

TICK_S = 1.0
# A message may have 100 KiB with its attributes (uplink/drain.py); a block beyond this is split.
MAX_BLOCK_BYTES = 90 * 1024
# A channel more than this is a device gone mad; its readings still flow, only the console does not list it.
MAX_LATEST = 2000


class BlockLimits(NamedTuple):
    """When a block is closed, and how long its readings may wait for the disk."""

    age_s: float
    readings: int
    window_s: float


class Told(NamedTuple):
    """Who is told of every reading while anybody listens to them."""

    reading: Callable[[Reading], None]
    listeners: Collection[object]


class Sampling:
    """Takes all that devices say; `allows` is whether such a kind of event may leave at all.

    `channels` say what of a channel is stored; checks, recorder and console see every reading.
    """

    def __init__(
        self,
        clock: Clock,
        events: EventMaker,
        post: Post,
        limits: BlockLimits,
        checks: tuple[CheckSetting, ...],
        recorder: Recorder,
        allows: Callable[[EventKind], bool],
        told: Told,
        register: Register,
        channels: tuple[ThinSetting, ...] = (),
        words: Texts = ENGLISH,
        lessons: Lessons | None = None,
    ) -> None:
        self._clock = clock
        self._events = events
        self._post = post
        self._limits = limits
        self._allows = allows
        self._tell, self._listeners = told
        self._telemetry = allows(EventKind.TELEMETRY)
        self._fresh: list[Reading] = []
        self._room = limits.readings
        self._open: list[Reading] = []
        self._opened_at = 0.0
        self._unsafe_at: float | None = None
        self._thinning = Thinning(channels) if channels and self._telemetry else None
        self._recorder = recorder
        self.watches = Watches(checks, clock, events.new_id, register, self.quiet_since, words, lessons)
        self._see = self.watches.see if checks else None
        self._troubles = Troubles(clock, events.new_id, words, register.findings, register.tell)
        self._latest: dict[str, Reading] = {}
        self._sorted = 0
        self.faults = 0

    @property
    def readings(self) -> int:
        """All since the start."""
        return self._sorted + len(self._fresh)

    @property
    def open_readings(self) -> int:
        """Readings that are not in a stored block yet."""
        self._sort()
        return len(self._open) + self._post.readings

    @property
    def latest(self) -> Mapping[str, Reading]:
        """The newest reading of each channel."""
        self._sort()
        return self._latest

    @property
    def recorder(self) -> Recorder:
        """The flight recorder, with all that was delivered so far."""
        self._sort()
        return self._recorder

    def quiet_since(self, subject: str) -> float | None:
        """When this channel, or any of this device, last gave a value; None: not since the start."""
        device = f"{subject}."
        times = [
            reading.at
            for name, reading in self.latest.items()
            if reading.value is not None and (name == subject or name.startswith(device))
        ]
        return max(times, default=None)

    def deliver(self, item: Reading | Fault | Codes) -> None:
        """One reading, fault or list of trouble codes, from any driver."""
        if type(item) is not Reading:
            self._deliver_other(item)
            return
        fresh = self._fresh
        fresh.append(item)
        if self._see is not None:
            self._see(item)
        if self._listeners:
            self._tell(item)
        if len(fresh) >= self._room:
            self._sort()

    def _deliver_other(self, item: Reading | Fault | Codes) -> None:
        if type(item) is Codes:
            self._troubles.see(item)
        else:
            self.faults += 1

    async def run(self, beat: Callable[[], None]) -> None:
        """The agent's one wheel: tick until cancelled; `beat` is called each round, as proof of life."""
        # a block may not get older than its limits between two ticks
        tick_s = min(TICK_S, self._limits.age_s / 2, self._limits.window_s / 2)
        now = self._clock.now().monotonic
        due = now + until_next(now, tick_s)
        while True:
            beat()
            await self._post.wait(max(0.0, due - self._clock.now().monotonic))
            now = self._clock.now().monotonic
            if now >= due:
                self._tick(now, tick_s)
                due = now + until_next(now, tick_s)
            await self._post.flush()

    async def finish(self) -> None:
        """Close what is open and bring it to disk: the last thing before the stop."""
        self._sort()
        if self._thinning is not None:
            self._store(self._thinning.finish(), self._clock.now().monotonic)
        if self._open:
            self._close_block()
        await self._post.flush()

    def _tick(self, now: float, tick_s: float) -> None:
        self.watches.tick(now)
        self._sort()
        if self._thinning is not None:
            self._store(self._thinning.tick(now), now)
        if not self._open:
            return
        if now - self._opened_at >= self._limits.age_s - tick_s:
            self._close_block()
        elif self._unsafe_at is not None and now - self._unsafe_at >= self._limits.window_s - tick_s:
            self._draft()

    def _sort(self) -> None:
        """What was delivered since the last time goes where it belongs."""
        fresh, self._fresh = self._fresh, []
        if not fresh:
            return
        self._sorted += len(fresh)
        self._recorder.keep(fresh)
        latest = self._latest
        for name, reading in {reading[0][0]: reading for reading in fresh}.items():
            if name in latest or len(latest) < MAX_LATEST:
                latest[name] = reading
        if self._thinning is not None:
            for reading in fresh:
                self._store(self._thinning.see(reading), reading.at)
        elif self._telemetry:
            self._store(fresh, fresh[0].at)

    def _store(self, readings: Sequence[Reading], now: float) -> None:
        """Into the open block. Its age counts from here: what thinning held back is older than its place in a block."""
        if readings and not self._open:
            self._opened_at = now
        if readings and self._unsafe_at is None:
            self._unsafe_at = now
        self._open += readings
        self._room = self._limits.readings - len(self._open)
        if self._room <= 0:
            self._close_block()

    def _close_block(self) -> None:
        readings, self._open = self._open, []
        self._room, self._unsafe_at = self._limits.readings, None
        self._put_block(readings)

    def _draft(self) -> None:
        """What is open goes to disk, and stays open."""
        base = self._open[0].at
        payload = pack(self._open, base)
        if len(payload) > MAX_BLOCK_BYTES:
            self._close_block()
            return
        self._unsafe_at = None
        self._post.draft(self._events.block(payload, base, len(self._open)))

    def _put_block(self, readings: list[Reading]) -> None:
        base = readings[0].at
        payload = pack(readings, base)
        if len(payload) > MAX_BLOCK_BYTES and len(readings) > 1:
            half = len(readings) // 2
            self._put_block(readings[:half])
            self._put_block(readings[half:])
            return
        self._post.put(self._events.block(payload, base, len(readings)), urgent=False)
