"""What the learned checks know, on disk: one small file, replaced as a whole."""

from pathlib import Path
from typing import Any

from edge_agent.store.record import RecordFile

NAME = "lessons"


class LessonsFile:
    """By `channel:kind`, the packed state in base 64. `load` never raises: a file that is no good is put aside."""

    def __init__(self, folder: Path) -> None:
        self._file = RecordFile(folder / NAME)

    def load(self, problems: list[str]) -> dict[str, str]:
        """What was saved last."""
        return self._file.load(_table, {}, problems, "what was learned of channels begins anew")

    def save(self, table: dict[str, str]) -> None:
        """Durable when this returns; from any thread. Raises StoreError."""
        self._file.save(table)


def _table(plain: Any) -> dict[str, str]:
    if not isinstance(plain, dict) or not all(isinstance(value, str) for value in plain.values()):
        raise ValueError("it is no table of texts")
    return plain
