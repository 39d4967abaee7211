"""Brings cases to disk, and behind them the ids of what was heard. A disk that fails is a state, and is tried again.

An id is on disk only when all that its message did is: after a crash between the two the desk's repetition is new.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import structlog

from edge_agent.core.errors import StoreError
from edge_agent.core.event import Event
from edge_agent.core.ports import Clock, RequestStore
from edge_agent.core.request import HelpRequest

# A disk that failed is tried again this often.
TRY_AGAIN_S = 1.0
# Ids that wait for a disk that failed; of those beyond it a repetition is new after a restart, and does no harm.
MAX_HEARD = 1000

_log = structlog.get_logger("help")


class CaseDisk:
    """`failure` is why the last try failed, None while the disk works. Nothing here raises StoreError.

    `keep` brings the ids of heard messages to disk.
    """

    def __init__(self, clock: Clock, store: RequestStore, keep: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        self._clock = clock
        self._store = store
        self._keep = keep
        self._heard: deque[str] = deque(maxlen=MAX_HEARD)
        self._fresh = False
        self._try_at = 0.0
        self.loaded = False
        self.failure: StoreError | None = None

    @property
    def due(self) -> bool:
        """Whether it is time to try a disk again that failed."""
        return (self.failure is not None or not self.loaded) and self._clock.now().monotonic >= self._try_at

    async def load(self) -> Sequence[HelpRequest]:
        """The cases of earlier runs, as RequestStore.load has them; none, and not `loaded`, while it cannot be read."""
        self._try_at = self._clock.now().monotonic + TRY_AGAIN_S
        try:
            cases = await self._store.load()
        except StoreError as error:
            self._failed(error)
            return ()
        self.loaded = True
        return cases

    async def save(self, case: HelpRequest, said: Sequence[Event]) -> None:
        """The case and what it says to the desk, in one transaction."""
        try:
            await self._store.save(case, said)
        except StoreError as error:
            self._failed(error)
        else:
            self._works()

    def heard(self, ident: str) -> None:
        """A message of the desk was obeyed in memory; `remember` is to follow when its case is saved."""
        self._heard.append(ident)
        self._fresh = True

    async def remember(self) -> None:
        """What was heard since the last call is settled, and not obeyed twice."""
        fresh, self._fresh = self._fresh, False
        if fresh:
            await self.commit()

    async def commit(self) -> None:
        """All that changed, and only then the ids of what changed it."""
        try:
            await self._store.commit()
            await self._keep(tuple(self._heard))
        except StoreError as error:
            self._failed(error)
            return
        self._heard.clear()
        if self.loaded:
            self._works()

    def _works(self) -> None:
        if self.failure is not None:
            _log.info("disk_back")
        self.failure = None

    def _failed(self, error: StoreError) -> None:
        if self.failure is None:
            _log.error("help_not_on_disk", error=str(error))
        self._try_at = self._clock.now().monotonic + TRY_AGAIN_S
        self.failure = error
