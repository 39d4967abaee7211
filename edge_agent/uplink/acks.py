"""What is on its way on one connection and waits for its PUBACK."""

import asyncio
from collections.abc import Callable


class Acks:
    """By packet id; `on_free` is called whenever one comes, and at the end."""

    def __init__(self) -> None:
        self.on_free: Callable[[], None] = lambda: None
        self._waiting: dict[int, tuple[asyncio.Future[str | None], float]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def wait(self, mid: int) -> asyncio.Future[str | None]:
        """Why the PUBACK refuses it, empty where the broker took it, None where the connection ended before."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[str | None] = loop.create_future()
        self._waiting[mid] = (future, loop.time())
        return future

    def came(self, mid: int, refused: str) -> None:
        """The PUBACK of this packet; of one that nobody sent nothing happens."""
        future, _ = self._waiting.pop(mid, (None, 0.0))
        if future is None:
            return
        self.on_free()
        if not future.done():
            future.set_result(refused)

    def overdue(self, after_s: float) -> bool:
        """Whether the oldest one has waited for so long."""
        oldest = next(iter(self._waiting.values()), None)
        return oldest is not None and asyncio.get_running_loop().time() - oldest[1] >= after_s

    def end(self) -> None:
        """None of them will come."""
        for future, _ in self._waiting.values():
            if not future.done():
                future.set_result(None)
        self._waiting.clear()
        self.on_free()  # wakes the first who waits for a slot
