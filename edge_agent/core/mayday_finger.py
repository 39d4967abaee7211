"""Which presses belong together: a series begins with its first contact and is told after its quiet time."""

from dataclasses import dataclass

from edge_agent.core.mayday_table import Signal

# A series is told so long after its quiet time at the latest (core.gesture looks at the level in time).
TOLD_S = 0.5
COUNTED = {Signal.ONE_PRESS: "yes", Signal.TWO_PRESSES: "no", Signal.MORE_PRESSES: ""}


@dataclass(slots=True)
class Finger:
    """Follows the button's signals. `counted_by` is when what is under way will have been told, 0 when nothing is."""

    hold_s: float
    quiet_s: float
    counted_by: float = 0.0
    _began: float | None = None

    def follow(self, signal: Signal, at: float) -> float | None:
        """Take one signal; when it ends a series, gives when that began."""
        if signal is Signal.CONTACT:
            self._began = at if self._began is None else self._began
            self.counted_by = at + self.hold_s + TOLD_S
        elif signal is Signal.LET_GO:
            self.counted_by = at + self.quiet_s + TOLD_S
        elif signal is Signal.HELD or signal in COUNTED:
            began, self._began, self.counted_by = self._began, None, 0.0
            return began
        return None
