"""What a contact did, from the edges of its line: presses, how long it bounced, and whether the debounce time suffices.

Values in and out; times in milliseconds.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

# A level that lasts so long is meant, by a finger as by a meter: a pulse of an S0 output lasts 30 ms at least, and so
# does the pause behind it (IEC 62053-31).
REST_MS = 30.0
# Of 18 switches the worst bounced for 157 ms (J. Ganssle, A Guide to Debouncing). What is longer does not come to rest.
CHATTER_MS = 200.0
# Contacts that wear bounce longer: a debounce time that is this many times what was seen has room for it.
ROOM = 2.0
STEP_MS = 5.0
LONGEST_MS = 200.0


class Edge(NamedTuple):
    """The line went to this electric level."""

    at_ms: float
    high: bool


class Move(StrEnum):
    """What a burst of edges came to."""

    MAKE = "make"
    BREAK = "break"
    SPIKE = "spike"
    CHATTER = "chatter"


class Burst(NamedTuple):
    """Edges `first` to `last` (as counted in what was given), with no rest between them.

    `long_ms` is from the first to the last, `glitch_ms` the shortest level in it and `false_rest_ms` the longest, 0
    where there was one edge only. `lost`: so often the line went where it was already, so that a change in between was
    missed.
    """

    move: Move
    first: int
    last: int
    at_ms: float
    long_ms: float
    glitch_ms: float
    false_rest_ms: float
    lost: int

    @property
    def edges(self) -> int:
        """How many there are."""
        return self.last - self.first + 1


class Press(NamedTuple):
    """From the make on; `gone` is the break, None where it was still made."""

    made: Burst
    gone: Burst | None

    @property
    def long_ms(self) -> float | None:
        """How long it was made; None: it still was."""
        return None if self.gone is None else self.gone.at_ms - self.made.at_ms


class Opinion(StrEnum):
    """What is to be said of a line."""

    NEVER = "never"
    STUCK = "stuck"
    CHATTERS = "chatters"
    SPIKES = "spikes"
    ENOUGH = "enough"
    TIGHT = "tight"
    SHORT = "short"
    TOO_LONG = "too_long"
    WORN = "worn"


class Verdict(NamedTuple):
    """`bounced_ms` is the longest bounce, `advised_ms` what the debounce time should be (0: as it is)."""

    opinion: Opinion
    bounced_ms: float
    advised_ms: float


def bursts(edges: Sequence[Edge], *, active_high: bool, rest_ms: float = REST_MS) -> list[Burst]:
    """Edges that follow one another in less than `rest_ms`, together."""
    return [_burst(edges, first, last, active_high) for first, last in _together(edges, rest_ms)]


def bursts_of(edges: Sequence[Edge], *, active_high: bool, counts: bool, debounce_ms: float) -> list[Burst]:
    """The same for a contact or, where the line `counts` pulses, for what may be too quick to rest in between."""
    found = bursts(edges, active_high=active_high)
    if counts and any(burst.move is Move.CHATTER for burst in found):
        return bursts(edges, active_high=active_high, rest_ms=min(debounce_ms, REST_MS))
    return found


def presses(found: Sequence[Burst]) -> list[Press]:
    """Makes with the breaks that follow them."""
    told: list[Press] = []
    for burst in found:
        if burst.move is Move.MAKE:
            told.append(Press(burst, None))
        elif burst.move is Move.BREAK and told and told[-1].gone is None:
            told[-1] = told[-1]._replace(gone=burst)
    return told


def judge(found: Sequence[Burst], debounce_ms: float, *, active: bool) -> Verdict:
    """Of all bursts of a line whose level is now `active`, against its debounce time."""
    bounced = max((burst.long_ms for burst in found if burst.move is not Move.CHATTER), default=0.0)
    moves = {burst.move for burst in found}
    if not moves:
        return Verdict(Opinion.STUCK if active else Opinion.NEVER, bounced, 0.0)
    if Move.CHATTER in moves:
        return Verdict(Opinion.CHATTERS, bounced, 0.0)
    if moves == {Move.SPIKE}:
        return Verdict(Opinion.SPIKES, bounced, 0.0)
    return _against(found, debounce_ms, bounced)


def _against(found: Sequence[Burst], debounce_ms: float, bounced: float) -> Verdict:
    shortest = min((press.long_ms for press in presses(found) if press.long_ms is not None), default=LONGEST_MS)
    advised = STEP_MS * -(-ROOM * bounced // STEP_MS)
    if advised >= min(LONGEST_MS, shortest):
        return Verdict(Opinion.WORN, bounced, 0.0)
    if bounced and debounce_ms <= max(burst.false_rest_ms for burst in found):
        return Verdict(Opinion.SHORT, bounced, advised)
    if debounce_ms > shortest:
        return Verdict(Opinion.TOO_LONG, bounced, max(STEP_MS, advised))
    return Verdict(Opinion.TIGHT if debounce_ms < ROOM * bounced else Opinion.ENOUGH, bounced, advised)


def _together(edges: Sequence[Edge], rest_ms: float) -> Iterator[tuple[int, int]]:
    first = 0
    for number in range(1, len(edges) + 1):
        if number == len(edges) or edges[number].at_ms - edges[number - 1].at_ms >= rest_ms:
            yield first, number - 1
            first = number


def _burst(edges: Sequence[Edge], first: int, last: int, active_high: bool) -> Burst:
    part = edges[first : last + 1]
    lasted = [later.at_ms - edge.at_ms for edge, later in pairwise(part)]
    long_ms = part[-1].at_ms - part[0].at_ms
    if long_ms > CHATTER_MS:
        move = Move.CHATTER
    elif part[-1].high != part[0].high:  # back to where it was before the first
        move = Move.SPIKE
    else:
        move = Move.MAKE if part[-1].high == active_high else Move.BREAK
    lost = sum(edge.high == later.high for edge, later in pairwise(part))
    return Burst(move, first, last, part[0].at_ms, long_ms, min(lasted, default=0.0), max(lasted, default=0.0), lost)
