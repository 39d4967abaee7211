"""The test of the way to the desk: steps, failures, giving way, and when it comes by itself."""

import asyncio
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path as Folder

import pytest
from services_scene import HandClock, until

from edge_agent.core.command import DeskMessage
from edge_agent.core.errors import RefusedError, StoreError
from edge_agent.core.testpress import Outcome, WayTest
from edge_agent.core.wire import unpack
from edge_agent.services import helptest
from edge_agent.services.events import EventMaker
from edge_agent.services.helptest import MANUAL_EVERY_S, RECEIVED, HelpTest, Pace, Path
from edge_agent.store.record import RecordFile
from edge_agent.texts import languages, texts

HOUR_S = 3600.0


class Way:
    """A gateway's way to the desk: each part can be taken away. The clock stands unless `later` moves it."""

    def __init__(self, last: WayTest | None = None) -> None:
        self.clock = HandClock()
        self.connected = self.allowed = True
        self.busy = self.disk_fails = False
        self.desk_answers = self.broker_takes = True
        self.stored: list = []
        self.kept: list[WayTest] = []
        path = Path(
            self._store, lambda: None, lambda: self.connected, lambda: self.busy, lambda: self.allowed, self.kept.append
        )
        self.test = HelpTest(self.clock, EventMaker(self.clock), path, Pace(wait_s=9.0), lambda key: key, last)

    async def _store(self, event) -> None:
        if self.disk_fails:
            raise StoreError("full")
        self.stored.append(event)
        self.clock.monotonic += 0.01
        if self.broker_takes:
            self.test.taken(event)
            self.clock.monotonic += 0.02
            if self.desk_answers:
                self.answer()

    def answer(self, request: bytes | None = None) -> bool:
        ident = request or (self.stored[0].id if self.stored else b"")
        return self.test.heard(DeskMessage("m", RECEIVED, 0.0, ident, {}))

    async def later(self, seconds: float) -> None:
        self.clock.monotonic += seconds
        self.test._bell.set()
        await asyncio.sleep(0.01)

    async def over(self) -> Outcome:
        await until(lambda: not self.test.running)
        return self.test.last.outcome


@asynccontextmanager
async def way(monkeypatch, **options):
    monkeypatch.setattr(helptest, "LOOK_S", 0.002)
    made = Way(**options)
    task = asyncio.create_task(made.test.run())
    try:
        yield made
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_test_goes_the_whole_way_and_every_step_has_its_time(monkeypatch):
    async with way(monkeypatch) as gateway:
        gateway.test.start()
        assert gateway.test.running
        assert await gateway.over() is Outcome.PASSED
        last = gateway.test.last
        assert (last.recorded_s, last.sent_s, last.desk_s) == (0.03, 0.01, 0.03)
        (event,) = gateway.stored
        assert (event.type, unpack(event.payload)["scheduled"]) == ("edge.help.test.v1", False)
        assert unpack(event.payload)["test"] == event.id_text
        await until(lambda: gateway.kept == [last])
        assert gateway.test.health == (True, "passed", "")


async def test_a_desk_that_does_not_answer_is_asked_three_times_and_then_the_gateway_is_not_ready(monkeypatch):
    async with way(monkeypatch) as gateway:
        gateway.desk_answers = False
        gateway.test.start()
        for tries in (1, 2, 3):
            await until(lambda tries=tries: len(gateway.stored) == tries)
            await gateway.later(3.1)
        assert await gateway.over() is Outcome.NOT_ANSWERED
        assert gateway.test.health == (False, "not_answered", "not_answered_fix")
        tests = {unpack(event.payload)["test"] for event in gateway.stored}
        assert (len(tests), len({event.id for event in gateway.stored})) == (1, 3)
        # a quarter of an hour later it is tried again by itself, and all is well
        gateway.desk_answers = True
        await gateway.later(899.0 - gateway.clock.monotonic + gateway.test.last.at)
        assert not gateway.test.running
        await gateway.later(2.0)
        gateway.stored.reverse()
        gateway.answer(gateway.stored[0].id)
        await until(lambda: gateway.test.last.scheduled)
        assert await gateway.over() is Outcome.PASSED
        assert gateway.test.health.ready


@pytest.mark.parametrize(
    ("breaks", "outcome"),
    [
        ({"disk_fails": True}, Outcome.NOT_STORED),
        ({"broker_takes": False}, Outcome.NOT_SENT),
        ({"connected": False}, Outcome.OFFLINE),
    ],
)
async def test_what_breaks_is_what_is_told(monkeypatch, breaks, outcome):
    async with way(monkeypatch) as gateway:
        for name, value in breaks.items():
            setattr(gateway, name, value)
        gateway.test.start()
        while gateway.test.running:
            await gateway.later(1.0)
        assert gateway.test.last.outcome is outcome
        assert gateway.test.health.ready is (outcome is Outcome.OFFLINE)
        said, fix = gateway.test.told(gateway.test.last)
        assert (said, fix) == (outcome.value, f"{outcome.value}_fix")


async def test_a_connection_that_comes_in_time_is_waited_for_and_one_that_goes_is_no_failure(monkeypatch):
    async with way(monkeypatch) as gateway:
        gateway.connected = False
        gateway.test.start()
        await gateway.later(5.0)
        assert gateway.stored == []
        gateway.connected, gateway.broker_takes = True, False
        await until(lambda: gateway.stored)
        gateway.connected = False
        while gateway.test.running:
            await gateway.later(1.0)
        assert gateway.test.last.outcome is Outcome.OFFLINE


