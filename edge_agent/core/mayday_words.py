"""What comes into a case and goes out of it with words. Values only."""

from collections.abc import Mapping
from typing import Any, NamedTuple

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
