"""SQLite for what is few and precious: help requests and their messages, consent, the replay store.

Strategy. One file, one connection, one thread that runs all SQL, so that nothing locks and the event loop never waits.
WAL with synchronous=FULL: a transaction is on disk when `run` returns. A damaged file never blocks the start: it is put
aside with its WAL, a fresh one begun, and every row that can still be read is taken over (rows carry their own CRC
where it matters). Behind each transaction the WAL is brought into the file, so that a lost one costs next to nothing. A
file of a newer version is refused and left alone. A file that cannot be opened is tried again with every use;
`openings` counts, so that who mirrors rows in memory notices that the file is another one.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from edge_agent.core.errors import StoreError
from edge_agent.store import files
from edge_agent.store.space import Space

T = TypeVar("T")

# A version is the number of migrations that were applied; each is a list of statements. Append, never change.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE cases (id BLOB PRIMARY KEY, begun INTEGER NOT NULL, changed INTEGER NOT NULL,
                               record BLOB NOT NULL, crc INTEGER NOT NULL)""",
        """CREATE TABLE messages (id BLOB PRIMARY KEY, sequence INTEGER NOT NULL, request BLOB NOT NULL,
                                  sent INTEGER NOT NULL, meta BLOB NOT NULL, payload BLOB NOT NULL,
                                  crc INTEGER NOT NULL)""",
        "CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
        "CREATE TABLE replay (id TEXT PRIMARY KEY, until_wall REAL NOT NULL)",
    ),
    ("CREATE TABLE handed (id TEXT PRIMARY KEY, until_wall REAL NOT NULL)",),
    (
        """CREATE TABLE decisions (number INTEGER PRIMARY KEY, purpose TEXT NOT NULL, granted INTEGER NOT NULL,
                                   by TEXT NOT NULL, wall REAL NOT NULL)""",
    ),
)
_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -256",  # KiB; the rows are few
    "PRAGMA journal_size_limit = 1048576",
)
_BUSY_TIMEOUT_S = 5.0
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# What says nothing about the file's content: when opening fails with another code, the content is at fault.
_DISK = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOMEM,
)


class _DamagedError(Exception):
    """The file is no database, or not a whole one."""


