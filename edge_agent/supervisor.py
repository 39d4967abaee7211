"""Two fates: what is optional restarts in place, what is vital ends the process, and systemd starts it again.

The only place with a broad `except`: an optional part may fail in any way and must not take the button with it.
"""

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable
from random import SystemRandom

import structlog

from edge_agent.core.backoff import Backoff
from edge_agent.core.errors import AgentError

# A vital loop that has not come round for so long hangs.
VITAL_PATIENCE_S = 20.0
_log = structlog.get_logger("supervisor")
_random = SystemRandom()

Beat = Callable[[], None]


def notify(message: str) -> None:
    """Tell systemd, where it listens (sd_notify(3)); `READY=1`, `STOPPING=1`, `WATCHDOG=1`, `STATUS=…`."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect("\0" + address[1:] if address.startswith("@") else address)
            sock.send(message.encode())
        except OSError as error:
            _log.warning("systemd_not_told", error=str(error))


class Supervisor:
    """Starts parts in the group it is given and keeps the watchdog fed by the progress of the vital ones."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._beats: dict[str, float] = {}
        self.restarts: dict[str, int] = {}

    def vital(self, name: str, run: Callable[[Beat], Awaitable[None]]) -> asyncio.Task[None]:
        """A part without which there is no agent. It calls its beat in every round, at least every few seconds."""
        self._beats[name] = time.monotonic()

        async def run_vital() -> None:
            await run(lambda: self._beats.__setitem__(name, time.monotonic()))

        return self._group.create_task(run_vital(), name=name)

    def optional(self, name: str, run: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """A part that restarts in place whenever it ends or fails."""
        return self._group.create_task(self._again_and_again(name, run), name=name)

    async def watchdog(self) -> None:
        """Feed systemd's watchdog while every vital loop makes progress; load and lost sensors do not count."""
        period_us = int(os.environ.get("WATCHDOG_USEC", "0") or 0)
        while period_us:
            late = [name for name, at in self._beats.items() if time.monotonic() - at > VITAL_PATIENCE_S]
            if late:
                _log.error("vital_part_hangs", parts=late)
            else:
                notify("WATCHDOG=1")
            await asyncio.sleep(period_us / 2e6)

    async def _again_and_again(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        backoff = Backoff(base_s=0.5, cap_s=60.0, stable_s=60.0)
        last = ""
        while True:
            started = time.monotonic()
            try:
                await run()
                said = "ended"
            except AgentError as error:
                said = str(error)
            except Exception as error:  # noqa: BLE001 - the one place: an optional part must not end the agent
                said = f"{type(error).__name__}: {error}"
                _log.exception("part_failed", part=name)
            if said != last:
                _log.warning("part_restarts", part=name, why=said)
                last = said
            self.restarts[name] = self.restarts.get(name, 0) + 1
            backoff.stable(time.monotonic() - started)
            await asyncio.sleep(backoff.delay(0.5 + _random.random() / 2))
