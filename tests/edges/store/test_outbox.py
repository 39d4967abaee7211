"""The outbox as a whole, the replay store, the gateway's id, the replaced file and the look from outside."""

import asyncio
import os
import re
import stat
from pathlib import Path

import pytest

from edge_agent.config import model
from edge_agent.core.errors import StoreError
from edge_agent.core.event import EventKind, Lane
from edge_agent.store import files, ledger
from edge_agent.store.db import Database
from edge_agent.store.identity import gateway_id
from edge_agent.store.ledger import Ledger
from edge_agent.store.look import dump, inspect
from edge_agent.store.outbox import Outbox
from tests.edges.store.helpers import make_event

SETTINGS = model.Outbox(segment_kb=16)


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()
    }


async def test_every_kind_of_event_goes_to_its_lane_and_lanes_come_in_order(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, SETTINGS)
    assert [spool.lane for spool in outbox.lanes()] == [Lane.HELP, Lane.FINDING, Lane.STATE, Lane.TELEMETRY]
    stored = [outbox.append(make_event(kind=kind)) for kind in EventKind]
    for lane in Lane:
        await outbox.commit(lane)
    outbox.close()
    again = Outbox(tmp_path, SETTINGS)
    for spool in again.lanes():
        assert spool.pending(0, 10) == [event for event in stored if event.lane is spool.lane]
    assert {lane: depth.events for lane, depth in again.depths().items()} == {
        Lane.HELP: 1,
        Lane.FINDING: 3,
        Lane.STATE: 1,
        Lane.TELEMETRY: 2,
    }
    assert again.problems == []
    again.close()


async def test_two_agents_on_one_folder_are_refused(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, SETTINGS)
    with pytest.raises(StoreError, match="another edge-agent"):
        Outbox(tmp_path, SETTINGS)
    outbox.close()
    Outbox(tmp_path, SETTINGS).close()


async def test_nothing_usable_on_disk_is_no_reason_not_to_start(tmp_path: Path) -> None:
    for name in ("telemetry", "finding", "state"):
        (tmp_path / name).write_text("in the way")
    (tmp_path / "cases.db").mkdir()
    outbox = Outbox(tmp_path, SETTINGS)
    assert len(outbox.problems) == 4
    for kind in EventKind:
        event = outbox.append(make_event(kind=kind))
        await outbox.commit(event.lane)
        assert event in outbox.spool(event.lane).pending(0, 10)
    outbox.close()


async def test_a_state_folder_that_cannot_be_made_is_a_state_and_a_press_still_goes_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    outbox = Outbox(tmp_path / "file" / "outbox", SETTINGS)
    assert outbox.problems
    for problem in outbox.problems:
        assert problem.count(str(tmp_path)) == 1, "where it is, once"
        assert problem.endswith(". Is the disk full, read-only or failing, or may this user not write there?")
    assert len(set(outbox.problems)) == len(outbox.problems), "each says what it is of"
    for kind in (EventKind.HELP, EventKind.TELEMETRY):
        event = outbox.append(make_event(kind=kind))
        with pytest.raises(StoreError):
            await outbox.commit(event.lane)
    assert len(outbox.spool(Lane.HELP).pending(0, 10)) == 1
    assert len(outbox.spool(Lane.TELEMETRY).pending(0, 10)) == 0
    assert outbox.depths()[Lane.TELEMETRY].events == 1
    outbox.close()


async def test_a_look_from_outside_tells_the_truth_and_writes_nothing(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, SETTINGS)
    events = [outbox.append(make_event(n, kind=kind)) for kind in EventKind for n in range(20)]
    for lane in Lane:
        await outbox.commit(lane)
    for running in (True, False):
        before = tree(tmp_path)
        looks = {look.lane: look for look in inspect(tmp_path)}
        for lane in Lane:
            assert list(dump(tmp_path, lane)) == [event for event in events if event.lane is lane]
        assert tree(tmp_path) == before
        for lane, depth in outbox.depths().items():
            assert looks[lane].depth == depth
            assert looks[lane].next == depth.events + 1
            assert looks[lane].disk_bytes >= depth.bytes
        if running:
            outbox.close()


def test_a_look_at_a_folder_that_is_not_there_finds_nothing(tmp_path: Path) -> None:
    looks = inspect(tmp_path / "none")
    assert [look.depth.events for look in looks] == [0, 0, 0, 0]
    assert list(tmp_path.iterdir()) == []


