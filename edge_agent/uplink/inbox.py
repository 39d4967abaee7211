"""What has come of a connection and was not taken yet, bounded by number and by bytes."""

from collections import deque

from edge_agent.uplink.connection import Arrival

# paho hands over a few packets a turn, so this only stops a runaway.
MAX_MESSAGES = 10_000
# Until its SUBACK a broker may pour for as long as a connect may take.
MAX_BYTES = 32 * 1024 * 1024


class Inbox:
    """First in, first out; false when empty. `dropped` counts what found no room or could not be read."""

    def __init__(self) -> None:
        self.dropped = 0
        self._arrivals: deque[Arrival] = deque()
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._arrivals)

    def put(self, arrival: Arrival) -> None:
        """It came."""
        if len(self._arrivals) >= MAX_MESSAGES or self._bytes + len(arrival.payload) > MAX_BYTES:
            self.dropped += 1
            return
        self._bytes += len(arrival.payload)
        self._arrivals.append(arrival)

    def take(self) -> Arrival:
        """The oldest one. Raises IndexError when there is none."""
        arrival = self._arrivals.popleft()
        self._bytes -= len(arrival.payload)
        return arrival

    def clear(self) -> None:
        """Nobody will take them."""
        self._arrivals.clear()
        self._bytes = 0
