"""Gives a bridge its turn: what is due is written, and one timer is set to its next deadline."""

import asyncio
from collections.abc import Callable

from edge_agent.core.reading import Send
from edge_agent.drivers.device import REST_S, Device

MIN_PAUSE_S = 0.001  # a bridge whose deadline never moves must not spin the loop


class Asker:
    """For one device while its transport reaches it: `ask` after every feed, `stop` when it is lost.

    `write` takes what the bridge wants sent; it may call `stop`. If the bridge raises, the error goes to whoever
    called `ask`, or to the loop's handler, and the bridge has its next turn after its rest.
    """

    def __init__(self, device: Device, write: Callable[[Send], None]) -> None:
        self._device = device
        self._write = write
        self._on = False
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: float | None = None

    def start(self) -> None:
        """The device is reached: ask, in a call of its own, so that a bridge that raises ends nobody."""
        self._loop = asyncio.get_running_loop()
        self._on = True
        self._loop.call_soon(self.ask)

    def stop(self) -> None:
        """Nothing is asked any more until `start`."""
        self._on = False
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._deadline = None

    def ask(self) -> None:
        """Ask the bridge what is due now."""
        if not self._on:
            return
        now = self._loop.time()
        deadline, send = self._device.due(now)
        if send is not None:
            self._write(send)
        if self._on:
            self._arm(deadline, now)

    def _arm(self, deadline: float | None, now: float) -> None:
        if self._timer is not None:
            if deadline == self._deadline:
                return
            self._timer.cancel()
        self._deadline = deadline
        self._timer = None if deadline is None else self._loop.call_at(max(deadline, now + MIN_PAUSE_S), self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._arm(self._loop.time() + REST_S, 0.0)  # should the bridge raise, it still has its turn after the rest
        self.ask()
