"""What a case says to the desk: its events, made from the effects of core.mayday."""

from collections.abc import Callable, Mapping, Sequence
from random import SystemRandom
from typing import Any

from edge_agent.core.clock import age_s
from edge_agent.core.event import Event, EventKind
from edge_agent.core.ids import uuid_text
from edge_agent.core.mayday_table import Effect
from edge_agent.core.ports import Clock
from edge_agent.core.request import HelpRequest, State, Trigger, case_code
from edge_agent.core.wire import pack
from edge_agent.services.events import EventMaker

# Tier 0 of a first message (docs/help.md).
MAX_FIRST_BYTES = 1024
# What asks for help; everything else only adds to it.
URGENT = frozenset({"edge.help.raised.v1", "edge.help.reopened.v1"})
_random = SystemRandom()

# What each effect says: the last part of the event's type, and what goes with it.
_SAYS: dict[Effect, tuple[str, dict[str, Any]]] = {
    Effect.NUDGE: ("nudged", {"urgent": False}),
    Effect.NUDGE_URGENT: ("nudged", {"urgent": True}),
    Effect.RETRACT: ("cancelled", {}),
    Effect.REOPEN: ("reopened", {}),
    Effect.CLOSE: ("closed", {}),
    Effect.ASK: ("asked", {}),
}


class CaseEvents:
    """Makes cases and their events. `context` is the tier 0 of a first message, without the case."""

    def __init__(self, clock: Clock, events: EventMaker, context: Callable[[], Mapping[str, Any]]) -> None:
        self._clock = clock
        self._events = events
        self._context = context

    def new_case(self, state: State) -> HelpRequest:
        """A case that begins now."""
        now = self._clock.now()
        return HelpRequest(
            id=self._events.new_id(),
            code=case_code(_random.randbytes(5)),
            trigger=Trigger.MANUAL,
            state=state,
            pressed_at=now.monotonic,
            boot_id=now.boot_id,
            pressed_wall=now.wall,
            clock_trusted=now.trusted,
        )

    def of(self, case: HelpRequest, effects: Sequence[Effect]) -> list[Event]:
        """The events of these effects, for the case as it is now."""
        base = {"request": uuid_text(case.id), "case": case.code}
        said = []
        for effect in effects:
            if effect is Effect.RAISE:
                data = self._first_message({**self._context(), **self._press(case), **base})
                said.append(self._events.make(EventKind.HELP, "raised", case.code, data, ident=case.id))
            elif effect in _SAYS:
                what, more = _SAYS[effect]
                data = {**base, **more, "count": case.nudges}
                said.append(self._events.make(EventKind.HELP, what, case.code, data))
        return said

    def _press(self, case: HelpRequest) -> dict[str, Any]:
        now = self._clock.now()
        ago_s = age_s(case.pressed_at, case.boot_id, case.pressed_wall, now)
        return {
            "schema": 1,
            "trigger": case.trigger.value,
            "rule": case.rule,
            "pressed_time": round(case.pressed_wall, 3),
            "pressed_age_s": round(ago_s, 3),
            "clock_trusted": case.clock_trusted,
        }

    @staticmethod
    def _first_message(data: dict[str, Any]) -> dict[str, Any]:
        """As much as fits: findings, the last ones first, are what can be asked for later."""
        findings = list(data.get("findings", ()))
        while findings and len(pack(data)) > MAX_FIRST_BYTES:
            findings.pop()
            data["findings"] = findings
        return data
