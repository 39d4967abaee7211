"""What a finger on the help button means: debounce, hold, presses, stuck. Sans-IO: levels and times in, gestures out.

Edges only wake. An edge restarts the debounce time and the level is read again when that is over, and once a second
in any case: a lost edge cannot lose a press, and a bounce cannot make one. Counted presses are told after a quiet
time, because one, two and three presses mean different things (docs/help.md).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

POLL_S = 1.0
QUIET_S = 2.0
STUCK_S = 60.0


class Touch(StrEnum):
    """What happened at the button."""

    CONTACT = "contact"
    LET_GO = "let_go"
    HELD = "held"
    PRESSES = "presses"
    STUCK = "stuck"
    FREED = "freed"


class Gesture(NamedTuple):
    """A touch `at` this monotonic time; `presses` is how many for PRESSES, else 0."""

    touch: Touch
    at: float
    presses: int = 0


@dataclass(slots=True)
class Button:
    """One button's memory. Call `edge` at every edge and `sample` when `deadline` has come, with the level then."""

    debounce_s: float = 0.05
    hold_s: float = 3.0
    quiet_s: float = QUIET_S
    stuck_s: float = STUCK_S
    deadline: float = 0.0
    _seen: bool = False
    _seen_at: float = 0.0
    _down: bool = False
    _pressed_at: float = 0.0
    _held: bool = False
    _stuck: bool = False
    _presses: int = 0
    _released_at: float = 0.0

    def edge(self, down: bool, at: float) -> list[Gesture]:
        """An edge was seen and the level read just after it is `down`: the level is not stable now."""
        if down != self._seen:
            self._seen, self._seen_at = down, at
        elif down != self._down:
            # a bounce back to where it was going: the contact stays where it began, the wait starts anew
            self._seen_at = max(self._seen_at, at - self.debounce_s / 2)
        return self.sample(down, at)

    def sample(self, down: bool, at: float) -> list[Gesture]:
        """The level is `down` now. Gives what became certain, in order, and sets `deadline`."""
        if down != self._seen:
            self._seen, self._seen_at = down, at
        found: list[Gesture] = []
        if self._seen != self._down and at >= self._seen_at + self.debounce_s:
            found.append(self._settle(self._seen))
        if self._down:
            found.extend(self._lasting(at))
        elif self._presses and at >= self._released_at + self.quiet_s:
            found.append(Gesture(Touch.PRESSES, at, self._presses))
            self._presses = 0
        self.deadline = self._next(at)
        return found

    def _settle(self, down: bool) -> Gesture:
        self._down = down
        if down:
            self._pressed_at, self._held = self._seen_at, False
            return Gesture(Touch.CONTACT, self._pressed_at)
        self._released_at = self._seen_at
        if self._stuck:
            self._stuck = False
            return Gesture(Touch.FREED, self._seen_at)
        if not self._held:
            self._presses += 1
        return Gesture(Touch.LET_GO, self._seen_at)

    def _lasting(self, at: float) -> list[Gesture]:
        found = []
        # a contact that was already let go again, but not yet for the debounce time, is no hold
        until = at if self._seen else self._seen_at
        if not self._held and until >= self._pressed_at + self.hold_s:
            self._held, self._presses = True, 0
            found.append(Gesture(Touch.HELD, self._pressed_at + self.hold_s))
        if not self._stuck and until >= self._pressed_at + self.stuck_s:
            self._stuck = True
            found.append(Gesture(Touch.STUCK, self._pressed_at + self.stuck_s))
        return found

    def _next(self, at: float) -> float:
        times = [at + POLL_S]
        if self._seen != self._down:
            times.append(self._seen_at + self.debounce_s)
        if self._down and self._seen and not self._held:
            times.append(self._pressed_at + self.hold_s)
        if not self._down and self._presses:
            times.append(self._released_at + self.quiet_s)
        return max(min(times), at)
