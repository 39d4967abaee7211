"""How much may be on its way at once: what the link delivers in about a second, and never more messages than agreed.

Strategy. Whatever was published and not acknowledged lies somewhere in a row that nothing can overtake: the client's
own queue, the kernel's send buffer, a modem, the broker's socket. Bounding the sum bounds each of them, so no socket
option is needed and no queue is looked into: a press waits behind a second of backlog, wherever that lies.

The bound needs the delivery rate, and only acknowledgements tell it. Each message remembers how much had been delivered
when it was sent; at its acknowledgement the bytes that arrived since, over the time they took, are one sample (delivery
rate estimation, IETF draft-cheng-iccrg-delivery-rate-estimation). A sample can only be too low (nothing to send, a
window that was too small), so the largest of the last seconds counts. While the link is not full a larger window gives
larger samples, so the window grows by itself, by 1 s / round trip each round trip. Where a round trip takes longer than
a second that does not hold, and FLOOR_BYTES a round trip remain: slow, and never stuck.

Shapers let a burst through at once before they are slow, and a modem's queue swallows one: a rate that was seen for a
few milliseconds would fill a slow link for ten seconds. So what was delivered in less than SAMPLE_S is taken for what
is delivered in SAMPLE_S.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

# What may be on its way, in seconds of the link.
SPAN_S = 1.0
# Before anything is known, and at least: more than one part (uplink/parts.py), so that there are two on their way and
# the link is never idle between them. On 20 kbit/s they take 1.5 s, of which a round trip of 0.6 s is not a queue.
FLOOR_BYTES = 2048
# A sample counts for so long; the last one until there is another.
MEMORY_S = 5.0
# No rate is measured over less than this.
SAMPLE_S = 0.5
# How far apart two marks are at least: so there are few.
_MARK_S = 0.02


@dataclass(slots=True)
class Flight:
    """One message on its way: what had been delivered when it left. `over` when it is counted no more."""

    size: int
    sent_at: float
    delivered: int
    delivered_at: float
    first_sent_at: float
    over: bool = False


class _Sample(NamedTuple):
    at: float
    bytes_per_s: float


class Pace:
    """Of one link. Sizes are bytes, times monotonic seconds that never go back."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._delivered = 0
        self._delivered_at = 0.0
        self._first_sent_at = 0.0
        self._marks: deque[tuple[float, int]] = deque()  # when, how much was delivered; the first is SAMPLE_S old
        self._samples: deque[_Sample] = deque()  # falling rates: the first is the largest that counts

    @property
    def bytes_per_s(self) -> float:
        """The measured delivery rate; 0 before the first acknowledgement."""
        return self._samples[0].bytes_per_s if self._samples else 0.0

    @property
    def window(self) -> int:
        """How many bytes may be on their way."""
        return max(FLOOR_BYTES, int(self.bytes_per_s * SPAN_S))

    def open(self) -> bool:
        """Whether one more message may leave now.

        The last one may reach beyond the window: if it had to fit in, a window of one and a half messages would carry
        one, measure one, and never grow.
        """
        return self.in_flight < self.window

    def too_long(self, size: int) -> bool:
        """Whether a message of `size` would hold the others up for so long that it should go in parts."""
        return size > self.window // 4

    def sent(self, size: int, now: float) -> Flight:
        """A message of `size` leaves."""
        if self.in_flight == 0:
            self._first_sent_at = self._delivered_at = now
            if not self._marks or now - self._marks[-1][0] > SAMPLE_S:
                self._marks = deque([(now, self._delivered)])
        self.in_flight += size
        return Flight(size, now, self._delivered, self._delivered_at, self._first_sent_at)

    def arrived(self, flight: Flight, now: float) -> None:
        """Its acknowledgement came. Any number of times."""
        if not self._end(flight):
            return
        self._delivered += flight.size
        self._delivered_at = now
        self._first_sent_at = flight.sent_at
        # acknowledgements that were held up and come at once arrive faster than the link is: not faster than it was fed
        took_s, before = max(now - flight.delivered_at, flight.sent_at - flight.first_sent_at), flight.delivered
        if took_s < SAMPLE_S:
            since, before = self._mark(now)
            took_s = max(now - since, SAMPLE_S)
        self._learn(_Sample(now, (self._delivered - before) / took_s))

    def forget(self, flight: Flight) -> None:
        """It did not leave, or was refused: nothing is learned from it."""
        self._end(flight)

    def _end(self, flight: Flight) -> bool:
        if flight.over:
            return False
        flight.over = True
        self.in_flight -= flight.size
        return True

    def _mark(self, now: float) -> tuple[float, int]:
        """When, about SAMPLE_S ago or at the start of this row, and how much had been delivered by then."""
        while len(self._marks) > 1 and self._marks[1][0] <= now - SAMPLE_S:
            self._marks.popleft()
        if now - self._marks[-1][0] >= _MARK_S:
            self._marks.append((now, self._delivered))
        return self._marks[0]

    def _learn(self, new: _Sample) -> None:
        while self._samples and self._samples[-1].bytes_per_s <= new.bytes_per_s:
            self._samples.pop()
        self._samples.append(new)
        while self._samples[0].at < new.at - MEMORY_S:
            self._samples.popleft()


class Bucket:
    """At most `per_s` a second, in bursts of a tenth of that.

    Why: a broker may drop for a slow subscriber what it has acknowledged to us (mosquitto beyond 1,000 that wait), and
    says so to nobody.
    """

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._most = max(1.0, per_s / 10)
        self._left = self._most
        self._at: float | None = None

    def wait_s(self, now: float) -> float:
        """How long until one may go; 0: now."""
        if self._at is not None:
            self._left = min(self._most, self._left + max(0.0, now - self._at) * self._per_s)
        self._at = now
        # a billionth of a message is the arithmetic's
        return 0.0 if self._left >= 1.0 - 1e-9 else (1.0 - self._left) / self._per_s

    def take(self) -> None:
        """One goes."""
        self._left -= 1.0
