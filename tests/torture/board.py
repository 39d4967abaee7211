"""What a writing process promised, kept where its death cannot take it and without a system call: a shared map.

A tracer counts the system calls of the writer, so that a promise must not be one; and what is promised must be known
to the nanosecond, for a power cut comes between two of them.
"""

import mmap
import struct
import time
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

_SIZE = 4 * 1024 * 1024
_HEAD = struct.Struct("<IBBxx")  # records, go, phase
_RECORD = struct.Struct("<qBBxxxxxxQQ")
_TEXT_AT, _TEXT_ROOM = 16, 4096
_RECORDS_AT = _TEXT_AT + _TEXT_ROOM


class Said(IntEnum):
    """What a record is about; `lane` is the lane's place in core.event.Lane."""

    APPENDED = 1  # number, sequence
    COMMITTED = 2  # number, sequence: commit() returned for it
    RELEASED = 3  # number, sequence: may be missing from now on
    DROPPED = 4  # first, last: the store itself declared it
    CASE_TRIED = 5  # case, step: save() was called
    CASE_SAVED = 6  # case, step: save() returned
    REMEMBERED = 7  # number: the replay store committed it
    REFUSED = 8  # number: the call that raised StoreError


class Record(NamedTuple):
    """One line of the board."""

    at_ns: int
    said: Said
    lane: int
    number: int
    extra: int


class Board:
    """The map of a file, for writer and checker alike."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            with path.open("wb") as file:
                file.truncate(_SIZE)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _SIZE)

    def say(self, said: Said, lane: int = 0, number: int = 0, extra: int = 0) -> None:
        """Add a record. It counts when it is whole."""
        count = self._count()
        _RECORD.pack_into(self._map, _RECORDS_AT + count * _RECORD.size, time.monotonic_ns(), said, lane, number, extra)
        struct.pack_into("<I", self._map, 0, count + 1)

    def records(self) -> list[Record]:
        """All so far."""
        found = []
        for index in range(self._count()):
            at_ns, said, lane, number, extra = _RECORD.unpack_from(self._map, _RECORDS_AT + index * _RECORD.size)
            found.append(Record(at_ns, Said(said), lane, number, extra))
        return found

    def _count(self) -> int:
        return struct.unpack_from("<I", self._map, 0)[0]

    @property
    def phase(self) -> int:
        """How far both sides are: a number that only rises, told and waited for by both."""
        return self._map[5]

    @phase.setter
    def phase(self, value: int) -> None:
        self._map[5] = value

    def wait_for(self, phase: int, seconds: float = 30.0) -> None:
        """Wait, with nothing but sleeps. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while self.phase < phase:
            if time.monotonic() > deadline:
                raise TimeoutError(f"phase {phase} was not reached")
            time.sleep(0.0005)

    @property
    def crash(self) -> str:
        """The traceback of what nobody expected; empty when there was none."""
        return self._map[_TEXT_AT : _TEXT_AT + _TEXT_ROOM].rstrip(b"\0").decode(errors="replace")

    @crash.setter
    def crash(self, text: str) -> None:
        data = text.encode()[-_TEXT_ROOM:]
        self._map[_TEXT_AT : _TEXT_AT + len(data)] = data

    def close(self) -> None:
        """Let the map go."""
        self._map.close()
