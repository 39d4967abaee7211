"""A small life over the real store, the same for every seed: appends, commits, releases, help requests, memories.

`python -m tests.torture.writer` forks one life for each line on its standard input (`folder board seed rounds
options`), so that a thousand of them cost one start of Python, and says its pid and later its exit. Options are words:
`inline` runs the store's threads inline, so that a tracer sees one order of system calls; `wait` waits for the tracer;
`full` releases little, `killed` ends by SIGKILL; `unsynced-log` and `unsynced-database` leave out their flushes, a test
of the tests.
"""

import asyncio
import ctypes
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge_agent.config import model
from edge_agent.core.errors import StoreError
from edge_agent.core.event import Event, EventKind, Lane
from edge_agent.core.request import HelpRequest, State, Trigger
from edge_agent.store import db, outbox, shelf
from edge_agent.store.identity import gateway_id
from tests.torture.board import Board, Said

SETTINGS = model.Outbox(segment_kb=16, quota_mb=2.0)
LANES = tuple(Lane)
KINDS = {Lane.HELP: EventKind.HELP, Lane.FINDING: EventKind.FINDING, Lane.STATE: EventKind.STATE}
STEPS = (State.RAISED, State.SENDING, State.DELIVERED, State.RECEIVED, State.RESOLVED)
# The phases of board.py: the tracer is there; the life is over; the disk is well again; all is committed.
GO, LIVED, WELL, DONE = 1, 2, 3, 4
_PR_SET_PTRACER = 0x59616D61


def made(lane: Lane, number: int) -> Event:
    """The event of this number: its content can be told from it."""
    chance = random.Random(number)
    payload = chance.randbytes(chance.choice((0, 20, 300, 900, 2500)))
    kind = KINDS.get(lane, EventKind.TELEMETRY)
    return Event(number.to_bytes(16, "big"), kind, "edge.t.v1", "boiler", float(number), "boot", payload, count=1)


def case(number: int, step: int) -> HelpRequest:
    """The case of this number in one of STEPS."""
    return HelpRequest(
        number.to_bytes(16, "big"), "2222", Trigger.MANUAL, STEPS[step], 0.0, "boot", 0.0, clock_trusted=False
    )


