"""What to do, and how often, about a radio that has gone deaf: sans-IO, times are monotonic seconds.

Silence from everybody is all that can be seen of it. A radio that is truly alone looks the same, so that each step is
rarer than the one before, and what disturbs others (a headset on the same adapter) happens at most once an hour.
"""

from enum import StrEnum

MAX_PATIENCE = 8  # where nothing advertises at all, steps become this many times rarer
# After a scan was restarted everybody who is there is told of anew, within the longest interval of adverts (10.24 s,
# Core Specification Vol 6 Part B 4.4.2.2) and some loss. Before, silence may only mean that nothing has changed.
CONFIRM_S = 30.0


class Step(StrEnum):
    """Of the ladder, from the bottom; the value is the code in the log."""

    SCAN = "silent"
    POWER = "power_cycle"
    SERVICE = "service_restart"


# How long after the last one of its kind a step may be taken again, whatever was heard between.
AT_LEAST_S = {Step.SCAN: 0.0, Step.POWER: 3600.0, Step.SERVICE: 86400.0}
_ORDER = tuple(Step)


class Ladder:
    """`heard` whenever anything is, `due` now and then; after a silence of `silence_s` it says what to do.

    The next silence must be twice as long, up to MAX_PATIENCE times, until something is heard.
    """

    def __init__(self, silence_s: float) -> None:
        self._silence_s = silence_s
        self._heard_at = 0.0
        self._since = 0.0
        self._climbed = 0
        self._patience = 1
        self._taken_at: dict[Step, float] = {}

    @property
    def silence_s(self) -> float:
        """How long it must be silent for the next step."""
        return self._silence_s * self._patience

    def begin(self, now: float) -> None:
        """The radio can be used from now on, or could not be used until now, for a reason that is known."""
        self._heard_at = self._since = now

    def heard(self, now: float) -> None:
        """Somebody was heard: the ladder is at its bottom again."""
        self._heard_at = self._since = now
        self._climbed = 0
        self._patience = 1

    def silent_s(self, now: float) -> float:
        """How long nothing was heard."""
        return now - self._heard_at

    def is_deaf(self, now: float) -> bool:
        """Whether a step was taken, and did not help."""
        return self._climbed > 0 and now - self._since >= min(CONFIRM_S, self._silence_s)

    def due(self, now: float, *, gently: bool) -> Step | None:
        """The step to take now, if any. `gently`: a connection is up, which a higher step would tear."""
        if now - self._since < self.silence_s:
            return None
        self._since = now
        self._patience = min(2 * self._patience, MAX_PATIENCE)
        step = Step.SCAN if gently else self._highest(now)
        self._climbed += 1
        self._taken_at[step] = now
        return step

    def _highest(self, now: float) -> Step:
        reached = _ORDER[: self._climbed + 1]
        return next(step for step in reversed(reached) if now - self._taken_at.get(step, -1e9) >= AT_LEAST_S[step])
