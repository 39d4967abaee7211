"""Who has the radio: the scanner all the time, a connection that is being made its turn."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

SHARE_S = 2.0  # what the scanner has between two that interrupt it: devices that flap must not make it deaf


class Air:
    """One radio. Connections are made one at a time, first come, first served.

    Linux stops scanning by itself while it connects, and most radios get along with that. With those that do not, a
    connection fails: the next attempt has the air `alone`, and the scanner waits.
    """

    def __init__(self) -> None:
        self._turns = asyncio.Lock()
        self._radio = asyncio.Lock()
        self._asked = asyncio.Event()
        self._alone = False

    @contextlib.asynccontextmanager
    async def turn(self, *, alone: bool) -> AsyncIterator[None]:
        """The right to make a connection, when it is ours."""
        async with self._turns, contextlib.AsyncExitStack() as stack:
            if alone:
                self._alone = True
                stack.callback(self._together)
                self._asked.set()
                await stack.enter_async_context(self._radio)
            yield

    def refresh(self) -> None:
        """Have the scanner begin anew, so that it tells of everybody who is still there."""
        self._asked.set()

    @contextlib.asynccontextmanager
    async def scan(self) -> AsyncIterator[None]:
        """The right to scan, when nobody is alone."""
        async with self._radio:
            if not self._alone:
                self._asked.clear()
            yield

    async def asked(self, within_s: float) -> bool:
        """Whether the scanner is to stop and to begin anew; waits that long for it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._asked.wait()
        return self._asked.is_set()

    def _together(self) -> None:
        self._alone = False
