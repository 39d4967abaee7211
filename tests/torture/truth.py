"""What was true of a call for help at any moment, and whether the lamp ever said more than that.

All times are monotonic seconds. The record of the lamp is read as if it had said nothing but what was true: what cannot
be read so was a lie.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import inf

from edge_agent.core.lamp import Shown
from edge_agent.core.request import State
from simulators.rhythms import DARK, Seen, decoded

# A change of the lamp that is later than what it is about by no more than this is not early.
NEAR_S = 0.03
# How late a change may be, beside what the computer's load makes of it.
LATE_S = 0.12
# A row that was shown for no longer was seen by nobody.
GLIMPSE_S = 0.02
IDLE = (Shown.READY, Shown.NOT_READY)
# What the desk must have signed, under the same name.
SIGNED = (Shown.QUESTION, Shown.RECEIVED, Shown.ENGAGED, Shown.RESOLVED)
# What must be on disk when the lamp says so: how far the case has come.
RANK = {
    **dict.fromkeys((*IDLE, Shown.HOLD, Shown.QUEUED), 0),
    **dict.fromkeys((Shown.CANCEL_WINDOW, Shown.SENDING, Shown.QUESTION), 1),
    Shown.RECEIVED: 2,
    Shown.ENGAGED: 3,
    Shown.RESOLVED: 4,
}
RANK_ON_DISK = {State.RECEIVED: 2, State.ENGAGED: 3, State.RESOLVED: 4, State.CANCELLED: 4}


def rank_on_disk(state: str) -> int:
    """Of a case that a start found in this state; empty: it found none that is not over."""
    return RANK_ON_DISK.get(State(state), 1) if state else 0


@dataclass
class Life:
    """One run of the agent. `found` is the state of the case that it found on disk, empty where it found none.

    `told` are the states that it wrote into its log, each when the lamp had been told; `lamp` is what that showed,
    `late_s` how late its changes may have been.
    """

    began: float
    ended: float = inf
    found: str = ""
    told: Sequence[str] = ()
    lamp: Sequence[tuple[float, str]] = ()
    late_s: float = LATE_S

    @property
    def found_open(self) -> bool:
        """Whether it went on with a case that was not over."""
        return 1 <= rank_on_disk(self.found) <= 3


@dataclass
class Truth:
    """All that is known of one case: what fingers did, what the desk signed, and how often the agent died meanwhile.

    `window_s` is how long it can be cancelled, with what a slow disk and presses that are counted out add to it.
    `touches` are (down, up) of the button; `holds` when each call for help began; `signed` (at, type) of each word of
    the desk. `again` is when the call was repeated behind its end, and `heard_again` when the desk had that. `ended`
    is when the household took it back.
    """

    hold_s: float
    window_s: float = 0.0
    touches: list[tuple[float, float]] = field(default_factory=list)
    holds: list[float] = field(default_factory=list)
    signed: list[tuple[float, str]] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    again: float = inf
    heard_again: float = inf
    ended: float = inf

    def lies(self) -> Iterator[str]:
        """All that the lamp showed and no true row explains, and every death after which the disk knew less than it."""
        for number, life in enumerate(self.lives):
            rows = self.rows(life)
            for row in rows:
                seen = {colour for at, colour in life.lamp if row.at <= at < row.until - GLIMPSE_S} - {DARK}
                if row.shown is None and seen:
                    yield f"life {number}: the lamp lied at {row.at - self.lives[0].began:.3f} ({', '.join(seen)})"
            following = self.lives[number + 1 : number + 2]
            if rows and following:
                yield from self._forgotten(number, life, rows[-1], following[0])

    def rows(self, life: Life) -> list[Seen]:
        """What the lamp said in this life, if it said nothing but what was true."""
        may_begin = lru_cache(maxsize=None)(lambda what, at: self._true(what, at + NEAR_S, life))
        return decoded(life.lamp, life.ended, life.late_s, may_begin) if life.lamp else []

    def _forgotten(self, number: int, life: Life, last: Seen, after: Life) -> Iterator[str]:
        if last.shown is None or last.until - last.at < GLIMPSE_S or self._over(life.ended):
            return
        true = [what for what in last.could if self._true(what, last.at + NEAR_S, life)]
        not_reopened = life.ended > self.again + self.hold_s and after.found == State.RESOLVED
        if min((RANK[what] for what in true), default=0) > (0 if not_reopened else rank_on_disk(after.found)):
            found = after.found or "nothing"
            yield f"life {number}: the lamp said {_names(true)} when it died, and on disk was {found}"

    def _true(self, what: Shown, at: float, life: Life) -> bool:
        if what in IDLE:
            return not self._open(at, life)
        if what is Shown.HOLD:
            return any(down <= at <= up + life.late_s for down, up in self.touches)
        if what in SIGNED:
            return self._said(at, what.value)
        if what is Shown.CANCEL_WINDOW:
            most_s = self.window_s + life.late_s
            return any(0.0 <= at - hold - self.hold_s <= most_s for hold in self.holds if hold >= life.began)
        return life.found_open or any(hold + self.hold_s <= at for hold in self.holds if hold >= life.began)

    def _said(self, at: float, what: str) -> bool:
        """Whether the desk had signed this by then; of a case that is open again, since it knew that."""
        since = self.heard_again if at >= self.again + self.hold_s else -inf
        return any(since <= signed <= at and type_.split(".")[2] == what for signed, type_ in self.signed)

    def _over(self, at: float) -> bool:
        ended = [self.ended, *(signed for signed, type_ in self.signed if type_ == "edge.help.resolved.v1")]
        since = self.again if at >= self.again + self.hold_s else -inf
        return any(since < end <= at for end in ended)

    def _open(self, at: float, life: Life) -> bool:
        """Whether a case was open for certain, or a finger that calls for help down, since before this moment."""
        called = [hold for hold in self.holds if life.began < hold < at - life.late_s]
        return (life.found_open or bool(called)) and not self._over(at)


def _names(rows: Iterable[Shown]) -> str:
    return " or ".join(sorted(rows))
