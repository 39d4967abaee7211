"""The flight recorder: the last minutes of raw readings, in memory."""

from collections import deque

from edge_agent.core.reading import Reading

# About 5 MB at the most, whatever the pace of the sensors.
MAX_READINGS = 30_000
# What is too old is forgotten so often, and not at every reading.
LOOK_S = 1.0


class Recorder:
    """Keeps readings for `span_s` seconds and at most LOOK_S longer, or the newest MAX_READINGS."""

    def __init__(self, span_s: float) -> None:
        self.span_s = span_s
        self._kept: deque[Reading] = deque(maxlen=MAX_READINGS)
        self._look_at = float("-inf")

    def keep(self, reading: Reading) -> None:
        """Remember this one; readings arrive about in order."""
        self._kept.append(reading)
        at = reading.at
        if at >= self._look_at:
            self._look_at = at + LOOK_S
            self._forget(at - self.span_s)

    def _forget(self, limit: float) -> None:
        while self._kept[0].at < limit:
            self._kept.popleft()

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
