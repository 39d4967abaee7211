"""What happens, for those who listen: the control socket's live stream. A slow listener misses, nothing grows.

Each event has an id. Who comes back with the last one it had hears what came since, as far as it is kept; where that
is not all, it is told so first, and asks for the state anew.
"""

import asyncio
import os
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Collection

from edge_agent.control.types import GAP, LIVE_KINDS, Gap, Live, Reply

MAX_WAITING = 1000
# Some minutes of what happens in a home, or seconds of its readings.
MAX_KEPT = 500
# These are told whether anybody listens or not; the others are not even made then.
ALWAYS = frozenset({"finding", "help", "lamp"})


class _Listener:
    def __init__(self) -> None:
        self.waiting: deque[Live] = deque(maxlen=MAX_WAITING)
        self.something = asyncio.Event()
        self.missed = 0


class Hub:
    """Listeners by kind: what nobody wants costs nothing, when callers look at `listeners` before they make a reply."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, set[_Listener]] = defaultdict(set)
        self._kept: deque[tuple[int, Live]] = deque(maxlen=MAX_KEPT)
        self._run = os.urandom(4).hex()
        self._count = 0
        # what number the next event had when somebody began to listen to this kind; only while somebody does
        self._heard_from: dict[str, int] = {}

    def listeners(self, kind: str) -> Collection[object]:
        """Those who listen to this kind, now and later: a look at it costs less than a call."""
        return self._listeners[kind]

    def tell(self, kind: str, data: Reply) -> None:
        """One event for all who want its kind."""
        self._count += 1
        live = Live(kind, data, f"{self._run}-{self._count}")
        self._kept.append((self._count, live))
        for listener in self._listeners[kind]:
            listener.missed += len(listener.waiting) == MAX_WAITING
            listener.waiting.append(live)
            listener.something.set()

    async def listen(self, kinds: Collection[str] = LIVE_KINDS.keys(), after: str = "") -> AsyncIterator[Live]:
        """Everything of these kinds from now on or, where `after` is the id of an event, from that on."""
        listener = _Listener()
        if after:
            self._catch_up(listener, kinds, after)
        for kind in kinds:
            self._listeners[kind].add(listener)
            self._heard_from.setdefault(kind, self._count + 1)
        try:
            while True:
                await listener.something.wait()
                listener.something.clear()
                while listener.waiting:
                    if listener.missed:
                        missed, listener.missed = listener.missed, 0
                        yield Live(GAP, Gap(missed, sorted(kinds)))
                    yield listener.waiting.popleft()
        finally:
            for kind in kinds:
                self._listeners[kind].discard(listener)
                if not self._listeners[kind]:
                    self._heard_from.pop(kind, None)

    def _catch_up(self, listener: _Listener, kinds: Collection[str], after: str) -> None:
        """What is kept of what came since, and before it, where that may not be all, the word that it is not."""
        run, _, number = after.rpartition("-")
        known = run == self._run and number.isascii() and number.isdecimal() and int(number) <= self._count
        last = int(number) if known else 0
        oldest = self._kept[0][0] if self._kept else self._count + 1
        lost = sorted(kinds)
        if known and last + 1 >= oldest:
            lost = [kind for kind in lost if kind not in ALWAYS and self._heard_from.get(kind, last + 2) > last + 1]
        if lost:
            listener.waiting.append(Live(GAP, Gap(None, lost)))
        if known:
            listener.waiting.extend(live for count, live in self._kept if count > last and live.kind in kinds)
        if listener.waiting:
            listener.something.set()
