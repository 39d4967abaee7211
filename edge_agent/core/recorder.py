"""The flight recorder: the last minutes of raw readings, in memory."""

import math
from collections import deque
from collections.abc import Sequence

from edge_agent.core.reading import Reading

# About 5 MB at the most, whatever the pace of the sensors.
MAX_READINGS = 30_000


class Recorder:
    """Keeps the readings of `span_s` seconds, or about the newest MAX_READINGS.

    They come in batches and are forgotten so, each when the last of it is too old: that costs nothing a reading.
    """

    def __init__(self, span_s: float) -> None:
        self.span_s = span_s
        self._batches: deque[Sequence[Reading]] = deque()
        self._count = 0

    def keep(self, batch: Sequence[Reading]) -> None:
        """Remember these, at least one, about in order; nobody changes the batch any more."""
        batches = self._batches
        batches.append(batch)
        self._count += len(batch)
        limit = batch[-1].at - self.span_s
        while len(batches) > 1 and (batches[0][-1].at < limit or self._count > MAX_READINGS):
            self._count -= len(batches.popleft())

    def freeze(self, channel: str, since: float, most: int = 60, until: float = math.inf) -> list[Reading]:
        """The readings of one channel from `since` until `until`, oldest first: a freeze frame.

        Of more than `most` those stay that tell most: of each stretch the least and the greatest.
        """
        found = [r for r in self.since(since) if r.channel.name == channel and r.at <= until]
        if len(found) <= most:
            return found
        kept, stretches = [], most // 2
        for n in range(stretches):
            part = found[n * len(found) // stretches : (n + 1) * len(found) // stretches]
            kept += sorted({min(part, key=_height), max(part, key=_height)}, key=lambda r: r.at)
        return kept

    def since(self, at: float) -> list[Reading]:
        """All readings from `at` on, about oldest first."""
        return [reading for batch in self._batches if batch[-1].at >= at for reading in batch if reading.at >= at]

    def __len__(self) -> int:
        return self._count


def _height(reading: Reading) -> float:
    """What can be compared of a reading."""
    value = reading.value
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0
