"""A whole world without a wire: finger, rules, agent with crashes and disks that fail, store, lossy network, another
channel, a desk that asks; weeks of it on a virtual clock.

Everything random comes from one seed, which a failure prints. In the end the network and the desk come back, and then
every completed hold must be exactly one case at the desk, retractions must have arrived and nothing may wait.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any, NamedTuple

import pytest

from edge_agent.core.clock import Instant
from edge_agent.core.lamp import Shown, shown
from edge_agent.core.mayday import Mayday
from edge_agent.core.mayday_table import ON_THE_WAY, Effect, Signal
from edge_agent.core.mayday_timers import Timers
from edge_agent.core.mayday_words import Call, DeskWord
from edge_agent.core.question import Purpose, Question
from edge_agent.core.request import HelpRequest, State, Trigger

WORLDS = 250
HOLDS = 12
_SAYS = {
    Effect.RAISE: "raised",
    Effect.NUDGE: "nudged",
    Effect.NUDGE_URGENT: "nudged",
    Effect.RETRACT: "cancelled",
    Effect.REOPEN: "reopened",
    Effect.CLOSE: "closed",
    Effect.ASK: "asked",
    Effect.RULE: "triggered",
    Effect.ANSWER: "answered",
    Effect.EXPIRE: "expired",
    Effect.SAY: "said",
}
_SIGNAL = {"received": Signal.RECEIVED, "engaged": Signal.ENGAGED, "resolved": Signal.RESOLVED}
QUIET = (State.IDLE, State.HOLD, State.RESOLVED, State.CANCELLED)


class Up(NamedTuple):
    """A message of the agent; the same `sequence` is the same message."""

    sequence: int
    case: bytes
    what: str


class Down(NamedTuple):
    """A word of the desk: `through` is worked out when it is sent, `ident` stays when it is sent again."""

    ident: int
    case: bytes
    what: str
    through: int
    question: Question | None = None


class Disk(NamedTuple):
    """All that a crash leaves: cases in order of their last save, messages with whether they are sent, words heard."""

    cases: tuple[HelpRequest, ...] = ()
    messages: tuple[tuple[Up, bool], ...] = ()
    heard: frozenset[int] = frozenset()
    sequence: int = 0


@dataclass
class Network:
    """A broker in the middle: while it is up each message is lost, doubled or late by chance."""

    random: Random
    later: Callable[[float, Callable[[], None]], None]
    up: bool = True
    loss: float = 0.3

    def carry(self, arrive: Callable[[], None], puback: Callable[[], None] = lambda: None) -> None:
        if not self.up:
            return
        if self.random.random() > self.loss:
            for _ in range(1 + (self.random.random() < 0.2)):
                self.later(self.random.choice((0.01, 0.2, 3.0, 40.0)), arrive)
        if self.random.random() > self.loss / 2:
            # a PUBACK proves a broker: it comes whether the message arrives or not
            self.later(self.random.choice((0.01, 0.5, 12.0)), puback)


@dataclass
class DeskCase:
    """A case at the desk. `first` 0: only nudges came yet, and the request itself must not be acknowledged."""

    first: int = 0
    state: str = "raised"
    moved_by: int = 0
    asks: int = 0


class Desk:
    """Answers by the rules of docs/wire.md; its store survives whatever happens."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.up = True
        self.have: dict[bytes, set[int]] = {}
        self.cases: dict[bytes, DeskCase] = {}
        self.idents = itertools.count(1)

    def gets(self, message: Up) -> None:
        if not self.up:
            return
        new = message.sequence not in self.have.setdefault(message.case, set())
        self.have[message.case].add(message.sequence)
        case = self.cases.setdefault(message.case, DeskCase())
        if not new:
            self.say(message.case, case.state if case.state != "raised" else "message")
            return
        if case.first == 0 and message.what == "raised":
            case.first = message.sequence
        if message.what in ("cancelled", "reopened", "closed"):
            if message.sequence > case.moved_by:
                case.moved_by = message.sequence
                case.state = {"cancelled": "cancelled", "reopened": "raised", "closed": "resolved"}[message.what]
            self.say(message.case, "message")
        elif message.what == "asked":
            self.say(message.case, case.state)
        if case.state == "raised":
            self.world.later(self.world.random.choice((0.1, 2.0, 30.0, 900.0)), lambda: self.move(message.case))

    def move(self, ident: bytes) -> None:
        """Whoever sits there goes on with the case; nobody does anything while the desk is down."""
        if not self.up:
            self.world.later(30.0, lambda: self.move(ident))
            return
        case = self.cases[ident]
        if self.world.random.random() < 0.3:
            self.ask(ident)
        following = {"raised": "received", "received": "engaged", "engaged": "resolved"}.get(case.state)
        if following is None:
            return
        case.state = following
        self.say(ident, following)
        self.world.later(self.world.random.choice((0.1, 20.0, 1500.0)), lambda: self.move(ident))

    def say(self, ident: bytes, what: str, question: Question | None = None) -> None:
        """A word, now and then twice, now and then held back for hours by the broker."""
        word = Down(next(self.idents), ident, what, self.through(ident), question)
        for _ in range(1 + (self.world.random.random() < 0.2)):
            self.world.network.carry(lambda: self.world.agent.gets(word))
        self.world.other.carry(lambda: self.world.agent.gets(word))
        if self.world.random.random() < 0.1 and self.world.hostile:
            self.world.later(self.world.random.uniform(100, 9000), lambda: self.world.agent.gets(word))

    def ask(self, ident: bytes) -> None:
        """Something, now and then whether to cancel."""
        world, case = self.world, self.cases[ident]
        case.asks += 1
        purpose = Purpose.CANCEL if world.random.random() < 0.2 else Purpose.TALK
        options = ("fire", "water") if world.random.random() < 0.3 else ()
        life_s = world.random.choice((5.0, 60.0, 1800.0))
        asked = Question(f"{ident.hex()} {case.asks}", "?", life_s, 0.0, "", 0.0, False, options, purpose)
        self.say(ident, "question", asked)

    def through(self, ident: bytes) -> int:
        first = self.cases[ident].first
        if first == 0:
            return 0
        last = first - 1
        while last + 1 in self.have[ident]:
            last += 1
        return last


