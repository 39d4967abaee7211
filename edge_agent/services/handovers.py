"""What devices hold until it is safe here: a held help button goes to the help service, codes become findings.

A device repeats what it holds, and so nothing is called back: each repetition asks whether it is on disk by now, and
only then gets its receipt. What cannot be taken now comes again by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from edge_agent.core.errors import StoreError
from edge_agent.core.reading import Codes, Handover

# Findings, and presses, that wait for the disk; a device gone mad must not fill it.
MAX_WAITING = 32
TRY_AGAIN_S = 1.0


class Ledger(Protocol):
    """Keys of what was handed over; see store.ledger."""

    def seen(self, ident: str) -> bool:
        """Whether it is known, on disk or not."""

    def kept(self, ident: str) -> bool:
        """Whether it is on disk."""

    def remember(self, ident: str, until_wall: float, *, done: bool = True) -> None:
        """Know it from now on."""

    async def keep(self, done: tuple[str, ...]) -> None:
        """Bring them to disk. Raises StoreError."""


class Handovers:
    """`button` is the channel of the help button. `press` has to keep the key of what it is given with its case.

    `tell` takes codes; `commit` brings the findings to disk that they became (raises StoreError).
    """

    def __init__(
        self,
        ledger: Ledger,
        button: str,
        press: Callable[[Handover], None],
        tell: Callable[[Codes], None],
        commit: Callable[[], Awaitable[None]],
        now_wall: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._button = button
        self._press = press
        self._tell = tell
        self._commit = commit
        self._now_wall = now_wall
        self._waiting: list[str] = []
        self._pressed: set[str] = set()
        self._wake = asyncio.Event()

    def take(self, handover: Handover) -> bool:
        """Whether this is on disk; what is new is on its way there from now on."""
        key = handover.key
        if self._ledger.seen(key):
            return self._ledger.kept(key)
        over = handover.codes is not None and not handover.codes.codes
        called = handover.channel == self._button and not over
        self._pressed = {each for each in self._pressed if self._ledger.seen(each) and not self._ledger.kept(each)}
        if len(self._pressed if called else self._waiting) >= MAX_WAITING:
            return False
        # the ledger forgets what ends first: here that is what came first
        self._ledger.remember(key, self._now_wall(), done=False)
        if called:
            self._pressed.add(key)
            self._press(handover)
            return False
        if handover.codes is not None:
            self._tell(handover.codes)
        self._waiting.append(key)
        self._wake.set()
        return False

    async def run(self) -> None:
        """Bring to disk what waits, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            keys = tuple(self._waiting)
            try:
                await self._commit()
                await self._ledger.keep(keys)
            except StoreError:
                await asyncio.sleep(TRY_AGAIN_S)
                self._wake.set()
            else:
                del self._waiting[: len(keys)]
