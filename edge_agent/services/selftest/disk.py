"""Probes of the disk that the state folder is on: space, wear, and how long a write takes to be safe."""

import os
import time
from pathlib import Path

from edge_agent.core.selftest import Found, fail, ok, unknown, warn
from edge_agent.texts import Said

# balena's health checks warn at the same marks: a disk 90 % full, a write of a second.
FULL_PERCENT = 90.0
SLOW_S, SLUGGISH_S = 1.0, 0.25
TRIES, BYTES = 5, 4096
BLOCK_DEVICES = Path("/sys/dev/block")
# JEDEC eMMC 5.1, EXT_CSD 267-269: life in tenths from 1, 11 when it is exceeded; the end is 2 near and 3 urgent.
_WORN, _SPENT = 9, 11
_NEAR, _URGENT = 2, 3


def space(folder: Path, floor_mb: float, floor_inodes: int) -> Found:
    """Room on the disk, in bytes and files, against the floor that the outbox keeps free."""
    disk = os.statvfs(folder)
    free_mb = disk.f_bavail * disk.f_frsize / 1e6
    used = 100.0 * (1.0 - disk.f_bavail / disk.f_blocks) if disk.f_blocks else 100.0
    told = Said("probe.space", free=round(free_mb), percent=round(used), folder=folder)
    if free_mb < floor_mb or (disk.f_files and disk.f_favail < floor_inodes):
        return fail(told, Said("probe.space_out_fix"))
    if used >= FULL_PERCENT:
        return warn(told, Said("probe.space_short_fix"))
    return ok(told)


def latency(folder: Path) -> Found:
    """How long a write of 4 KiB takes until it is safe (fdatasync), as every press is written."""
    place = folder / f".selftest-{os.getpid()}-{time.monotonic_ns()}"
    took: list[float] = []
    try:
        file = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            for _ in range(TRIES):
                began = time.monotonic()
                os.write(file, bytes(BYTES))
                os.fdatasync(file)
                took.append(time.monotonic() - began)
        finally:
            os.close(file)
    except OSError as error:
        fix = Said("probe.forbidden_fix" if isinstance(error, PermissionError) else "probe.unwritable_fix")
        return fail(Said("probe.unwritable", folder=folder, error=error.strerror), fix)
    finally:
        place.unlink(missing_ok=True)
    usual = sorted(took)[TRIES // 2]
    slowest = max(took)
    told = Said("probe.written", usual=round(usual * 1000), tries=TRIES, slowest=round(slowest * 1000))
    if slowest >= SLOW_S:
        return fail(told, Said("probe.slow_fix"))
    return warn(told, Said("probe.sluggish_fix")) if usual >= SLUGGISH_S else ok(told)


def wear(folder: Path, devices: Path = BLOCK_DEVICES) -> Found:
    """What an eMMC says of its life; a memory card or a hard disk says nothing here."""
    number = folder.stat().st_dev
    entry = devices / f"{os.major(number)}:{os.minor(number)}"
    # a partition's folder is in that of its disk
    disks = [entry.resolve(), entry.resolve().parent] if entry.exists() else []
    for disk in disks:
        life, end = _numbers(disk / "device/life_time"), _numbers(disk / "device/pre_eol_info")
        if life:
            return _worn(max(life), max(end, default=0))
    return unknown(Said("probe.wear_untold"))


def _worn(tenths: int, end: int) -> Found:
    told = Said("probe.worn", percent=min(tenths, 10) * 10)
    if tenths >= _SPENT or end >= _URGENT:
        return fail(told, Said("probe.worn_out_fix"))
    if tenths >= _WORN or end == _NEAR:
        return warn(told, Said("probe.worn_soon_fix"))
    return ok(told)


def _numbers(path: Path) -> list[int]:
    try:
        return [int(word, 16) for word in path.read_text("ascii").split()]
    except (OSError, ValueError):
        return []