class Database:
    """One SQLite file. Making one tries to open it and never raises: what is wrong stands in `problems`."""

    def __init__(self, path: Path, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
        self.problems: list[str] = []
        self.openings = 0
        self._path = path
        self._migrations = migrations
        self._connection: sqlite3.Connection | None = None
        self._executor = ThreadPoolExecutor(1, "store-sql")
        try:
            self._executor.submit(self._ready).result()
        except StoreError as error:
            self.problems.append(str(error))

    async def open(self) -> int:
        """Open it where it is not; returns `openings`. Raises StoreError.

        A failure may close it at any time: whoever writes what belongs to one opening looks at `openings` again behind.
        """
        if self._connection is not None:
            return self.openings  # a press does not wait for a thread to say so
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._ready)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` as one transaction on the SQL thread; on disk when this returns. Raises StoreError."""
        done = await asyncio.get_running_loop().run_in_executor(self._executor, self._transact, work)
        self._executor.submit(self._checkpoint)
        return done

    def out_of_space(self, error: StoreError) -> bool:
        """Whether it failed for want of space: SQLite says so, or (of files beside its own it does not) the disk."""
        cause = error.__cause__
        full = isinstance(cause, sqlite3.Error) and _code(cause) == sqlite3.SQLITE_FULL
        return full or Space(self._path.parent).full

    def run_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The same for the start, before there is a loop that must not wait. Raises StoreError."""
        return self._executor.submit(self._transact, work).result()

    def close(self) -> None:
        """Wait for what runs and close the file."""
        self._executor.shutdown(wait=True)
        self._close()

    # -- on the SQL thread -------------------------------------------------------------------------------------------

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._ready()
        connection = self._connection
        assert connection is not None
        try:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                return work(connection)
        except sqlite3.Error as error:
            if _code(error) in _DAMAGED:
                self._close()
            raise StoreError(f"{self._path} failed: {error}", fix=files.FIX) from error

    def _checkpoint(self) -> None:
        """Nobody waits for it, and what it cannot do now the next one does."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _ready(self) -> int:
        if self._connection is None:
            try:
                files.make_folder(self._path.parent)
                self._connection = self._open_or_replace()
            except (sqlite3.Error, OSError) as error:
                why = error.strerror if isinstance(error, OSError) else error
                what = f"{self._path} cannot be opened: {why}"
                raise StoreError(what, fix=files.FIX) from error
            self.openings += 1
        return self.openings

    def _open_or_replace(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except _DamagedError as error:
            bad = self._put_aside()
            connection = self._connect()
            rows = _take_over(bad, connection)
            self.problems.append(f"{self._path} was damaged ({error}): {rows} rows taken over, kept as {bad.name}")
            return connection

    def _connect(self) -> sqlite3.Connection:
        self._clear_the_way()
        if self._path.exists() and not files.usable(self._path):
            raise _DamagedError("it is a folder" if self._path.is_dir() else "it may not be written")
        self._refuse_newer()
        connection = sqlite3.connect(self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            for setting in _SETTINGS:
                connection.execute(setting)
            _check(connection)
            self._migrate(connection)
        except sqlite3.Error as error:
            connection.close()
            if _code(error) in _DISK:
                raise
            raise _DamagedError(str(error)) from error
        except _DamagedError:
            connection.close()
            raise
        return connection

    def _clear_the_way(self) -> None:
        """What stands where SQLite keeps its companions and cannot be used would keep the whole file closed."""
        for companion in (Path(f"{self._path}-shm"), Path(f"{self._path}-wal")):
            if companion.exists() and not files.usable(companion):
                self.problems.append(f"{companion} cannot be used; kept as {files.put_aside(companion).name}")

    def _refuse_newer(self) -> None:
        """Look at the version through a read-only connection, which leaves the file as it is."""
        if not self._path.exists():
            return
        with suppress(sqlite3.DatabaseError), closing(_read_only(self._path)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > len(self._migrations):
                raise StoreError(
                    f"{self._path} is of version {version}, this program knows {len(self._migrations)}",
                    fix="It was left alone: install the newer program again, or move the file away",
                )

    def _migrate(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for number, statements in enumerate(self._migrations[version:], version + 1):
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                for statement in statements:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")

    def _put_aside(self) -> Path:
        """The WAL goes with its file, under the name that SQLite looks for."""
        bad = files.put_aside(self._path)
        with suppress(FileNotFoundError):
            Path(f"{self._path}-wal").replace(f"{bad}-wal")
        Path(f"{self._path}-shm").unlink(missing_ok=True)
        return bad

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _code(error: sqlite3.Error) -> int:
    """The primary result code; 0 for errors of the module itself."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _check(connection: sqlite3.Connection) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise _DamagedError(verdict)


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=_BUSY_TIMEOUT_S)


def _take_over(bad: Path, fresh: sqlite3.Connection) -> int:
    """Copy what can be read of a damaged file, from both ends of each table; returns how many rows."""
    taken = 0
    tables = [name for (name,) in fresh.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    with suppress(sqlite3.Error), closing(_read_only(bad)) as source, fresh:
        fresh.execute("BEGIN IMMEDIATE")
        for table in tables:
            for row in _rows(source, table):
                marks = ", ".join("?" * len(row))
                with suppress(sqlite3.Error):
                    taken += fresh.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row).rowcount  # noqa: S608 - our own table names
    return taken


def _rows(source: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    for order in ("ASC", "DESC"):
        with suppress(sqlite3.Error):
            yield from source.execute(f"SELECT * FROM {table} ORDER BY rowid {order}")  # noqa: S608 - our own table names
