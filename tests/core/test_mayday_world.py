"""A whole world without a wire: finger, agent with crashes, store, lossy network, desk; weeks of it on a virtual clock.

Everything random comes from one seed, which a failure prints. In the end the network and the desk come back, and then
every completed hold must be exactly one case at the desk, retractions must have arrived and nothing may wait.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

import pytest

from edge_agent.core.clock import Instant
from edge_agent.core.lamp import Shown, shown
from edge_agent.core.mayday import Mayday
from edge_agent.core.mayday_table import Effect, Signal
from edge_agent.core.mayday_timers import Timers
from edge_agent.core.mayday_words import DeskWord
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
}
_SIGNAL = {"received": Signal.RECEIVED, "engaged": Signal.ENGAGED, "resolved": Signal.RESOLVED}
ON_THE_WAY = (State.RAISED, State.SENDING, State.QUEUED, State.DELIVERED)
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
        if case.first == 0 and message.what != "nudged":
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
        following = {"raised": "received", "received": "engaged", "engaged": "resolved"}.get(case.state)
        if following is None:
            return
        case.state = following
        self.say(ident, following)
        self.world.later(self.world.random.choice((0.1, 20.0, 1500.0)), lambda: self.move(ident))

    def say(self, ident: bytes, what: str) -> None:
        """A word, now and then twice, now and then held back for hours by the broker."""
        word = Down(next(self.idents), ident, what, self.through(ident))
        for _ in range(1 + (self.world.random.random() < 0.2)):
            self.world.network.carry(lambda: self.world.agent.gets(word))
        if self.world.random.random() < 0.1 and self.world.hostile:
            self.world.later(self.world.random.uniform(100, 9000), lambda: self.world.agent.gets(word))

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
        for message in self.messages:
            self.messages[message] = False

    def start(self) -> None:
        """Go on with what the last run left."""
        disk, world = self.disk, self.world
        live = [case for case in disk.cases if case.open] or list(disk.cases[-1:])
        if live and live[-1].state is not State.IDLE:
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
            self.mayday.open_case(self.world.new_case(self.at(), self.mayday.state), self.at())
        case = self.mayday.case
        if Effect.REOPEN in effects:
            self.mayday.reopen_as(self.sequence + 1)
            case = self.mayday.case
        said = [_SAYS[effect] for effect in effects if effect in _SAYS]
        if case is not None and case is not before:
            if self.world.crashes():
                return
            self.save(case, said)
        if Effect.RESEND in effects:
            for message in self.messages:
                self.messages[message] = False
        if self.messages:
            self.mayday.owe(self.at(), self.world.random.random())
        self.world.look()
        self.send()

    def save(self, case: HelpRequest, said: list[str]) -> None:
        self.cases.pop(case.id, None)
        self.cases[case.id] = case
        for what in said:
            self.sequence += 1
            self.messages[Up(self.sequence, case.id, what)] = False
        self.disk = Disk(tuple(self.cases.values()), tuple(self.messages.items()), frozenset(self.heard), self.sequence)

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
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._codes = itertools.count(1)
        self._crashed, self._started_at = False, 0.0
        self.acknowledged: set[bytes] = set()
        self.network = Network(self.random, self.later, loss=self.random.choice((0.0, 0.2, 0.6)))
        self.desk = Desk(self)
        self.agent = Agent(self, Disk())
        self.agent.link(up=True)

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.now + seconds, next(self._order), what))

    def new_case(self, now: Instant, state: State) -> HelpRequest:
        ident = next(self._codes).to_bytes(16, "big")
        return HelpRequest(ident, "23456789", Trigger.MANUAL, state, now.monotonic, now.boot_id, now.wall, now.trusted)

    def crashes(self) -> bool:
        """Whether the power goes before this save is on the disk; a gateway needs some seconds to come back."""
        self._crashed = self.random.random() < self.crash_share and self.now - self._started_at > 5.0
        return self._crashed

    def look(self) -> None:
        """What must hold at every moment."""
        mayday = self.agent.mayday
        case = mayday.case
        if mayday.state not in (State.IDLE, State.HOLD):
            assert mayday.deadline is not None, f"{mayday.state} without a deadline"
            assert case is not None
            assert case.state is mayday.state
            assert self.agent.disk.cases[-1] == case, "the lamp is ahead of the disk"
        if self.agent.messages:
            assert mayday.deadline is not None or mayday.state is State.HOLD, "something waits and no timer sends it"
        lamp = shown(mayday.state, recorded=True, ready=True, contact=False, fresh=False, question=False)
        if lamp in (Shown.RECEIVED, Shown.ENGAGED):
            assert case is not None
            assert case.id in self.acknowledged, "received without the desk's word"
            assert case.id in self.desk.cases
            reopened = {m.sequence for m in self.agent.messages if m.case == case.id and m.what == "reopened"}
            assert not reopened, "received by a word from before it was opened again"

    def restart(self) -> None:
        """Power cut: what is not on the disk is gone."""
        self._crashed, self._started_at = False, self.now
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
            if self._crashed:
                self.restart()
        raise AssertionError("the world is busy without end")

    def do(self, act: Callable[[], Any]) -> None:
        act()
        if self._crashed:
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
            act = random.randrange(7)
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
            world.run(random.choice((0.05, 2.0, 15.0, 400.0, 4000.0)))
        world.do(lambda: world.agent.signal(Signal.CONTACT))
        world.run(0.5)
        world.do(lambda: world.agent.signal(Signal.HELD))
        held.update(case.id for case in world.agent.disk.cases)
        world.run(random.choice((0.5, 6.0, 30.0)))
    held.update(case.id for case in world.agent.disk.cases)
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
    world.crash_share, world.network.loss, world.desk.up = 0.0, 0.0, True
    world.set_network(up=True)
    world.run(2 * 86400.0)
    agent, desk = world.agent, world.desk
    assert not agent.messages, f"never settled: {agent.messages}"
    assert agent.mayday.state is State.IDLE, agent.mayday.state
    for ident in held:
        case = agent.cases[ident]
        states = [step.state for step in case.steps]
        raised = any(state in states for state in (State.RAISED, State.SENDING, State.QUEUED))
        assert (ident in desk.cases) is raised, f"{states}: a hold is a case at the desk, and nothing else is"
        if raised:
            wanted = "cancelled" if case.retracted else "resolved"
            assert desk.cases[ident].state == wanted, f"{states}: the desk says {desk.cases[ident].state}"
    assert set(desk.cases) <= held, "a case that nobody held for"
