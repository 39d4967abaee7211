"""The power is cut under a real filesystem on a disk with a volatile cache: what was promised is there."""

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.torture.board import Board, Record
from tests.torture.lives import Lives
from tests.torture.powerdisk import cuts, make_image, memory_folder, missing, mounted, power_disk
from tests.torture.promises import broken_promises
from tests.torture.size import SEED, report, times

REASON = missing()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)
ROUNDS = 25
# Cuts of one life; the next one begins on what the last of them left behind.
CUTS_OF_A_LIFE = 12


@pytest.fixture
def work() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="edge-cuts-", dir=memory_folder()) as made:
        yield Path(made)


def one_life(work: Path, image: Path, seed: int, *options: str) -> tuple[list, list[Record]]:
    """Let a writer live on the disk; gives what the disk was told, from the writer's begin on, and the promises."""
    (work / "board").unlink(missing_ok=True)
    board = Board(work / "board")
    with power_disk(image) as disk, Lives() as lives:
        lives.begin(disk.folder / "state", work / "board", seed, ROUNDS, *options)
        assert (lives.end(), board.crash) == (0, ""), seed
        entries = disk.entries()
    records = board.records()
    board.close()
    return entries, records


def check(work: Path, content: bytes, promised: list[Record]) -> list[str]:
    """Start on what a cut left behind; what is not as promised."""
    image = work / "cut.img"
    image.write_bytes(content)
    try:
        with mounted(image, work / "mounted") as folder:
            (folder / "state").mkdir(exist_ok=True)
            return broken_promises(folder / "state", promised, torn=True)
    except OSError as error:
        return [f"the filesystem is broken: {error}"]


def instants_of(entries: list, records: list[Record], chance: random.Random, count: int) -> list[int]:
    """When to cut: just behind something that was said, by the writer or to the disk, while the writer lived."""
    began, ended = records[0].at_ns, records[-1].at_ns
    said = [entry.at_ns for entry in entries if began <= entry.at_ns <= ended] + [record.at_ns for record in records]
    return sorted(chance.choices(said, k=count))


def torture(work: Path, wanted: int, *options: str) -> tuple[int, int, list[str]]:
    """Cut `wanted` times; how often, how many promises stood at the cuts in all, and what was broken."""
    image, before = work / "begin.img", list[Record]()
    make_image(image)
    done, stood, wrong = 0, 0, []
    life = SEED
    while done < wanted:
        entries, records = one_life(work, image, life, *options)
        chance = random.Random(life)
        instants = instants_of(entries, records, chance, min(CUTS_OF_A_LIFE, wanted - done))
        content, promised = b"", before
        for at_ns, content in cuts(image.read_bytes(), entries, instants, life):
            promised = before + [record for record in records if record.at_ns <= at_ns]
            wrong += [
                f"life {life}, cut {at_ns - records[0].at_ns} ns: {each}" for each in check(work, content, promised)
            ]
            done, stood = done + 1, stood + len(promised)
        image.write_bytes(content)
        before = promised
        life += 1
    return done, stood, wrong


def test_what_was_promised_survives_a_power_cut(work: Path) -> None:
    done, stood, wrong = torture(work, times(12))
    report(f"{done} power cuts with {stood} promises standing: {len(wrong)} broken")
    assert wrong == [], SEED


@pytest.mark.parametrize("flush", ["log", "database"])
def test_this_disk_shows_a_missing_flush(work: Path, flush: str) -> None:
    done, stood, wrong = torture(work, CUTS_OF_A_LIFE // 2, f"unsynced-{flush}")
    report(f"without the {flush}'s flushes, {done} power cuts with {stood} promises standing: {len(wrong)} broken")
    assert any("lost" in each or "broken" in each for each in wrong), SEED
