"""When the page on site may be looked at: shut, but for some minutes after somebody here opened it. Values only."""

from dataclasses import dataclass

# Long enough for a visit to the cellar (docs/decisions/0008); a field engineer opens it again.
USUAL_S = 900.0
LONGEST_S = 8 * 3600.0
PIN_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Doorway:
    """The page is open until monotonic second `until`, for who knows the `pin`; on the network too where `lan`.

    `by` is what opened it: `command`, `input` (a second input) or `desk` (the household said yes to the desk).
    """

    until: float
    pin: str
    lan: bool
    by: str

    def left_s(self, now: float) -> float:
        """How long it is still open; 0.0: it is shut."""
        return max(0.0, self.until - now)
