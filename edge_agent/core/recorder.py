"""The flight recorder: the last minutes of raw readings, in memory."""

from collections import deque

from edge_agent.core.reading import Reading

# About 5 MB at the most, whatever the pace of the sensors.
MAX_READINGS = 30_000


class Recorder:
    """Keeps readings for `span_s` seconds, or the newest MAX_READINGS."""

    def __init__(self, span_s: float) -> None:
        self.span_s = span_s
        self._kept: deque[Reading] = deque(maxlen=MAX_READINGS)

    def keep(self, reading: Reading) -> None:
        """Remember this one; readings arrive about in order."""
        kept = self._kept
        kept.append(reading)
        limit = reading.at - self.span_s
        while kept[0].at < limit:
            kept.popleft()

    def freeze(self, channel: str, since: float, most: int = 60) -> list[Reading]:
        """The newest `most` readings of one channel from `since` on, oldest first: a freeze frame."""
        found: list[Reading] = []
        for reading in reversed(self._kept):
            if reading.at < since or len(found) == most:
                break
            if reading.channel.name == channel:
                found.append(reading)
        return found[::-1]

    def __len__(self) -> int:
        return len(self._kept)
