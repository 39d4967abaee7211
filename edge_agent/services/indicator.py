"""The one arbiter of the lamp: it alone decides what is shown, and plays rhythm and tone."""

import asyncio
from collections.abc import Callable, Sequence

from edge_agent.core.lamp import PATTERNS, Pattern, Shown
from edge_agent.core.ports import Indicator


class _Player:
    """Plays on/off times on some outputs; one timer, nothing else."""

    def __init__(self, outputs: Sequence[Indicator]) -> None:
        self._outputs = outputs
        self._timer: asyncio.TimerHandle | None = None

    def play(self, rhythm_ms: tuple[int, ...], colour: str, again_s: float | None) -> None:
        """Play from the beginning; `again_s` None: once, 0: round and round, else again after that pause."""
        self.stop()
        if rhythm_ms and self._outputs:
            self._step(rhythm_ms, colour, again_s, 0)

    def stop(self) -> None:
        """Dark and silent."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._show(False, "")

    def _step(self, rhythm_ms: tuple[int, ...], colour: str, again_s: float | None, index: int) -> None:
        self._show(index % 2 == 0, colour)
        if len(rhythm_ms) == 2 and rhythm_ms[1] == 0 and again_s == 0:
            return  # steady
        index, lasts_s, loop = index + 1, rhythm_ms[index] / 1000, asyncio.get_running_loop()
        if index == len(rhythm_ms):
            if again_s is None:
                self._timer = loop.call_later(lasts_s, self.stop)
                return
            index, lasts_s = 0, max(lasts_s, again_s - sum(rhythm_ms[:-1]) / 1000)
        self._timer = loop.call_later(lasts_s, self._step, rhythm_ms, colour, again_s, index)

    def _show(self, on: bool, colour: str) -> None:
        for output in self._outputs:
            output.show(on, colour)


class Arbiter:
    """Owns lamps and buzzers. `on_change` is told of every new pattern."""

    def __init__(
        self, lamps: Sequence[Indicator], buzzers: Sequence[Indicator], on_change: Callable[[Pattern], None]
    ) -> None:
        self._lamp = _Player(lamps)
        self._buzzer = _Player(buzzers)
        self._on_change = on_change
        self.pattern: Pattern | None = None

    def show(self, what: Shown) -> None:
        """Show this from now on; the same again changes nothing."""
        pattern = PATTERNS[what]
        if pattern is self.pattern:
            return
        self.pattern = pattern
        self._lamp.play(pattern.rhythm_ms, pattern.colour, 0)
        self._buzzer.play(pattern.tone, "", pattern.again_s)
        self._on_change(pattern)

    def dark(self) -> None:
        """The agent stops: a dark lamp means that help cannot be called."""
        self._lamp.stop()
        self._buzzer.stop()
        self.pattern = None
