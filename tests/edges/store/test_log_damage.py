"""Segments that were cut, flipped, lost or made unreadable: the start goes on with what is left."""

import random
import shutil
from pathlib import Path

import pytest

from edge_agent.core.event import Event, Lane
from edge_agent.store import frames
from edge_agent.store.log import SegmentLog
from edge_agent.store.shelf import KEEP_SEGMENTS
from tests.edges.store.helpers import fill, make_event, open_log, segments


def reopened(folder: Path) -> tuple[SegmentLog, list[Event]]:
    log = open_log(folder)
    log.close()
    return log, open_pending(folder)


def open_pending(folder: Path) -> list[Event]:
    log = open_log(folder)
    try:
        return log.pending(0, 10_000)
    finally:
        log.close()


def good_frames(path: Path) -> list[frames.Frame]:
    return list(frames.scan(path.read_bytes(), int(path.stem, 16)))


async def test_a_segment_cut_at_any_byte_of_its_last_commit_keeps_all_before(tmp_path: Path) -> None:
    log = open_log(tmp_path / "log")
    kept = await fill(log, 3, size=30)
    before = good_frames(segments(tmp_path / "log")[0])[-1]
    last = (await fill(log, 1, size=30))[0]
    log.close()
    path = segments(tmp_path / "log")[0]
    whole = path.read_bytes()
    frame = good_frames(path)[-2]
    assert frame.sequence == last.sequence
    for cut in range(before.offset + before.size, frame.offset + frame.size + 1):
        for torn in (whole[:cut], whole[:cut].ljust(len(whole), b"\0")):
            path.write_bytes(torn)
            found = open_pending(tmp_path / "log")
            assert found == [*kept, last][: 4 if cut == frame.offset + frame.size else 3]


