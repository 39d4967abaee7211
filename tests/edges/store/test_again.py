"""What a lane has done with, read again from its recycled segments."""

import pytest
from helpers import make_event

from edge_agent.core.errors import StoreError
from edge_agent.core.event import Lane
from edge_agent.store.again import MAX_WAITING, Again
from edge_agent.store.log import SegmentLog


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "telemetry"


def log_of(folder, **settings):
    return SegmentLog(folder, Lane.TELEMETRY, **{"segment_bytes": 16 * 1024, "quota_bytes": 64 * 1024} | settings)


async def sent(log, count, size=1000):
    """Events that are stored, sent and released; as they were."""
    events = []
    for n in range(count):
        events.append(log.append(make_event(n, size)))
        await log.commit()
        log.release(events[-1])
    await log.commit()
    return events


def drained(again):
    events = list(again.pending(0, 1000))
    for one in events:
        again.release(one)
    return events


async def test_what_was_sent_comes_again_as_it_was_also_after_a_restart(folder):
    log = log_of(folder)
    events = await sent(log, 20)
    for _ in range(2):
        again = Again(folder, Lane.TELEMETRY)
        assert await again.ask(5, 18) == []
        assert again.depth().events == 14
        assert drained(again) == events[4:18]
        assert again.depth().events == 0
        log.close()
        log = log_of(folder)
    log.close()


async def test_what_was_recycled_is_gone_and_said_so(folder):
    log = log_of(folder)
    events = await sent(log, 200)
    again = Again(folder, Lane.TELEMETRY)
    ((first, last),) = await again.ask(1, 200)
    assert first == 1
    assert 150 < last < 199
    assert drained(again) == events[last:]
    assert await again.ask(1, 10) == [(1, 10)]
    assert await again.ask(500, 510) == [(500, 510)]
    log.close()


async def test_a_lane_at_ease_reaches_back_by_three_segments_and_not_by_one(folder):
    log = log_of(folder, quota_bytes=1024 * 1024)
    await sent(log, 200)
    again = Again(folder, Lane.TELEMETRY)
    ((first, last),) = await again.ask(1, 200)
    assert first == 1
    assert 200 - last >= 3 * 14  # of 1.1 KB in 16 KiB
    log.close()


async def test_what_is_recycled_between_asking_and_sending_is_left_out(folder):
    log = log_of(folder)
    await sent(log, 20)
    again = Again(folder, Lane.TELEMETRY)
    assert await again.ask(1, 20) == []
    await sent(log, 200)
    assert drained(again) == []
    assert again.depth().events == 0
    log.close()


async def test_the_lane_itself_is_not_touched(folder):
    log = log_of(folder)
    await sent(log, 20)
    waiting = log.append(make_event())
    await log.commit()
    again = Again(folder, Lane.TELEMETRY)
    assert await again.ask(1, 21) == []
    drained(again)
    assert log.pending(0, 10) == [waiting]
    log.close()


async def test_pending_goes_on_behind_a_sequence_and_asking_twice_is_asking_once(folder):
    log = log_of(folder)
    await sent(log, 20)
    again = Again(folder, Lane.TELEMETRY)
    await again.ask(10, 15)
    await again.ask(3, 12)
    assert [e.sequence for e in again.pending(0, 1000)] == list(range(3, 16))
    assert [e.sequence for e in again.pending(10, 2)] == [11, 12]
    log.close()


async def test_too_much_at_once_is_refused_and_a_lane_that_is_not_there_is_gone(folder):
    again = Again(folder, Lane.TELEMETRY)
    with pytest.raises(StoreError):
        await again.ask(1, MAX_WAITING + 1)
    assert await again.ask(1, MAX_WAITING) == [(1, MAX_WAITING)]
    with pytest.raises(StoreError):
        again.append(make_event())
    await again.commit()
    again.close()
