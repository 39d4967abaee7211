"""Any file of the store is damaged at rest: it starts, keeps the rest, says what is wrong, and goes on working."""

import asyncio
import codecs
import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.core.event import Lane
from edge_agent.store.identity import gateway_id
from edge_agent.store.outbox import Outbox
from tests.torture.board import Board, Record, Said
from tests.torture.damage import DAMAGES, NOBODY, Damage, flip, give_away
from tests.torture.lives import ROUNDS, Lives
from tests.torture.powerdisk import memory_folder
from tests.torture.promises import broken_promises
from tests.torture.size import LONG, SEED, report
from tests.torture.writer import LANES, SETTINGS, case, made

# The same damage comes at other places each time.
TIMES = max(1, LONG // 10)
FILES = (
    *("gateway-id", "outbox/lock", "outbox/help-reserve", "outbox/cases.db", "outbox/cases.db-wal"),
    *("outbox/cases.db-shm", "outbox/finding/oldest", "outbox/finding/newest", "outbox/state/newest"),
    *("outbox/telemetry/oldest", "outbox/telemetry/middle", "outbox/telemetry/newest"),
)


@pytest.fixture(scope="module")
def rest() -> Iterator[tuple[Path, list[Record]]]:
    """The folder of a store that was killed with much in it, and what was promised."""
    with tempfile.TemporaryDirectory(prefix="edge-damage-", dir=memory_folder()) as made_:
        work = Path(made_)
        work.chmod(0o755)
        (work / "state").mkdir()
        board = Board(work / "board")
        with Lives() as lives:
            lives.begin(work / "state", work / "board", SEED, ROUNDS * 3, "full", "killed")
            lives.end()
        assert not board.crash
        yield work / "state", board.records()
        board.close()


@contextmanager
def as_nobody() -> Iterator[None]:
    """For root nothing is forbidden, so that the store is opened by somebody else."""
    root = os.geteuid() == 0
    if root:
        codecs.lookup("ascii")  # Python loads it when it is first used, and nobody may read that
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def find(state: Path, name: str) -> Path | None:
    path = state / name
    if path.name not in ("oldest", "middle", "newest"):
        return path if path.exists() else None
    segments = sorted(path.parent.glob("*.seg"))
    if path.name == "newest":
        return segments[-1] if segments else None
    return segments[0] if path.name == "oldest" else segments[len(segments) // 2]


def lane_of(name: str) -> Lane | None:
    """The lane that this damage may cost something."""
    if "cases.db" in name:
        return Lane.HELP
    return next((lane for lane in LANES if f"/{lane}/" in name), None)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_costs_at_most_itself(rest: tuple[Path, list[Record]], name: str, damage: Damage) -> None:
    state, promised = rest
    lost = 0
    for number in range(TIMES):
        again = state.parent / "again"
        shutil.rmtree(again, ignore_errors=True)
        shutil.copytree(state, again)
        if os.geteuid() == 0:
            give_away(again)
        path = find(again, name)
        assert path is not None, name
        damage(path, random.Random(f"{SEED} {name} {number}"))
        with as_nobody():
            lost += start_and_go_on(again, promised, lane_of(name), silent=damage.__name__ in ("delete", "empty"))
    report(f"{damage.__name__} of {name}, {TIMES} times: started each time, {lost} promised events lost and told")


def start_and_go_on(state: Path, promised: list[Record], lane: Lane | None, *, silent: bool) -> int:
    problems: list[str] = []
    identity = gateway_id(state, problems)
    outbox = Outbox(state / "outbox", SETTINGS)
    problems += outbox.problems
    declared = outbox.losses()
    top = max((event.sequence for event in outbox.spool(lane).pending(0, 100_000)), default=0) if lane else 0
    asyncio.run(go_on(outbox))
    missing = broken_promises(state, promised, torn=True)
    for other in LANES:
        if other is not lane:
            assert not [each for each in missing if each.startswith(f"{other}:")], (SEED, problems)
    if lane is not Lane.HELP:
        assert not [each for each in missing if each.startswith(("case", "forgotten"))], (SEED, problems)
    assert not [each for each in missing if "duplicates" in each or "is not what" in each], (SEED, problems)
    lost = [each for each in missing if "lost" in each]
    # what stood last of all looks like a commit that never came to its end
    torn = all(int(each.split("sequence ")[1].split(",")[0]) > top for each in lost if "sequence" in each)
    assert not lost or problems or declared or silent or torn, (SEED, lost[:3])
    new = Outbox(state / "outbox", SETTINGS)
    for each in LANES:
        assert any(event.id == made(each, 5).id for event in new.spool(each).pending(0, 10_000)), (
            SEED,
            each,
            new.problems,
        )
    assert any(request.id == case(7, 0).id for request in asyncio.run(new.requests.load()))
    new.close()
    assert gateway_id(state, []) == identity
    return len(lost)


async def go_on(outbox: Outbox) -> None:
    """It takes new events and a new case."""
    for each in LANES:
        outbox.append(made(each, 5))
        await outbox.commit(each)
    await outbox.requests.save(case(7, 0), [made(Lane.HELP, 7)])
    outbox.close()


def test_a_flipped_bit_of_the_log_costs_a_frame_and_not_a_segment(rest: tuple[Path, list[Record]]) -> None:
    state, promised = rest
    telemetry = LANES.index(Lane.TELEMETRY)
    stood = {r.number for r in promised if r.lane == telemetry and r.said is Said.COMMITTED}
    stood -= {r.number for r in promised if r.lane == telemetry and r.said is Said.RELEASED}
    for number in range(10):
        again = state.parent / "again"
        shutil.rmtree(again, ignore_errors=True)
        shutil.copytree(state, again)
        path = find(again, "outbox/telemetry/middle")
        assert path is not None
        flip(path, random.Random(number))
        outbox = Outbox(again / "outbox", SETTINGS)
        held = {int.from_bytes(event.id, "big") for event in outbox.spool(Lane.TELEMETRY).pending(0, 100_000)}
        assert len(stood - held) <= 3, SEED
        assert len(stood - held) == sum(last - first + 1 for first, last in outbox.losses().get(Lane.TELEMETRY, []))
        outbox.close()
