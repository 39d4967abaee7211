"""Which sequences of a lane are done with: all up to a floor, and a few spans above it.

Acknowledgements come nearly in order, so there are a handful of spans; an event that nobody may send (no consent) only
keeps the floor where it is.
"""

from bisect import bisect_left, bisect_right


class Spans:
    """A set of sequences, dense at the bottom. `floor` is the highest up to which all are in it."""

    def __init__(self, floor: int = 0) -> None:
        self.floor = floor
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def __contains__(self, sequence: int) -> bool:
        if sequence <= self.floor:
            return True
        i = bisect_right(self._firsts, sequence) - 1
        return i >= 0 and sequence <= self._lasts[i]

    def add(self, first: int, last: int) -> None:
        """Put `first` to `last` in; nothing when last < first."""
        first = max(first, self.floor + 1)
        if last < first:
            return
        low = bisect_left(self._lasts, first - 1)
        high = bisect_right(self._firsts, last + 1)
        if low < high:
            first = min(first, self._firsts[low])
            last = max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]
        if self._firsts[0] == self.floor + 1:
            self._firsts.pop(0)
            self.floor = self._lasts.pop(0)

    def copy(self) -> "Spans":
        """The same set, on its own from now on."""
        twin = Spans(self.floor)
        twin._firsts, twin._lasts = self._firsts[:], self._lasts[:]
        return twin

    def beyond(self, sequence: int) -> int:
        """The lowest sequence from `sequence` on that is not in the set."""
        if sequence <= self.floor:
            sequence = self.floor + 1
        i = bisect_right(self._firsts, sequence) - 1
        if i >= 0 and sequence <= self._lasts[i]:
            return self._lasts[i] + 1
        return sequence

    def above(self, limit: int) -> list[tuple[int, int]]:
        """At most `limit` spans above the floor, lowest first, as (first, last)."""
        return list(zip(self._firsts[:limit], self._lasts[:limit], strict=True))
