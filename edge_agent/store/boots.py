"""The table of boots on disk: one small file, replaced as a whole."""

import json
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any
from zlib import crc32

from edge_agent.core.clock import Boots
from edge_agent.store import files

NAME = "boots"


class BootsFile:
    """`load` never raises: a file that cannot be read is put aside and told to `problems`; `save` raises StoreError.

    Two lines: the CRC-32 of the second as eight hex digits, and a JSON list of [boot id, wall - monotonic in seconds,
    who vouched for it (core.clock.Source), last monotonic second], oldest boot first.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._writing = Lock()

    def load(self, problems: list[str]) -> Boots:
        """The boots that are remembered."""
        try:
            return Boots.from_record(json.loads(_checked(self._path.read_bytes())))
        except FileNotFoundError:
            return Boots()
        except (OSError, ValueError, OverflowError, RecursionError) as error:
            problems.append(f"{self._path} cannot be read and was put aside, earlier starts have no time: {error}")
            with suppress(OSError):
                files.put_aside(self._path)
            return Boots()

    def save(self, record: list[list[Any]]) -> None:
        """Durable when this returns; from any thread. Raises StoreError."""
        text = json.dumps(record).encode()
        with self._writing:
            files.replace_file(self._path, _checksum(text) + b"\n" + text)


def _checked(content: bytes) -> bytes:
    checksum, _, text = content.partition(b"\n")
    if checksum != _checksum(text):
        raise ValueError("its checksum is wrong")
    return text


def _checksum(text: bytes) -> bytes:
    return b"%08x" % crc32(text)
