"""Room on the disk: the floor below which the outbox does not grow, and the reserve that only help may use.

The floor leaves room for the rest of the system, as far as it is up to us. Against all others there is the reserve: a
file that is really written, and removed when a help request finds no room. It is made anew when there is room again.
"""

import os
from contextlib import suppress
from pathlib import Path

from edge_agent.store import files

# A transaction of a help request touches about ten pages of 4 KiB: less than this is as good as nothing.
_NOTHING_BYTES = 64 * 1024


class Space:
    """What is free where `folder` is, against the floor. A disk that does not say is taken to have room."""

    def __init__(self, folder: Path, floor_bytes: int = 0, floor_inodes: int = 0) -> None:
        self._folder = folder
        self._floor_bytes = floor_bytes
        self._floor_inodes = floor_inodes

    def roomy(self, more: int) -> bool:
        """Whether the floor is free, and stays so with so many bytes more in a new file."""
        free, inodes = self._free()
        return free - more >= self._floor_bytes and inodes - (more > 0) >= self._floor_inodes

    def holds(self, more: int) -> bool:
        """Whether so many bytes more, in a new file, fit at all."""
        free, inodes = self._free()
        return free >= more and inodes > 0

    @property
    def full(self) -> bool:
        """Whether the disk takes nothing any more."""
        return not self.holds(_NOTHING_BYTES)

    def _free(self) -> tuple[float, float]:
        """Free bytes and inodes; infinite where it has no such number (btrfs counts no inodes)."""
        try:
            found = os.statvfs(self._folder)
        except OSError:
            return float("inf"), float("inf")
        return found.f_bavail * found.f_frsize, found.f_favail if found.f_files else float("inf")


class Reserve:
    """A file of `size` bytes at `path` that keeps room for help requests; 0 means none."""

    def __init__(self, path: Path, size: int, space: Space) -> None:
        self._path = path
        self._size = size
        self._space = space
        self.held = size == 0
        with suppress(OSError):
            self.held = size == 0 or (path.is_file() and path.stat().st_size == size)

    def keep(self) -> None:
        """Make it where it is missing and there is room for twice as much. Never raises; `held` says how it went."""
        if self.held or not self._space.holds(2 * self._size):
            return
        with suppress(OSError):
            if self._path.is_dir():
                files.put_aside(self._path)
            self._path.unlink(missing_ok=True)
            os.close(files.create_filled(self._path, self._size))
            self.held = True

    def give_back(self) -> bool:
        """Free its room; False when there was none."""
        if not self.held or self._size == 0:
            return False
        self.held = False
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
