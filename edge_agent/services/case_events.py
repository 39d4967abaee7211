"""What a case says to the desk: its events, made from the effects of core.mayday."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import SystemRandom
from typing import Any

from edge_agent.core.clock import age_s
from edge_agent.core.event import Event, EventKind
from edge_agent.core.first_message import fitted
from edge_agent.core.ids import uuid_text
from edge_agent.core.mayday_table import Effect
from edge_agent.core.mayday_words import Call, Words
from edge_agent.core.ports import Clock
from edge_agent.core.request import HelpRequest, State, Trigger, case_code
from edge_agent.services.events import EventMaker

# What asks for help; everything else only adds to it.
URGENT = frozenset({"edge.help.raised.v1", "edge.help.reopened.v1"})
# Asks the desk how it stands.
ASKED = "edge.help.asked.v1"
# What takes it back.
CANCELLED = "edge.help.cancelled.v1"
_random = SystemRandom()

# What each effect says: the last part of the event's type, and what goes with it.
_SAYS: dict[Effect, tuple[str, dict[str, Any]]] = {
    Effect.NUDGE: ("nudged", {"urgent": False}),
    Effect.NUDGE_URGENT: ("nudged", {"urgent": True}),
    Effect.RETRACT: ("cancelled", {}),
    Effect.REOPEN: ("reopened", {}),
    Effect.CLOSE: ("closed", {}),
    Effect.ASK: ("asked", {}),
    Effect.RULE: ("triggered", {}),
    Effect.ANSWER: ("answered", {}),
    Effect.EXPIRE: ("expired", {}),
    Effect.SAY: ("said", {}),
}
# Those whose data are the words of the effect.
_IN_WORDS = frozenset({Effect.RULE, Effect.ANSWER, Effect.EXPIRE, Effect.SAY})


class CaseEvents:
    """Makes cases and their events. `context` is the tier 0 of a first message, without the case."""

    def __init__(self, clock: Clock, events: EventMaker, context: Callable[[], Mapping[str, Any]]) -> None:
        self._clock = clock
        self._events = events
        self._context = context

    def new_case(self, state: State, call: Call | None, ago_s: float = 0.0) -> HelpRequest:
        """A case that begins now, by a rule's call or by hand; that may have been `ago_s` ago, where nobody saw it."""
        now = self._clock.now()
        case = HelpRequest(
            id=self._events.new_id(),
            code=case_code(_random.randbytes(5)),
            trigger=Trigger.AUTOMATIC if call else Trigger.MANUAL,
            state=state,
            pressed_at=now.monotonic - ago_s,
            boot_id=now.boot_id,
            pressed_wall=now.wall - ago_s,
            clock_trusted=now.trusted,
        )
        if call is None:
            return case
        told = replace(case, rule=call.rule, reason=call.text, fall_back_now=call.fall_back_now)
        return told.noted("rule", call.text, now.wall)

    def of(self, case: HelpRequest, effects: Sequence[Effect], words: Sequence[Words] = ()) -> list[Event]:
        """The events of these effects, for the case as it is now."""
        said = []
        for effect in effects:
            if effect is Effect.RAISE:
                said.append(self._raised(case))
                said += self._said_before(case)
            elif effect in _IN_WORDS:
                said += [self._make(case, effect, word.data) for word in words if word.effect is effect]
            elif effect in _SAYS:
                said.append(self._make(case, effect, {"count": case.nudges}))
        return said

    def again(self, case: HelpRequest) -> Event:
        """The request itself, with the same id, as it would be raised now."""
        return self._raised(case)

    def _make(self, case: HelpRequest, effect: Effect, more: Mapping[str, Any]) -> Event:
        what, fixed = _SAYS[effect]
        return self._events.make(EventKind.HELP, what, case.code, {**_named(case), **fixed, **more})

    def _raised(self, case: HelpRequest) -> Event:
        data = fitted({**self._context(), **self._press(case), **_named(case)})
        return self._events.make(EventKind.HELP, "raised", case.code, data, ident=case.id)

    def _said_before(self, case: HelpRequest) -> list[Event]:
        """What was said in the cancel window goes out with the request."""
        rules = [self._make(case, Effect.RULE, {"rule": rule, "text": text}) for rule, text in case.also]
        notes = [note for note in case.notes if note.by == "household"]
        return rules + [self._make(case, Effect.SAY, {"text": note.text}) for note in notes]

    def _press(self, case: HelpRequest) -> dict[str, Any]:
        now = self._clock.now()
        ago_s = age_s(case.pressed_at, case.boot_id, case.pressed_wall, now)
        return {
            "schema": 1,
            "trigger": case.trigger.value,
            "rule": case.rule,
            "text": case.reason,
            "pressed_time": round(case.pressed_wall, 3),
            "pressed_age_s": round(ago_s, 3),
            "clock_trusted": case.clock_trusted,
        }


def _named(case: HelpRequest) -> dict[str, Any]:
    return {"request": uuid_text(case.id), "case": case.code}
