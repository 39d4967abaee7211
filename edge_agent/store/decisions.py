"""What the household decided of its consent: every decision, in order. The last of a purpose counts, all are kept."""

import sqlite3
from collections.abc import Sequence

from edge_agent.core.consent import Decision
from edge_agent.core.errors import StoreError
from edge_agent.store.db import Database


class Decisions:
    """The table of decisions in the database of what is precious."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, problems: list[str]) -> Sequence[Decision] | None:
        """All decisions, oldest first; None, and a word in `problems`, where they cannot be read."""
        try:
            return self._database.run_now(_read)
        except StoreError as error:
            problems.append(f"what the household allows cannot be read, so nothing but help leaves: {error}")
            return None

    async def add(self, decision: Decision) -> None:
        """On disk when this returns. Raises StoreError."""
        row = (decision.purpose, decision.granted, decision.by, decision.wall)
        await self._database.run(
            lambda connection: connection.execute(
                "INSERT INTO decisions (purpose, granted, by, wall) VALUES (?, ?, ?, ?)", row
            )
        )


def _read(connection: sqlite3.Connection) -> list[Decision]:
    rows = connection.execute("SELECT purpose, granted, by, wall FROM decisions ORDER BY number")
    return [Decision(purpose, bool(granted), by, wall) for purpose, granted, by, wall in rows]
