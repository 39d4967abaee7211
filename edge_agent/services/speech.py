"""Says aloud what the lamp says, and what the desk writes: by espeak-ng, in a process of its own.

One voice at a time. What the lamp says is the newest truth and cuts short what was said before; words of the desk wait
their turn. Without espeak-ng or a sound card that is a state with a fix, and nothing else is different.
"""

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from contextlib import suppress
from pathlib import Path

from edge_agent.core.health import Health
from edge_agent.core.lamp import Pattern, Shown
from edge_agent.core.request import HelpRequest
from edge_agent.texts import Said, Texts

PROGRAM = "espeak-ng"
LONGEST_S = 30.0
MAX_WAITING = 4
# A slow voice is understood better in a hurry; 175 words a minute is the program's own pace.
WORDS_PER_MIN = "140"
_MISSING = Health(False, Said("part.no_voice", program=PROGRAM), Said("part.no_voice_fix", program=PROGRAM))
_SILENT = Health(False, Said("part.no_sound", program=PROGRAM), Said("part.no_sound_fix"))
_WELL = Health(True, Said("part.spoken"))


class Speech:
    """The speaker. `show` and `hear` may be called at any time from the loop; `run` speaks until cancelled."""

    name = "speech"

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._truth = ""
        self._words: deque[str] = deque(maxlen=MAX_WAITING)
        self._wake = asyncio.Event()
        self._new_truth = asyncio.Event()
        self._before: Shown | None = None
        self._heard: tuple[bytes, int] | None = None
        self._sounds = True

    @property
    def health(self) -> Health:
        """Whether anything can be heard."""
        if not _program():
            return _MISSING
        return _WELL if self._sounds else _SILENT

    def show(self, pattern: Pattern) -> None:
        """The lamp says something new. Readiness is said to who asks for it with a short press, not at every change."""
        before, self._before = self._before, pattern.shown
        if pattern.shown not in (Shown.READY, Shown.NOT_READY) or before is Shown.HOLD:
            self._truth = self._texts[f"lamp.{pattern.shown}"]
            self._new_truth.set()
            self._wake.set()

    def hear(self, case: HelpRequest | None) -> None:
        """The case has changed: what the desk has written in it since the last time is said. After a start nothing."""
        if case is None:
            return
        known, count = self._heard or (case.id, len(case.notes))
        self._heard = (case.id, len(case.notes))
        # where the oldest notes were given up, the count stays: then the last one is new
        new = case.notes[count:] if known == case.id else case.notes
        self._words.extend(note.text for note in new if note.by == "desk")
        if new:
            self._wake.set()

    async def run(self) -> None:
        """Speak what there is to say."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._truth or self._words:
                truth, self._truth = self._truth, ""
                self._new_truth.clear()
                await self._say(truth or self._words.popleft())

    async def _say(self, text: str) -> None:
        """One sentence, for LONGEST_S at the most, until something newer is true."""
        program = _program()
        if not program:
            return
        voice = ("-v", self._texts.language, "-s", WORDS_PER_MIN)
        try:
            process = await asyncio.create_subprocess_exec(
                program, *voice, "--stdin", stdin=PIPE, stdout=DEVNULL, stderr=PIPE
            )
        except OSError:
            return  # gone since it was looked for; `health` says so
        said = asyncio.ensure_future(process.communicate(text.encode()))
        newer = asyncio.ensure_future(self._new_truth.wait())
        try:
            await asyncio.wait({said, newer}, timeout=LONGEST_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            newer.cancel()
            await _end(process, said)
        if not said.cancelled() and said.exception() is None:
            # without a card it complains and ends well
            self._sounds = b"error:" not in said.result()[1]


async def _end(process: Process, said: "asyncio.Future[tuple[bytes, bytes]]") -> None:
    """Whatever it is at, it says no more when this returns."""
    if not said.done():
        with suppress(ProcessLookupError):
            process.kill()
    await asyncio.wait({said})


def _program() -> str:
    """Where it is; empty when it is nowhere."""
    for folder in os.get_exec_path():
        path = Path(folder) / PROGRAM
        if os.access(path, os.X_OK):
            return str(path)
    return ""