class Life:
    """One life; every call to the store may fail with StoreError, and life goes on."""

    def __init__(self, folder: Path, board: Board, seed: int, *, releases: bool = True) -> None:
        self._board = board
        self._chance = random.Random(seed)
        self._releases = releases
        self._number = seed * 100_000
        self._fresh: dict[Lane, list[Event]] = {lane: [] for lane in LANES}
        self._cases: dict[int, tuple[int, list[Event]]] = {}
        gateway_id(folder, [])
        self.outbox = outbox.Outbox(folder / "outbox", SETTINGS, on_drop=self._dropped)

    async def round(self) -> None:
        """Some of everything."""
        for lane, count in ((Lane.TELEMETRY, 9), (Lane.FINDING, 3), (Lane.STATE, 2)):
            for _ in range(self._chance.randrange(count)):
                self.append(lane)
            await self.commit(lane)
        self._release(Lane.TELEMETRY, 7)
        self._release(Lane.FINDING, 2)
        self._release(Lane.STATE, 2)
        await self._help()
        number = self._next()
        self.outbox.ledger.remember(str(number), 1e12)
        if await self._try(self.outbox.ledger.commit):
            self._board.say(Said.REMEMBERED, 0, number)

    async def settle_all(self) -> None:
        """The disk is well: what waits goes to it."""
        for lane in LANES:
            for _ in range(4):
                if await self.commit(lane):
                    break
        for number, (step, _) in self._cases.items():
            await self._save(number, step, [])

    def append(self, lane: Lane) -> None:
        event = self.outbox.append(made(lane, self._next()))
        self._fresh[lane].append(event)
        self._say(Said.APPENDED, event)

    async def commit(self, lane: Lane) -> bool:
        fresh = list(self._fresh[lane])
        well = await self._try(lambda: self.outbox.commit(lane))
        if well:
            for event in fresh:
                self._say(Said.COMMITTED, event)
            self._fresh[lane] = self._fresh[lane][len(fresh) :]
        return well

    def _release(self, lane: Lane, limit: int) -> None:
        spool = self.outbox.spool(lane)
        with suppress(StoreError):
            for event in spool.pending(0, limit if self._releases else 1):
                if self._chance.random() < 0.9:
                    self._say(Said.RELEASED, event)
                    spool.release(event)

    async def _help(self) -> None:
        """Begin a case, move others on; a case that is heard is settled, one that is resolved is over."""
        requests = self.outbox.requests
        await self._save(self._next(), 0, [made(Lane.HELP, self._next())])
        for number, (step, events) in list(self._cases.items()):
            if self._chance.random() < 0.5:
                continue
            said = [made(Lane.HELP, self._next())] if step == 0 else []
            if step >= 2:
                for event in events:
                    self._say(Said.RELEASED, event)
                requests.settle(number.to_bytes(16, "big"), max(e.sequence for e in events))
            elif events:
                requests.release(events[0])  # sent, and kept until it is settled
            await self._save(number, min(step + 1, len(STEPS) - 1), said)
            if step + 1 == len(STEPS) - 1:
                del self._cases[number]

    async def _save(self, number: int, step: int, events: list[Event]) -> None:
        known = self._cases.get(number, (0, []))[1]
        staged = known + events
        self._board.say(Said.CASE_TRIED, 0, number, step)
        saved: list[Event] = []

        async def save() -> None:
            saved.extend(await self.outbox.requests.save(case(number, step), events))

        if await self._try(save):
            self._board.say(Said.CASE_SAVED, 0, number, step)
            staged = known + saved
            for event in saved:
                self._say(Said.COMMITTED, event)
        elif events:
            held = {event.id: event for event in self.outbox.spool(Lane.HELP).pending(0, 10_000)}
            assert all(event.id in held for event in events), "a help request that the disk refused is not pending"
            staged = known + [held[event.id] for event in events]
            self._fresh[Lane.HELP] += staged[len(known) :]
        self._cases[number] = (step, staged)

    async def _try(self, work: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        try:
            await work()
        except StoreError:
            self._board.say(Said.REFUSED)
            return False
        return True

    def _dropped(self, lane: Lane, first: int, last: int, _events: int) -> None:
        self._board.say(Said.DROPPED, LANES.index(lane), first, last)

    def _say(self, said: Said, event: Event) -> None:
        self._board.say(said, LANES.index(event.lane), int.from_bytes(event.id, "big"), event.sequence)

    def _next(self) -> int:
        self._number += 1
        return self._number


class Inline:
    """An executor that works at once, in the caller's thread."""

    def __init__(self, *_args: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args))
        except Exception as error:  # noqa: BLE001 - an executor hands on what it gets
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool = True) -> None:
        pass


async def live(folder: Path, board: Board, seed: int, rounds: int, options: list[str]) -> None:
    """From the first open to the last commit."""
    if "wait" in options:
        board.wait_for(GO)
    life = Life(folder, board, seed, releases="full" not in options)
    for _ in range(rounds):
        await life.round()
    board.phase = LIVED
    if "killed" in options:
        os.kill(os.getpid(), signal.SIGKILL)
    if "wait" in options:
        board.wait_for(WELL)
    await life.settle_all()
    life.outbox.close()
    board.phase = DONE


def prepare(options: list[str]) -> None:
    """Change what the options say of this process, and let so short a life come to recycling."""
    shelf.KEEP_SEGMENTS = 2
    if "inline" in options:
        db.ThreadPoolExecutor = outbox.ThreadPoolExecutor = Inline
    if "wait" in options:  # let a tracer of the same user in, also where the kernel allows only parents
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
    if "unsynced-log" in options:
        os.fdatasync = lambda _fd: None
    if "unsynced-database" in options:
        db._SETTINGS = (*db._SETTINGS, "PRAGMA synchronous = OFF")


def one_life(words: list[str]) -> None:
    folder, board_path, seed, rounds, *options = words
    board = Board(Path(board_path))
    pid = os.fork()
    if pid == 0:
        try:
            prepare(options)
            asyncio.run(live(Path(folder), board, int(seed), int(rounds), options))
        except BaseException:  # noqa: BLE001 - the checker reports it
            board.crash = traceback.format_exc()
            os._exit(1)
        os._exit(0)
    say(f"{pid}")
    _, status = os.waitpid(pid, 0)
    board.close()
    say(f"{os.waitstatus_to_exitcode(status)}")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    for line in sys.stdin:
        one_life(line.split())
