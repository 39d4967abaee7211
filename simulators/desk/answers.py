"""What the desk says to a household: by its policy, written down first, signed when it goes out."""

import os
from collections.abc import Callable
from typing import Any

from edge_agent.core.errors import WireError
from edge_agent.core.event import EventKind, Lane
from edge_agent.core.ids import uuid7, uuid_bytes, uuid_text
from edge_agent.core.request import case_code
from edge_agent.core.wire import text_of
from simulators.desk.cases import Case, Cases, CaseState, Words
from simulators.desk.intake import DeskEvent
from simulators.desk.keys import DeskKey
from simulators.desk.policy import Policy
from simulators.desk.store import Store

RECEIVED = "edge.help.received.v1"
ENGAGED = "edge.help.engaged.v1"
MESSAGE = "edge.help.message.v1"
RESOLVED = "edge.help.resolved.v1"
CANCEL_RECEIVED = "edge.help.cancel_received.v1"
# What turns a case, by the household: the one with the highest sequence counts, in whatever order they come.
TURNS = ("edge.help.cancelled.v1", "edge.help.reopened.v1", "edge.help.closed.v1")
_PROMISING = frozenset({RECEIVED, ENGAGED, MESSAGE})
BIRTH = "edge.state.birth.v1"
# docs/wire.md: a signed message lives at most ten minutes
_LIFE_S = 600
_SEEN_AGAIN = "We have seen that you pressed again."
_STILL_ON_IT = "We are still on it."
_IT_IS_OVER = "Your request is settled."


