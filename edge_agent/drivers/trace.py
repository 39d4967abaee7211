"""Edges of one GPIO line, for whoever presses it on site: the newest, for as long as a survey is on."""

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

# What the kernel and gpiozero tell of an edge: its ticks, and the electric level that the line went to.
Edge = Callable[[Any, Any], None]

# 30 kB a line. A press of a bad contact has some 40 edges.
MAX_EDGES = 256


class Seen(NamedTuple):
    """One edge: its number since the trace began, when (seconds) and to which electric level."""

    number: int
    at: float
    high: bool


class Trace:
    """Stands before whoever listens to a line: that one is told first, and nothing is kept from it.

    `apart(later, earlier)` gives the seconds between two ticks, which are the kernel's where it stamps edges; `clock`
    dates the first of them.
    """

    def __init__(self, pass_on: Edge, apart: Callable[[Any, Any], float], clock: Callable[[], float]) -> None:
        self._pass_on = pass_on
        self._apart = apart
        self._clock = clock
        self._count = 0  # written by gpiozero's thread only, as all of these
        self._first: tuple[Any, float] | None = None
        self._kept: deque[tuple[int, Any, Any]] = deque(maxlen=MAX_EDGES)

    def see(self, ticks: Any, state: Any) -> None:
        """In gpiozero's thread, for every edge."""
        self._pass_on(ticks, state)
        if self._first is None:
            self._first = (ticks, self._clock())
        self._count += 1
        self._kept.append((self._count, ticks, state))

    def edges(self) -> list[Seen]:
        """The newest MAX_EDGES, oldest first."""
        kept = list(self._kept)  # at once: the thread may add while this is looked through
        if not kept or self._first is None:
            return []
        ticks, at = self._first
        return [Seen(number, at + self._apart(each, ticks), bool(state)) for number, each, state in kept]

    def forget(self) -> None:
        """It is over, and takes no room any more."""
        self._kept.clear()
