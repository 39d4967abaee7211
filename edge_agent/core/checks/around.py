"""What a check is told from outside; light to import, for what learns is imported only where something does."""

from collections.abc import Callable
from typing import NamedTuple

from edge_agent.core.checks.base import PLAIN, Words
from edge_agent.core.learning.crowd import Crowd

# What the learned check found stands for so long after its last alert, for an alert is a moment.
STANDS_S = 3600.0


class Around(NamedTuple):
    """From outside: the words of `edge_agent.texts`, the local time of a monotonic second, and who else is judged.

    Each check that is made with the same `crowd` counts itself in.
    """

    words: Words = PLAIN
    local_s: Callable[[float], float | None] = lambda _: None
    crowd: Crowd | None = None
