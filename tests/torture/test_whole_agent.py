"""The whole agent under load, killed again and again and started on damaged files; counted at the desk."""

import asyncio
import random
import sys
import time
from pathlib import Path

import pytest

from simulators.desk.policy import Policy
from tests.torture.damage import DAMAGES, cut_short, delete, folder, noise
from tests.torture.size import LONG, SEED, report, times
from tests.torture.test_damage import find

sys.path.insert(0, str(Path(__file__).parents[1] / "system"))
from stage import CRASH_WINDOW_S, Stage, staged, until

SOME = (("cases.db", noise), ("cases.db-wal", delete), ("telemetry/newest", cut_short), ("telemetry/newest", folder))
PROMISED = frozenset({"RAISED", "SENDING", "QUEUED", "DELIVERED", "RECEIVED", "ENGAGED", "RESOLVED"})
EVERY = (
    "cases.db",
    "cases.db-wal",
    "cases.db-shm",
    "help-reserve",
    "finding/newest",
    "state/newest",
    "telemetry/newest",
)


async def test_it_is_killed_again_and_again_and_no_call_for_help_is_lost() -> None:
    chance = random.Random(SEED)
    kills, presses = times(3), 0
    windows: list[tuple[float, float]] = []
    codes: set[str] = set()
    policy = Policy(received_after_s=0.2, engaged_after_s=0.4, resolved_after_s=0.6)
    async with staged(policy=policy) as stage:
        for _ in range(kills):
            if chance.random() < 0.3:
                await stage.cable.cut()
            presses += await press(stage, codes, patient=chance.random() < 0.5)
            await asyncio.sleep(chance.uniform(0.0, 4.0))
            killed_at = time.monotonic()
            stage.agent.kill()
            await stage.agent.stop()
            codes |= recorded(stage)
            await stage.cable.mend()
            await stage.agent.start()
            windows.append((killed_at - CRASH_WINDOW_S, time.monotonic() + 1.0))
        await stage.until_state("IDLE", "RESOLVED", "CANCELLED", seconds=60.0)
        await asyncio.sleep(1.0)
        emitted = [e for e in stage.world.emitted if not any(a < e.at_monotonic < b for a, b in windows)]
        counted = await stage.stop_and_count(emitted)
        at_desk = [case.code for case in stage.desk.cases]
    report(
        f"{kills} kills, {presses} presses, {len(codes)} cases recorded, {len(codes - set(at_desk))} lost; "
        f"{counted.lost} of {counted.emitted} readings lost outside the window, {counted.duplicates} twice"
    )
    assert codes <= set(at_desk), (SEED, codes - set(at_desk))
    assert len(at_desk) == len(set(at_desk)), SEED
    assert (counted.lost, counted.duplicates) == (0, 0), (SEED, counted.losses())


async def press(stage: Stage, codes: set[str], *, patient: bool) -> int:
    """Call for help where no case is open, and wait until it is recorded, or do not."""
    if (await stage.help()).state not in ("IDLE", "RESOLVED", "CANCELLED"):
        return 0
    await stage.press()
    if not patient:
        return 1
    told = await stage.until_state(*PROMISED)
    if told.case is not None:
        codes.add(told.case.code)
    return 1


def recorded(stage: Stage) -> set[str]:
    """Cases that were logged as more than a wish: from then on they are promised."""
    return {line["case"] for line in stage.log("help") if line["state"] in PROMISED}


@pytest.fixture
def damages() -> list:
    if not LONG:
        return list(SOME)
    return [(name, damage) for name in EVERY for damage in DAMAGES]


async def test_it_starts_on_damaged_files_says_so_and_still_helps(damages: list) -> None:
    policy = Policy(received_after_s=0.1, engaged_after_s=0.2, resolved_after_s=0.3)
    async with staged(policy=policy) as stage:
        await until(lambda: find(stage.folder / "state", "telemetry/newest") is not None)
        for number, (name, damage) in enumerate(damages):
            await asyncio.sleep(0.5)
            stage.agent.kill()
            await stage.agent.stop()
            path = find(stage.folder / "state", name)
            if path is not None:
                damage(path, random.Random(SEED + number))
            await stage.agent.start()
            noticed = [
                part.sentence for part in (await stage.status()).parts if part.name == "store" and not part.ready
            ]
            logged = [line["what"] for line in stage.log("store_problem")]
            assert all(any(problem in each for each in logged) for problem in noticed), (name, noticed, logged)
            if damage in (folder, cut_short) and "newest" in name:
                assert noticed, (SEED, name, damage.__name__)
                findings = (await stage.agent.ask(lambda client: client.findings())).findings
                assert any(finding.channel == "store" for finding in findings)
        cases = len(stage.desk.cases)
        await stage.press()
        await until(lambda: len(stage.desk.cases) > cases)
        await stage.until_state("RESOLVED", "IDLE")
        report(f"{len(damages)} starts of the agent on damaged files: all up, and a press came through")
