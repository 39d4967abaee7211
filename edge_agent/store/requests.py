"""Help requests and their messages: the help lane, and the state of every case.

Strategy. The few rows are mirrored in memory, which is what everybody asks; SQLite is what a restart reads. `save`
stages a case with its messages and commits: one transaction, fsync, only then are they pending. Marks (sent, settled,
to be sent again) change memory at once and disk with the next commit. A message ends by the desk's acknowledgement
alone (`settle`); one that belongs to no case ends when it is released.

When the disk is dead, `save` raises, and what it staged is pending all the same: a press goes out at once and nothing
says *recorded*. The next commit that works writes it. If it is another file by then (the old one was damaged or could
not be opened), all that is in memory is written.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import NamedTuple

from edge_agent.core.errors import StoreError
from edge_agent.core.event import Event, Lane
from edge_agent.core.ports import Depth
from edge_agent.core.request import HelpRequest
from edge_agent.store import frames
from edge_agent.store.commit import GroupCommit
from edge_agent.store.db import Database
from edge_agent.store.rows import Case, Found, Message, case_row, message_row, read

# Cases that are over and kept; and messages in all, some hundred times what a bad case needs.
MAX_ENDED = 20
MAX_MESSAGES = 2000
# A press must not wait longer for a disk that hangs before it is sent without it.
PATIENCE_S = 2.0
# How often a save asks for room, a segment or the reserve each time.
MAX_ROOMS = 8

OnDrop = Callable[[int, int, int], None]


class _Changes(NamedTuple):
    """What one commit writes."""

    cases: set[bytes]
    messages: set[bytes]
    gone_cases: set[bytes]
    gone_messages: set[bytes]


class Requests:
    """RequestStore over SQLite; see core.ports. `on_drop(first, last, events)` is told of every message given up."""

    lane = Lane.HELP

    def __init__(
        self,
        database: Database,
        *,
        on_drop: OnDrop | None = None,
        make_room: Callable[[], bool] | None = None,
    ) -> None:
        self.problems: list[str] = []
        self._database = database
        self._on_drop = on_drop
        self._make_room = make_room
        self._commits = GroupCommit(self._write, PATIENCE_S)
        self._cases: dict[bytes, Case] = {}
        self._saves = 0
        self._messages: dict[bytes, Message] = {}
        self._changes = _Changes(set(), set(), set(), set())
        self._next = 1
        self._dropped = 0
        self._loaded = False
        self._opening = 0
        try:
            self._merge(self._read_now())
        except StoreError as error:
            self.problems.append(f"help requests are kept in memory only: {error}")
        else:
            self._opening = database.openings
        self._send_again_what_ended_unheard()

    # -- Spool -------------------------------------------------------------------------------------------------------

    def append(self, event: Event) -> Event:
        """A message of no case: it travels after the next commit and ends when it is released."""
        return self._stage(event, b"")

    async def commit(self) -> None:
        """All messages, cases and marks so far are on disk when this returns. Raises StoreError."""
        try:
            await self._commits.commit()
        except StoreError:
            # refused, or no answer: a press is sent all the same
            for message in self._messages.values():
                message.waiting = True
            raise

    def pending(self, after: int, limit: int) -> list[Event]:
        """Messages that were committed, or that the disk refused, and that are not sent; in order."""
        events = (m.event for m in self._messages.values() if m.waiting and not m.sent and m.event.sequence > after)
        return sorted(events, key=_sequence)[:limit]

    def release(self, event: Event) -> None:
        """The broker has it. It stays until the desk's acknowledgement, if it belongs to a case."""
        message = self._messages.get(event.id)
        if message is None or message.sent or not message.waiting:
            return
        if message.request:
            message.sent = True
            self._changes.messages.add(event.id)
        else:
            self._forget(event.id)
        self._commits.touch()

    def depth(self) -> Depth:
        """What is not sent yet; sent messages that nobody acknowledged do not count."""
        waiting = [m.event for m in self._messages.values() if not m.sent]
        oldest = min(waiting, key=_sequence, default=None)
        return Depth(
            len(waiting),
            sum(len(e.payload) for e in waiting),
            oldest.at if oldest else None,
            oldest.boot_id if oldest else None,
            self._dropped,
        )

    def close(self) -> None:
        """Nothing of its own is open: the database is closed by who made it."""

    # -- RequestStore ------------------------------------------------------------------------------------------------

    @property
    def newest(self) -> int:
        """The last sequence that was given; 0: none yet."""
        return self._next - 1

    async def save(self, request: HelpRequest, events: Sequence[Event]) -> list[Event]:
        """State and messages in one transaction, on disk when this returns, the messages with their sequences.

        Raises StoreError when the disk refuses; the case and its messages are kept, and pending, all the same. Saving
        a message again (same id) changes nothing of it.
        """
        self._saves += 1
        known = self._cases.get(request.id)
        self._cases[request.id] = Case(request, known.begun if known else self._saves, self._saves)
        self._changes.cases.add(request.id)
        staged = [self._stage(event, request.id) for event in events]
        self._prune()
        self._commits.touch()
        await self.commit()
        return staged

    async def load(self) -> list[HelpRequest]:
        """All cases that are open, oldest first, and behind them the last one that ended.

        Raises StoreError while the disk cannot be read: then there may be an open case that nobody knows of.
        """
        if not self._loaded:
            self._commits.touch()
            await self.commit()
        cases = sorted(self._cases.values(), key=lambda case: case.begun)
        last = self._ended()[-1:]
        return [case.request for case in [c for c in cases if c.request.open] + last]

    def resend(self, request_id: bytes) -> None:
        """What this case has sent and nobody acknowledged is pending again, with the same ids."""
        for ident, message in self._messages.items():
            if message.sent and message.request == request_id:
                message.sent = False
                self._changes.messages.add(ident)
                self._commits.touch()

    def settle(self, request_id: bytes, through: int) -> None:
        """The desk has this case's messages up to this sequence: they are done with, sent or not."""
        for ident, message in list(self._messages.items()):
            if message.request == request_id and message.event.sequence <= through:
                self._forget(ident)
                self._commits.touch()

    def unheard(self, request_id: bytes) -> list[Event]:
        """This case's messages that the desk has not acknowledged, sent or not, in order."""
        return sorted((m.event for m in self._messages.values() if m.request == request_id), key=_sequence)

    def unsettled(self, request_id: bytes) -> int:
        """How many of this case's messages the desk has not acknowledged."""
        return sum(message.request == request_id for message in self._messages.values())

    # -- memory ------------------------------------------------------------------------------------------------------

    def _stage(self, event: Event, request: bytes) -> Event:
        known = self._messages.get(event.id)
        if known is not None:
            return known.event
        frames.pack_meta(event)  # too large is said now
        event = event.with_sequence(self._next)
        self._next += 1
        self._messages[event.id] = Message(event, request)
        self._changes.messages.add(event.id)
        self._commits.touch()
        if len(self._messages) > MAX_MESSAGES:
            self._drop_one()
        return event

    def _forget(self, ident: bytes) -> None:
        del self._messages[ident]
        self._changes.messages.discard(ident)
        self._changes.gone_messages.add(ident)

    def _drop_one(self) -> None:
        """Too many messages: one that is sent goes first, and never the one that raised a case."""
        others = [m for i, m in self._messages.items() if i not in self._cases]
        if others:
            message = min(others, key=lambda m: (not m.sent, m.event.sequence))
            self._forget(message.event.id)
            self._dropped += 1
            if self._on_drop is not None:
                self._on_drop(message.event.sequence, message.event.sequence, 1)

    def _prune(self) -> None:
        """Of the cases that are over only the last ones are kept, and with a case go its messages."""
        for case in self._ended()[:-MAX_ENDED]:
            ident = case.request.id
            del self._cases[ident]
            self._changes.cases.discard(ident)
            self._changes.gone_cases.add(ident)
            for message in [i for i, m in self._messages.items() if m.request == ident]:
                self._forget(message)

    def _ended(self) -> list[Case]:
        """The cases that are over, in the order in which they were last saved."""
        return sorted((c for c in self._cases.values() if not c.request.open), key=lambda case: case.changed)

    def _send_again_what_ended_unheard(self) -> None:
        """After a restart nobody waits any more for the acknowledgement of a retraction or an end: send it again."""
        for case in self._ended():
            self.resend(case.request.id)

    def _merge(self, found: Found) -> None:
        """Take in what the database holds, beside what came into memory before it could be read."""
        taken = {m.event.sequence for m in found.messages}
        self._next = max(self._next, found.facts.get("next", 1), max(taken, default=0) + 1)
        self._dropped += found.facts.get("dropped", 0)
        for message in self._messages.values():
            if message.event.sequence in taken:
                message.event = message.event.with_sequence(self._next)
                self._next += 1
        self._messages = {m.event.id: m for m in found.messages} | self._messages
        newest = max((c.changed for c in found.cases), default=0)
        for case in self._cases.values():
            case.begun, case.changed = case.begun + newest, case.changed + newest
        self._saves += newest
        self._cases = {c.request.id: c for c in found.cases} | self._cases
        self._loaded = True
        if found.damaged:
            self.problems.append(f"{found.damaged} rows of help requests are damaged and were left out")

    # -- disk --------------------------------------------------------------------------------------------------------

    def _read_now(self) -> Found:
        """What the file holds. On a full disk even opening it needs room."""
        for _ in range(MAX_ROOMS):
            try:
                return self._database.run_now(read)
            except StoreError as error:
                if not self._has_room_now(error):
                    raise
        return self._database.run_now(read)

    async def _write(self) -> None:
        """One transaction of all that changed, with more room where it takes that. Raises StoreError."""
        for _ in range(MAX_ROOMS):
            try:
                return await self._write_once()
            except StoreError as error:
                if not self._has_room_now(error):
                    raise
        return await self._write_once()

    def _has_room_now(self, error: StoreError) -> bool:
        return self._database.out_of_space(error) and self._make_room is not None and self._make_room()

    async def _write_once(self) -> None:
        changes = self._changes
        try:
            opening = await self._database.open()
            if not self._loaded:
                self._merge(await self._database.run(read))
            other_file = opening != self._opening
            if other_file:
                self._changes.cases.update(self._cases)
                self._changes.messages.update(self._messages)
            changes, self._changes = self._changes, _Changes(set(), set(), set(), set())
            await self._database.run(self._statements(changes, wipe=other_file))
            self._opening = opening
            if self._database.openings != opening:  # meanwhile it became another file
                await self._write_once()
        except StoreError:
            if changes is not self._changes:
                self._changes = _Changes(*(old | new for old, new in zip(changes, self._changes, strict=True)))
            raise
        finally:
            for ident in changes.messages:
                if ident in self._messages:
                    self._messages[ident].waiting = True

    def _statements(self, changes: _Changes, *, wipe: bool) -> Callable[[sqlite3.Connection], None]:
        """The rows as they are now; `wipe` where the file is another one and memory is the truth."""
        cases = [case_row(self._cases[i]) for i in changes.cases if i in self._cases]
        messages = [message_row(self._messages[i]) for i in changes.messages if i in self._messages]
        facts = [("next", self._next), ("dropped", self._dropped)]

        def work(connection: sqlite3.Connection) -> None:
            if wipe:
                connection.execute("DELETE FROM cases")
                connection.execute("DELETE FROM messages")
            connection.executemany("DELETE FROM cases WHERE id = ?", [(i,) for i in changes.gone_cases])
            connection.executemany("DELETE FROM messages WHERE id = ?", [(i,) for i in changes.gone_messages])
            connection.executemany("INSERT OR REPLACE INTO cases VALUES (?, ?, ?, ?, ?)", cases)
            connection.executemany("INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)", messages)
            connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts)

        return work


def _sequence(event: Event) -> int:
    return event.sequence
