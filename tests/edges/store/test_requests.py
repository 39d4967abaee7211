"""The help requests' store beyond the Spool contract: cases, acknowledgement, a dead disk, a damaged file."""

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.core.errors import StoreError
from edge_agent.core.event import Event, EventKind
from edge_agent.core.request import HelpRequest, State, Trigger
from edge_agent.store import requests as requests_module
from edge_agent.store.db import MIGRATIONS, Database
from edge_agent.store.requests import MAX_ENDED, Requests
from tests.edges.store.helpers import make_event


class Desk:
    """The database and its requests, opened again at will."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.open()

    def open(self) -> Requests:
        self.database = Database(self.path)
        self.requests = Requests(self.database)
        return self.requests

    def reopen(self) -> Requests:
        self.database.close()
        return self.open()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "state" / "cases.db")
    yield desk
    desk.database.close()


def raised(number: int = 0) -> tuple[HelpRequest, Event]:
    event = make_event(number, 300, EventKind.HELP)
    request = HelpRequest(event.id, "22222222", Trigger.MANUAL, State.RAISED, 1.5, "boot", 1e9, clock_trusted=True)
    return request.with_state(State.SENDING, 2.5, "boot", 1e9), event


async def test_a_case_and_its_messages_are_there_after_a_restart(desk: Desk) -> None:
    request, event = raised()
    (stored,) = await desk.requests.save(request, [event])
    assert stored.sequence == 1
    requests = desk.reopen()
    assert await requests.load() == [request]
    assert requests.pending(0, 10) == [stored]


async def test_open_cases_come_oldest_first_and_then_the_last_that_ended(desk: Desk) -> None:
    cases = [raised(n)[0] for n in range(5)]
    for case in cases:
        await desk.requests.save(case, [])
    ended = [replace(cases[n], state=State.RESOLVED) for n in (3, 1)]
    for case in ended:
        await desk.requests.save(case, [])
    await desk.requests.save(replace(cases[0], nudges=2), [])
    expected = [replace(cases[0], nudges=2), cases[2], cases[4], ended[1]]
    assert await desk.requests.load() == expected
    assert await desk.reopen().load() == expected


async def test_a_sent_message_stays_until_the_desk_has_it(desk: Desk) -> None:
    request, event = raised()
    (stored,) = await desk.requests.save(request, [event])
    desk.requests.release(stored)
    assert desk.requests.pending(0, 10) == []
    await desk.requests.commit()
    requests = desk.reopen()
    assert requests.pending(0, 10) == []
    requests.resend(request.id)
    assert requests.pending(0, 10) == [stored]
    await requests.commit()
    requests = desk.reopen()
    assert requests.pending(0, 10) == [stored]
    requests.settle(request.id, stored.sequence)
    assert requests.pending(0, 10) == []
    await requests.commit()
    requests = desk.reopen()
    requests.resend(request.id)
    assert requests.pending(0, 10) == []


async def test_settling_and_sending_again_touch_only_the_case_and_only_so_far(desk: Desk) -> None:
    (first, a), (second, b) = raised(1), raised(2)
    one = await desk.requests.save(first, [a, make_event(kind=EventKind.HELP), make_event(kind=EventKind.HELP)])
    two = await desk.requests.save(second, [b])
    for event in (*one, *two):
        desk.requests.release(event)
    desk.requests.settle(first.id, one[1].sequence)
    desk.requests.resend(first.id)
    assert desk.requests.pending(0, 10) == [one[2]]
    desk.requests.resend(second.id)
    assert desk.requests.pending(0, 10) == [one[2], *two]


async def test_saving_a_message_twice_makes_no_second_one(desk: Desk) -> None:
    request, event = raised()
    first = await desk.requests.save(request, [event])
    assert await desk.requests.save(request, [event]) == first
    assert desk.requests.depth().events == 1


async def test_what_an_ended_case_sent_unheard_goes_out_again_after_a_restart(desk: Desk) -> None:
    request, event = raised()
    stored = await desk.requests.save(replace(request, state=State.CANCELLED), [event])
    desk.requests.release(stored[0])
    await desk.requests.commit()
    assert desk.reopen().pending(0, 10) == stored


async def test_only_the_last_ended_cases_are_kept(desk: Desk) -> None:
    for number in range(MAX_ENDED + 5):
        request, event = raised(number)
        await desk.requests.save(replace(request, state=State.RESOLVED), [event])
    desk.reopen()
    assert desk.requests.depth().events == MAX_ENDED
    with sqlite3.connect(desk.path) as connection:
        assert connection.execute("SELECT count(*) FROM cases").fetchone() == (MAX_ENDED,)
    connection.close()


async def test_too_many_messages_cost_sent_ones_first_and_never_the_one_that_raised(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_module, "MAX_MESSAGES", 10)
    request, event = raised()
    nudges = [make_event(n, 10, EventKind.HELP) for n in range(20)]
    for nudge in (event, *nudges):
        await desk.requests.save(request, [nudge])
    found = desk.requests.pending(0, 100)
    assert found[0].id == event.id
    assert [e.id for e in found[1:]] == [e.id for e in nudges[-9:]]
    assert desk.requests.depth().dropped == 11
    assert desk.reopen().depth().dropped == 11


async def test_with_a_dead_disk_a_press_is_pending_at_once_and_on_disk_when_it_comes_back(desk: Desk) -> None:
    request, event = raised()
    writing = desk.database._transact

    def dead(_work: object) -> None:
        raise StoreError("the disk is dead")

    desk.database._transact = dead  # type: ignore[method-assign]
    with pytest.raises(StoreError):
        await desk.requests.save(request, [event])
    assert [e.id for e in desk.requests.pending(0, 10)] == [event.id]
    assert await desk.requests.load() == [request]
    desk.requests.release(desk.requests.pending(0, 10)[0])
    desk.database._transact = writing  # type: ignore[method-assign]
    await desk.requests.commit()
    requests = desk.reopen()
    assert await requests.load() == [request]
    requests.resend(request.id)
    assert [e.id for e in requests.pending(0, 10)] == [event.id]


async def test_a_place_that_cannot_hold_a_database_leaves_it_in_memory_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    desk = Desk(tmp_path / "state" / "cases.db")
    assert "in memory only" in desk.requests.problems[0]
    request, event = raised()
    with pytest.raises(StoreError):
        await desk.requests.save(request, [event])
    assert len(desk.requests.pending(0, 10)) == 1
    (tmp_path / "state").unlink()
    await desk.requests.commit()
    assert [e.id for e in desk.reopen().pending(0, 10)] == [event.id]
    desk.database.close()


async def test_a_file_that_comes_back_late_joins_what_memory_has(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "state" / "cases.db")
    old = [await desk.requests.save(*_one(n)) for n in range(3)]
    desk.database.close()
    (tmp_path / "state").rename(tmp_path / "away")
    (tmp_path / "state").write_text("in the way")
    requests = desk.open()
    request, event = raised(9)
    with pytest.raises(StoreError):
        await requests.save(request, [event])
    (tmp_path / "state").unlink()
    (tmp_path / "away").rename(tmp_path / "state")
    await requests.commit()
    for now in (requests, desk.reopen()):
        found = now.pending(0, 10)
        assert [e.id for e in found] == [*(e.id for (e,) in old), event.id]
        assert [e.sequence for e in found] == [1, 2, 3, 4]
        assert len(await now.load()) == 4
    desk.database.close()


def _one(number: int) -> tuple[HelpRequest, list[Event]]:
    request, event = raised(number)
    return request, [event]


async def test_a_newer_file_is_refused_and_left_as_it_is(desk: Desk) -> None:
    await desk.requests.save(*_one(1))
    desk.database.close()
    connection = sqlite3.connect(desk.path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    before = desk.path.read_bytes()
    requests = desk.open()
    newer, ours = len(MIGRATIONS) + 1, len(MIGRATIONS)
    assert f"is of version {newer}, this program knows {ours}" in desk.database.problems[0]
    with pytest.raises(StoreError, match="left alone"):
        await requests.save(*_one(2))
    assert len(requests.pending(0, 10)) == 1
    desk.database.close()
    assert desk.path.read_bytes() == before


async def test_an_older_file_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    Database(path, [["CREATE TABLE a (x INTEGER)", "INSERT INTO a VALUES (7)"]]).close()
    newer = Database(path, [["never run"], ["ALTER TABLE a ADD COLUMN y INTEGER DEFAULT 3"]])
    assert newer.problems == []
    assert await newer.run(lambda c: c.execute("SELECT * FROM a").fetchall()) == [(7, 3)]
    newer.close()


@pytest.mark.parametrize("seed", range(25))
async def test_a_damaged_file_never_blocks_the_start_nor_gives_a_wrong_message(desk: Desk, seed: int) -> None:
    saved = {}
    for number in range(30):
        for event in await desk.requests.save(*_one(number)):
            saved[event.id] = event
    desk.database.close()
    content = bytearray(desk.path.read_bytes())
    noise = os.urandom(200)
    place = seed * len(content) // 25
    content[place : place + 200] = noise
    desk.path.write_bytes(content)
    requests = desk.open()
    found = requests.pending(0, 100)
    assert all(saved[event.id] == event for event in found)
    (new,) = await requests.save(*_one(99))
    assert new in requests.pending(0, 100)
    assert new in desk.reopen().pending(0, 100)


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.8])
async def test_a_truncated_file_gives_what_is_left_and_takes_new_ones(desk: Desk, keep: float) -> None:
    for number in range(50):
        await desk.requests.save(*_one(number))
    desk.database.close()
    content = desk.path.read_bytes()
    desk.path.write_bytes(content[: int(len(content) * keep)])
    requests = desk.open()
    if keep:
        assert list(desk.path.parent.glob("*.bad"))
        assert "was damaged" in desk.database.problems[0]
    (new,) = await requests.save(*_one(99))
    assert new in desk.reopen().pending(0, 100)


async def test_a_flipped_bit_in_one_page_costs_few_messages_of_many(desk: Desk) -> None:
    for number in range(60):
        await desk.requests.save(*_one(number))
    desk.database.close()
    content = bytearray(desk.path.read_bytes())
    page = len(content) // 4096 // 2 * 4096
    content[page : page + 20] = bytes(20)
    desk.path.write_bytes(content)
    assert len(desk.open().pending(0, 100)) >= 40


async def test_a_file_damaged_while_it_is_used_is_replaced_by_what_memory_has(desk: Desk) -> None:
    first = await desk.requests.save(*_one(1))

    def corrupt(_connection: sqlite3.Connection) -> None:
        error = sqlite3.DatabaseError("malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error

    with pytest.raises(StoreError):
        await desk.database.run(corrupt)
    for path in desk.path.parent.glob("cases.db*"):
        path.unlink()
    second = await desk.requests.save(*_one(2))
    assert desk.reopen().pending(0, 10) == [*first, *second]
