"""The whole agent under load, killed again and again and started on damaged files; counted at the desk."""

import asyncio
import itertools
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from edge_agent.core.request import State
from simulators.desk.policy import Policy
from tests.torture.damage import DAMAGES, cut_short, delete, folder, noise
from tests.torture.powerdisk import PowerDisk, make_image, memory_folder, missing, power_disk
from tests.torture.size import LONG, SEED, report, times
from tests.torture.test_damage import find

sys.path.insert(0, str(Path(__file__).parents[1] / "system"))
from stage import CRASH_WINDOW_S, QUICK_HELP, Stage, staged, until

NO_DISK = missing()
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


# Quick, so that there are many cases.
DESK = Policy(received_after_s=0.2, engaged_after_s=0.4, resolved_after_s=0.6)
# Nothing is reopened: every press is a case.
TIMERS = QUICK_HELP | {"reopen_s": 0.0}
Turn = Callable[[], Awaitable[None]]


async def test_it_is_killed_again_and_again_and_no_call_for_help_is_lost() -> None:
    async with staged(policy=DESK, help_timers=TIMERS) as stage:

        async def killed() -> None:
            stage.agent.kill()
            await stage.agent.stop()

        report("killed: " + await torment(stage, times(3), stage.agent.start, killed))


@pytest.mark.skipif(bool(NO_DISK), reason=NO_DISK)
async def test_the_power_is_cut_under_it_and_no_call_for_help_is_lost() -> None:
    with tempfile.TemporaryDirectory(prefix="edge-agent-cuts-", dir=memory_folder()) as made:
        image, after = Path(made) / "disk.img", Path(made) / "after.img"
        make_image(image)
        cuts = itertools.count(SEED)
        disks = ExitStack()
        async with staged(policy=DESK, help_timers=TIMERS, start=False) as stage:
            text = stage.agent.config.read_text()
            here: list[PowerDisk] = []

            async def powered() -> None:
                disk = await asyncio.to_thread(disks.enter_context, power_disk(image))
                here[:] = [disk]
                stage.agent.config.write_text(text.replace(f"{stage.folder}/state", f"{disk.folder}/state"))
                await stage.agent.start()

            async def cut() -> None:
                stage.agent.kill()
                await stage.agent.stop()
                await asyncio.to_thread(here[0].cut, time.monotonic_ns(), next(cuts), after)
                await asyncio.to_thread(disks.close)
                after.replace(image)

            with disks:
                await powered()
                try:
                    report("power cut: " + await torment(stage, times(2), powered, cut))
                finally:
                    await stage.agent.stop()


async def torment(stage: Stage, turns: int, up: Turn, down: Turn) -> str:
    """Load and calls for help, `down` in the midst of it and `up` again, so often; what the desk has in the end."""
    chance = random.Random(SEED)
    presses = 0
    windows: list[tuple[float, float]] = []
    codes: set[str] = set()
    for _ in range(turns):
        if chance.random() < 0.3:
            await stage.cable.cut()
        presses += await press(stage, codes, patient=chance.random() < 0.5)
        await asyncio.sleep(chance.uniform(0.0, 4.0))
        began = time.monotonic()
        await down()
        codes |= recorded(stage)
        await stage.cable.mend()
        await up()
        windows.append((began - CRASH_WINDOW_S, time.monotonic() + 1.0))
    await stage.until_state("IDLE", "RESOLVED", "CANCELLED", seconds=60.0)
    await asyncio.sleep(1.0)
    emitted = [e for e in stage.world.emitted if not any(a < e.at_monotonic < b for a, b in windows)]
    counted = await stage.stop_and_count(emitted)
    at_desk = [case.code for case in stage.desk.cases]
    assert codes <= set(at_desk), (SEED, codes - set(at_desk))
    assert len(at_desk) == len(set(at_desk)), SEED
    assert (counted.lost, counted.duplicates) == (0, 0), (SEED, counted.losses())
    return (
        f"{turns} times, {presses} presses, {len(codes)} cases recorded and at the desk once each; "
        f"of {counted.emitted} readings outside the window none lost, none twice"
    )


async def press(stage: Stage, codes: set[str], *, patient: bool) -> int:
    """Call for help where no case is open, and wait until it is recorded, or do not."""
    if (await stage.until_state(*State)).state not in ("IDLE", "RESOLVED", "CANCELLED"):
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
    async with staged(policy=DESK, help_timers=TIMERS) as stage:
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
            if damage in (folder, cut_short) and "newest" in name and path is not None:
                assert noticed, (SEED, name, damage.__name__)
                findings = (await stage.agent.ask(lambda client: client.findings())).findings
                assert any(finding.channel == "store" for finding in findings)
        cases = len(stage.desk.cases)
        await stage.press()
        await until(lambda: len(stage.desk.cases) > cases)
        await stage.until_state("RESOLVED", "IDLE")
        report(f"{len(damages)} starts of the agent on damaged files: all up, and a press came through")
