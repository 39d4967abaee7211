"""Quota, full and failing disks: what goes, what stays, and who is told."""

import errno
import os
from pathlib import Path

import pytest

from edge_agent.config import model
from edge_agent.core.errors import StoreError
from edge_agent.core.event import EventKind, Lane
from edge_agent.store import files, log, writer
from edge_agent.store.outbox import Outbox
from edge_agent.store.shelf import KEEP_SEGMENTS
from tests.edges.store.helpers import SMALL, fill, fill_disk, make_event, open_log, segments


async def test_over_the_quota_the_oldest_segment_goes_counted_and_told(tmp_path: Path) -> None:
    told: list[tuple[int, int, int]] = []
    spool = open_log(tmp_path, quota_bytes=4 * SMALL, on_drop=lambda *what: told.append(what))
    for _ in range(30):
        await fill(spool, 10)
    found = [event.sequence for event in spool.pending(0, 1000)]
    assert len(segments(tmp_path)) == 4
    assert found == list(range(found[0], 301))
    assert sum(events for _, _, events in told) == found[0] - 1 == spool.depth().dropped
    assert told[0][0] == 1
    assert told[-1][1] == found[0] - 1
    spool.close()
    again = open_log(tmp_path)
    assert [event.sequence for event in again.pending(0, 1000)] == found
    assert again.depth().dropped == found[0] - 1
    assert again.lost == []
    again.close()


async def test_where_there_is_no_room_for_a_segment_to_keep_a_spare_one_is_used_and_nothing_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    spool = open_log(tmp_path, make_room=lambda: bool(asked.append(1)))
    while len(segments(tmp_path)) < 2:
        for event in await fill(spool, 20):
            spool.release(event)
    monkeypatch.setattr(files, "create_filled", _no_space)
    for _ in range(20):
        for event in await fill(spool, 20):
            spool.release(event)
    assert len(segments(tmp_path)) == 2
    assert (asked, spool.depth().dropped) == ([], 0)
    spool.close()


async def test_an_event_that_is_dropped_while_it_is_sent_may_still_be_released(tmp_path: Path) -> None:
    spool = open_log(tmp_path, quota_bytes=2 * SMALL)
    first = (await fill(spool, 1))[0]
    for _ in range(20):
        await fill(spool, 10)
    before = spool.depth()
    spool.release(first)
    assert spool.depth() == before
    spool.close()


async def test_an_event_larger_than_any_can_be_is_refused_at_once(tmp_path: Path) -> None:
    spool = open_log(tmp_path)
    with pytest.raises(StoreError, match="too large"):
        spool.append(make_event(size=1024 * 1024 + 1))
    assert spool.append(make_event()).sequence == 1
    spool.close()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("name", ["write_all", "fdatasync", "create_filled", "rename"])
async def test_what_a_failing_disk_refused_goes_with_the_next_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    spool = open_log(tmp_path)
    while len(segments(tmp_path)) < KEEP_SEGMENTS:  # from then on they are recycled
        for event in await fill(spool, 40):
            spool.release(event)
    events = await fill(spool, 40, size=400)
    for event in events[:39]:
        spool.release(event)
    await spool.commit()
    if name == "create_filled":
        while spool.give_back():
            pass
    appended = [spool.append(make_event(n, 400)) for n in range(60)]

    def broken(*_args: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        target = {"fdatasync": writer.os, "rename": Path}.get(name, files)
        patch.setattr(target, name, broken)
        with pytest.raises(StoreError, match="could not be written"):
            await spool.commit()
        assert spool.pending(0, 100) == [events[39]]
        assert spool.depth().events == 61
        if name != "rename":  # then another segment is made
            with pytest.raises(StoreError):
                await spool.commit()
    await spool.commit()
    assert spool.pending(0, 100) == [events[39], *appended]
    spool.close()
    again = open_log(tmp_path)
    assert again.pending(0, 100) == [events[39], *appended]
    assert (again.lost, again.problems) == ([], [])
    again.close()


async def test_a_disk_that_takes_nothing_for_long_costs_the_oldest_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int, int]] = []
    monkeypatch.setattr(log, "MAX_FRESH_BYTES", 10_000)
    spool = open_log(tmp_path, on_drop=lambda *what: told.append(what))
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_all", _no_space)
        for number in range(100):
            spool.append(make_event(number))
            with pytest.raises(StoreError):
                await spool.commit()
    await spool.commit()
    found = [event.sequence for event in spool.pending(0, 200)]
    assert 20 < len(found) < 50
    assert found == list(range(101 - len(found), 101))
    assert sum(events for _, _, events in told) == spool.depth().dropped == 100 - len(found)
    spool.close()
    again = open_log(tmp_path)
    assert [event.sequence for event in again.pending(0, 200)] == found
    assert again.lost == []
    again.close()


def _no_space(*_args: object) -> None:
    raise OSError(errno.ENOSPC, "no space")


async def test_a_frame_that_the_disk_does_not_give_back_is_stepped_over_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = open_log(tmp_path)
    events = await fill(spool, 5)
    bad_offset = spool._shelf.holder(3).where(3)[0]
    real = os.pread

    def pread(fd: int, size: int, offset: int) -> bytes:
        if offset == bad_offset:
            raise OSError(errno.EIO, "bad spot")
        return real(fd, size, offset)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", pread)
        assert spool.pending(0, 10) == [events[0], events[1], events[3], events[4]]
        spool.release(events[3])
        spool.release(events[4])
        with pytest.raises(StoreError, match="cannot be read"):
            spool.pending(2, 10)
    assert spool.pending(0, 10) == [events[0], events[1], events[2]]
    spool.close()


async def test_on_a_full_disk_telemetry_gives_room_and_nothing_else_is_lost(small_disk: Path) -> None:
    told: list[Lane] = []
    settings = model.Outbox(quota_mb=64, segment_kb=16, free_floor_mb=0.0, help_reserve_kb=0)
    outbox = Outbox(small_disk, settings, on_drop=lambda lane, *_: told.append(lane))
    for number in range(2000):
        outbox.append(make_event(number, 400))
        if number % 10 == 9:
            await outbox.commit(Lane.TELEMETRY)
    findings = [outbox.append(make_event(n, 400, EventKind.FINDING)) for n in range(100)]
    await outbox.commit(Lane.FINDING)
    await outbox.commit(Lane.STATE)
    help_ = outbox.append(make_event(0, 1000, EventKind.HELP))
    await outbox.commit(Lane.HELP)
    await outbox.commit(Lane.TELEMETRY)
    assert set(told) == {Lane.TELEMETRY}
    telemetry = outbox.depths()[Lane.TELEMETRY]
    assert telemetry.events > 100
    assert telemetry.events + telemetry.dropped == 2000
    outbox.close()
    again = Outbox(small_disk, settings)
    assert again.spool(Lane.FINDING).pending(0, 1000) == findings
    assert again.spool(Lane.HELP).pending(0, 10) == [help_]
    assert again.depths()[Lane.TELEMETRY] == telemetry
    assert again.problems == []
    again.close()


async def test_a_disk_filled_by_others_refuses_and_takes_again_when_there_is_room(small_disk: Path) -> None:
    spool = open_log(small_disk / "log")
    kept = await fill(spool, 5)
    filler = fill_disk(small_disk)
    appended = [spool.append(make_event(n)) for n in range(100)]
    with pytest.raises(StoreError):
        await spool.commit()
    assert spool.pending(0, 100) == kept
    filler.unlink()
    await spool.commit()
    assert spool.pending(0, 200) == [*kept, *appended]
    spool.close()
