"""A help request: one case from a press to its end, and its spoken code."""

from collections.abc import Collection
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from edge_agent.core.errors import WireError
from edge_agent.core.question import Purpose, Question

# 31 characters, a prime number, without those that look alike (0/O, 1/I/L).
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 8
# Weeks of hourly resends; older steps are forgotten.
MAX_STEPS = 1000
MAX_NOTES = 100
MAX_ASKED = 20


class State(StrEnum):
    """Where a case stands; MAYDAY is a loop from IDLE to IDLE."""

    IDLE = "IDLE"
    HOLD = "HOLD"
    CANCEL_WINDOW = "CANCEL_WINDOW"
    RAISED = "RAISED"
    SENDING = "SENDING"
    QUEUED = "QUEUED"
    FALLBACK = "FALLBACK"
    DELIVERED = "DELIVERED"
    RECEIVED = "RECEIVED"
    ENGAGED = "ENGAGED"
    RESOLVED = "RESOLVED"
    CANCELLED = "CANCELLED"


class Trigger(StrEnum):
    """What raised a case."""

    MANUAL = "manual"
    AUTOMATIC = "automatic"
    TEST = "test"


def case_code(random: bytes) -> str:
    """Eight characters to be read out on a phone, from 5 random bytes: seven free, the last one checks.

    The weighted sum (weights 1..8) of their values is 0 modulo the prime 31. Weights are distinct and not 0 modulo
    31, so every change of one character and every swap of two changes the sum: all such errors are caught.
    """
    number = int.from_bytes(random[:5], "big")
    values = []
    for _ in range(CODE_LENGTH - 1):
        number, value = divmod(number, len(CODE_ALPHABET))
        values.append(value)
    total = sum(weight * value for weight, value in enumerate(values, 1))
    # weight 8 has the inverse 4 modulo 31 (8 * 4 = 32 = 1)
    values.append(-total * 4 % len(CODE_ALPHABET))
    return "".join(CODE_ALPHABET[value] for value in values)


def is_case_code(text: str) -> bool:
    """Whether the text is a case code without a slip; lower case, spaces and hyphens do not matter."""
    plain = text.upper().replace("-", "").replace(" ", "")
    if len(plain) != CODE_LENGTH or any(c not in CODE_ALPHABET for c in plain):
        return False
    return sum(i * CODE_ALPHABET.index(c) for i, c in enumerate(plain, 1)) % len(CODE_ALPHABET) == 0


@dataclass(frozen=True, slots=True)
class Step:
    """One state the case was in: since when, on the monotonic clock of its boot and on the wall, trusted or not."""

    state: State
    at: float
    boot_id: str
    wall: float
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Something said in the case: `by` is `desk`, `household` or `rule`."""

    by: str
    text: str
    wall: float


@dataclass(frozen=True, slots=True)
class HelpRequest:
    """The durable state of one case. `id` is the id of the event that raised it (UUIDv7, 16 bytes).

    `pressed_at` is monotonic seconds of boot `boot_id`, `pressed_wall` Unix seconds as the clock then said, trusted
    or not. `rule` and `reason` say what raised an automatic one, `fall_back_now` that it may not wait for the first
    channel; `also` are rules that called within the cancel window, and why. `reference`, `receiver` and
    `next_word_wall` are the desk's words. `attempts` counts resends. `reopened` is the sequence of the message that
    opened it again, 0: none did; what the desk says without having that one is old. `questions` wait for an answer,
    `asked` are the ids of the last ones that do so no more. `cancel_heard`: the desk knows of its cancellation.
    """

    id: bytes
    code: str
    trigger: Trigger
    state: State
    pressed_at: float
    boot_id: str
    pressed_wall: float
    clock_trusted: bool
    rule: str = ""
    reference: str = ""
    receiver: str = ""
    helper: str = ""
    next_word_wall: float | None = None
    attempts: int = 0
    nudges: int = 0
    retracted: bool = False
    reopened: int = 0
    steps: tuple[Step, ...] = ()
    notes: tuple[Note, ...] = field(default=())
    reason: str = ""
    fall_back_now: bool = False
    also: tuple[tuple[str, str], ...] = ()
    questions: tuple[Question, ...] = ()
    asked: tuple[str, ...] = ()
    cancel_heard: bool = False

    @property
    def question(self) -> Question | None:
        """What the desk asks now; others wait behind it."""
        return next((q for q in self.questions if q.purpose is not Purpose.EFFORT), None)

    @property
    def effort(self) -> Question | None:
        """What is asked after the end, by the console alone."""
        return next((q for q in self.questions if q.purpose is Purpose.EFFORT), None)

    @property
    def open(self) -> bool:
        """Whether it is still anybody's business: raised and neither resolved nor cancelled."""
        return self.state not in (State.IDLE, State.HOLD, State.RESOLVED, State.CANCELLED)

    def with_state(self, state: State, at: float, boot_id: str, wall: float, *, trusted: bool = False) -> "HelpRequest":
        """The case in its next state, with the step kept."""
        return replace(self, state=state, steps=(*self.steps, Step(state, at, boot_id, wall, trusted))[-MAX_STEPS:])

    def noted(self, by: str, text: str, wall: float) -> "HelpRequest":
        """The case with something more said in it; where nothing was said, the same."""
        return replace(self, notes=(*self.notes, Note(by, text, wall))[-MAX_NOTES:]) if text else self

    def no_more_asked(self, done: Collection[str]) -> "HelpRequest":
        """The case without these questions."""
        waiting = tuple(question for question in self.questions if question.id not in done)
        return replace(self, questions=waiting, asked=(*self.asked, *done)[-MAX_ASKED:])

    def record(self) -> dict[str, Any]:
        """Plain data for the store; `from_record` reads it back."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        plain["trigger"], plain["state"] = self.trigger.value, self.state.value
        plain["steps"] = [[s.state.value, s.at, s.boot_id, s.wall, s.trusted] for s in self.steps]
        plain["notes"] = [[n.by, n.text, n.wall] for n in self.notes]
        plain["also"] = [list(pair) for pair in self.also]
        plain["asked"] = list(self.asked)
        plain["questions"] = [question.record() for question in self.questions]
        return plain

    @classmethod
    def from_record(cls, plain: dict[str, Any]) -> "HelpRequest":
        """A case from the store; fields of later versions are ignored. Raises WireError when it is none."""
        known = {f.name for f in fields(cls)}
        try:
            found = {k: v for k, v in plain.items() if k in known}
            found["trigger"], found["state"] = Trigger(found["trigger"]), State(found["state"])
            found["steps"] = tuple(Step(State(state), *rest) for state, *rest in found.get("steps", ()))
            found["notes"] = tuple(Note(by, text, wall) for by, text, wall in found.get("notes", ()))
            found["also"] = tuple((str(rule), str(text)) for rule, text in found.get("also", ()))
            found["asked"] = tuple(map(str, found.get("asked", ())))
            found["questions"] = tuple(Question.from_record(each) for each in found.get("questions", ()))
            return cls(**found)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            message = f"not a help request: {error}"
            raise WireError(message) from error
