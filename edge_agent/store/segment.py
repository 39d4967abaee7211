"""One segment file of a lane and where its events lie in it."""

import errno
import os
from array import array
from contextlib import suppress
from pathlib import Path

from edge_agent.store import files

SUFFIX = ".seg"
# Segments are of whole pages.
PAGE = 4096
_GIVE_UP = 16 * PAGE


def segment_path(folder: Path, generation: int) -> Path:
    """Segments are named by generation, eight hex digits."""
    return folder / f"{generation:08x}{SUFFIX}"


class Segment:
    """Twelve bytes of memory an event, payloads stay on disk.

    `first` is the sequence that the index begins with, `end` where the next frame goes, `live` how many of its events
    are not done with. `fd` is open while it is written to, else -1. `path` is None until it is on disk.
    """

    def __init__(self, path: Path | None, generation: int, size: int) -> None:
        self.path = path
        self.generation = generation
        self.size = size
        self.end = 0
        self.first = 0
        self.live = 0
        self.fd = -1
        self._offsets = array("I")
        self._sizes = array("I")
        self._payloads = array("I")

    def begin(self, folder: Path, generation: int) -> None:
        """Make it the file of this generation: a new, zero-filled one, or its own recycled under a new name.

        Durable when this returns. Raises OSError. Touches no memory that the event loop reads of a spare segment.
        """
        path = segment_path(folder, generation)
        if self.path is None:
            self.fd = files.create_filled(path, self.size)
            self.path, self.generation = path, generation
            return
        old, self.path = self.path, None  # nobody tries a file again that cannot be renamed
        old.rename(path)
        self.path, self.generation = path, generation
        files.sync_folder(folder)
        self.open()

    def open(self) -> None:
        """Open it for writing. Raises OSError."""
        if self.fd < 0 and self.path is not None:
            self.fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)

    def open_to_read(self) -> int:
        """A descriptor of its own, for reading only. Raises OSError."""
        if self.path is None:
            raise FileNotFoundError(errno.ENOENT, "the segment was never made")
        return os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Close the file; what was written is as durable as it was."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def remove(self) -> None:
        """Give its space back; a file that cannot be removed is left alone."""
        self.close()
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()

    def clear(self, first: int) -> None:
        """Forget what it held; the next event is `first`."""
        self.first, self.end, self.live = first, 0, 0
        self._offsets, self._sizes, self._payloads = array("I"), array("I"), array("I")

    def add(self, sequence: int, offset: int, size: int, payload: int) -> None:
        """An event's frame of `size` bytes lies at `offset`; sequences come in rising order."""
        for _ in range(sequence - self.first - len(self._offsets)):
            self._put(0, 0, 0)
        self._put(offset, size, payload)
        self.live += 1

    def _put(self, offset: int, size: int, payload: int) -> None:
        self._offsets.append(offset)
        self._sizes.append(size)
        self._payloads.append(payload)

    @property
    def last(self) -> int:
        """The highest sequence that it holds; `first - 1` when none."""
        return self.first + len(self._offsets) - 1

    def where(self, sequence: int) -> tuple[int, int]:
        """Offset and size of an event's frame."""
        i = sequence - self.first
        return self._offsets[i], self._sizes[i]

    def payload_bytes(self, sequence: int) -> int:
        """Length of an event's payload."""
        return self._payloads[sequence - self.first]

    def has(self, sequence: int) -> bool:
        """Whether it holds this event."""
        i = sequence - self.first
        return 0 <= i < len(self._sizes) and self._sizes[i] > 0


def read_whole(path: Path) -> tuple[bytes, int]:
    """All bytes of a segment, and how many of them could not be read (they are zero). Raises OSError when none can."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(fd).st_size
        with suppress(OSError):
            data = os.pread(fd, size, 0)
            if len(data) == size:
                return data, 0
        return _read_pages(fd, size)
    finally:
        os.close(fd)


def _read_pages(fd: int, size: int) -> tuple[bytes, int]:
    """Page by page around those that a failing card does not give back; gives up where none of the first ones can."""
    pages, missing = [], 0
    for at in range(0, size, PAGE):
        length = min(PAGE, size - at)
        try:
            page = os.pread(fd, length, at)
        except OSError:
            page = b""
            if missing == at and (at >= _GIVE_UP or at + length == size):
                raise
        missing += length - len(page)
        pages.append(page.ljust(length, b"\0"))
    return b"".join(pages), missing
