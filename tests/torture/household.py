"""A household that calls for help while its agent dies: what the person does, and what becomes of it at the desk."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from pathlib import Path

from edge_agent.control.client import Client, ControlError
from edge_agent.core.request import State
from simulators.desk.cases import Case, CaseState
from simulators.desk.policy import Policy
from tests.torture.mortal import HOLD_S, Mortal, Stage, until
from tests.torture.struck import Aim
from tests.torture.truth import Truth

PATIENCE_S = 60.0
OPEN = tuple(state for state in State if state not in (State.IDLE, State.HOLD, State.CANCELLED, State.RESOLVED))
OVER = (State.IDLE, State.RESOLVED)
AT_DESK_OVER = (CaseState.RESOLVED, CaseState.CANCELLED)
QUICK = Policy(received_after_s=0.1, engaged_after_s=0.3, resolved_after_s=0.5, effort_after_s=None)


@dataclass(frozen=True)
class Round:
    """One call for help and what happens to it. `outside` is how the agent is killed where the aim does not do it."""

    plan: str
    aim: Aim
    outside: str = ""

    def __str__(self) -> str:
        where = f"{self.aim.step} {self.aim.moment}" if self.aim.step else self.outside
        return f"{self.plan}, {where}, chance {self.aim.chance}"


class Household(Mortal):
    """`ways` is the configuration of other channels, for the plans that want them."""

    def __init__(self, stage: Stage, images: Path | None, ways: str) -> None:
        super().__init__(stage, images)
        self.cases = 0
        self.called_off = False
        self._ways = ways
        self._first_opened = inf
        self._may_reopen = False

    async def begin(self, aim: Aim, plan: "Plan", timers: str = "") -> bool:
        """Start the agent as this plan wants it."""
        return await self.up(aim, timers or plan.timers, self._ways if plan.ways else "")

    # -- the person --------------------------------------------------------------------------------------------------

    async def press(self, seconds: float, *, call: bool = False) -> None:
        """A finger on the button."""
        down = time.monotonic()
        self.truth.touches.append((down, down + seconds + 0.5))
        if call:
            self.truth.holds.append(down)
        try:
            await self.stage.world.press(seconds)
        finally:
            self.truth.touches[-1] = (down, time.monotonic())

    async def call(self) -> None:
        """Hold the button until the agent says that it is recorded, and again if it does not."""
        while True:
            await self.press(HOLD_S + self.chance.uniform(0.15, 0.6), call=True)
            with suppress(TimeoutError):
                await self.stage.until_state(*OPEN, seconds=2.0)
                return
            if self.case() is not None:
                return

    async def told(self) -> State:
        """Where the agent says that help stands."""
        return State((await self.stage.until_state(*State)).state)

    async def called(self) -> None:
        """Call, unless a case was recorded before the agent died."""
        recorded = self.case() is not None or any(life.found_open for life in self.truth.lives)
        if not recorded and await self.told() in OVER:
            await self.call()

    async def call_off(self) -> None:
        """Cancel at the console."""
        self.truth.ended = time.monotonic()
        with suppress(ControlError):
            await self.stage.agent.ask(Client.cancel)

    # -- the desk ----------------------------------------------------------------------------------------------------

    def case(self) -> Case | None:
        """The case of this round at the desk."""
        cases = self.stage.desk.cases[self.cases :]
        return cases[0] if cases else None

    async def at_desk(self, *states: CaseState) -> Case:
        """Wait until the desk has it so."""
        await until(lambda: (case := self.case()) is not None and case.state in (states or CaseState), PATIENCE_S)
        case = self.case()
        assert case is not None
        return case

    async def over(self) -> None:
        """Let it come to its end on both sides; what is asked is answered."""
        if not self.called_off:
            self.stage.desk.policy = QUICK
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with suppress(ControlError):
                    told = await self.stage.help()
                    if told.case is not None and told.case.question is not None:
                        await self.answer()
                    case = self.case()
                    at_desk = case is None or case.state in AT_DESK_OVER
                    over = told.state == State.IDLE or (told.state == State.RESOLVED and self._may_reopen)
                    if over and at_desk and (case is not None or self.called_off):
                        return
                await asyncio.sleep(0.05)

    async def answer(self) -> None:
        """By the button or the console, as it comes."""
        if self.chance.random() < 0.5:
            await self.press(0.15)
            await asyncio.sleep(2.2)
        else:
            with suppress(ControlError):
                await self.stage.agent.ask(lambda client: client.answer("yes"))

    # -- a round -----------------------------------------------------------------------------------------------------

    async def live(self, job: Round, plan: "Plan") -> list[str]:
        """One call for help through one death at least; gives what was wrong."""
        await self._forget_last(plan)
        self.chance = random.Random(job.aim.chance)
        self.truth, self.called_off = Truth(HOLD_S, plan.window_s), False
        self._first_opened = inf
        self.cases = len(self.stage.desk.cases)
        self.stage.desk.policy = QUICK
        await self._first_life(job, plan)
        if self.truth.lives[-1].ended != inf:
            await self.begin(Aim(mutant=job.aim.mutant), plan)
        await self.stage.cable.mend()
        await asyncio.sleep(0.3)
        await plan.finish(self)
        await asyncio.sleep(self.chance.uniform(0.0, 0.5))
        await self.down()
        self._learn()
        return [*self.truth.lies(), *self._miscounted(plan)]

    async def _forget_last(self, plan: "Plan") -> None:
        """A case that may be opened again would be, by the next call: then a life goes by in which it may not."""
        may_reopen, self._may_reopen = self._may_reopen, plan.reopens
        if may_reopen and plan.reopens:
            await self.begin(Aim(), plan, Plan.timers)
            await self.stage.until_state(State.IDLE)
            await self.down()

    async def _first_life(self, job: Round, plan: "Plan") -> None:
        """Until it dies; or to the end of the plan, where the stroke never came."""
        if not await self.begin(job.aim, plan):
            await self.down()
            return
        acting = [asyncio.create_task(plan.act(self)), asyncio.create_task(self.stage.agent.ended())]
        if job.outside:
            acting.append(asyncio.create_task(self._struck_from_outside(job.outside, plan)))
        try:
            await asyncio.wait(acting, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE_S)
            if acting[0].done() and not acting[1].done():
                # what is aimed at may be the last step of all
                await asyncio.wait(acting[1:], timeout=1.0)
        finally:
            for task in acting:
                task.cancel()
            done = await asyncio.gather(*acting, return_exceptions=True)
        if isinstance(done[0], Exception) and not isinstance(done[0], TimeoutError | ControlError):
            raise done[0]
        await self.down()

    async def _struck_from_outside(self, how: str, plan: "Plan") -> None:
        """At random, or when the desk has heard of the case or has answered."""
        if how == "random":
            await asyncio.sleep(self.chance.uniform(0.3, plan.lasts_s))
        else:
            changed = asyncio.Event()
            self.stage.desk.on_change = changed.set
            for _ in range(self.chance.randint(1, 6)):
                await changed.wait()
                changed.clear()
            await asyncio.sleep(self.chance.uniform(0.0, 0.02))
        self.stage.agent.kill()
        await self.stage.agent.ended()

    def _learn(self) -> None:
        """What the desk signed in this case, on this clock."""
        case, offset = self.case(), time.monotonic() - time.time()
        if case is None:
            return
        self.truth.signed = [(words.at + offset, words.type) for words in self.stage.desk.words(case)]
        if self.opened_again:
            self.truth.heard_again = case.opened + offset

    def _miscounted(self, plan: "Plan") -> Iterator[str]:
        cases = self.stage.desk.cases[self.cases :]
        if not plan.least <= len(cases) <= 1:
            yield f"{len(cases)} cases at the desk"
        for case in cases:
            if case.state not in plan.ends:
                yield f"the case ended {case.state.value}"
        answered = self.stage.desk._store.db.execute(
            "SELECT count(*) FROM events WHERE type='edge.help.answered.v1' AND subject=?",
            (cases[0].code if cases else "",),
        ).fetchone()[0]
        asked = sum(words.type == "edge.help.question.v1" for case in cases for words in self.stage.desk.words(case))
        if answered > asked:
            yield f"{asked} questions and {answered} answers"
        for life, following in pairwise(self.truth.lives):
            if self.called_off and life.told[-1:] == ["IDLE"] and following.found not in ("", State.CANCELLED):
                yield f"what was cancelled was {following.found} again"

    async def call_again(self) -> None:
        """Call until the case that is over is open again, and let it end."""
        while not self.opened_again:
            if self.truth.again == inf:
                case = self.case()
                self._first_opened = case.opened if case else inf
                self.truth.again = time.monotonic()
            await self.call()
            await self.over()

    @property
    def opened_again(self) -> bool:
        """Whether the desk knows that this case was called for again."""
        case = self.case()
        return case is not None and self.truth.again < inf and case.opened > self._first_opened

    @property
    def total(self) -> int:
        """Cases at the desk in all rounds."""
        return self.cases + (self.case() is not None)

    def story(self) -> str:
        """What happened, for whoever looks for the reason."""
        began = self.truth.lives[0].began
        lines = [f"  finger {down - began:.3f} to {up - began:.3f}" for down, up in self.truth.touches]
        lines += [f"  desk {at - began:.3f} {type_}" for at, type_ in self.truth.signed]
        for life in self.truth.lives:
            lines.append(
                f"  life {life.began - began:.3f} to {life.ended - began:.3f} found {life.found!r} {life.told}"
            )
            lines.append("    lamp " + " ".join(f"{at - began:.3f} {colour}" for at, colour in life.lamp))
            lines += [
                f"    {row.at - began:.3f} to {row.until - began:.3f} {row.shown}" for row in self.truth.rows(life)
            ]
        return "\n".join(lines)


Act = Callable[[Household], Awaitable[None]]


@dataclass(frozen=True)
class Plan:
    """What a person does, and how it goes on after a death; how many cases it makes at the least, and how they end."""

    act: Act
    finish: Act
    lasts_s: float
    timers: str = "cancel_window_s = 0.5\nreopen_s = 0.0"
    window_s: float = 1.0
    reopens: bool = False
    ways: bool = False
    least: int = 1
    ends: tuple[CaseState, ...] = (CaseState.RESOLVED,)
