"""The flight recorder: the last minutes of raw readings, in memory."""

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

    def freeze(self, channel: str, since: float, most: int = 60) -> list[Reading]:
        """The newest `most` readings of one channel from `since` on, oldest first: a freeze frame."""
        found: list[Reading] = []
        for batch in reversed(self._batches):
            for reading in reversed(batch):
                if reading.at < since or len(found) == most:
                    return found[::-1]
                if reading.channel.name == channel:
                    found.append(reading)
        return found[::-1]

    def since(self, at: float) -> list[Reading]:
        """All readings from `at` on, about oldest first."""
        return [reading for batch in self._batches if batch[-1].at >= at for reading in batch if reading.at >= at]

    def __len__(self) -> int:
        return self._count