async def test_a_down_message_is_remembered_over_a_restart(tmp_path: Path) -> None:
    database = Database(tmp_path / "cases.db")
    replay = Ledger(database)
    assert not replay.seen("a")
    replay.remember("a", 1000.0)
    await replay.commit()
    assert replay.seen("a")
    database.close()
    database = Database(tmp_path / "cases.db")
    assert Ledger(database).seen("a")
    assert not Ledger(database).seen("b")
    database.close()


async def test_a_down_message_that_is_not_done_is_forgotten_by_a_crash(tmp_path: Path) -> None:
    database = Database(tmp_path / "cases.db")
    replay = Ledger(database)
    replay.remember("a", 1000.0, done=False)
    replay.remember("b", 1000.0, done=False)
    await replay.commit()
    assert replay.seen("a")
    await replay.keep(["b"])
    crashed = Ledger(database)
    assert not crashed.seen("a")
    assert crashed.seen("b")
    database.close()


async def test_an_id_is_kept_when_it_is_on_disk_and_ledgers_of_one_file_are_apart(tmp_path: Path) -> None:
    database = Database(tmp_path / "cases.db")
    handed = Ledger(database, "handed")
    handed.remember("a", 1000.0, done=False)
    await handed.commit()
    assert handed.seen("a")
    assert not handed.kept("a")
    keeping = asyncio.ensure_future(handed.keep(["a"]))
    await asyncio.sleep(0)
    assert not handed.kept("a"), "it is being written"
    await keeping
    assert handed.kept("a")
    assert Ledger(database, "handed").kept("a")
    assert not Ledger(database).seen("a")
    database.close()


async def test_the_replay_store_forgets_what_expired_first_and_stays_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MAX_REMEMBERED", 5)
    database = Database(tmp_path / "cases.db")
    replay = Ledger(database)
    for number in (3, 1, 4, 2, 5, 9, 0):
        replay.remember(str(number), float(number))
        await replay.commit()
    for store in (replay, Ledger(database)):
        assert [n for n in range(10) if store.seen(str(n))] == [0, 3, 4, 5, 9]
    database.close()


async def test_a_dead_disk_does_not_make_the_replay_store_forget(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    database = Database(tmp_path / "state" / "cases.db")
    replay = Ledger(database)
    assert replay.problems
    replay.remember("a", 1.0)
    with pytest.raises(StoreError):
        await replay.commit()
    assert replay.seen("a")
    (tmp_path / "state").unlink()
    replay.remember("b", 2.0)
    await replay.commit()
    assert Ledger(database).seen("a")
    database.close()


def test_the_gateways_id_is_made_once(tmp_path: Path) -> None:
    problems: list[str] = []
    made = gateway_id(tmp_path / "state", problems)
    assert re.fullmatch(r"gw-[2-9a-hjkmnp-z]{10}", made)
    assert gateway_id(tmp_path / "state", problems) == made
    assert gateway_id(tmp_path / "other", problems) != made
    assert problems == []


@pytest.mark.parametrize("content", [b"", b"two words", b"\xff\xfe\0", b"x" * 65])
def test_a_file_without_an_id_is_put_aside_and_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "gateway-id").write_bytes(content)
    problems: list[str] = []
    made = gateway_id(tmp_path, problems)
    assert len(problems) == 1
    assert gateway_id(tmp_path, problems) == made
    assert (tmp_path / "gateway-id.1.bad").read_bytes() == content


def test_an_id_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    problems: list[str] = []
    assert gateway_id(tmp_path / "state", problems).startswith("gw-")
    assert any("changes with every start" in problem for problem in problems)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a" / "b" / "file"
    files.replace_file(path, b"one")
    files.replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def broken(_fd: int) -> None:
        raise OSError(5, "broken")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(StoreError):
        files.replace_file(path, b"three")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_bad_files_are_kept_up_to_a_number(tmp_path: Path) -> None:
    for number in range(15):
        (tmp_path / "x").write_text(str(number))
        files.put_aside(tmp_path / "x")
    kept = sorted(path.read_text() for path in tmp_path.iterdir())
    assert kept == ["0", "1", "14", "2", "3", "4", "5", "6", "7"]