class Agent:
    """What services and store do around core.mayday, with a disk that is what the last save left."""

    def __init__(self, world: "World", disk: Disk) -> None:
        self.world = world
        self.disk = disk
        self.boot = f"boot-{world.now}"
        self.mayday = Mayday(Timers())
        self.cases = {case.id: case for case in disk.cases}
        self.messages = dict(disk.messages)
        self.heard = set(disk.heard)
        self.sequence = disk.sequence
        self.linked = False
        self.recorded = True
        for message in self.messages:
            self.messages[message] = False

    def start(self) -> None:
        """Go on with what the last run left."""
        disk, world = self.disk, self.world
        live = [case for case in disk.cases if case.open] or list(disk.cases[-1:])
        if live:
            self.step(lambda: self.mayday.adopt(live[-1], self.at(), world.random.random()))
        elif self.messages:
            self.mayday.owe(self.at(), world.random.random())

    def at(self) -> Instant:
        return Instant(self.world.now, self.boot, self.world.now + self.world.clock_error, self.world.trusted)

    def unsettled(self, ident: bytes) -> bool:
        return any(message.case == ident for message in self.messages)

    def step(self, decide: Callable[[], tuple[Effect, ...]]) -> None:
        before, state = self.mayday.case, self.mayday.state
        effects = decide()
        if Effect.OPEN in effects:
            assert state in QUIET, "a second case beside a live one"
            case = self.world.new_case(self.at(), self.mayday.state, self.mayday.call)
            self.mayday.open_case(case, self.at())
        if Effect.REOPEN in effects:
            self.mayday.reopen_as(self.sequence + 1)
        if self.mayday.case is not None and self.mayday.case is not before:
            if self.world.crashes():
                return
            self.save(self.mayday.case, effects)
            if not self.recorded:
                dead = self.mayday.signal(Signal.DISK_DEAD, self.at(), self.world.random.random())
                effects += dead
                self.save(self.mayday.case, dead)
        if Effect.RESEND in effects:
            for message in self.messages:
                self.messages[message] = False
        if self.messages:
            self.mayday.owe(self.at(), self.world.random.random())
        self.world.look()
        self.mayday.shown(self.at())
        self.send()
        if Effect.FALL_BACK in effects:
            self.fall_back()

    def save(self, case: HelpRequest, effects: tuple[Effect, ...]) -> None:
        """What the disk refuses is in memory, and sent all the same; the next save that works writes it."""
        self.cases.pop(case.id, None)
        self.cases[case.id] = case
        counts = {effect: sum(each.effect is effect for each in self.mayday.words) for effect in effects}
        for effect in effects:
            for _ in range(max(1, counts[effect]) if effect in _SAYS else 0):
                self.sequence += 1
                self.messages[Up(self.sequence, case.id, _SAYS[effect])] = False
        self.recorded = self.world.disk_works()
        if self.recorded:
            known = tuple(self.cases.values())
            self.disk = Disk(known, tuple(self.messages.items()), frozenset(self.heard), self.sequence)

    def fall_back(self) -> None:
        """The one event that asks for help, by another channel."""
        case = self.mayday.case
        waits = [m for m in self.messages if case and m.case == case.id and m.what in ("raised", "reopened")]
        if waits:
            self.world.other.carry(lambda: self.world.desk.gets(waits[-1]))

    def send(self) -> None:
        if not (self.linked and self.world.network.up):
            return
        for message, sent in list(self.messages.items()):
            if not sent:
                self.messages[message] = True
                self.world.network.carry(lambda m=message: self.world.desk.gets(m), lambda m=message: self.taken(m))

    def taken(self, message: Up) -> None:
        asks = message.what in ("raised", "reopened")
        if asks and self is self.world.agent and self.mayday.case and message.case == self.mayday.case.id:
            self.signal(Signal.TAKEN)

    def signal(self, signal: Signal) -> None:
        self.step(lambda: self.mayday.signal(signal, self.at(), self.world.random.random()))

    def press(self, counted: Signal) -> None:
        """Short presses: their contact, and what they are counted as."""
        self.signal(Signal.CONTACT)
        asked = self.mayday.asks_button
        case, before = self.mayday.case, self.sequence
        self.signal(counted)
        in_window = case is not None and case.state is State.CANCEL_WINDOW
        if self.world.crashed or case is None or not case.open or in_window:
            return
        said = [message.what for message in self.messages if message.sequence > before]
        assert said, "somebody pressed in an open case and nobody is told"
        assert ("answered" in said) is asked

    def call(self, call: Call) -> None:
        """A rule calls."""
        self.step(lambda: self.mayday.trigger(call, self.at(), self.world.random.random()))

    def link(self, up: bool) -> None:
        self.linked = up
        if up:
            for message in self.messages:
                self.messages[message] = False
        self.step(lambda: self.mayday.link(up, self.at(), self.world.random.random()))
        self.send()

    def gets(self, word: Down) -> None:
        again = word.ident in self.heard
        self.heard.add(word.ident)
        self.step(lambda: self.hear(word._replace(what="again") if again else word))

    def hear(self, word: Down) -> tuple[Effect, ...]:
        case = self.mayday.case
        live = case is not None and case.id == word.case
        # a word that is no acknowledgement must not end the resends of what waits for one: the acknowledgement itself
        # may be lost, and then nothing would ever fetch it
        if not (live and self.mayday.state in ON_THE_WAY and word.what not in _SIGNAL):
            for message in [m for m in self.messages if m.case == word.case and m.sequence <= word.through]:
                del self.messages[message]
        if case is None or case.id != word.case:
            return ()
        signal = _SIGNAL.get(word.what)
        now, share = self.at(), self.world.random.random()
        if word.question is not None:
            asked = replace(word.question, at=now.monotonic, boot_id=now.boot_id, wall=now.wall, trusted=now.trusted)
            return self.mayday.asked(asked, now, share)
        promised = now.wall + 120.0 if self.world.random.random() < 0.5 else None
        if signal in (Signal.RECEIVED, Signal.ENGAGED):
            self.world.acknowledged.add(case.id)
        told = DeskWord(signal, word.through, next_word_wall=promised)
        effects = () if word.what == "again" else self.mayday.hear(told, now, share)
        over = self.mayday.state in (State.CANCELLED, State.RESOLVED) and Effect.CLOSE not in effects
        if over and not self.unsettled(case.id):
            effects += self.mayday.signal(Signal.SETTLED, now, share)
        return effects


