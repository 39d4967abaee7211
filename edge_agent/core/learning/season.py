"""What is usual at this hour of the day, and of the week.

A seasonal profile by exponential smoothing (Winters 1960): 24 hours, refined by 168 hours of the week.
"""

from array import array

# An hour must have come so often before anything is compared with it.
_DAYS, _WEEKS = 3, 2
_DAY_MEMORY, _WEEK_MEMORY = 20, 10


class Season:
    """Single precision on purpose: what is in memory is exactly what is saved."""

    __slots__ = ("day", "day_n", "week", "week_n")

    def __init__(self) -> None:
        self.day, self.week = array("f", bytes(4 * 24)), array("f", bytes(4 * 168))
        self.day_n, self.week_n = bytearray(24), bytearray(168)

    def unusual(self, hour: int, weekday: int, x: float) -> float | None:
        """How far `x` is from what is usual at this hour (0 to 23), or None while that is not known; then learns it."""
        place = weekday * 24 + hour
        day, week = self.day[hour], self.week[place]
        seen, weeks = self.day_n[hour], self.week_n[place]
        away = None
        if seen >= _DAYS:
            away = x - day if weeks < _WEEKS else x - (weeks * week + day) / (weeks + 1.0)
        if seen < _DAY_MEMORY:
            self.day_n[hour] = seen = seen + 1
        if weeks < _WEEK_MEMORY:
            self.week_n[place] = weeks = weeks + 1
        self.day[hour] = day + (x - day) / seen
        self.week[place] = week + (x - week) / weeks
        return away
