"""A small file of plain data that is replaced as a whole: what a service has to know again after a restart."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar
from zlib import crc32

from edge_agent.store import files

Some = TypeVar("Some")


class RecordFile:
    """Two lines: the CRC-32 of the second as eight hex digits, and JSON."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = Lock()

    def load(self, read: Callable[[Any], Some], otherwise: Some, problems: list[str], lost: str) -> Some:
        """What `read` makes of the data, `otherwise` where there is none. Never raises.

        A file that cannot be read, or of which `read` raises ValueError, is put aside and told to `problems`, with what
        is `lost` by it.
        """
        try:
            return read(json.loads(_checked(self._path.read_bytes())))
        except FileNotFoundError:
            return otherwise
        except (OSError, ValueError, OverflowError, RecursionError) as error:
            problems.append(f"{self._path} cannot be read and was put aside, {lost}: {error}")
            with suppress(OSError):
                files.put_aside(self._path)
            return otherwise

    def save(self, plain: Any) -> None:
        """Durable when this returns; from any thread. Raises StoreError."""
        text = json.dumps(plain).encode()
        with self._writing:
            files.replace_file(self._path, _checksum(text) + b"\n" + text)


def _checked(content: bytes) -> bytes:
    checksum, _, text = content.partition(b"\n")
    if checksum != _checksum(text):
        raise ValueError("its checksum is wrong")
    return text


def _checksum(text: bytes) -> bytes:
    return b"%08x" % crc32(text)
