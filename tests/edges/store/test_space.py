"""The floor that telemetry leaves free, and the reserve that only help may use, on filesystems that are really full."""

import os
from pathlib import Path

import pytest

from edge_agent.config import model
from edge_agent.core.errors import StoreError
from edge_agent.core.event import EventKind, Lane
from edge_agent.core.request import HelpRequest, State, Trigger
from edge_agent.store.outbox import RESERVE, Outbox
from tests.edges.store.helpers import SMALL, fill_disk, make_event, segments

PLAIN = {"quota_mb": 64.0, "segment_kb": 16, "free_floor_mb": 0.0, "free_floor_inodes": 0, "help_reserve_kb": 64}


def settings(**changed: float) -> model.Outbox:
    return model.Outbox(**(PLAIN | changed))


def case(number: int, state: State = State.RAISED) -> HelpRequest:
    ident = number.to_bytes(16, "big")
    return HelpRequest(ident, "2222", Trigger.MANUAL, state, 0.0, "boot", 0.0, clock_trusted=False)


def free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


async def write(outbox: Outbox, events: int, lane: EventKind = EventKind.TELEMETRY) -> None:
    for number in range(events):
        event = outbox.append(make_event(number, 400, lane))
        if number % 10 == 9:
            await outbox.commit(event.lane)


async def test_a_help_request_fits_on_a_disk_that_others_filled(small_disk: Path) -> None:
    outbox = Outbox(small_disk, settings())
    filler = fill_disk(small_disk)
    saved = await outbox.requests.save(case(1), [make_event(1, 2000, EventKind.HELP)])
    assert not (small_disk / RESERVE).exists()
    fill_disk(small_disk)
    outbox.close()
    again = Outbox(small_disk, settings())
    assert [request.id for request in await again.requests.load()] == [case(1).id]
    assert again.spool(Lane.HELP).pending(0, 10) == saved
    assert again.problems == []
    filler.unlink()
    await write(again, 10)
    again.close()
    assert (small_disk / RESERVE).stat().st_size == 64 * 1024, "there is room again, and no reserve"


async def test_without_a_reserve_it_would_not_fit(small_disk: Path) -> None:
    outbox = Outbox(small_disk, settings(help_reserve_kb=0))
    fill_disk(small_disk)
    with pytest.raises(StoreError):
        await outbox.requests.save(case(1), [make_event(1, 2000, EventKind.HELP)])
    outbox.close()


async def test_a_first_start_on_a_full_disk_takes_the_reserve_for_the_database(small_disk: Path) -> None:
    large = settings(help_reserve_kb=160)
    Outbox(small_disk, large).close()
    (small_disk / "cases.db").unlink()
    fill_disk(small_disk)
    outbox = Outbox(small_disk, large)
    await outbox.requests.save(case(1), [make_event(1, 100, EventKind.HELP)])
    outbox.close()
    again = Outbox(small_disk, large)
    assert [request.id for request in await again.requests.load()] == [case(1).id]
    again.close()


async def test_telemetry_gives_room_before_the_reserve_does(small_disk: Path) -> None:
    outbox = Outbox(small_disk, settings())
    await write(outbox, 200)
    before = outbox.depths()[Lane.TELEMETRY]
    fill_disk(small_disk)
    await outbox.requests.save(case(1), [make_event(1, 2000, EventKind.HELP)])
    after = outbox.depths()[Lane.TELEMETRY]
    assert (small_disk / RESERVE).exists()
    assert after.dropped > 0
    assert after.events + after.dropped == before.events
    outbox.close()


async def test_a_folder_in_the_place_of_the_reserve_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / RESERVE).mkdir()
    outbox = Outbox(tmp_path, settings())
    assert (tmp_path / RESERVE).is_file()
    outbox.close()


@pytest.mark.parametrize("small_disk", ["size=2m"], indirect=True)
async def test_at_the_floor_the_oldest_telemetry_goes_and_the_rest_of_the_disk_stays_free(small_disk: Path) -> None:
    told: list[Lane] = []
    outbox = Outbox(small_disk, settings(free_floor_mb=1.0), on_drop=lambda lane, *_: told.append(lane))
    await write(outbox, 3000)
    assert free(small_disk) >= 1024 * 1024
    telemetry = outbox.depths()[Lane.TELEMETRY]
    assert telemetry.dropped > 0
    assert telemetry.events + telemetry.dropped == 3000
    before = free(small_disk)
    await write(outbox, 200, EventKind.FINDING)
    assert outbox.depths()[Lane.FINDING].events == 200
    assert free(small_disk) >= before - 2 * SMALL, "findings have what telemetry gives them"
    assert set(told) == {Lane.TELEMETRY}
    outbox.close()


@pytest.mark.parametrize("small_disk", ["size=2m,nr_inodes=40"], indirect=True)
async def test_the_last_inodes_stay_free(small_disk: Path) -> None:
    outbox = Outbox(small_disk, settings(free_floor_inodes=20))
    await write(outbox, 1500)
    assert os.statvfs(small_disk).f_favail >= 20
    assert len(segments(small_disk / "telemetry")) > 2
    assert outbox.depths()[Lane.TELEMETRY].dropped > 0
    outbox.close()


async def test_below_the_floor_empty_segments_are_given_back(small_disk: Path) -> None:
    outbox = Outbox(small_disk, settings())
    await write(outbox, 300)
    spool = outbox.spool(Lane.TELEMETRY)
    for event in spool.pending(0, 300):
        spool.release(event)
    await outbox.commit(Lane.TELEMETRY)
    outbox.close()
    before = len(segments(small_disk / "telemetry"))
    again = Outbox(small_disk, settings(free_floor_mb=0.5))
    for _ in range(before):
        again.append(make_event(0, 10))
        await again.commit(Lane.TELEMETRY)
    assert len(segments(small_disk / "telemetry")) <= 2 < before
    again.close()


async def test_a_write_ahead_log_that_is_lost_takes_nothing_with_it(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, settings())
    saved = await outbox.requests.save(case(1), [make_event(1, 2000, EventKind.HELP)])
    outbox.ledger.remember("down", 1e12)
    await outbox.ledger.commit()
    outbox._database._executor.submit(bool).result()  # behind the checkpoint
    taken = (tmp_path / "cases.db").read_bytes()
    outbox.close()
    for name in ("cases.db-wal", "cases.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "cases.db").write_bytes(taken)
    again = Outbox(tmp_path, settings())
    assert again.spool(Lane.HELP).pending(0, 10) == saved
    assert [request.id for request in await again.requests.load()] == [case(1).id]
    assert again.ledger.seen("down")
    assert again.problems == []
    again.close()
