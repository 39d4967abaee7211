"""A disk whose power can be cut: it records every write and flush, and says later what would have survived when.

A FUSE filesystem that is one file, served by a process of its own; a loop device lies on it, and on that a real ext4.
The kernel's flushes arrive as FSYNC, its writes as WRITE, each recorded with its monotonic time. A cut is made
afterwards, as often as wanted and without stopping anybody: of what was not flushed at that instant every sector is
lost with p = 0.5, and any version of it that was ever written since may be the one that stayed (torn and reordered
writes, as from the cache of a card). Nothing else is needed than /dev/fuse, loop devices, ext4 and root.
"""

import ctypes
import errno
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

SECTOR = 512
SIZE_MB = 32
SURVIVES = 0.5
_MAX_WRITE = 128 * 1024
_START_S = 10.0

# The kernel's FUSE protocol 7.31, include/uapi/linux/fuse.h
_IN = struct.Struct("<IIQQIIII")
_OUT = struct.Struct("<IiQ")
_INIT = struct.Struct("<IIIIHHIIHHI28x")
_ATTR = struct.Struct("<QII QQQQQQ IIIIIIIII I")
_PLACE = struct.Struct("<QQIIQII")
_FORGET, _GETATTR, _SETATTR, _OPEN, _READ, _WRITE, _STATFS, _RELEASE, _FSYNC = 2, 3, 4, 14, 15, 16, 17, 18, 20
_FLUSH, _INIT_CODE, _INTERRUPT, _BATCH_FORGET = 25, 26, 36, 42
_BIG_WRITES, _MAX_PAGES = 1 << 5, 1 << 22

_ENTRY = struct.Struct("<qqI")  # monotonic ns, offset (-1: a flush), length of the data that follows


class Entry(NamedTuple):
    """One thing that the disk was told: `offset` -1 is a flush."""

    at_ns: int
    offset: int
    data: bytes


# -- the serving process ---------------------------------------------------------------------------------------------


def serve(image: Path, mounted: Path, record: Path) -> None:
    """Be the disk with the content of `image` at the file `mounted` until it is unmounted."""
    content = bytearray(image.read_bytes())
    fd = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fd},rootmode=100000,user_id=0,group_id=0,allow_other"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"powerdisk", os.fsencode(mounted), b"fuse", 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), "cannot mount")
    with record.open("ab", buffering=0) as log:
        while True:
            try:
                request = os.read(fd, _MAX_WRITE + 8192)
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return
                if error.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):
                    continue
                raise
            _length, code, unique, *_ = _IN.unpack_from(request)
            answer = _answer(code, request, content, log)
            if answer is None:
                continue
            error, body = (answer, b"") if isinstance(answer, int) else (0, answer)
            with suppress(FileNotFoundError):  # the request was interrupted
                os.write(fd, _OUT.pack(_OUT.size + len(body), -error, unique) + body)


