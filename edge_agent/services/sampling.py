"""From a reading to a block: recorder, checks, columns, store. Plain calls from the driver on; no task per reading.

A block is closed by age or by size and is on disk with the next tick; a finding is committed at once.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from edge_agent.core.block import pack
from edge_agent.core.event import EventKind
from edge_agent.core.finding import Finding, FindingState
from edge_agent.core.ports import Clock
from edge_agent.core.reading import Fault, Reading
from edge_agent.core.recorder import Recorder
from edge_agent.core.rhythm import until_next
from edge_agent.core.thinning import Thinning, ThinSetting
from edge_agent.services.events import EventMaker
from edge_agent.services.post import Post
from edge_agent.services.watch import CheckSetting, Watches, plain

TICK_S = 1.0
# A message may have 100 KiB with its attributes (uplink/drain.py); a block beyond this is split.
MAX_BLOCK_BYTES = 90 * 1024
FREEZE_S = 60.0
# A channel more than this is a device gone mad; its readings still flow, only the console does not list it.
MAX_LATEST = 2000


class BlockLimits(NamedTuple):
    """When a block is closed."""

    age_s: float
    readings: int


class Told(NamedTuple):
    """Who is told: of every reading, and of every finding that is confirmed or cleared."""

    reading: Callable[[Reading], None]
    finding: Callable[[Finding], None]


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
        channels: tuple[ThinSetting, ...] = (),
    ) -> None:
        self._clock = clock
        self._events = events
        self._post = post
        self._age_s, self._most = limits
        self._allows = allows
        self._tell, self._tell_finding = told
        self._telemetry = allows(EventKind.TELEMETRY)
        self._open: list[Reading] = []
        self._opened_at = 0.0
        self._thinning = Thinning(channels) if channels and self._telemetry else None
        self.recorder = recorder
        self.watches = Watches(checks, clock, events.new_id, self._changed)
        self._keep, self._see = recorder.keep, self.watches.see
        self.latest: dict[str, Reading] = {}
        self.readings = 0
        self.faults = 0

    @property
    def open_readings(self) -> int:
        """Readings that are not in a stored block yet."""
        return len(self._open) + self._post.readings

    def deliver(self, item: Reading | Fault) -> None:
        """One reading or fault, from any driver."""
        if type(item) is not Reading:
            self.faults += 1
            return
        self.readings += 1
        self._keep(item)
        latest, name = self.latest, item.channel.name
        if name in latest or len(latest) < MAX_LATEST:
            latest[name] = item
        self._see(item)
        if self._thinning is not None:
            self._store(self._thinning.see(item), item.at)
        elif self._telemetry:
            waiting = self._open  # as _store does, without its call: nearly every reading comes this way
            if not waiting:
                self._opened_at = item.at
            waiting.append(item)
            if len(waiting) >= self._most:
                self._close_block()
        self._tell(item)

    async def run(self, beat: Callable[[], None]) -> None:
        """The agent's one wheel: tick until cancelled; `beat` is called each round, as proof of life."""
        # a block may not get older than its limit between two ticks
        tick_s = min(TICK_S, self._age_s / 2)
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
        if self._thinning is not None:
            self._store(self._thinning.finish(), self._clock.now().monotonic)
        if self._open:
            self._close_block()
        await self._post.flush()

    def _tick(self, now: float, tick_s: float) -> None:
        self.watches.tick(now)
        if self._thinning is not None:
            self._store(self._thinning.tick(now), now)
        if self._open and now - self._opened_at >= self._age_s - tick_s:
            self._close_block()

    def _store(self, readings: Sequence[Reading], now: float) -> None:
        """Into the open block. Its age counts from here: what thinning held back is older than its place in a block."""
        if not self._open:
            self._opened_at = now
        self._open += readings
        if len(self._open) >= self._most:
            self._close_block()

    def _close_block(self) -> None:
        readings, self._open = self._open, []
        self._put_block(readings)

    def _put_block(self, readings: list[Reading]) -> None:
        base = readings[0].at
        payload = pack(readings, base)
        if len(payload) > MAX_BLOCK_BYTES and len(readings) > 1:
            half = len(readings) // 2
            self._put_block(readings[:half])
            self._put_block(readings[half:])
            return
        self._post.put(self._events.block(payload, base, len(readings)), urgent=False)

    def _changed(self, finding: Finding) -> None:
        if self._allows(EventKind.FINDING):
            what = "confirmed" if finding.state is FindingState.CONFIRMED else "cleared"
            frame = self.recorder.freeze(finding.channel, finding.since - FREEZE_S)
            data = plain(finding) | {"freeze_frame": [[round(r.at, 3), r.value] for r in frame]}
            self._post.put(self._events.make(EventKind.FINDING, what, finding.key, data))
        self._tell_finding(finding)
