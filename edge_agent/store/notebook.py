"""A notebook: rows of plain data under a page and a key, in a small SQLite file of its own.

For what changes one row at a time and has to be there after a power cut; all of it but the large pages is mirrored in
memory by whoever writes it. It is not the file of the help requests, so that it never stands in their way.
"""

import sqlite3
from pathlib import Path
from typing import Any

from edge_agent.core.errors import StoreError, WireError
from edge_agent.core.wire import pack, unpack
from edge_agent.store.commit import GroupCommit
from edge_agent.store.db import Database

MIGRATIONS = (
    ("CREATE TABLE rows (page TEXT NOT NULL, key TEXT NOT NULL, record BLOB NOT NULL, PRIMARY KEY (page, key))",),
)
Place = tuple[str, str]


class Notebook:
    """`write` is in memory until `commit`; what a failing disk refuses goes with the next commit."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, MIGRATIONS)
        self._fresh: dict[Place, bytes | None] = {}
        self._commits = GroupCommit(self._save)

    @property
    def problems(self) -> list[str]:
        """What was wrong with the file, a sentence each."""
        return self._database.problems

    def page(self, page: str) -> dict[str, Any]:
        """All rows of a page, at the start. What cannot be read is left out; never raises."""
        try:
            rows = self._database.run_now(
                lambda sql: sql.execute("SELECT key, record FROM rows WHERE page = ?", (page,)).fetchall()
            )
        except StoreError:
            return {}  # told by `problems`
        found = {key: _plain(record) for key, record in rows}
        return {key: plain for key, plain in found.items() if plain is not None}

    async def row(self, page: str, key: str) -> Any:
        """One row; None: there is none. Raises StoreError."""
        place = (page, key)
        if place in self._fresh:
            record = self._fresh[place]
            return None if record is None else _plain(record)
        query = "SELECT record FROM rows WHERE page = ? AND key = ?"
        found = await self._database.run(lambda sql: sql.execute(query, place).fetchone())
        return None if found is None else _plain(found[0])

    def write(self, page: str, key: str, plain: Any) -> None:
        """Put a row in its place; None takes it away."""
        self._fresh[(page, key)] = None if plain is None else pack(plain)
        self._commits.touch()

    @property
    def waits(self) -> bool:
        """Whether there is something to commit."""
        return bool(self._fresh)

    async def commit(self) -> None:
        """All that was written is on disk when this returns. Raises StoreError."""
        await self._commits.commit()

    def close(self) -> None:
        """Write what is left and close the file; what the disk refuses now is lost."""
        fresh, self._fresh = self._fresh, {}
        try:
            if fresh:
                self._database.run_now(lambda sql: _apply(sql, fresh))
        except StoreError as error:
            self.problems.append(str(error))
        self._database.close()

    async def _save(self) -> None:
        fresh, self._fresh = self._fresh, {}
        try:
            await self._database.run(lambda sql: _apply(sql, fresh))
        except StoreError:
            self._fresh = fresh | self._fresh
            raise


def _apply(sql: sqlite3.Connection, rows: dict[Place, bytes | None]) -> None:
    sql.executemany(
        "DELETE FROM rows WHERE page = ? AND key = ?", [place for place, row in rows.items() if row is None]
    )
    kept = [(*place, row) for place, row in rows.items() if row is not None]
    sql.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", kept)


def _plain(record: bytes) -> Any:
    try:
        return unpack(record)
    except WireError:
        return None
