"""The durable store between everything and the uplink.

Strategy. Four lanes, each a Spool, drained in this order: help, finding, state, telemetry. What is few and precious
(help) is in SQLite, apart from the bulk; the others are segment logs, which cost a sixth of SQLite's bytes on flash. A
lane never waits for another one: each commits by itself, on its own thread.

Space is rationed by shares of the quota: telemetry has three quarters, findings three sixteenths, state one. A lane
that is full drops its own oldest segment, counted and reported; a disk that is full takes from telemetry, whoever needs
the room. Where less than the floor is free telemetry does not grow, and the others only as it gives. No lane has less
than two segments. Help has no share: it may always ask, and has a reserve besides.

Nothing here raises at the start but the lock: two agents on one folder would destroy it. All else that is wrong stands
in `problems`, and the lane works as far as it can.
"""

import fcntl
import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edge_agent.config import model
from edge_agent.core.errors import StoreError
from edge_agent.core.event import Event, Lane
from edge_agent.core.ports import Depth, Spool
from edge_agent.store import files
from edge_agent.store.db import Database
from edge_agent.store.decisions import Decisions
from edge_agent.store.ledger import Ledger
from edge_agent.store.log import SegmentLog
from edge_agent.store.requests import Requests
from edge_agent.store.space import Reserve, Space

DATABASE = "cases.db"
RESERVE = "help-reserve"
LOCK = "lock"
LOG_LANES = (Lane.FINDING, Lane.STATE, Lane.TELEMETRY)
_SIXTEENTHS = {Lane.FINDING: 3, Lane.STATE: 1, Lane.TELEMETRY: 12}
_MIN_SEGMENT_BYTES = 16 * 1024
_PAGE = 4096

OnDrop = Callable[[Lane, int, int, int], None]


class Outbox:
    """All lanes below `folder`. `on_drop(lane, first, last, events)` is told of every event given up.

    `requests` is the help lane's RequestStore, `ledger` the replay store, `handed` what devices handed over,
    `decisions` the household's consent. Raises StoreError where another process has the folder.
    """

    def __init__(self, folder: Path, settings: model.Outbox, *, on_drop: OnDrop | None = None) -> None:
        self._problems: list[str] = []
        self._lock_fd = self._lock(folder)
        self._on_drop = on_drop
        self._executor = ThreadPoolExecutor(len(LOG_LANES), "store-log")
        self._space = Space(folder, int(settings.free_floor_mb * 1024 * 1024), settings.free_floor_inodes)
        self._logs = {lane: self._log(folder, lane, settings) for lane in LOG_LANES}
        self._reserve = Reserve(folder / RESERVE, settings.help_reserve_kb * 1024, self._space)
        self._reserve.keep()
        self._database = Database(folder / DATABASE)
        self.requests = Requests(
            self._database,
            on_drop=lambda first, last, events: self._dropped(Lane.HELP, first, last, events),
            make_room=self._make_room_for_help,
        )
        self.ledger = Ledger(self._database)
        self.handed = Ledger(self._database, "handed")
        self.decisions = Decisions(self._database)

    def spool(self, lane: Lane) -> Spool:
        """The queue of a lane."""
        return self.requests if lane is Lane.HELP else self._logs[lane]

    def lanes(self) -> tuple[Spool, ...]:
        """All queues, first is first."""
        return tuple(self.spool(lane) for lane in Lane)

    def append(self, event: Event) -> Event:
        """Put an event into the lane of its kind; it travels after that lane's next commit. Raises StoreError."""
        return self.spool(event.lane).append(event)

    def draft(self, event: Event) -> None:
        """Keep what there is of an event of a log's lane that still grows; see SegmentLog. Raises StoreError."""
        self._logs[event.lane].draft(event)

    async def commit(self, lane: Lane) -> None:
        """All of this lane is on disk when this returns. Raises StoreError."""
        await self.spool(lane).commit()
        if lane is Lane.TELEMETRY:
            self._look_after_space()

    def keep(self, lane: Lane, sequences: Collection[int]) -> None:
        """These of a log's lane are not given up for want of space, until the next call names others."""
        self._logs[lane].keep(sequences)

    def depths(self) -> dict[Lane, Depth]:
        """What waits in each lane."""
        return {spool.lane: spool.depth() for spool in self.lanes()}

    def losses(self) -> dict[Lane, list[tuple[int, int]]]:
        """Which sequences (first, last) the last start found destroyed; they are in Depth.dropped."""
        return {lane: log.lost for lane, log in self._logs.items() if log.lost}

    @property
    def problems(self) -> list[str]:
        """What was wrong on disk since the start, a sentence each."""
        found = list(self._problems)
        for log in self._logs.values():
            found += log.problems
        return found + self._database.problems + self.requests.problems + self.ledger.problems + self.handed.problems

    def close(self) -> None:
        """Wait for what is being written and close all files; commit first."""
        self._executor.shutdown(wait=True)
        for spool in self.lanes():
            spool.close()
        self._database.close()
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def _log(self, folder: Path, lane: Lane, settings: model.Outbox) -> SegmentLog:
        quota = int(settings.quota_mb * 1024 * 1024)
        largest = max(_MIN_SEGMENT_BYTES, quota // 16 // _PAGE * _PAGE)
        return SegmentLog(
            folder / lane.value,
            lane,
            segment_bytes=min(settings.segment_kb * 1024, largest),
            quota_bytes=quota * _SIXTEENTHS[lane] // 16,
            on_drop=lambda first, last, events: self._dropped(lane, first, last, events),
            make_room=lambda: self._make_room(lane),
            may_grow=lambda size: self._may_grow(lane, size),
            executor=self._executor,
        )

    def _make_room(self, lane: Lane) -> bool:
        """The disk is full: telemetry uses its own oldest segment again, or gives it up for another lane."""
        telemetry = self._logs[Lane.TELEMETRY]
        return telemetry.drop_oldest() if lane is Lane.TELEMETRY else telemetry.give_back()

    def _make_room_for_help(self) -> bool:
        """The disk is full and a help request is to be saved: telemetry first, then the reserve."""
        return self._logs[Lane.TELEMETRY].give_back() or self._reserve.give_back()

    def _may_grow(self, lane: Lane, size: int) -> bool:
        """At the floor telemetry grows no more; the others have what it gives them."""
        return self._space.roomy(size) or (lane is not Lane.TELEMETRY and self._logs[Lane.TELEMETRY].give_back())

    def _look_after_space(self) -> None:
        """Once a window: below the floor give back what is empty; when there is room again, take the reserve."""
        if not self._space.roomy(0):
            self._logs[Lane.TELEMETRY].shrink()
        elif not self._reserve.held:
            self._executor.submit(self._reserve.keep)

    def _dropped(self, lane: Lane, first: int, last: int, events: int) -> None:
        if self._on_drop is not None:
            self._on_drop(lane, first, last, events)

    def _lock(self, folder: Path) -> int:
        try:
            files.make_folder(folder)
            fd = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._problems.append(f"the outbox {folder} cannot be used: {error.strerror}. {files.FIX}")
            return -1
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(fd)
            what = f"another edge-agent uses {folder}"
            raise StoreError(what, fix="Stop it first, or give this one its own state folder") from error
        return fd