def _answer(code: int, request: bytes, content: bytearray, log: BinaryIO) -> bytes | int | None:  # noqa: PLR0911
    """The body of the reply, an error number, or None where none is wanted."""
    if code in (_FORGET, _BATCH_FORGET, _INTERRUPT):
        return None
    if code == _INIT_CODE:
        flags = _BIG_WRITES | _MAX_PAGES
        return _INIT.pack(7, 31, 128 * 1024, flags, 16, 12, _MAX_WRITE, 1, _MAX_WRITE // 4096, 0, 0)
    if code in (_GETATTR, _SETATTR):
        size = len(content)
        return _ATTR.pack(3600, 0, 0, 1, size, size // 512, 0, 0, 0, 0, 0, 0, 0o100600, 1, 0, 0, 0, 4096, 0)
    if code == _OPEN:
        return bytes(16)
    if code == _READ:
        _fh, offset, size, *_ = _PLACE.unpack_from(request, _IN.size)
        return bytes(content[offset : offset + size])
    if code == _WRITE:
        _fh, offset, size, *_ = _PLACE.unpack_from(request, _IN.size)
        data = request[_IN.size + _PLACE.size :][:size]
        content[offset : offset + size] = data
        log.write(_ENTRY.pack(time.monotonic_ns(), offset, size) + data)
        return struct.pack("<II", size, 0)
    if code == _FSYNC:
        log.write(_ENTRY.pack(time.monotonic_ns(), -1, 0))
        return b""
    if code in (_FLUSH, _RELEASE):
        return b""
    if code == _STATFS:
        return bytes(80)
    return errno.ENOSYS


# -- the tests' side ---------------------------------------------------------------------------------------------------


def missing() -> str:
    """Why this machine cannot have such a disk; empty when it can."""
    if os.geteuid() != 0:
        return "power cuts need root, for mounting"
    if not Path("/dev/fuse").exists() or "\text4\n" not in Path("/proc/filesystems").read_text():
        return "power cuts need /dev/fuse and ext4 in the kernel"
    for program in ("mke2fs", "losetup", "mount", "umount"):
        if shutil.which(program, path=_PATH) is None:
            return f"power cuts need {program}"
    try:
        _run("losetup", "--find")
    except OSError as error:
        return f"power cuts need a loop device: {error}"
    return ""


class PowerDisk:
    """An ext4 on a disk that records. `folder` is where it is mounted."""

    def __init__(self, work: Path, image: Path) -> None:
        self.folder = work / "mounted"
        self._work = work
        self._image = image

    def entries(self) -> list[Entry]:
        """All that the disk was told so far, in order."""
        data = (self._work / "record").read_bytes()
        found, at = [], 0
        while at + _ENTRY.size <= len(data):
            at_ns, offset, length = _ENTRY.unpack_from(data, at)
            at += _ENTRY.size
            found.append(Entry(at_ns, offset, data[at : at + length]))
            at += length
        return found

    def cut(self, at_ns: int, seed: int, image: Path) -> None:
        """Write what a cut at this instant leaves to the file `image`."""
        for _at_ns, content in cuts(self._image.read_bytes(), self.entries(), [at_ns], seed):
            image.write_bytes(content)


def cuts(begin: bytes, entries: Sequence[Entry], instants_ns: Sequence[int], seed: int) -> Iterator[tuple[int, bytes]]:
    """For each of these instants, rising: it, and the disk's content after a cut then."""
    media = bytearray(begin)
    unflushed: list[Entry] = []
    rest = deque(entries)
    chance = random.Random(seed)
    for at_ns in instants_ns:
        while rest and rest[0].at_ns <= at_ns:
            entry = rest.popleft()
            if entry.offset >= 0:
                unflushed.append(entry)
                continue
            for each in unflushed:
                media[each.offset : each.offset + len(each.data)] = each.data
            unflushed.clear()
        yield at_ns, _survivors(media, unflushed, chance)


def _survivors(media: bytearray, unflushed: Sequence[Entry], chance: random.Random) -> bytes:
    versions: dict[int, list[bytes]] = {}
    for entry in unflushed:
        for at in range(0, len(entry.data), SECTOR):
            versions.setdefault(entry.offset + at, []).append(entry.data[at : at + SECTOR])
    content = bytearray(media)
    for offset, candidates in versions.items():
        if chance.random() < SURVIVES:
            stayed = chance.choice(candidates)
            content[offset : offset + len(stayed)] = stayed
    return bytes(content)


def make_image(path: Path, size_mb: int = SIZE_MB) -> None:
    """An empty ext4 with a small journal."""
    with path.open("wb") as file:
        file.truncate(size_mb * 1024 * 1024)
    options = "lazy_itable_init=0,lazy_journal_init=0,nodiscard"
    _run("mke2fs", "-q", "-F", "-t", "ext4", "-J", "size=4", "-E", options, str(path))


@contextmanager
def power_disk(image: Path) -> Iterator[PowerDisk]:
    """The disk with this content, mounted. Nothing of it is left behind; `image` stays as it was."""
    with tempfile.TemporaryDirectory(prefix="edge-disk-", dir=memory_folder()) as made:
        work = Path(made)
        disk = work / "disk"
        disk.touch()
        command = [sys.executable, "-m", "tests.torture.powerdisk", str(image), str(disk), str(work / "record")]
        server = subprocess.Popen(command)
        try:
            size = image.stat().st_size
            deadline = time.monotonic() + _START_S
            while disk.stat().st_size != size:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise OSError("the disk did not start")
                time.sleep(0.01)
            with mounted(disk, work / "mounted"):
                yield PowerDisk(work, image)
        finally:
            _run("umount", "-l", str(disk))
            try:
                server.wait(2.0)
            except (
                subprocess.TimeoutExpired
            ):  # somebody's mount namespace has a copy of our mounts: the disk is torn out
                server.kill()
                server.wait(_START_S)


@contextmanager
def mounted(disk: Path, folder: Path) -> Iterator[Path]:
    """Mount the ext4 in a file; its journal is replayed as at a start. Raises OSError when it cannot be mounted."""
    folder.mkdir(exist_ok=True)
    loop = _run("losetup", "--find", "--show", str(disk)).strip()
    try:
        _run("mount", "-t", "ext4", loop, str(folder))
        try:
            yield folder
        finally:
            _unmount(folder)
    finally:
        _run("losetup", "--detach", loop)


def _unmount(folder: Path) -> None:
    """Also where a process still has a file open: it goes when that one goes."""
    try:
        _run("umount", str(folder))
    except OSError:
        _run("umount", "-l", str(folder))


def memory_folder() -> str | None:
    """Where images lie: in memory where that can be had."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
_ENVIRONMENT = {**os.environ, "PATH": _PATH, "LC_ALL": "C"}


def _run(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=_ENVIRONMENT)
    if done.returncode != 0:
        raise OSError(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    serve(*(Path(word) for word in sys.argv[1:4]))
