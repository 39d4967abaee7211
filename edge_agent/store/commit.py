"""Group commit: those who ask while a write is under way share the next one."""

import asyncio
from collections.abc import Awaitable, Callable

from edge_agent.core.errors import StoreError

# A card that tidies up takes a second or two; one that takes longer than this is as good as dead for now.
PATIENCE_S = 5.0


class GroupCommit:
    """Runs `write` so that at most one runs at a time and each covers all that was touched before it began.

    `write` must take what it writes before its first await, or later. It runs in a task of its own: a caller that is
    cancelled, or that lost its patience, leaves it running, so that memory and disk never disagree about what was
    written.
    """

    def __init__(self, write: Callable[[], Awaitable[None]], patience_s: float = PATIENCE_S) -> None:
        self._write = write
        self._patience_s = patience_s
        self._wanted = 0
        self._written = 0
        self._round: asyncio.Task[StoreError | None] | None = None

    def touch(self) -> None:
        """Something changed that the next commit must write."""
        self._wanted += 1

    async def commit(self) -> None:
        """All that was touched so far is on disk when this returns. Raises StoreError; then it goes with the next."""
        wanted = self._wanted
        while self._written < wanted:
            if self._round is None:
                self._round = asyncio.create_task(self._run())
            error = await self._answer(self._round)
            if error is not None:
                raise error

    async def _answer(self, under_way: asyncio.Task[StoreError | None]) -> StoreError | None:
        """What a write said. A disk that hangs is an error like any other: nobody waits for it for ever."""
        done, _ = await asyncio.wait({under_way}, timeout=self._patience_s)
        if not done:
            return StoreError(f"the disk has not answered for {self._patience_s:g} s", fix="Is the disk failing?")
        return under_way.result()

    async def _run(self) -> StoreError | None:
        covers = self._wanted
        try:
            await self._write()
        except StoreError as error:
            return error
        else:
            self._written = covers
            return None
        finally:
            self._round = None
