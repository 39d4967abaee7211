"""The gateway's own clocks, read from the kernel."""

import ctypes
import os
import time
from pathlib import Path

from edge_agent.core.clock import Instant

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# adjtimex(2): the return value TIME_ERROR says that the clock is not synchronised.
_TIME_ERROR = 5
_TIMEX_BYTES = 208
# systemd-timesyncd makes this file when it has set the clock; a sandboxed service may read it but not call adjtimex
_TIMESYNCD = Path("/run/systemd/timesync/synchronized")
_ASK_AGAIN_S = 10.0


class SystemClock:
    """Monotonic and wall clock of this machine; trusted when timesyncd or the kernel says that it is synchronised."""

    def __init__(self) -> None:
        self._boot_id = _BOOT_ID.read_text(encoding="ascii").strip()
        self._adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
        self._trusted = False
        self._asked_at = float("-inf")

    def now(self) -> Instant:
        """All four values at once. Synchronisation is asked for every ten seconds."""
        monotonic = time.monotonic()
        if monotonic - self._asked_at >= _ASK_AGAIN_S:
            self._asked_at = monotonic
            self._trusted = _TIMESYNCD.exists() or self._synchronised()
        return Instant(monotonic, self._boot_id, time.time(), self._trusted)

    def _synchronised(self) -> bool:
        # modes = 0 in an all-zero struct timex only reads; the buffer is its size on 64 bits
        state: int = self._adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
        return 0 <= state < _TIME_ERROR


def process_age_s() -> float:
    """Seconds since this process began, by the kernel's count."""
    started_ticks = int(Path("/proc/self/stat").read_text("ascii").rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_ticks / os.sysconf("SC_CLK_TCK")
