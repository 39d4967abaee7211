"""What happens, for those who listen: the control socket's live stream. A slow listener misses, nothing grows."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Collection

from edge_agent.control.types import LIVE_KINDS, Live, Reply

MAX_WAITING = 1000


class _Listener:
    def __init__(self) -> None:
        self.waiting: deque[Live] = deque(maxlen=MAX_WAITING)
        self.something = asyncio.Event()


class Hub:
    """Listeners by kind: what nobody wants costs nothing, when callers look at `listeners` before they make a reply."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, set[_Listener]] = defaultdict(set)

    def listeners(self, kind: str) -> Collection[object]:
        """Those who listen to this kind, now and later: a look at it costs less than a call."""
        return self._listeners[kind]

    def tell(self, kind: str, data: Reply) -> None:
        """One event for all who want its kind."""
        live = Live(kind=kind, data=data)
        for listener in self._listeners[kind]:
            listener.waiting.append(live)
            listener.something.set()

    async def listen(self, kinds: Collection[str] = LIVE_KINDS.keys()) -> AsyncIterator[Live]:
        """Everything of these kinds from now on."""
        listener = _Listener()
        for kind in kinds:
            self._listeners[kind].add(listener)
        try:
            while True:
                await listener.something.wait()
                listener.something.clear()
                while listener.waiting:
                    yield listener.waiting.popleft()
        finally:
            for kind in kinds:
                self._listeners[kind].discard(listener)
