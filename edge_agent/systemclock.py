"""The gateway's own clocks, read from the kernel, and an event loop that keeps the same time."""

import asyncio
import ctypes
import os
import time
from collections.abc import Callable
from pathlib import Path

from edge_agent.core.clock import Claim, Instant, Source, Trust

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# adjtimex(2): the return value TIME_ERROR says that the clock is not synchronised.
_TIME_ERROR = 5
_TIMEX_BYTES = 208
# systemd-timesyncd makes this file when it has set the clock for the first time in a boot. The kernel's own flag goes
# out again some nine hours after the last answer of a server (16 s at 500 ppm), and a sandbox may forbid to ask it.
_TIMESYNCD = Path("/run/systemd/timesync/synchronized")
_ASK_AGAIN_S = 10.0


def monotonic() -> float:
    """Seconds since the machine was started, those that it was suspended included; nobody can set this clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time goes on while the machine is suspended: stamps and deadlines are of one clock.

    After a suspend what is due is done within a second, for the selector's own pause stands still meanwhile.
    """

    def time(self) -> float:
        """As `monotonic`."""
        return monotonic()


class SystemClock:
    """Monotonic and wall clock of this machine. `trust` is what is known of the right time in this boot.

    The wall clock is the machine's own while its kernel says that it is synchronised. Once the right time is known,
    by the kernel or from elsewhere, it goes on from there whatever the machine's own wall clock is set to.
    """

    def __init__(self, wall: Callable[[], float] = time.time, boot_id: str = "") -> None:
        self.trust = Trust()
        self._wall = wall
        self._boot_id = boot_id or _BOOT_ID.read_text(encoding="ascii").strip()
        self._adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
        self._synchronous = False
        self._asked_at = float("-inf")

    @property
    def source(self) -> Source:
        """Who vouches for the time."""
        return self.trust.known.source if self.trust.known else Source.NOBODY

    def hear(self, claim: Claim) -> bool:
        """Somebody else tells the time; says whether that was good for anything."""
        return self.trust.hear(claim)

    def now(self) -> Instant:
        """All four values at once. The kernel is asked every ten seconds, and when its wall clock jumps."""
        at, wall = monotonic(), self._wall()
        if at - self._asked_at >= _ASK_AGAIN_S or (self._synchronous and self.trust.jumped(at, wall)):
            self._asked_at = at
            said = self._synchronised()
            # a kernel that may be asked knows better than the file, but for the first time in a boot
            by_file = said is None or self.source < Source.KERNEL
            self._synchronous = bool(said) or (by_file and _TIMESYNCD.exists())
        return self.trust.instant(at, self._boot_id, wall, synchronised=self._synchronous)

    def _synchronised(self) -> bool | None:
        """What the kernel says; None where it may not be asked."""
        # modes = 0 in an all-zero struct timex only reads; the buffer is its size on 64 bits
        state: int = self._adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
        return None if state < 0 else state < _TIME_ERROR


def process_age_s() -> float:
    """Seconds since this process began, by the kernel's count."""
    started_ticks = int(Path("/proc/self/stat").read_text("ascii").rpartition(")")[2].split()[19])
    return monotonic() - started_ticks / os.sysconf("SC_CLK_TCK")
