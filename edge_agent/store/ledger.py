"""Ledgers: which down messages were here before, and what devices handed over, over restarts."""

import sqlite3
from collections.abc import Collection
from typing import Literal

from edge_agent.core.errors import StoreError
from edge_agent.store.commit import GroupCommit
from edge_agent.store.db import Database

# Only believed messages get in, each lives 10 minutes at most (core.command.MAX_LIFE_S): this is hours of a busy desk.
MAX_REMEMBERED = 4096
# The lamp waits for this commit: no longer than for the case itself.
PATIENCE_S = 2.0
_REMEMBERED = {"replay": "what the desk said", "handed": "what devices handed over"}


class Ledger:
    """Ids of one table, mirrored in memory. Nothing is forgotten by the clock, only by number.

    Beyond MAX_REMEMBERED the one that expired first is forgotten first. An id whose message is not `done` yet stays in
    memory: after a crash the message may come again.
    """

    def __init__(self, database: Database, table: Literal["replay", "handed"] = "replay") -> None:
        self.problems: list[str] = []
        self._database = database
        self._table = table
        self._commits = GroupCommit(self._write, PATIENCE_S)
        self._until: dict[str, float] = {}
        self._new: set[str] = set()
        self._gone: set[str] = set()
        self._undone: set[str] = set()
        self._opening = 0
        try:
            self._until = dict(database.run_now(self._read))
        except StoreError as error:
            self.problems.append(f"{_REMEMBERED[table]} is remembered in memory only: {error}")
        else:
            self._opening = database.openings

    def seen(self, ident: str) -> bool:
        """Whether this id was remembered; asks memory only."""
        return ident in self._until

    def kept(self, ident: str) -> bool:
        """Whether this id is on disk."""
        return ident in self._until and ident not in self._undone and ident not in self._new

    def remember(self, ident: str, until_wall: float, *, done: bool = True) -> None:
        """Remember an id at once in memory, on disk with the next commit, or when it is `keep`-t if it is not `done`.

        `until_wall` is its end, Unix seconds.
        """
        self._until[ident] = until_wall
        (self._new if done else self._undone).add(ident)
        while len(self._until) > MAX_REMEMBERED:
            oldest = min((i for i in self._until if i != ident), key=self._until.__getitem__)
            del self._until[oldest]
            self._gone.add(oldest)
            self._undone.discard(oldest)
        self._commits.touch()

    async def keep(self, done: Collection[str]) -> None:
        """What these messages did is on disk, and when this returns their ids are. Raises StoreError as `commit`."""
        self._undone.difference_update(done)
        self._new.update(done)
        if done:
            self._commits.touch()
        await self.commit()

    async def commit(self) -> None:
        """All ids that are done are on disk when this returns. Raises StoreError; then they go with the next commit."""
        await self._commits.commit()

    async def _write(self) -> None:
        opening = await self._database.open()
        if opening != self._opening:
            self._until = dict(await self._database.run(self._read)) | self._until
            self._new.update(self._until.keys() - self._undone)
        new = set(self._new)
        gone, self._gone = self._gone, set()
        rows = [(ident, self._until[ident]) for ident in new if ident in self._until]

        def work(connection: sqlite3.Connection) -> None:
            table = self._table  # one of our own names
            connection.executemany(f"DELETE FROM {table} WHERE id = ?", [(ident,) for ident in gone])  # noqa: S608
            connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", rows)  # noqa: S608

        try:
            await self._database.run(work)
        except StoreError:
            self._gone |= gone
            raise
        self._new -= new
        self._opening = opening

    def _read(self, connection: sqlite3.Connection) -> list[tuple[str, float]]:
        return connection.execute(f"SELECT id, until_wall FROM {self._table}").fetchall()  # noqa: S608
