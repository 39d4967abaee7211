"""The door of the page on site: opened by somebody who is there, never by the help button, and shut again by time."""

from collections.abc import Callable
from random import SystemRandom

import structlog

from edge_agent.core.doorway import LONGEST_S, PIN_DIGITS, USUAL_S, Doorway
from edge_agent.core.ports import Clock

_log = structlog.get_logger("console")
_random = SystemRandom()


class Door:
    """`changed()` is called when it is opened or shut by hand; that time is up everybody sees from `left_s`."""

    def __init__(self, clock: Clock, changed: Callable[[], None]) -> None:
        self._clock, self._changed = clock, changed
        self._doorway: Doorway | None = None

    @property
    def doorway(self) -> Doorway | None:
        """How it is open now, None while it is shut."""
        found = self._doorway
        return found if found is not None and self.left_s() > 0.0 else None

    def left_s(self) -> float:
        """How long it is still open."""
        return self._doorway.left_s(self._clock.now().monotonic) if self._doorway else 0.0

    def open(self, by: str, *, lan: bool, seconds: float = USUAL_S) -> Doorway:
        """Open it, with a new PIN; one that is open stays so at least as long, and keeps its PIN."""
        until = self._clock.now().monotonic + min(seconds, LONGEST_S)
        found = self.doorway
        pin = found.pin if found else f"{_random.randrange(10**PIN_DIGITS):0{PIN_DIGITS}}"
        self._doorway = Doorway(max(until, found.until if found else 0.0), pin, lan or bool(found and found.lan), by)
        _log.info("console_opened", by=by, lan=self._doorway.lan, seconds=round(self.left_s()))
        self._changed()
        return self._doorway

    def shut(self, by: str) -> None:
        """Shut it now."""
        if self.doorway is not None:
            _log.info("console_shut", by=by)
        self._doorway = None
        self._changed()
