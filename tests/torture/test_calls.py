"""The agent dies at every step of a call for help: each completed hold is one case, and the lamp never said too much.

The whole agent with a simulated button and lamp, mosquitto and the desk. It is killed, or its disk loses power, before,
during and after the saving of every step (struck.py), when the desk has heard or has answered, and at random.
"""

import asyncio
import random
import tempfile
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path

from edge_agent.core.request import State
from simulators.desk.cases import CaseState
from simulators.desk.certificate import make_certificate
from simulators.desk.https import HttpsDoor
from tests.torture.household import OPEN, QUICK, Household, Plan, Round
from tests.torture.mortal import staged, until
from tests.torture.powerdisk import memory_folder, missing
from tests.torture.size import LONG, SEED, report, times
from tests.torture.struck import MOMENTS, Aim

NO_DISK = missing()
HOUSEHOLDS = 6
TIMERS = {"hold_s": 1.0, "ack_wait_s": 5.0, "queued_after_s": 1.0, "fallback_queued_s": 1.0}
WEB = '[[help.channels]]\nname = "web"\nkind = "https"\nurl = "https://127.0.0.1:{port}/"\ntls.ca_file = "{ca}"\n'


# -- what people do ---------------------------------------------------------------------------------------------------


async def served(home: Household) -> None:
    await home.called()
    await home.over()


async def kept_waiting(home: Household) -> None:
    home.stage.desk.policy = replace(QUICK, received_after_s=3.0, engaged_after_s=3.3, resolved_after_s=None)
    await home.called()
    await home.stage.until_state(State.ENGAGED)
    await home.over()


async def asked(home: Household) -> None:
    home.stage.desk.policy = replace(QUICK, asks_after_s=0.2, resolved_after_s=None)
    await home.called()
    await home.at_desk(CaseState.ENGAGED)
    await until(lambda: has_question(home))
    await home.answer()
    await home.over()


async def has_question(home: Household) -> bool:
    told = await home.stage.help()
    return told.case is not None and told.case.question is not None


async def nudged(home: Household) -> None:
    home.stage.desk.policy = replace(QUICK, resolved_after_s=None)
    await home.called()
    await home.at_desk()
    await home.press(0.15)
    await until(lambda: home.case().nudges > 0)
    await home.over()


async def reopened(home: Household) -> None:
    await home.called()
    await home.over()
    await home.call_again()


async def cancelled(home: Household) -> None:
    home.called_off = True
    home.stage.desk.policy = replace(QUICK, resolved_after_s=None)
    await home.call()
    home.truth.ended = inf
    for _ in range(2):
        await asyncio.sleep(0.2)
        await home.press(0.15)
    home.truth.ended = home.truth.touches[-2][0]
    await home.stage.until_state(State.IDLE, seconds=6.0)


async def taken_back(home: Household) -> None:
    home.stage.desk.policy = replace(QUICK, resolved_after_s=None)
    await home.called()
    await home.at_desk()
    await asyncio.sleep(home.chance.uniform(0.0, 0.5))
    await called_off(home)


async def called_off(home: Household) -> None:
    home.called_off = True
    home.stage.desk.policy = replace(QUICK, resolved_after_s=None)
    if await home.told() in OPEN:
        await home.call_off()
    await home.over()


async def cut_off(home: Household) -> None:
    home.stage.desk.policy = replace(QUICK, resolved_after_s=None)
    await (home.stage.cable.cut() if home.chance.random() < 0.5 else home.stage.cable.black_hole())
    await home.call()
    await home.at_desk(CaseState.RECEIVED, CaseState.ENGAGED)
    await home.stage.until_state(State.RECEIVED, State.ENGAGED, seconds=20.0)
    await home.stage.cable.mend()
    await home.over()


LONG_WINDOW = "cancel_window_s = 3.0\nreopen_s = 0.0"
PLANS = {
    "served": Plan(served, served, 3.5),
    "kept_waiting": Plan(kept_waiting, served, 6.0),
    "asked": Plan(asked, served, 5.0),
    "nudged": Plan(nudged, served, 5.0),
    "reopened": Plan(reopened, reopened, 6.0, "cancel_window_s = 0.5\nreopen_s = 60.0", reopens=True),
    "cancelled": Plan(cancelled, called_off, 5.0, LONG_WINDOW, 7.0, least=0, ends=(CaseState.CANCELLED,)),
    "taken_back": Plan(taken_back, taken_back, 4.0, ends=(CaseState.CANCELLED,)),
    "cut_off": Plan(cut_off, served, 6.0, ways=True),
}
STEPS = {
    "served": ("CANCEL_WINDOW", "raised", "DELIVERED", "RECEIVED", "ENGAGED", "RESOLVED", "IDLE"),
    "kept_waiting": ("DELIVERED", "ENGAGED"),
    "asked": ("question", "answered"),
    "nudged": ("nudged",),
    "reopened": ("reopened", "closed"),
    "cancelled": ("CANCEL_WINDOW", "IDLE"),
    "taken_back": ("cancelled", "IDLE"),
    "cut_off": ("CANCEL_WINDOW", "QUEUED", "FALLBACK", "RECEIVED"),
}
OUTSIDE = ("random", "desk")
# Where each agent that is broken on purpose shows it, and as what.
BROKEN = {
    "lamp_first": ("served", "CANCEL_WINDOW", "before", "on disk was nothing"),
    "broker_is_desk": ("kept_waiting", "ENGAGED", "saved", "the lamp lied"),
    "forgets": ("served", "DELIVERED", "after", "on disk was nothing"),
    "unsynced": ("served", "CANCEL_WINDOW", "after", "on disk was nothing"),
}


