"""Surveys of serial ports for those who look by the control socket: each a process that knows all languages."""

import asyncio
from pathlib import Path

import structlog

from edge_agent.child import output
from edge_agent.control.types import SerialSurvey, decode
from edge_agent.core.errors import RefusedError, WireError
from edge_agent.core.ports import Clock

# To begin, and to count what was heard, on a small computer.
EXTRA_S = 60.0
# A port is 4 kB at the most, with its newest bytes; nobody has more than some dozens.
MAX_BYTES = 256 << 10
_log = structlog.get_logger("survey")


class SerialSurveys:
    """`start` begins one, `run` (optional) lives with it: one at a time, ended with the agent. `found` is the last."""

    def __init__(self, clock: Clock, socket: Path) -> None:
        self.until: float | None = None
        self.done_at: float | None = None
        self.found = SerialSurvey([], [])
        self.failed = ""
        self._clock = clock
        self._socket = socket
        self._bell = asyncio.Event()
        self._seconds = 0.0

    def start(self, seconds: float) -> None:
        """Begin. Raises RefusedError while one is under way."""
        if self.until is not None:
            raise RefusedError("a survey is running already", code="running", fix="Wait for its end.")
        self._seconds, self.until = seconds, self._clock.now().monotonic + seconds
        self._bell.set()

    async def run(self) -> None:
        """Do what was begun, until cancelled."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            try:
                await self._listen()
            finally:
                self.until = None

    async def _listen(self) -> None:
        words = ("edge_agent", "survey", "serial", "--json", f"--for={self._seconds:g}s", f"--socket={self._socket}")
        self.failed = ""
        try:
            self.found = decode(await output(words, self._seconds + EXTRA_S, MAX_BYTES), SerialSurvey)
        except TimeoutError:
            self.failed = "it was not done in time"
        except OSError as error:
            self.failed = f"it could not be begun: {error.strerror}"
        except WireError:
            self.failed = "its process gave no whole result"
        self.done_at = self._clock.now().monotonic
        if self.failed:
            _log.warning("survey_failed", why=self.failed)