async def test_a_real_call_goes_first_and_the_test_gives_way(monkeypatch):
    async with way(monkeypatch) as gateway:
        gateway.desk_answers = False
        gateway.test.start()
        await until(lambda: gateway.stored)
        gateway.busy = True
        assert await gateway.over() is Outcome.YIELDED
        assert gateway.test.health.ready
        with pytest.raises(RefusedError, match="no time for a test"):
            gateway.test.start()
        await gateway.later(2 * 86400.0)
        assert len(gateway.stored) == 1, "nor does one come by itself meanwhile"
        gateway.busy, gateway.desk_answers = False, True
        await gateway.later(1.0)
        await until(lambda: len(gateway.stored) == 2)


async def test_an_answer_about_another_test_is_none(monkeypatch):
    async with way(monkeypatch) as gateway:
        gateway.desk_answers = False
        gateway.test.start()
        await until(lambda: gateway.stored)
        assert gateway.answer(b"x" * 16)
        await gateway.later(0.5)
        assert gateway.test.running
        assert gateway.test.ids() == [gateway.stored[0].id]
        assert gateway.answer()
        assert await gateway.over() is Outcome.PASSED
        assert gateway.test.ids() == []
        assert not gateway.test.heard(DeskMessage("m", "edge.help.received.v1", 0.0, None, {}))


async def test_by_hand_it_may_be_once_in_five_minutes(monkeypatch):
    async with way(monkeypatch) as gateway:
        gateway.test.start()
        with pytest.raises(RefusedError, match="running already"):
            gateway.test.start()
        await gateway.over()
        await gateway.later(290.0)
        with pytest.raises(RefusedError, match=r"may be in 1?[0-9] s"):
            gateway.test.start()
        await gateway.later(11.0)
        gateway.test.start()


async def test_the_first_comes_ten_minutes_after_the_start_and_then_one_a_day(monkeypatch):
    async with way(monkeypatch) as gateway:
        await gateway.later(599.0)
        assert gateway.stored == []
        await gateway.later(1.0)
        await until(lambda: len(gateway.stored) == 1)
        await gateway.over()
        times = []
        for _ in range(24 * 10):
            gateway.stored.clear()
            await gateway.later(HOUR_S)
            await gateway.over()
            if gateway.stored:
                times.append(gateway.clock.monotonic)
        gaps = [b - a for a, b in pairwise(times)]
        assert len(times) >= 10
        assert max(gaps) <= 86400.0 + HOUR_S


async def test_after_a_failure_a_word_from_the_desk_makes_the_next_one_come_sooner(monkeypatch):
    async with way(monkeypatch, last=WayTest(Outcome.NOT_ANSWERED, True, 0.0, "boot", 0.0)) as gateway:
        gateway.test._failures = 5
        await gateway.later(MANUAL_EVERY_S + 1)
        assert not gateway.stored, "by itself it would come later"
        assert not gateway.test.heard(DeskMessage("m", "edge.help.message.v1", 0.0, b"c", {})), "it is the case's"
        await gateway.later(0.0)
        assert await gateway.over() is Outcome.PASSED
        assert gateway.test.health.ready


async def test_without_consent_or_connection_none_comes_by_itself(monkeypatch):
    async with way(monkeypatch) as gateway:
        gateway.allowed = False
        await gateway.later(5 * 86400.0)
        gateway.allowed, gateway.connected = True, False
        await gateway.later(5 * 86400.0)
        assert gateway.stored == []
        gateway.connected = True
        await gateway.later(1.0)
        await until(lambda: gateway.stored)


async def test_a_failure_outlives_a_restart_and_so_does_the_day_of_the_last_test(tmp_path: Folder, monkeypatch):
    file = RecordFile(tmp_path / "helptest")
    clock = HandClock()
    wall = clock.now().wall
    for outcome, ready in ((Outcome.NOT_ANSWERED, False), (Outcome.PASSED, True)):
        file.save(WayTest(outcome, True, 5.0, "an earlier boot", wall - HOUR_S).record())
        last = file.load(WayTest.from_record, None, [], "")
        async with way(monkeypatch, last=last) as gateway:
            assert gateway.test.health.ready is ready
            if ready:
                await gateway.later(700.0)
                assert gateway.stored == [], "it was an hour ago"
            else:
                await until(lambda: gateway.stored)  # the quarter of an hour is over


async def test_a_clock_that_is_not_right_neither_hurries_nor_stops_tests(monkeypatch):
    async with way(monkeypatch) as gateway:
        gateway.clock.trusted = False
        await gateway.later(601.0)
        await until(lambda: gateway.stored)
        await gateway.over()
        await gateway.later(0.85 * 86400.0)
        assert len(gateway.stored) == 1
        await gateway.later(0.16 * 86400.0)
        await until(lambda: len(gateway.stored) == 2)


def test_every_outcome_has_its_sentence_and_every_failure_its_fix_in_every_language():
    for language in languages():
        said = texts(language)
        for outcome in Outcome:
            assert said[f"test.{outcome.value}"]
        for outcome in (Outcome.NOT_STORED, Outcome.NOT_SENT, Outcome.NOT_ANSWERED, Outcome.OFFLINE):
            assert "edge-agent" in said[f"test.{outcome.value}_fix"]
