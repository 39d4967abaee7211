"""Drafts of an event that still grows: what a crash leaves of it, and that nobody else ever sees one."""

import shutil
from pathlib import Path

import pytest

from edge_agent.core.errors import StoreError
from edge_agent.core.event import Event
from edge_agent.store import frames
from edge_agent.store.again import Again
from edge_agent.store.log import SegmentLog
from tests.edges.store.helpers import fill, make_event, open_log, segments


def after_a_crash(folder: Path) -> tuple[list[Event], SegmentLog]:
    """What waits in a copy of the files as they are now, without a close."""
    left = folder.with_name(folder.name + "x")
    shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(folder, left)
    log = open_log(left)
    log.close()
    assert (log.problems, log.lost, log.quarantined_bytes) == ([], [], 0)
    return log.pending(0, 1000), log


async def drafted(log: SegmentLog, size: int = 200) -> Event:
    draft = make_event(99, size)
    log.draft(draft)
    await log.commit()
    return draft


async def test_a_crash_leaves_the_newest_draft_as_the_next_event(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    kept = await fill(log, 2)
    await drafted(log, 100)
    newest = await drafted(log, 300)
    found, _ = after_a_crash(tmp_path / "log")
    assert found == [*kept, newest.with_sequence(3)]
    log.close()


async def test_while_the_agent_lives_a_draft_is_no_event(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    kept = await fill(log, 2)
    before = log.depth()
    await drafted(log)
    assert (log.pending(0, 1000), log.depth()) == (kept, before)
    log.close()


async def test_the_whole_event_takes_the_place_of_its_drafts(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    await drafted(log)
    whole = await fill(log, 2)
    assert [event.sequence for event in whole] == [1, 2]
    assert after_a_crash(tmp_path / "log")[0] == whole
    log.release(whole[0])
    await log.commit()
    assert after_a_crash(tmp_path / "log")[0] == whole[1:]
    log.close()


async def test_an_event_cut_at_any_byte_leaves_its_draft(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    draft = await drafted(log, 40)
    whole = (await fill(log, 1, 60))[0]
    log.close()
    path = segments(tmp_path / "log")[0]
    content = path.read_bytes()
    frame = [f for f in frames.scan(content, int(path.stem, 16)) if f.kind == frames.DATA][-1]
    for cut in range(frame.offset, frame.offset + frame.size + 1):
        path.write_bytes(content[:cut].ljust(len(content), b"\0"))
        log = open_log(tmp_path / "log")
        log.close()
        assert log.pending(0, 10) == [whole if cut == frame.offset + frame.size else draft.with_sequence(1)]


async def test_a_draft_outlives_releases_that_go_on_to_other_segments(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log", quota_bytes=48 * 1024)
    events = await fill(log, 100)
    draft = await drafted(log)
    for event in events:
        log.release(event)
        await log.commit()
    assert len(segments(tmp_path / "log")) > 1
    assert after_a_crash(tmp_path / "log")[0] == [draft.with_sequence(101)]
    log.close()


async def test_a_recovered_draft_is_an_event_like_any_other(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    draft = await drafted(log)
    log.close()
    log = open_log(tmp_path)
    await drafted(log)
    more = await fill(log, 1)
    found = log.pending(0, 10)
    assert found == [draft.with_sequence(1), *more]
    assert more[0].sequence == 2
    for event in found:
        log.release(event)
    await log.commit()
    assert (log.depth().events, log.depth().dropped) == (0, 0)
    log.close()


async def test_what_is_asked_for_again_is_never_a_draft(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    whole = await fill(log, 2)
    await drafted(log)
    again = Again(tmp_path, log.lane)
    assert await again.ask(1, 3) == [(3, 3)]
    whole += await fill(log, 1)
    assert await again.ask(1, 3) == []
    assert list(again.pending(0, 10)) == whole
    log.close()


async def test_a_draft_that_is_too_large_is_refused_and_the_one_before_stays(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    draft = await drafted(log)
    with pytest.raises(StoreError, match="too large"):
        log.draft(make_event(1, frames.MAX_PAYLOAD + 1))
    await log.commit()
    assert after_a_crash(tmp_path / "log")[0] == [draft.with_sequence(1)]
    log.close()
