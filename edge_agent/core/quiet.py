"""The hours in which a household is not to be reminded of anything by a sound."""

from typing import NamedTuple


class QuietHours(NamedTuple):
    """Minutes of the day, `begin` to before `end`, over midnight where `end` is the smaller; equal: none."""

    begin: int
    end: int

    @classmethod
    def parse(cls, text: str) -> "QuietHours":
        """From `22:00-07:00` as the configuration lets it through; empty is no quiet hours."""
        if not text:
            return cls(0, 0)
        begin, end = (int(time[:2]) * 60 + int(time[3:]) for time in text.split("-"))
        return cls(begin, end)

    def contains(self, minute: int) -> bool:
        """Whether this minute of the local day is quiet."""
        if self.begin <= self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end
