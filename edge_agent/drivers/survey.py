"""A survey of the GPIO header: the edges of all its inputs, while somebody on site presses them."""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from edge_agent.config.model import GpioButton, GpioInput
from edge_agent.core.errors import DriverError
from edge_agent.core.health import Health

if TYPE_CHECKING:
    from edge_agent.drivers.lines import Line
    from edge_agent.drivers.trace import Seen

Kind = Literal["help_button", "contact", "pulses"]


class Part(Protocol):
    """What listens to a line: how it is wired, and the line while it is held."""

    name: str
    kind: ClassVar[Kind]

    @property
    def wiring(self) -> GpioButton | GpioInput:
        """As it is configured."""

    @property
    def line(self) -> "Line | None":
        """While it is held."""

    @property
    def health(self) -> Health:
        """Why it is not."""


class HeaderSurvey:
    """Of all `parts`. Times are those of `clock`, in seconds; a survey ends by itself, and raises nothing."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self.began_at = self.until = 0.0
        self._clock: Callable[[], float] = time.monotonic

    def prolong(self, seconds: float, clock: Callable[[], float]) -> None:
        """Keep edges for so long from now, or longer if somebody asked for it.

        One that is on goes on with what it has, else it begins anew. `clock` is asked in gpiozero's thread too.
        """
        now = clock()
        if now >= self.until:
            self._end()
            self.began_at, self._clock = now, clock
        self.until = max(self.until, now + seconds)
        self.look(now)

    def look(self, now: float) -> None:
        """Now and then: a line that was taken meanwhile is traced too, and what is over is forgotten."""
        if not self.until:
            return
        if now >= self.until:
            self._end()
            return
        for line in self._lines():
            with contextlib.suppress(DriverError):  # whoever holds it will find out, and tell
                line.begin_trace(self._clock)

    def _end(self) -> None:
        for line in self._lines():
            with contextlib.suppress(DriverError):
                line.end_trace()
        self.until = 0.0

    def _lines(self) -> "list[Line]":
        return [line for part in self.parts if (line := part.line) is not None]


def high(part: Part) -> bool | None:
    """The electric level of its line now; None: it is not held, or cannot be read."""
    try:
        return None if part.line is None else part.line.high
    except DriverError:
        return None


def edges(part: Part) -> "list[Seen]":
    """The newest edges of its line since the survey began."""
    line = part.line
    return [] if line is None or line.trace is None else line.trace.edges()
