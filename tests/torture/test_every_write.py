"""The store is killed, or the disk refuses, at every single call that changes something."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.torture.board import Board, Said
from tests.torture.lives import KILLED, Lives, at_call, calls, no_tracer
from tests.torture.powerdisk import memory_folder
from tests.torture.promises import broken_promises
from tests.torture.size import SEED, report, sample
from tests.torture.writer import LANES

REASON = no_tracer()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)
SHORT = 10


@pytest.fixture(scope="module")
def lives() -> Iterator[Lives]:
    with Lives() as process:
        yield process


@pytest.fixture(scope="module")
def work() -> Iterator[Path]:
    """In memory where that can be had: what reaches a disk does not matter here."""
    with tempfile.TemporaryDirectory(prefix="edge-writes-", dir=memory_folder()) as made:
        yield Path(made)


def new_life(work: Path, name: str, begin: Path | None) -> tuple[Path, Board]:
    folder = work / name
    shutil.rmtree(folder, ignore_errors=True)
    if begin is None:
        folder.mkdir()
    else:
        shutil.copytree(begin, folder, ignore=shutil.ignore_patterns("board", "trace"))
    return folder, Board(folder / "board")


@pytest.fixture(scope="module", params=["in an empty folder", "in a folder of a killed one"])
def begin(request: pytest.FixtureRequest, work: Path, lives: Lives) -> tuple[Path | None, list, list[str]]:
    """What lies there before a life, what was promised of it, and the calls of a life that begins so."""
    before, promised = None, []
    if "killed" in request.param:
        before, board = new_life(work, "before", None)
        assert lives.traced(before, board, SEED, ["fdatasync:signal=SIGKILL:when=70"]) == KILLED
        promised = board.records()
        board.close()
    folder, board = new_life(work, "counted", before)
    assert lives.traced(folder, board, SEED + 1) == 0, board.crash
    assert broken_promises(folder, [*promised, *board.records()]) == []
    board.close()
    made = calls(folder / "trace")
    assert {"pwrite64", "fdatasync", "rename"} <= set(made)
    return before, promised, made


def test_killed_at_any_write_it_keeps_every_promise(begin, work: Path, lives: Lives) -> None:
    before, promised, made = begin
    places = sample(range(len(made)), SHORT)
    for place in places:
        folder, board = new_life(work, "life", before)
        inject = at_call(made, place, "signal=SIGKILL")
        assert lives.traced(folder, board, SEED + 1, inject) == KILLED, (SEED, inject)
        wrong = broken_promises(folder, [*promised, *board.records()])
        board.close()
        assert wrong == [], (SEED, inject)
    report(f"{len(places)} of {len(made)} writes killed ({dict(Counter(made))}): every promise kept")


@pytest.mark.parametrize("on", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_refused_at_any_write_it_goes_on_and_loses_nothing(
    begin, work: Path, lives: Lives, error: str, on: bool
) -> None:
    before, promised, made = begin
    places = sample(range(len(made)), SHORT // 2)
    refused = 0
    for place in places:
        folder, board = new_life(work, "life", before)
        inject = at_call(made, place, f"error={error}", on=on)
        code = lives.traced(folder, board, SEED + 1, inject)
        assert (code, board.crash) == (0, ""), (SEED, inject)
        records = board.records()
        board.close()
        wrong = broken_promises(folder, [*promised, *records])
        assert wrong == [], (SEED, inject)
        assert committed_in_the_end(records), (SEED, inject)
        refused += sum(record.said is Said.REFUSED for record in records)
        if error == "EIO":
            assert not [r for r in records if r.said is Said.DROPPED], (SEED, inject)
    report(
        f"{error} {'from' if on else 'at'} {len(places)} of {len(made)} writes: {refused} calls refused, nothing lost"
    )


def committed_in_the_end(records: list) -> bool:
    """Whether all that was appended is on disk, or was declared, once the disk is well."""
    for index, _ in enumerate(LANES):
        mine = [record for record in records if record.lane == index]
        promised = {record.number for record in mine if record.said is Said.COMMITTED}
        dropped = {s for r in mine if r.said is Said.DROPPED for s in range(r.number, r.extra + 1)}
        if any(r.said is Said.APPENDED and r.number not in promised and r.extra not in dropped for r in mine):
            return False
    return True
