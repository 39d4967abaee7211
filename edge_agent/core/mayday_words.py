"""What comes into a case and goes out of it with words. Values only."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from edge_agent.core.clock import Instant
from edge_agent.core.mayday_table import Effect, Signal


class DeskWord(NamedTuple):
    """What a believed message of the desk says about the case; `through`: it has the messages up to this sequence.

    `cancel_heard`: it knows that the case was cancelled.
    """

    signal: Signal | None
    through: int = 0
    reference: str = ""
    receiver: str = ""
    helper: str = ""
    text: str = ""
    next_word_wall: float | None = None
    cancel_heard: bool = False

    def promise(self, held: float | None, now: Instant) -> float | None:
        """When the next word is promised; `held` is the promise so far: it stands until its time, or another one."""
        stands = held is not None and held > now.wall and self.signal is not Signal.RESOLVED
        return self.next_word_wall if self.next_word_wall is not None or not stands else held


class Call(NamedTuple):
    """A rule that calls for help, and why: after a cancel window of its own, or at once over every channel."""

    rule: str
    text: str
    window_s: float
    fall_back_now: bool


class Words(NamedTuple):
    """What an effect says, where that is more than that it happened."""

    effect: Effect
    data: Mapping[str, Any]
