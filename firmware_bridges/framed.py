"""Base of languages whose frames begin with fixed bytes and carry a check sum: what comes between them is a fault."""

from collections.abc import Callable, Iterator

from edge_agent.core.reading import Chunk, Item, Notify
from firmware_bridges.base import ListeningBridge
from firmware_bridges.framing import FrameHunter


class FramedBridge(ListeningBridge):
    """Subclasses write `frame`, which gets each right frame. `head`, `judge` and `limit` are FrameHunter's.

    With `notifies` the same frames come over BLE too, in notifications of any size.
    """

    notifies = False

    def __init__(self, device: str, head: bytes, judge: Callable[[bytes], int], limit: int) -> None:
        super().__init__(device)
        self._frames = FrameHunter(head, judge, limit)
        self._limit = limit

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What the frames completed by these bytes say."""
        if self.notifies and isinstance(chunk, Notify):
            chunk = chunk.payload
        if not isinstance(chunk, bytes):
            yield from self.unsupported(chunk, at)
            return
        for frame in self._frames.feed(chunk):
            if frame is None:
                yield from self.faults.say("garbage", f"no frame within {self._limit} bytes", at)
            elif not frame:
                yield from self.faults.say("checksum", "a frame does not match its check sum, or was cut short", at)
            else:
                self.heard += 1
                yield from self.frame(frame, at)

    def frame(self, frame: bytes, at: float) -> Iterator[Item]:
        """What a frame says."""
        raise NotImplementedError
