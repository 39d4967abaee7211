"""One lamp in time: a rhythm, never more than three flashes a second, and the mark of an assist session. Sans-IO.

A rhythm begins lit, so that a change shows at once. Where changes follow one another so fast that a fourth flash would
begin within a second (WCAG 2.3.1 allows three), the lamp stays as dark as it is until it may.

The mark inverts the lamp for MARK_S every MARK_EVERY_S and nothing can suppress it. It must not make a rhythm flash
faster either: it waits for a place with room on both sides, in a long flash or a long pause. In a rhythm that has no
such place it begins at the end of a flash, which then lasts MARK_S longer.
"""

from collections import deque
from math import inf

from edge_agent.core.lamp import MARK_EVERY_S, MARK_S, Pattern, steady

MOST_FLASHES, WITHIN_S = 3, 1.0
# Flashes that begin at least this far apart are never more than three in a second.
APART_S = 0.334
# A mark is so far from a change of the rhythm, to be seen as a thing of its own; behind a flash it is further away than
# it is long, so that it is not the dark between them that looks like a mark.
ASIDE_S, BEHIND_S = 0.05, 0.15


class Light:
    """What the lamp is at: `on`, in `colour`. Call `step` when `deadline` (monotonic seconds, inf: never) has come."""

    def __init__(self) -> None:
        self.on = False
        self.colour = ""
        self.deadline = inf
        self._rhythm: tuple[float, ...] = ()
        self._roomy = False
        self._phase = 0
        self._phase_at = -inf
        self._until = inf
        self._begun: deque[float] = deque(maxlen=MOST_FLASHES)
        self._shown_at = -inf
        self._mark_due = inf
        self._mark_until = -inf

    @property
    def _marked(self) -> bool:
        return self._mark_until > -inf

    def show(self, pattern: Pattern, now: float) -> None:
        """This from now on, from its beginning."""
        self._rhythm = (inf,) if steady(pattern) else tuple(ms / 1000 for ms in pattern.rhythm_ms)
        if self._marked:
            self._mark_until, self._mark_due = -inf, now  # it was cut short: it is owed
        self._roomy = any(_has_room(self._rhythm, phase) for phase in range(len(self._rhythm)))
        self.colour, self._shown_at = pattern.colour, now
        self._enter(0, now)
        self.step(now)

    def assist(self, live: bool, now: float) -> None:
        """An assist session has begun or ended."""
        # a mark that has begun ends in its own time: cut short it would be a flash more
        self._mark_due = now if live else inf
        self.step(now)

    def dark(self) -> None:
        """Nothing more, the mark of a session neither: whoever shows nothing says that nothing works."""
        self.on, self._rhythm, self._until, self.deadline = False, (), inf, inf
        self._mark_due, self._mark_until = inf, -inf

    def step(self, now: float) -> None:
        """Go on to what is due."""
        if not self._rhythm:
            return
        if self._marked and now >= self._mark_until:
            self._mark_until = -inf
        if now >= self._until:
            self._enter((self._phase + 1) % len(self._rhythm), now)
        self._mark(now)
        self._light((self._phase % 2 == 0) != self._marked, now)
        self.deadline = min(self._until, self._mark_until if self._marked else self._mark_room(now))

    def _enter(self, phase: int, now: float) -> None:
        """Begin a phase; a flash that may not begin yet is waited for in the dark."""
        if phase % 2 == 0 and not self.on and now < self._free_at():
            self._phase, self._until = phase - 1, self._free_at()  # -1 is dark too, and before the first
            return
        self._phase, self._phase_at, self._until = phase, now, now + self._rhythm[phase]

    def _light(self, on: bool, now: float) -> None:
        if on and not self.on:
            self._begun.append(now)
        self.on = on

    def _free_at(self) -> float:
        """When the next flash may begin."""
        return self._begun[0] + WITHIN_S if len(self._begun) == MOST_FLASHES else -inf

    def _mark(self, now: float) -> None:
        """Begin a mark that is due, where it has room."""
        if self._marked or now < self._mark_room(now):
            return
        self._mark_until = now + MARK_S
        self._mark_due += MARK_EVERY_S * ((now - self._mark_due) // MARK_EVERY_S + 1)

    def _mark_room(self, now: float) -> float:
        """When in this phase the next mark can begin; inf: not before the next one."""
        if self._mark_due == inf:
            return inf
        last = max(self._shown_at, self._begun[-1]) if self._begun else self._shown_at
        lit = self._phase % 2 == 0
        # the flash that the mark makes begins with it in the dark, and ends it in the light
        begins_after = MARK_S if lit else 0.0
        first = max(last + APART_S, self._free_at()) - begins_after
        at = max(self._mark_due, now, first, self._phase_at + (ASIDE_S if lit else BEHIND_S))
        after = self._until + (self._rhythm[self._phase + 1] if lit and self._until < inf else 0.0)
        if at + begins_after + APART_S <= after and at + MARK_S + ASIDE_S <= self._until:
            return at
        ended = not lit and self.on and not self._roomy
        return now if ended and self._mark_due <= now else inf


def _has_room(rhythm: tuple[float, ...], phase: int) -> bool:
    """Whether a mark fits into this phase, away from the flashes around it."""
    lasts = rhythm[phase]
    if phase % 2:
        return lasts - max(BEHIND_S, APART_S - rhythm[phase - 1]) >= APART_S
    return lasts >= APART_S + ASIDE_S and lasts + (rhythm[phase + 1] if lasts < inf else 0.0) >= 2 * APART_S
