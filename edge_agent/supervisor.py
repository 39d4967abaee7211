"""Two fates: what is optional restarts in place, what is vital ends the process, and systemd starts it again.

The only place with a broad `except`: an optional part may fail in any way and must not take the button with it.
"""

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from random import SystemRandom

import structlog

from edge_agent.core.backoff import Backoff
from edge_agent.core.errors import AgentError

# A vital loop that has not come round for so long hangs.
VITAL_PATIENCE_S = 20.0
# An optional part that ran for so long has recovered: what it says next is news.
STABLE_S = 60.0
_log = structlog.get_logger("supervisor")
_random = SystemRandom()

Beat = Callable[[], None]
# An optional part: its name, and what runs until it is cancelled.
Job = tuple[str, Callable[[], Awaitable[None]]]


def notify(message: str) -> bool:
    """Tell systemd, where it listens (sd_notify(3)); `READY=1`, `STOPPING=1`, `WATCHDOG=1`. False: it was not told."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        try:
            sock.connect("\0" + address[1:] if address.startswith("@") else address)
            sock.send(message.encode())
        except OSError as error:
            _log.log(_level_of(message), "systemd_not_told", message=message, error=str(error))
            return False
    return True


def _level_of(message: str) -> int:
    """What is told every few seconds is not worth a line each time (10: debug, 30: warning)."""
    return 10 if message == "WATCHDOG=1" else 30


def watchdog_period_s() -> float:
    """How often systemd wants to hear from this process (sd_watchdog_enabled(3)); 0: never."""
    pid, period_us = os.environ.get("WATCHDOG_PID", ""), os.environ.get("WATCHDOG_USEC", "")
    if not period_us.isdecimal() or pid not in ("", str(os.getpid())):
        return 0.0
    return int(period_us) / 1e6


class Supervisor:
    """Starts parts in the group it is given and keeps the watchdog fed by the progress of the vital ones."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._beats: dict[str, float] = {}
        self._parts: dict[str, asyncio.Task[None]] = {}
        self._running: set[str] = set()
        self._asked: set[str] = set()
        self.restarts: dict[str, int] = {}

    def vital(self, name: str, run: Callable[[Beat], Awaitable[None]]) -> asyncio.Task[None]:
        """A part without which there is no agent. It calls its beat in every round, at least every few seconds."""
        self._beats[name] = time.monotonic()
        return self._group.create_task(self._vital(name, run), name=name)

    def optional(self, name: str, run: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """A part that restarts in place whenever it ends or fails."""
        self._parts[name] = self._group.create_task(self._again_and_again(name, run), name=name)
        return self._parts[name]

    def again(self, name: str) -> None:
        """Restart an optional part in place, because somebody asks for it. Raises KeyError when there is none."""
        part = self._parts[name]
        if name in self._running and name not in self._asked:  # else it is about to
            self._asked.add(name)
            part.cancel()

    async def watchdog(self) -> None:
        """Feed systemd's watchdog while every vital loop makes progress; load and lost sensors do not count."""
        period_s = watchdog_period_s()
        told: list[str] = []
        while period_s:
            late = [name for name, at in self._beats.items() if time.monotonic() - at > VITAL_PATIENCE_S]
            if late and late != told:
                _log.error("vital_part_hangs", parts=late)
            told = late
            if not late:
                notify("WATCHDOG=1")
            await asyncio.sleep(period_s / 2)

    async def _vital(self, name: str, run: Callable[[Beat], Awaitable[None]]) -> None:
        """Any end that was not asked for is a failure: a task that is over by itself would be missed by nobody."""
        try:
            await run(lambda: self._beats.__setitem__(name, time.monotonic()))
        except asyncio.CancelledError:
            if _asked_to_stop():
                raise
        if not _asked_to_stop():
            raise AgentError(f"the vital part {name} has ended by itself")

    async def _again_and_again(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        backoff = Backoff(base_s=0.5, cap_s=60.0, stable_s=STABLE_S)
        last = ""
        while True:
            started = time.monotonic()
            failure: Exception | None = None
            self._running.add(name)
            try:
                await run()
                said = self._why_ended(name, "ended")
                if not said:
                    return  # it took the cancellation for itself
            except asyncio.CancelledError:
                said = self._why_ended(name, "cancelled by itself")
                if not said:
                    raise
            except AgentError as error:
                said = str(error)
            except Exception as error:  # noqa: BLE001 - the one place: an optional part must not end the agent
                said, failure = f"{type(error).__name__}: {error}", error
            finally:
                self._running.discard(name)
            lasted_s = time.monotonic() - started
            if said != last or lasted_s >= STABLE_S:
                _log.warning("part_restarts", part=name, why=said, exc_info=failure)
                last = said
            self.restarts[name] = self.restarts.get(name, 0) + 1
            backoff.stable(lasted_s)
            await asyncio.sleep(backoff.delay(0.5 + _random.random() / 2))

    def _why_ended(self, name: str, otherwise: str) -> str:
        """Why a part has ended that goes on; empty where it was asked to stop for good."""
        task = asyncio.current_task()
        if name in self._asked and task is not None:
            self._asked.discard(name)
            if task.uncancel() == 0:
                return "asked to restart"
        return "" if _asked_to_stop() else otherwise


def _asked_to_stop() -> bool:
    """Whether this task was cancelled from outside; a cancellation that leaked out of a library was not."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel them, and wait until they are over."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
