"""The test of the help path from end to end: by a person, and by itself about once a day.

A test goes the whole way of a press, and opens no case: its event is on disk (fsync), leaves in the help lane, and
counts only when the desk has signed that it has this very test. The lamp goes on showing readiness meanwhile, for that
is true: a press would be taken. A failure makes the gateway *not ready* until a test has passed; a gateway that is
offline has not failed, and says so by itself. A real call always goes first: a test that runs then gives way.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from random import SystemRandom
from typing import NamedTuple

import structlog

from edge_agent.core.clock import age_s
from edge_agent.core.command import DeskMessage
from edge_agent.core.errors import RefusedError, StoreError
from edge_agent.core.event import Event, EventKind
from edge_agent.core.health import Health
from edge_agent.core.ids import uuid_text
from edge_agent.core.ports import Clock
from edge_agent.core.rhythm import until_next
from edge_agent.core.testpress import Outcome, WayTest, due_after, retry_after_s
from edge_agent.services.events import EventMaker
from edge_agent.texts import Said
from edge_agent.threads import in_thread

RECEIVED = "edge.help.test_received.v1"
# A manual test at most so often (a car's emergency call unit has the same limit, ERA-GLONASS).
MANUAL_EVERY_S = 300.0
# A gateway that was never tested is so soon after its start.
FIRST_S = 600.0
# A connection that is not there yet is waited for, and the event is sent so often within the time for the answer.
CONNECT_S = 15.0
TRIES = 3
ROUND_S = 1.0
LOOK_S = 0.1

_log = structlog.get_logger("helptest")
_random = SystemRandom()


class Pace(NamedTuple):
    """Seconds between tests that run by themselves, and how long one waits for the desk's answer."""

    every_s: float = 86400.0
    wait_s: float = 120.0


class Path(NamedTuple):
    """The way that is tested. `store` brings an event to disk in the help lane and has it sent, and raises StoreError.

    `connect` asks for a link, `connected`: there is one. `busy`: somebody calls for help. `allowed`: it may run by
    itself. `keep` brings the last result to disk, from a thread, and raises StoreError.
    """

    store: Callable[[Event], Awaitable[None]]
    connect: Callable[[], None]
    connected: Callable[[], bool]
    busy: Callable[[], bool]
    allowed: Callable[[], bool]
    keep: Callable[[WayTest], None]


