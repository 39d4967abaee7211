"""What the learned checks know outlives a restart: it is written down once an hour and at the stop, if it is new.

An hour lost costs an hour of learning, and a write an hour of some kilobytes costs the flash nothing.
"""

import asyncio
import binascii
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import structlog

from edge_agent.core.errors import StoreError
from edge_agent.core.ports import Clock
from edge_agent.threads import in_thread

if TYPE_CHECKING:
    from edge_agent.core.checks.learned import Learned

EVERY_S = 3600.0
# Local time is asked for once in so long: it changes with summer time only.
_OFFSET_S = 60.0
# What was saved of channels that are not heard any more is kept, up to so many in all.
MAX_KEPT = 2000
_log = structlog.get_logger("learned")


class Lessons:
    """`saved` is what `save` wrote last, by key."""

    def __init__(self, clock: Clock, saved: Mapping[str, str], save: Callable[[dict[str, str]], None]) -> None:
        self._clock = clock
        self._saved = dict(saved)
        self._save = save
        self.checks: dict[str, Learned] = {}
        self._failed = False
        self._offset: float | None = None
        self._asked = -_OFFSET_S

    def begin(self, key: str, check: "Learned") -> None:
        """A check begins: it goes on with what was saved under this key, if that is of this version and whole."""
        self.checks[key] = check
        saved = self._saved.get(key)
        if saved is None:
            return
        from edge_agent.core.learning import state  # noqa: PLC0415 - only where something learns

        try:
            check.resume(state.load(b64decode(saved, validate=True)))
        except (ValueError, binascii.Error) as error:
            _log.info("learning_anew", what=key, why=str(error))

    def local_s(self, at: float) -> float | None:
        """The local time of a monotonic second of this boot, in seconds since 1970 by the clock on the wall."""
        if at - self._asked >= _OFFSET_S or at < self._asked:
            now = self._clock.now()
            self._asked = at
            self._offset = now.wall - now.monotonic + time.localtime(now.wall).tm_gmtoff if now.trusted else None
        return None if self._offset is None else at + self._offset

    async def keep(self) -> None:
        """What is known now is on disk when this returns. Raises StoreError."""
        table = {key: _packed(check) for key, check in self.checks.items()}
        await in_thread(partial(self._write, table))
        if self._failed:
            raise StoreError("what was learned cannot be written down now", fix="It holds until the next restart.")

    async def run(self) -> None:
        """Write once an hour until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            table = {}
            for key, check in list(self.checks.items()):
                table[key] = _packed(check)
                await asyncio.sleep(0)
            await in_thread(partial(self._write, table))

    def finish(self) -> None:
        """At the stop."""
        self._write({key: _packed(check) for key, check in self.checks.items()})

    def _write(self, table: dict[str, str]) -> None:
        old = {key: packed for key, packed in self._saved.items() if key not in table}
        kept = dict(list(old.items())[: max(0, MAX_KEPT - len(table))]) | table
        if kept == self._saved:
            return
        try:
            self._save(kept)
        except StoreError as error:
            if not self._failed:
                _log.warning("lessons_not_kept", why=str(error))
            self._failed = True
            return
        self._saved, self._failed = kept, False


def _packed(check: "Learned") -> str:
    from edge_agent.core.learning import state  # noqa: PLC0415 - only where something learns

    return b64encode(state.save(check.learner)).decode()