class World:
    """All of it, and the clock."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = 0.0
        self.clock_error, self.trusted = 0.0, True
        self.hostile = self.random.random() < 0.5
        self.crash_share = self.random.choice((0.0, 0.02, 0.2))
        self.bad_disk_share = self.random.choice((0.0, 0.0, 0.3))
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._codes = itertools.count(1)
        self.crashed, self._started_at = False, 0.0
        self.acknowledged: set[bytes] = set()
        self.network = Network(self.random, self.later, loss=self.random.choice((0.0, 0.2, 0.6)))
        self.other = Network(self.random, self.later, up=self.random.random() < 0.5, loss=0.5)
        self.desk = Desk(self)
        self.agent = Agent(self, Disk())
        self.agent.link(up=True)

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.now + seconds, next(self._order), what))

    def new_case(self, now: Instant, state: State, call: Call | None) -> HelpRequest:
        ident, fast = next(self._codes).to_bytes(16, "big"), call is not None and call.fall_back_now
        case = HelpRequest(ident, "23456789", Trigger.MANUAL, state, now.monotonic, now.boot_id, now.wall, now.trusted)
        return replace(case, fall_back_now=fast)

    def disk_works(self) -> bool:
        return self.random.random() >= self.bad_disk_share

    def crashes(self) -> bool:
        """Whether the power goes before this save is on the disk; a gateway needs some seconds to come back."""
        self.crashed = self.random.random() < self.crash_share and self.now - self._started_at > 5.0
        return self.crashed

    def look(self) -> None:
        """What must hold at every moment."""
        mayday = self.agent.mayday
        case = mayday.case
        if mayday.state not in (State.IDLE, State.HOLD):
            assert mayday.deadline is not None, f"{mayday.state} without a deadline"
            assert case is not None
            assert case.state is mayday.state
            assert not self.agent.recorded or self.agent.disk.cases[-1] == case, "the lamp is ahead of the disk"
        if self.agent.messages:
            assert mayday.deadline is not None or mayday.state is State.HOLD, "something waits and no timer sends it"
        lamp = shown(
            mayday.state,
            recorded=self.agent.recorded,
            ready=True,
            contact=False,
            fresh=False,
            question=mayday.asks_button,
        )
        if lamp in (Shown.CANCEL_WINDOW, Shown.SENDING):
            assert self.agent.recorded, "recorded, and it is not"
        if lamp is Shown.QUESTION:
            assert case is not None
            assert case.question is not None
            assert case.question.on_button
        if mayday.state not in (State.CANCEL_WINDOW, State.FALLBACK) and mayday.state in ON_THE_WAY:
            assert self.agent.recorded, "what is in memory alone goes by every channel"
        if lamp in (Shown.RECEIVED, Shown.ENGAGED):
            assert case is not None
            assert case.id in self.acknowledged, "received without the desk's word"
            assert case.id in self.desk.cases
            reopened = {m.sequence for m in self.agent.messages if m.case == case.id and m.what == "reopened"}
            assert not reopened, "received by a word from before it was opened again"

    def restart(self) -> None:
        """Power cut: what is not on the disk is gone."""
        self.crashed, self._started_at = False, self.now
        self.agent = Agent(self, self.agent.disk)
        self.agent.start()
        if self.network.up:
            self.agent.link(up=True)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        for _ in range(20_000):
            deadline = self.agent.mayday.deadline
            due = self._due[0][0] if self._due else end
            when = min(due, deadline[0] if deadline else end)
            if when >= end:
                self.now = end
                return
            self.now = max(self.now, when)
            if deadline is not None and deadline[0] <= due:
                self.agent.signal(deadline[1])
            else:
                heapq.heappop(self._due)[2]()
            if self.crashed:
                self.restart()
        raise AssertionError("the world is busy without end")

    def do(self, act: Callable[[], Any]) -> None:
        act()
        if self.crashed:
            self.restart()

    def set_network(self, up: bool) -> None:
        if self.network.up is not up:
            self.network.up = up
            self.do(lambda: self.agent.link(up))


def live_the_life(world: World) -> set[bytes]:
    """Presses, outages, crashes and wrong clocks; gives the cases of the holds that were recorded."""
    random = world.random
    held: set[bytes] = set()
    for _ in range(HOLDS):
        for _ in range(random.randrange(4)):
            act = random.randrange(10)
            if act == 0:
                world.set_network(not world.network.up)
            elif act == 1:
                world.desk.up = not world.desk.up
            elif act == 2:
                world.restart()
            elif act == 3:
                world.clock_error = random.choice((0.0, -1e9, 86400.0))
                world.trusted = random.random() < 0.5
            elif act == 4:
                world.do(lambda: world.agent.signal(random.choice((Signal.ONE_PRESS, Signal.TWO_PRESSES))))
            elif act == 5:
                world.do(lambda: world.agent.signal(Signal.CANCEL))
            elif act == 6:
                world.other.up = not world.other.up
            elif act == 7:
                world.do(lambda: world.agent.press(random.choice((Signal.ONE_PRESS, Signal.TWO_PRESSES))))
            elif act == 8:
                window_s, by_all = random.choice((0.0, 10.0)), random.random() < 0.5
                world.do(partial(world.agent.call, Call("flood", "Water.", window_s, by_all)))
                held.update(world.agent.cases)
            world.run(random.choice((0.05, 2.0, 15.0, 400.0, 4000.0)))
        world.do(lambda: world.agent.signal(Signal.CONTACT))
        world.run(0.5)
        world.do(lambda: world.agent.signal(Signal.HELD))
        held.update(world.agent.cases)
        world.run(random.choice((0.5, 6.0, 30.0)))
    held.update(world.agent.cases)
    return held


@pytest.mark.parametrize("batch", range(5))
def test_in_a_bad_world_every_hold_is_one_case_and_all_is_settled_in_the_end(batch: int) -> None:
    for seed in range(batch * WORLDS // 5, (batch + 1) * WORLDS // 5):
        try:
            one_world(seed)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def one_world(seed: int) -> None:
    world = World(seed)
    held = live_the_life(world)
    world.crash_share, world.bad_disk_share, world.network.loss, world.desk.up = 0.0, 0.0, 0.0, True
    world.set_network(up=True)
    world.run(2 * 86400.0)
    agent, desk = world.agent, world.desk
    assert not agent.messages, f"never settled: {agent.messages}"
    assert agent.mayday.state is State.IDLE, agent.mayday.state
    # what a disk refused and a power cut then took is nobody's fault but theirs
    for ident in held & set(agent.cases):
        case = agent.cases[ident]
        states = [step.state for step in case.steps]
        raised = any(state in states for state in (State.RAISED, State.SENDING, State.QUEUED))
        raised = raised or State.FALLBACK in states
        assert (ident in desk.cases) is raised, f"{states}: a hold is a case at the desk, and nothing else is"
        if raised:
            wanted = "cancelled" if case.retracted else "resolved"
            assert desk.cases[ident].state == wanted, f"{states}: the desk says {desk.cases[ident].state}"
    assert set(desk.cases) <= held, "a case that nobody held for"
