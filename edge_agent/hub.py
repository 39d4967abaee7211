"""What happens, for those who listen: the control socket's live stream. A slow listener misses, nothing grows."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from edge_agent.control.types import Live, Reply

MAX_WAITING = 1000


class _Listener:
    def __init__(self) -> None:
        self.waiting: deque[Live] = deque(maxlen=MAX_WAITING)
        self.something = asyncio.Event()


class Hub:
    """`tell` costs nothing while nobody listens: callers ask `listened` before they make a reply."""

    def __init__(self) -> None:
        self._listeners: set[_Listener] = set()

    @property
    def listened(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def tell(self, kind: str, data: Reply) -> None:
        """One event for all listeners."""
        for listener in self._listeners:
            listener.waiting.append(Live(kind=kind, data=data))
            listener.something.set()

    async def listen(self) -> AsyncIterator[Live]:
        """Everything from now on."""
        listener = _Listener()
        self._listeners.add(listener)
        try:
            while True:
                await listener.something.wait()
                listener.something.clear()
                while listener.waiting:
                    yield listener.waiting.popleft()
        finally:
            self._listeners.discard(listener)