def rounds(count: int, seed: int) -> list[Round]:
    """Every step at every moment and as many from outside, in an order of this seed, as often as it takes."""
    everywhere = [(plan, step, moment, "") for plan, steps in STEPS.items() for step in steps for moment in MOMENTS]
    everywhere += [(plan, "", "", how) for plan in PLANS for how in OUTSIDE * 2]
    chance = random.Random(seed)
    found: list[Round] = []
    while len(found) < count:
        chance.shuffle(everywhere)
        found += [Round(p, Aim(s, m, chance.randrange(1 << 30)), how) for p, s, m, how in everywhere]
    return found[:count]


# -- the torture ------------------------------------------------------------------------------------------------------


@dataclass
class Count:
    """What was done and what came of it."""

    rounds: Counter = field(default_factory=Counter)
    deaths: int = 0
    cases: int = 0
    wrong: list[str] = field(default_factory=list)
    aloud: bool = False

    def __str__(self) -> str:
        done = ", ".join(f"{many} {how}" for how, many in sorted(self.rounds.items()))
        return f"calls for help: {done}; {len(self.wrong)} wrong"

    def lived(self, how: str) -> None:
        """One more; a long run says where it is."""
        self.rounds[how] += 1
        if self.aloud and self.rounds.total() % 50 == 0:
            report(str(self))

    def found(self, what: str) -> None:
        """Something was wrong; a long run says so at once."""
        self.wrong.append(what)
        if self.aloud:
            report(what)


@asynccontextmanager
async def household(power: bool) -> AsyncIterator[Household]:
    with tempfile.TemporaryDirectory(prefix="edge-home-", dir=memory_folder()) as made:
        folder = Path(made)
        certificate = await asyncio.to_thread(make_certificate, folder)
        async with (
            staged(policy=QUICK, help_timers=TIMERS, transports=(), start=False) as stage,
            HttpsDoor(stage.desk, certificate) as door,
        ):
            stage.agent.module = "tests.torture.struck"
            home = Household(stage, folder if power else None, WEB.format(port=door.port, ca=folder / "cert.pem"))
            watching = asyncio.create_task(home.watch())
            try:
                yield home
            finally:
                watching.cancel()
                await home.close()


async def torment(jobs: deque[Round], power: bool, count: Count) -> None:
    """Rounds in one household after the other; a new one where something went wrong."""
    while jobs:
        async with household(power) as home:
            wrong: list[str] = []
            while jobs and not wrong:
                job = jobs.popleft()
                try:
                    wrong = await home.live(job, PLANS[job.plan])
                except TimeoutError:
                    wrong = ["it came to no end"]
                count.lived("with power cuts" if power else "with kills")
                for each in wrong:
                    count.found(f"{job}{' (power)' if power else ''}: {each}\n{home.story()}")
            if not wrong and (stayed := len(home.stage.desk.cases)) != home.total:
                count.wrong.append(f"{home.total} cases, and later {stayed}")
            count.deaths += home.deaths
            count.cases += home.total


async def test_it_dies_at_every_step_of_a_call_for_help_and_the_call_is_one_case_and_the_lamp_never_lied() -> None:
    jobs, count = deque(rounds(times(20), SEED)), Count(aloud=bool(LONG))
    powers = [bool(number % 2) and not NO_DISK for number in range(min(HOUSEHOLDS, len(jobs)))]
    await asyncio.gather(*(torment(jobs, power, count) for power in powers))
    report(f"{count}; {count.deaths} deaths, {count.cases} cases")
    assert not count.wrong, f"seed {SEED}:\n" + "\n".join(count.wrong)


async def test_an_agent_that_is_broken_on_purpose_is_found_out() -> None:
    found = await asyncio.gather(*(found_out(mutant) for mutant in BROKEN if mutant != "unsynced" or not NO_DISK))
    assert all(found), f"seed {SEED}: {list(zip(BROKEN, found, strict=False))}"


async def found_out(mutant: str) -> bool:
    plan, step, moment, what = BROKEN[mutant]
    count = Count()
    for number in range(6):
        aim = Aim(step, moment, SEED + number, mutant)
        await torment(deque([Round(plan, aim)]), mutant == "unsynced", count)
        if any(what in each for each in count.wrong):
            report(f"{mutant} is found out in round {number + 1}")
            return True
    return False
