"""Devices that speak only when they are spoken to: rounds of requests, one at a time, each with a second try."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from edge_agent.core.ports import Option
from edge_agent.core.reading import Send
from firmware_bridges.base import seconds_between
from firmware_bridges.framed import FramedBridge

EVERY_S = Option(float, 10.0, "seconds between two looks at the device")


class Request(NamedTuple):
    """What is sent, and the bridge's own word for the answer that belongs to it."""

    answer: str
    payload: bytes


class Asking:
    """Every `every_s` seconds all requests of a set, in their order. One without an answer in `wait_s` is sent again.

    Where there are several sets, for devices that differ, the next one is tried after a round in which nothing was
    answered.
    """

    __slots__ = ("_every_s", "_heard", "_round_at", "_sets", "_tries", "_until", "_wait_s", "_waiting")

    TRIES = 2  # a device that sleeps is woken by the first request, and answers the second

    def __init__(self, sets: Sequence[Sequence[Request]], every_s: float, wait_s: float = 1.0) -> None:
        self._sets = deque(sets)
        self._every_s = every_s
        self._wait_s = wait_s
        self._waiting: deque[Request] = deque()
        self._round_at = float("-inf")
        self._until = float("-inf")
        self._tries = 0
        self._heard = True

    def answered(self, answer: str) -> None:
        """This was heard: if it is what is waited for, the next request may go out."""
        if self._tries and self._waiting[0].answer == answer:
            self._heard = True
            self._over()

    def next(self, now: float) -> tuple[float, Send | None]:
        """The deadline and, where one is due, the request."""
        if self._tries and now < self._until:
            return self._until, None
        if self._tries >= self.TRIES:
            self._over()
        if not self._waiting:
            if now < self._round_at:
                return self._round_at, None
            self._round_at = now + self._every_s
            self._sets.rotate(0 if self._heard else -1)
            self._waiting.extend(self._sets[0])
            self._heard = False
        self._tries += 1
        self._until = now + self._wait_s
        return self._until, Send(self._waiting[0].payload)

    def _over(self) -> None:
        self._waiting.popleft()
        self._tries = 0


class AskingBridge(FramedBridge):
    """A framed language over a wire or BLE, of a device that is asked; `frame` says what was `answered`.

    Its options have EVERY_S. Raises ConfigError where that asks all the time.
    """

    notifies = True

    def __init__(
        self,
        device: str,
        options: Mapping[str, Any],
        frames: tuple[bytes, Callable[[bytes], int], int],
        sets: Sequence[Sequence[Request]],
    ) -> None:
        super().__init__(device, *frames)
        self._asking = Asking(sets, seconds_between(device, options, 1.0, 86400.0))

    def next(self, now: float) -> tuple[float | None, Send | None]:
        """What is to be asked."""
        return self._asking.next(now)

    def answered(self, answer: str) -> None:
        """See Asking."""
        self._asking.answered(answer)