class HelpTest:
    """`run` tests by itself, `start` at once. `taken` is told of each help event that the broker took.

    `last` is the last test or the one that runs, `decided` the last that passed or failed.
    """

    def __init__(
        self,
        clock: Clock,
        events: EventMaker,
        path: Path,
        setting: Pace,
        say: Callable[[str], str],
        last: WayTest | None = None,
    ) -> None:
        self._clock = clock
        self._events = events
        self._path = path
        self._setting = setting
        self._say = say
        self.decided = last
        self._id = b""
        self._sent: set[bytes] = set()
        self._bell = asyncio.Event()
        self._manual_at: float | None = None
        self._hopeful = False  # the desk has spoken since a test failed: the next one need not wait its time
        self._failures = 1 if last and last.failed else 0
        self._share = _random.random()
        self._started_at = clock.now().monotonic
        self.last = last

    @property
    def running(self) -> bool:
        """Whether a test is under way."""
        return self.last is not None and self.last.outcome is Outcome.RUNNING

    @property
    def asked(self) -> bool:
        """Whether somebody waits for one: it has a connection made at once, as a press has."""
        return self.running and self.last is not None and not self.last.scheduled

    @property
    def health(self) -> Health:
        """Whether the way to the desk was found whole when it was last tried."""
        last = self.decided
        if last is None:
            return Health(True, self._say("never"))
        if last.failed:
            return Health(False, self._say(last.outcome.value), self._say(f"{last.outcome.value}_fix"))
        return Health(True, self._say("passed"))

    def told(self, test: WayTest) -> tuple[str, str]:
        """What a person reads of a test, and what can be done."""
        fix = f"{test.outcome.value}_fix"
        return self._say(test.outcome.value), self._say(fix) if test.failed or test.outcome is Outcome.OFFLINE else ""

    def ids(self) -> list[bytes]:
        """The test that the desk may speak of without proof of time."""
        return [self._id] if self.running else []

    def start(self) -> None:
        """Test now. Raises RefusedError while a call or a test is under way, or where the last one was a moment ago."""
        now = self._clock.now().monotonic
        if self.running:
            raise RefusedError(Said("test.under_way"), code="running")
        if self._path.busy():
            raise RefusedError(Said("test.no_time"), code="busy")
        if self._manual_at is not None and now - self._manual_at < MANUAL_EVERY_S:
            left_s = MANUAL_EVERY_S - (now - self._manual_at)
            raise RefusedError(Said("test.too_soon", seconds=round(left_s)), code="too_soon")
        self._manual_at = now
        self._begin(scheduled=False)
        self._bell.set()

    def taken(self, event: Event) -> None:
        """The broker has a help event."""
        if self.last is not None and event.id in self._sent and self.last.sent_s is None:
            self.last.sent_s = self._seconds()

    def heard(self, message: DeskMessage) -> bool:
        """Whether a believed message is about tests; one about the test that runs ends it."""
        if message.type != RECEIVED:
            self._hopeful = self.decided is not None and self.decided.failed
            return False
        if self.last is not None and self.running and message.request == self._id:
            self.last.desk_s = self._seconds()
            # the desk has it, so the broker had
            self.last.sent_s = self.last.desk_s if self.last.sent_s is None else self.last.sent_s
        return True

    async def run(self) -> None:
        """Test when it is asked for or due, until cancelled. Optional."""
        while True:
            if not self.running and self._is_due():
                self._begin(scheduled=True)
            if self.last is not None and self.running:
                await self._test(self.last)
            timer = asyncio.get_running_loop().call_later(
                until_next(self._clock.now().monotonic, ROUND_S), self._bell.set
            )
            try:
                await self._bell.wait()
            finally:
                timer.cancel()
            self._bell.clear()

    def due_in_s(self) -> float:
        """Seconds until the next test by itself; 0 and less: now."""
        now, last = self._clock.now(), self.decided
        if last is None:
            return self._started_at + FIRST_S - now.monotonic
        since_s = age_s(last.at, last.boot_id, last.wall, now)
        if self._failures:
            return (MANUAL_EVERY_S if self._hopeful else retry_after_s(self._failures)) - since_s
        hour_of = _local_hour if now.trusted else None
        return due_after(now.wall - since_s, self._setting.every_s, self._share, hour_of) - now.wall

    def _is_due(self) -> bool:
        ready = self._path.allowed() and self._path.connected() and not self._path.busy()
        return ready and self.due_in_s() <= 0

    def _begin(self, *, scheduled: bool) -> None:
        now = self._clock.now()
        self._id = self._events.new_id()
        self._hopeful = False
        self._sent.clear()
        self.last = WayTest(Outcome.RUNNING, scheduled, now.monotonic, now.boot_id, now.wall)

    async def _test(self, test: WayTest) -> None:
        outcome = Outcome.YIELDED
        try:
            outcome = await self._go(test)
        finally:
            test.outcome = outcome
        if outcome is Outcome.PASSED or test.failed:
            self._failures = self._failures + 1 if test.failed else 0
            self.decided, self._share = test, _random.random()
            with suppress(StoreError):
                await in_thread(partial(self._path.keep, test))
        (_log.warning if test.failed else _log.info)(
            "test_of_the_way_to_help", outcome=outcome.value, scheduled=test.scheduled, seconds=test.desk_s
        )

    async def _go(self, test: WayTest) -> Outcome:
        """The whole way, as often as the time allows."""
        self._path.connect()
        if not await self._until(self._path.connected, CONNECT_S):
            return self._why_not(test)
        for attempt in range(TRIES):
            if self._path.busy():
                break
            data = {"test": uuid_text(self._id), "scheduled": test.scheduled}
            # each try is an event of its own: the same one twice in the lane would look like a loss
            ident = self._id if attempt == 0 else self._events.new_id()
            event = self._events.make(EventKind.HELP, "test", "test", data, ident=ident)
            self._sent.add(event.id)
            try:
                await self._path.store(event)
            except StoreError:
                return Outcome.NOT_STORED
            test.recorded_s = self._seconds() if test.recorded_s is None else test.recorded_s
            if await self._until(lambda: test.desk_s is not None, self._setting.wait_s / TRIES):
                return Outcome.PASSED
        return self._why_not(test)

    def _why_not(self, test: WayTest) -> Outcome:
        """What a test without an answer says of the way."""
        if self._path.busy():
            return Outcome.YIELDED
        if not self._path.connected():
            return Outcome.OFFLINE
        return Outcome.NOT_SENT if test.sent_s is None else Outcome.NOT_ANSWERED

    async def _until(self, true: Callable[[], bool], seconds: float) -> bool:
        """Wait until it is so, for so long, and only while nobody calls for help."""
        end = self._clock.now().monotonic + seconds
        while not (found := true()) and not self._path.busy() and self._clock.now().monotonic < end:  # noqa: ASYNC110
            # several parts of the agent decide, and a tenth of a second matters to none
            await asyncio.sleep(LOOK_S)
        return found

    def _seconds(self) -> float:
        began = self.last.at if self.last else 0.0
        return round(self._clock.now().monotonic - began, 3)


def _local_hour(wall: float) -> float:
    local = time.localtime(wall)
    return local.tm_hour + local.tm_min / 60
