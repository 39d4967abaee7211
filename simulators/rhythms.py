"""A lamp in time: what it does when it is told something, and what somebody who watched it can have been told."""

from collections.abc import Sequence
from itertools import pairwise

from edge_agent.core.lamp import PATTERNS, Shown
from edge_agent.core.light import Light

Change = tuple[float, bool]


def played(script: Sequence[tuple[float, Shown | bool]], until: float) -> list[Change]:
    """What a lamp does from the first step of the script on: when (seconds) it went on or off, in order.

    A step is when, and what is shown from then on; or whether an assist session is live from then on.
    """
    light, said = Light(), [(script[0][0], False)]
    for (at, what), following in pairwise([*script, (until, False)]):
        if isinstance(what, Shown):
            light.show(PATTERNS[what], at)
        else:
            light.assist(what, at)
        now = at
        while True:
            if light.on != said[-1][1]:
                said.append((now, light.on))
            if light.deadline >= following[0]:
                break
            now = light.deadline
            light.step(now)
    return said