async def test_a_torn_tail_is_overwritten_and_the_sequence_goes_on(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    kept = await fill(log, 3)
    await fill(log, 1)
    log.close()
    path = segments(tmp_path)[0]
    frame = good_frames(path)[-2]
    path.write_bytes(path.read_bytes()[: frame.offset + 50].ljust(16 * 1024, b"\0"))
    log = open_log(tmp_path)
    new = await fill(log, 2)
    assert [event.sequence for event in new] == [4, 5]
    log.close()
    log, found = reopened(tmp_path)
    assert found == [*kept, *new]
    assert log.lost == []


@pytest.mark.parametrize("seed", range(60))
async def test_a_flipped_bit_costs_at_most_the_frame_it_hits(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    log = open_log(tmp_path)
    events: list[Event] = []
    for _ in range(12):
        events += await fill(log, chance.randint(1, 12), size=chance.randint(0, 400))
    log.close()
    path = chance.choice(segments(tmp_path))
    content = bytearray(path.read_bytes())
    every = good_frames(path)
    hit = chance.choice(every)
    content[hit.offset + chance.randrange(hit.size)] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    log, found = reopened(tmp_path)
    damaged = {hit.sequence} if hit.kind == frames.DATA else set()
    assert found == [event for event in events if event.sequence not in damaged]
    assert log.lost == [(s, s) for s in damaged]
    assert log.depth().dropped == len(damaged)
    assert log.quarantined_bytes == (hit.size if hit != every[-1] else 0)
    assert log.append(make_event()).sequence == len(events) + 1


@pytest.mark.parametrize("seed", range(20))
async def test_a_segment_full_of_noise_gives_no_wrong_event_and_no_error(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    log = open_log(tmp_path)
    events = {event.id: event for event in await fill(log, 100)}
    log.close()
    for path in segments(tmp_path):
        content = bytearray(path.read_bytes())
        for _ in range(chance.randint(1, 200)):
            start = chance.randrange(len(content))
            noise = chance.randbytes(chance.randint(1, 300))
            content[start : start + len(noise)] = noise
        path.write_bytes(content[: chance.randrange(len(content))])
    _, found = reopened(tmp_path)
    assert all(events[event.id] == event for event in found)
    assert [event.sequence for event in found] == sorted({event.sequence for event in found})


async def test_frames_of_an_earlier_life_are_never_taken_for_new(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    for _ in range(20):
        for event in await fill(log, 50):
            log.release(event)
    await log.commit()
    kept = await fill(log, 1)
    log.close()
    assert len(segments(tmp_path)) <= KEEP_SEGMENTS
    assert int(segments(tmp_path)[-1].stem, 16) > 15
    log, found = reopened(tmp_path)
    assert found == kept
    assert log.problems == []


async def test_a_crash_right_after_a_segment_was_recycled_changes_nothing(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    events = await fill(log, 100)
    for event in events[:60]:
        log.release(event)
    await log.commit()
    log.close()
    oldest, newest = segments(tmp_path)[0], segments(tmp_path)[-1]
    oldest.rename(tmp_path / f"{int(newest.stem, 16) + 1:08x}.seg")
    log, found = reopened(tmp_path)
    assert found == events[60:]
    assert log.lost == []
    log = open_log(tmp_path)
    assert [event.sequence for event in await fill(log, 30)] == list(range(101, 131))
    log.close()
    assert len(open_pending(tmp_path)) == 70


async def test_a_lost_segment_is_declared_and_the_others_stay(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    events = await fill(log, 150)
    log.close()
    victim = segments(tmp_path)[1]
    gone = [frame.sequence for frame in good_frames(victim) if frame.kind == frames.DATA]
    victim.unlink()
    victim.mkdir()  # cannot be read, whoever asks
    log, found = reopened(tmp_path)
    assert found == [event for event in events if event.sequence not in gone]
    assert log.lost == [(gone[0], gone[-1])]
    assert log.depth().dropped == len(gone)
    assert (tmp_path / f"{victim.name}.1.bad").is_dir()
    assert any("put aside" in problem or "kept as" in problem for problem in log.problems)


async def test_what_was_declared_lost_once_is_not_declared_again(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    await fill(log, 20)
    log.close()
    path = segments(tmp_path)[0]
    content = bytearray(path.read_bytes())
    content[good_frames(path)[5].offset + 40] ^= 1
    path.write_bytes(content)
    log = open_log(tmp_path)
    assert log.lost == [(5, 5)]
    await fill(log, 1)
    log.close()
    log, found = reopened(tmp_path)
    assert log.lost == []
    assert log.depth().dropped == 1
    assert len(found) == 20


async def test_a_frame_that_rots_while_it_waits_is_given_up_and_told(tmp_path: Path) -> None:
    told: list[tuple[int, int, int]] = []
    log = open_log(tmp_path, on_drop=lambda *what: told.append(what))
    events = await fill(log, 5)
    path = segments(tmp_path)[0]
    content = bytearray(path.read_bytes())
    content[good_frames(path)[3].offset + 60] ^= 1
    path.write_bytes(content)
    assert log.pending(0, 10) == [events[0], events[1], events[3], events[4]]
    assert told == [(3, 3, 1)]
    assert log.depth().dropped == 1
    log.close()


async def test_a_folder_that_is_a_file_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "telemetry").write_text("not a folder")
    log = open_log(tmp_path / "telemetry")
    events = await fill(log, 3)
    assert log.pending(0, 10) == events
    assert (tmp_path / "telemetry.1.bad").read_text() == "not a folder"
    assert len(log.problems) == 1
    log.close()


async def test_an_empty_or_foreign_file_in_the_folder_does_not_matter(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    events = await fill(log, 3)
    log.close()
    (tmp_path / "00000009.seg").touch()
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "0000000a.seg.swp").write_text("hello")
    log, found = reopened(tmp_path)
    assert found == events
    log = open_log(tmp_path)
    await fill(log, 100)
    assert len(log.pending(0, 200)) == 103
    log.close()


async def test_an_outbox_copied_while_it_is_written_can_be_opened(tmp_path: Path) -> None:
    log = open_log(tmp_path / "a")
    events = await fill(log, 40)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    await fill(log, 40)
    log.close()
    other = SegmentLog(tmp_path / "b", Lane.TELEMETRY)
    assert other.pending(0, 100) == events
    other.close()
