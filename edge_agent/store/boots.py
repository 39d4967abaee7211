"""The table of boots on disk: one small file, replaced as a whole."""

from pathlib import Path
from typing import Any

from edge_agent.core.clock import Boots
from edge_agent.store.record import RecordFile

NAME = "boots"


class BootsFile:
    """`load` never raises: a file that cannot be read is put aside and told to `problems`; `save` raises StoreError.

    A list of [boot id, wall - monotonic in seconds, who vouched for it (core.clock.Source), last monotonic second],
    oldest boot first.
    """

    def __init__(self, folder: Path) -> None:
        self._file = RecordFile(folder / NAME)

    def load(self, problems: list[str]) -> Boots:
        """The boots that are remembered."""
        return self._file.load(Boots.from_record, Boots(), problems, "earlier starts have no time")

    def save(self, record: list[list[Any]]) -> None:
        """Durable when this returns; from any thread. Raises StoreError."""
        self._file.save(record)
