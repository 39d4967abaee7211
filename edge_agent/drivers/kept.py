"""What a device is behind, a port or a socket: kept open, lost, and found again."""

import asyncio
import random
from collections.abc import Sequence

from edge_agent.core.backoff import Backoff
from edge_agent.core.health import Health
from edge_agent.core.ports import DeviceCounts
from edge_agent.drivers.device import Device
from edge_agent.texts import Said
from edge_agent.texts.starting import STARTING


class KeptOpen:
    """Base of drivers of one device. Subclasses write `_open` and `_close`, and say `_lost.set()` when it is gone.

    `run` ends only by cancellation: what is missing, taken or not allowed is a state of the device, looked for again
    with full jitter up to the cap of `backoff`.
    """

    def __init__(self, name: str, device: Device, backoff: Backoff) -> None:
        self.name = name
        self.health: Health = STARTING
        self._device = device
        self._backoff = backoff

    def devices(self) -> Sequence[DeviceCounts]:
        """The one device of this driver."""
        return (self._device.counts(),)

    async def run(self) -> None:
        """Open, feed, lose and find again, until cancelled."""
        self._loop = asyncio.get_running_loop()
        self.health = Health(True, Said("part.running"))
        try:
            while True:
                self._lost = asyncio.Event()
                if self._open():
                    since = self._loop.time()
                    await self._lost.wait()
                    self._backoff.stable(self._loop.time() - since)
                await asyncio.sleep(self._backoff.delay(random.random()))  # noqa: S311  # jitter is no secret
        finally:
            self._close()
            self.health = Health(False, Said("part.stopped"))

    def _open(self) -> bool:
        """Open it, say so to the device, and have it read from now on; False where it cannot be had, which is said."""
        raise NotImplementedError

    def _close(self) -> None:
        """Close what is open."""
        raise NotImplementedError
