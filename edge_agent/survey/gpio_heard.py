"""What a survey of the header has seen so far: all edges since it began, and the presses that they make."""

from collections.abc import Iterator
from typing import NamedTuple

from edge_agent.control.examined import examine
from edge_agent.control.types import GpioBurst, GpioEdge, GpioLine, GpioSurvey

# A line that howls must not fill the memory: as many edges as a minute of 40 pulses a second has.
MAX_EDGES = 5000
# A burst is told when its line has been at rest so long.
QUIET_MS = 50.0
# A hold that called is seen at the next look, and its request a moment later.
LATELY_MS = 1000.0


class Event(NamedTuple):
    """What one line did: a press from its make to its break, or one burst; `number` is how many presses there were."""

    line: GpioLine
    number: int
    bursts: list[GpioBurst]

    @property
    def long_ms(self) -> float | None:
        """How long the press was; None where it had no end, or is none."""
        return self.bursts[1].at_ms - self.bursts[0].at_ms if self.bursts[1:] else None


class Heard:
    """Feed it every look; it keeps the newest MAX_EDGES of each line, and counts those that were missed."""

    def __init__(self) -> None:
        self.survey = GpioSurvey(0.0)
        self.missed = 0
        self._edges: dict[int, list[GpioEdge]] = {}
        self._last: dict[int, int] = {}
        self._told: dict[int, int] = {}
        self._presses: dict[int, int] = {}

    def see(self, look: GpioSurvey) -> None:
        """One look. What was there before the first is somebody else's."""
        first = not self._last
        if look.since_ms < self.survey.since_ms:  # it had ended: this program was stopped for a while
            for kept in (self._edges, self._last, self._told):
                kept.clear()
        self.survey = look
        for line in look.lines:
            if first:
                self._last[line.line] = line.count
            self._add(line)
            line.edges = self._edges.get(line.line, [])
            examine(line)

    def events(self, *, end: bool = False) -> Iterator[Event]:
        """What has come to rest since the last time; at the `end` also what has not."""
        for line in self.survey.lines:
            yield from self._events(line, end)

    def _add(self, line: GpioLine) -> None:
        last = self._last.setdefault(line.line, 0)
        fresh = [edge for edge in line.edges if edge.number > last]
        if not fresh:
            return
        self.missed += fresh[0].number - last - 1
        kept = [*self._edges.get(line.line, ()), *fresh]
        self._edges[line.line] = kept[-MAX_EDGES:]
        self._last[line.line] = fresh[-1].number

    def _events(self, line: GpioLine, end: bool) -> Iterator[Event]:
        bursts = [burst for burst in line.bursts if burst.first > self._told.get(line.line, 0)]
        while bursts:
            pressed = bursts[0].move == "make"
            whole = pressed and [burst.move for burst in bursts[1:2]] == ["break"]
            told, bursts = (bursts[:2], bursts[2:]) if whole else (bursts[:1], bursts[1:])
            waits = pressed and not whole and not bursts
            if not end and (waits or self.survey.since_ms < told[-1].at_ms + told[-1].long_ms + QUIET_MS):
                return
            self._told[line.line] = told[-1].last
            self._presses[line.line] = self._presses.get(line.line, 0) + pressed
            yield Event(line, self._presses[line.line], told)


def held_since(survey: GpioSurvey) -> float | None:
    """When a help button went down that has been held for long enough to call, and still is or was until just now."""
    for line in survey.lines:
        ends_ms = survey.since_ms
        for burst in reversed(line.bursts if line.does == "help" else ()):
            if survey.since_ms - ends_ms > LATELY_MS:
                break
            if burst.move == "make" and ends_ms - burst.at_ms >= 1000 * survey.hold_s:
                return burst.at_ms
            if burst.move != "spike":
                ends_ms = burst.at_ms
    return None
