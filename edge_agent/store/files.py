"""The few things the store does with whole files: replace one, put one aside, write at a place, make names durable.

`replace_file` is the project's only atomic replace. Functions raise OSError unless they say otherwise: the store
translates it once, where it knows what failed.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from edge_agent.core.errors import StoreError

# So many bad files of one name are kept for a person to look at; the last place is then used again.
MAX_BAD = 9
# what a person looks at when a file cannot be written or read
FIX = "Is the disk full, read-only or failing, or may this user not write there?"
_ZEROS = bytes(256 * 1024)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: creations, renames and removals."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_folder(folder: Path) -> None:
    """Make `folder` and what is missing above it; the new names are durable when this returns."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        sync_folder(folder.parent)
    except OSError:
        with suppress(OSError):
            folder.rmdir()  # or else nobody would sync its name
        raise


def replace_file(path: Path, data: bytes, like: os.stat_result | None = None) -> None:
    """Put `data` in the place of `path`, all or nothing, durable when this returns. Raises StoreError.

    Temporary file in the same folder, fsync, rename, fsync of the folder. Its name is always the same, so that what a
    power cut leaves of it is used again; the folder has one writer. The new file is for its owner alone, or has owner
    and mode of another that it is to be `like`.
    """
    temporary = path.with_name(f".{path.name}.new")
    try:
        make_folder(path.parent)
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            if like is not None:
                os.fchown(fd, like.st_uid, like.st_gid)
                os.fchmod(fd, stat.S_IMODE(like.st_mode))
            os.fsync(fd)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"{path} could not be written: {error.strerror}", fix=FIX) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def usable(path: Path) -> bool:
    """Whether it is a file that we may read and write. Wrong permissions of a file of our own are mended."""
    if path.is_dir():
        return False
    effective = os.access in os.supports_effective_ids
    if not os.access(path, os.R_OK | os.W_OK, effective_ids=effective):
        with suppress(OSError):
            path.chmod(0o600)
    return os.access(path, os.R_OK | os.W_OK, effective_ids=effective)


def put_aside(path: Path) -> Path:
    """Rename what cannot be used to `<name>.<n>.bad` beside it, for a person to look at. Returns the new path."""
    for number in range(1, MAX_BAD + 1):
        bad = path.with_name(f"{path.name}.{number}.bad")
        if not bad.exists():
            break
    path.replace(bad)
    sync_folder(path.parent)
    return bad


def write_all(fd: int, data: bytes, at: int) -> None:
    """Write all of `data` at offset `at`; one system call unless the kernel takes less."""
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, at)
        view, at = view[written:], at + written


def create_filled(path: Path, size: int) -> int:
    """A new file of `size` zero bytes, really written, so that later writes change no metadata. Returns its fd.

    Data, size and name are durable when this returns; nothing is left behind when it fails.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        for at in range(0, size, len(_ZEROS)):
            write_all(fd, _ZEROS[: size - at], at)
        os.fsync(fd)
        sync_folder(path.parent)
    except OSError:
        os.close(fd)
        with suppress(OSError):
            path.unlink()
        raise
    return fd