class Answers:
    """The help desk's part of the Desk. Every call stands within a batch of the store."""

    def __init__(self, store: Store, cases: Cases, key: DeskKey, policy: Policy) -> None:
        self.policy = policy
        self._store = store
        self._cases = cases
        self._key = key
        self._by_type: dict[str, Callable[[Case, DeskEvent, bool], None]] = {
            "edge.help.raised.v1": self._raised,
            "edge.help.nudged.v1": self._nudged,
            "edge.help.cancelled.v1": self._cancelled,
            "edge.help.reopened.v1": self._reopened,
            "edge.help.asked.v1": self._asked,
            "edge.help.closed.v1": self._closed,
        }

    def hear(self, arrival: DeskEvent, *, new: bool) -> Case | None:
        """Take an event in, and give the case that it is about as that stands now.

        Raises WireError when a help event does not say what it is about.
        """
        if arrival.type == BIRTH:
            self._birth(arrival)
        if arrival.kind is not EventKind.HELP:
            return None
        told = _case_of(arrival)
        case = self._cases.find(told.gateway, told.request)
        if case is None:
            if arrival.type not in self._by_type:
                return None
            self._cases.open(told)
            case = self._cases.find(told.gateway, told.request) or told
        if not case.first_sequence and told.first_sequence:
            self._cases.begin(case, told.first_sequence)
        self._by_type.get(arrival.type, self._noted)(case, arrival, new)
        if not new and not self.policy.silent:
            self._cases.say_again(case.gateway, case.request)
        return self._cases.find(told.gateway, told.request)

    def _raised(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        if new:
            self._cases.describe(case, _case_of(arrival))
            if case.state is not CaseState.RAISED:
                self._noted(case, arrival, new)

    def _nudged(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        if new:
            self._cases.nudged(case)
            # before the request itself is answered, its answer covers the nudge too
            if case.state is not CaseState.RAISED:
                self.say(case, MESSAGE, arrival.arrived, text=_SEEN_AGAIN)

    def _cancelled(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        if new and self._is_last_turn(case, arrival):
            self._cases.move(case, CaseState.CANCELLED, arrival.arrived)
        if new or not any(words.type == CANCEL_RECEIVED for words in self._cases.words(case)):
            self.say(case, CANCEL_RECEIVED, arrival.arrived)

    def _reopened(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        if new and self._is_last_turn(case, arrival):
            self._cases.reopen(case, arrival.arrived)
        else:
            self._noted(case, arrival, new)

    def _asked(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        # a household that asks may have missed how it ended: that is said anew, with an id that it cannot know
        over = {CaseState.RESOLVED: RESOLVED, CaseState.CANCELLED: CANCEL_RECEIVED}.get(case.state)
        if new and over:
            self.say(case, over, arrival.arrived, text=_IT_IS_OVER)
        elif new and case.state is not CaseState.RAISED:
            self.say(case, MESSAGE, arrival.arrived, text=_STILL_ON_IT)

    def _closed(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        if new and case.open and self._is_last_turn(case, arrival):
            self._cases.move(case, CaseState.RESOLVED, arrival.arrived)
        self._noted(case, arrival, new)

    def _is_last_turn(self, case: Case, arrival: DeskEvent) -> bool:
        """Whether no later turn of this case is here already: what was delayed must not undo it."""
        return not self._store.any_later(case.gateway, arrival.subject, TURNS, arrival.sequence)

    def _noted(self, case: Case, arrival: DeskEvent, new: bool) -> None:
        """What needs no words still needs to be told that it arrived."""
        if new:
            self.say(case, MESSAGE, arrival.arrived)

    def _birth(self, arrival: DeskEvent) -> None:
        """A gateway came back: its open cases get again what came behind the last number that it has."""
        if self.policy.silent:
            return
        has = arrival.data.get("last_down_sequence")
        # a number above ours is of another desk, or of this one before it forgot: then it lacks everything
        after = has if isinstance(has, int) and 0 <= has <= self._cases.newest_seq(arrival.gateway) else 0
        told = arrival.data.get("cases")
        named = {text_of(entry, "id") for entry in told if isinstance(entry, dict)} if isinstance(told, list) else ()
        ours = {case.request for case in self._cases.all_open() if case.gateway == arrival.gateway}
        for request in sorted(ours.union(named)):
            self._cases.say_again(arrival.gateway, request, after)

    def say(self, case: Case, type_: str, at: float, **fields: Any) -> None:
        """Write a message down for this case, unless this desk is a silent one.

        While the case is open it promises when the next word comes.
        """
        if self.policy.silent:
            return
        if type_ in _PROMISING and case.open:
            fields["next_word_wall"] = round(at + self.policy.next_word_s)
        self._cases.say(case, new_id(at), type_, fields, at)

    def step(self, now: float) -> float | None:
        """Do what the policy has due at `now` (Unix seconds), and say when the next is due; None: nothing is."""
        if self.policy.silent:
            return None
        waiting = []
        for case in self._cases.all_open():
            current: Case | None = case
            while current is not None and current.open and (due := self._next(current)) is not None:
                at, act = due
                if at > now:
                    waiting.append(at)
                    break
                act(current, now)
                current = self._cases.find(case.gateway, case.request)
        return min(waiting, default=None)

    def _next(self, case: Case) -> tuple[float, Callable[[Case, float], None]] | None:
        """The policy's next step in a case: when, and what. Received comes first, resolved ends it."""
        script = self.policy
        if case.state is CaseState.RAISED:
            return None if script.received_after_s is None else (case.opened + script.received_after_s, self.receive)
        steps: list[tuple[float | None, Callable[[Case, float], None]]] = []
        if case.state is CaseState.RECEIVED:
            steps.append((script.engaged_after_s, self.engage))
        if case.said < len(script.says):
            steps.append((script.says[case.said][0], self._say_next))
        steps.append((0.0 if case.is_test else script.resolved_after_s, self.resolve))
        dated = [(case.opened + after_s, act) for after_s, act in steps if after_s is not None]
        return min(dated, key=lambda step: step[0], default=None)

    def receive(self, case: Case, at: float) -> None:
        """The desk has the request: its own reference, who has it, and when to expect the next word."""
        self._cases.move(case, CaseState.RECEIVED, at)
        self.say(case, RECEIVED, at, reference=f"SD-{case.number:05d}", receiver=self.policy.receiver)

    def engage(self, case: Case, at: float) -> None:
        """Somebody works on it."""
        self._cases.move(case, CaseState.ENGAGED, at)
        self.say(case, ENGAGED, at, helper=self.policy.helper)

    def resolve(self, case: Case, at: float) -> None:
        """It is over."""
        self._cases.move(case, CaseState.RESOLVED, at)
        self.say(case, RESOLVED, at)

    def _say_next(self, case: Case, at: float) -> None:
        self.say(case, MESSAGE, at, text=self.policy.says[case.said][1])
        self._cases.scripted(case)

    def payload(self, words: Words, now: float) -> bytes:
        """A message as it goes out `now`: what it covers is looked up, and its life begins, when it is signed."""
        case = self._cases.find(words.gateway, words.request)
        if case is None:
            raise WireError(f"the desk's database has words of no case: {words.request}")
        first = case.first_sequence
        body = {
            **words.fields,
            "aud": words.gateway,
            "iat": int(now),
            "exp": int(now) + _LIFE_S,
            "id": words.id,
            "sequence": words.seq,
            "type": words.type,
            "event": words.request,
            "case": case.code,
            "through": self._store.unbroken_from(case.gateway, Lane.HELP, first, case.code) if first else 0,
        }
        if self.policy.wrong_case:
            # an id of its own: the gateway must still believe the right message when that comes
            body |= {"id": new_id(now), "event": new_id(now), "case": case_code(os.urandom(5))}
        return self._key.forge(body) if self.policy.lies else self._key.sign(body)


def new_id(at: float) -> str:
    """A UUIDv7 as text."""
    return uuid_text(uuid7(at, os.urandom(10)))


def _case_of(arrival: DeskEvent) -> Case:
    """The case that a help event speaks of, as far as it tells."""
    raises = arrival.type == "edge.help.raised.v1"
    request = text_of(arrival.data, "request") or (arrival.id if raises else "")
    try:
        uuid_bytes(request)
    except ValueError as error:
        raise WireError(f"{arrival.gateway}: {arrival.type} names no request") from error
    return Case(
        number=0,
        gateway=arrival.gateway,
        request=request,
        code=text_of(arrival.data, "case", 40) or arrival.subject,
        trigger=text_of(arrival.data, "trigger", 20) if raises else "",
        state=CaseState.RAISED,
        opened=arrival.arrived,
        # a nudge that came first must not acknowledge the request before it
        first_sequence=0 if arrival.type == "edge.help.nudged.v1" else arrival.sequence,
        data=arrival.data,
    )
