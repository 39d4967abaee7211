"""What every Spool promises (core.ports.Spool), asked of the segment log and of the help requests' store."""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.core.event import Event, EventKind, Lane
from edge_agent.core.ports import Spool
from edge_agent.store.db import Database
from edge_agent.store.log import SegmentLog
from edge_agent.store.requests import Requests

KINDS = {
    Lane.HELP: EventKind.HELP,
    Lane.FINDING: EventKind.FINDING,
    Lane.STATE: EventKind.STATE,
    Lane.TELEMETRY: EventKind.TELEMETRY,
}


class Store:
    """A spool that can be closed and opened again, or crash: then only what is on disk counts."""

    def __init__(self, folder: Path, lane: Lane, opener: Callable[[Path, Lane], tuple[Spool, Callable[[], None]]]):
        self.folder, self.lane, self.opener = folder, lane, opener
        self.spool, self.close = opener(folder, lane)

    def reopen(self) -> Spool:
        self.close()
        self.spool, self.close = self.opener(self.folder, self.lane)
        return self.spool

    def crash(self) -> Spool:
        """The files as they are now, without a close, under another agent."""
        left = self.folder.with_name(self.folder.name + "x")
        shutil.copytree(self.folder, left)
        self.close()
        self.folder = left
        self.spool, self.close = self.opener(left, self.lane)
        return self.spool

    def event(self, number: int = 0, payload: bytes | None = None) -> Event:
        body = payload if payload is not None else f"payload {number}".encode()
        kind = KINDS[self.lane]
        return Event(os.urandom(16), kind, f"edge.{kind}.v1", "boiler", float(number), "boot", body, "n", 3)


def open_log(folder: Path, lane: Lane) -> tuple[Spool, Callable[[], None]]:
    log = SegmentLog(folder, lane, segment_bytes=16 * 1024)
    return log, log.close


def open_requests(folder: Path, _lane: Lane) -> tuple[Spool, Callable[[], None]]:
    database = Database(folder / "cases.db")
    return Requests(database), database.close


@pytest.fixture(params=[Lane.HELP, Lane.FINDING, Lane.TELEMETRY])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "s", request.param, open_requests if request.param is Lane.HELP else open_log)
    yield store
    store.close()


def numbers(events: list[Event]) -> list[int]:
    return [event.sequence for event in events]


async def test_an_event_comes_back_as_it_was_put_in_with_its_sequence(store: Store) -> None:
    event = store.event(7, os.urandom(500))
    stored = store.spool.append(event)
    await store.spool.commit()
    assert stored == event.with_sequence(1)
    assert list(store.spool.pending(0, 10)) == [stored]
    assert list(store.reopen().pending(0, 10)) == [stored]
    assert store.spool.lane is store.lane


async def test_what_is_not_committed_is_not_pending(store: Store) -> None:
    store.spool.append(store.event())
    assert list(store.spool.pending(0, 10)) == []
    await store.spool.commit()
    store.spool.append(store.event())
    assert numbers(store.spool.pending(0, 10)) == [1]


async def test_events_are_pending_in_order_behind_after_and_within_the_limit(store: Store) -> None:
    for number in range(20):
        store.spool.append(store.event(number))
    await store.spool.commit()
    assert numbers(store.spool.pending(0, 100)) == list(range(1, 21))
    assert numbers(store.spool.pending(0, 3)) == [1, 2, 3]
    assert numbers(store.spool.pending(17, 100)) == [18, 19, 20]
    assert numbers(store.spool.pending(20, 100)) == []
    assert numbers(store.spool.pending(99, 100)) == []


async def test_events_are_released_in_any_order_and_only_those(store: Store) -> None:
    events = [store.spool.append(store.event(n)) for n in range(9)]
    await store.spool.commit()
    for index in (4, 0, 8, 1, 5):
        store.spool.release(events[index])
    assert numbers(store.spool.pending(0, 100)) == [3, 4, 7, 8]
    await store.spool.commit()
    assert numbers(store.reopen().pending(0, 100)) == [3, 4, 7, 8]
    assert numbers(store.spool.pending(4, 1)) == [7]


async def test_an_event_may_be_released_twice(store: Store) -> None:
    event = store.spool.append(store.event())
    await store.spool.commit()
    store.spool.release(event)
    store.spool.release(event)
    assert store.spool.depth().events == 0


async def test_sequences_go_on_without_a_gap_when_opened_again_even_if_all_was_released(store: Store) -> None:
    for round_ in range(1, 4):
        event = store.spool.append(store.event())
        assert event.sequence == round_
        await store.spool.commit()
        store.spool.release(event)
        await store.spool.commit()
        store.reopen()
    assert store.spool.depth().events == 0


async def test_what_was_committed_survives_a_crash_and_nothing_else(store: Store) -> None:
    kept = [store.spool.append(store.event(n)) for n in range(5)]
    await store.spool.commit()
    store.spool.append(store.event(99))
    spool = store.crash()
    assert list(spool.pending(0, 10)) == kept
    assert spool.append(store.event()).sequence == 6


async def test_what_was_released_but_not_committed_may_come_again_after_a_crash_with_the_same_id(store: Store) -> None:
    first = store.spool.append(store.event(1))
    second = store.spool.append(store.event(2))
    await store.spool.commit()
    store.spool.release(first)
    await store.spool.commit()
    store.spool.release(second)
    assert list(store.crash().pending(0, 10)) in ([second], [])


async def test_payloads_near_the_largest_message_come_back_whole(store: Store) -> None:
    sizes = (100 * 1024, 1, 99_999, 0, 100 * 1024)
    events = [store.spool.append(store.event(n, os.urandom(size))) for n, size in enumerate(sizes)]
    await store.spool.commit()
    assert list(store.spool.pending(0, 10)) == events
    assert list(store.reopen().pending(0, 10)) == events


async def test_the_depth_tells_how_much_waits_and_since_when(store: Store) -> None:
    assert store.spool.depth() == (0, 0, None, None, 0)
    events = [store.spool.append(store.event(n, bytes(100))) for n in range(3)]
    assert store.spool.depth() == (3, 300, 0.0, "boot", 0)
    await store.spool.commit()
    store.spool.release(events[0])
    assert store.spool.depth() == (2, 200, 1.0, "boot", 0)
    await store.spool.commit()
    assert store.reopen().depth() == (2, 200, 1.0, "boot", 0)
    for event in events:
        store.spool.release(event)
    assert store.spool.depth() == (0, 0, None, None, 0)


async def test_many_may_commit_at_once(store: Store) -> None:
    async def put(number: int) -> Event:
        event = store.spool.append(store.event(number))
        await store.spool.commit()
        assert event in list(store.spool.pending(event.sequence - 1, 1))
        return event

    events = await asyncio.gather(*(put(n) for n in range(50)))
    assert numbers(events) == list(range(1, 51))
    assert list(store.crash().pending(0, 100)) == events


async def test_a_caller_that_is_cancelled_does_not_harm_a_commit(store: Store) -> None:
    events = []
    for number in range(10):
        events.append(store.spool.append(store.event(number)))
        task = asyncio.create_task(store.spool.commit())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await store.spool.commit()
    assert list(store.spool.pending(0, 100)) == events
    assert list(store.crash().pending(0, 100)) == events


async def test_a_commit_of_nothing_is_no_error(store: Store) -> None:
    await store.spool.commit()
    await store.spool.commit()
    assert list(store.spool.pending(0, 10)) == []
