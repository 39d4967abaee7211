"""The agent, dying where it is told: `python -m tests.torture.struck run --config FILE`.

The file `aim` beside FILE says where, as JSON (see `Aim`): at which step of a case, and at which moment of that step's
saving. Steps are the states of the case, the messages that go with it (`answered`, `reopened` …), and
`question`. It is the real agent but for that. `mutant` breaks it on purpose, a test of the tests.
"""

import asyncio
import json
import os
import random
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from edge_agent.console.cli import main
from edge_agent.core.event import Event
from edge_agent.core.mayday_table import Signal
from edge_agent.core.request import HelpRequest
from edge_agent.services.case_disk import CaseDisk
from edge_agent.services.mayday import Help
from edge_agent.store import db
from edge_agent.store.requests import Requests

FILE = "aim"
# before: a slow disk, and dead before it was told anything. during: somewhere in the transaction. saved: on disk, and
# nothing said. after: around the lamp and the sending.
MOMENTS = ("before", "during", "saved", "after")
_SLOW_S, _COMMIT_S, _AFTER_S = 0.25, 0.006, 0.3


@dataclass(frozen=True, slots=True)
class Aim:
    """Where to die (an empty step: nowhere); `chance` seeds when exactly."""

    step: str = ""
    moment: str = ""
    chance: int = 0
    mutant: str = ""

    def write(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")


def steps_of(before: HelpRequest | None, case: HelpRequest, said: Sequence[Event]) -> set[str]:
    """What this saving is about."""
    found = {event.type.split(".")[2] for event in said}
    if before is None or before.id != case.id or before.state is not case.state:
        found.add(case.state.value)
    if before is not None and len(case.questions) > len(before.questions):
        found.add("question")
    return found


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Struck:
    """Stands around every saving of a case."""

    def __init__(self, aim: Aim) -> None:
        self._aim = aim
        self._chance = random.Random(aim.chance)
        self._last: HelpRequest | None = None
        self._save = CaseDisk.save

    def install(self) -> None:
        async def save(disk: CaseDisk, case: HelpRequest, said: Sequence[Event]) -> None:
            await self._around(disk, case, said)

        CaseDisk.save = save

    async def _around(self, disk: CaseDisk, case: HelpRequest, said: Sequence[Event]) -> None:
        hit = self._aim.step in steps_of(self._last, case, said)
        self._last = case
        moment = self._aim.moment if hit else ""
        if moment == "before":
            await asyncio.sleep(self._chance.uniform(0.0, _SLOW_S))
            die()
        if moment == "during":
            threading.Timer(self._chance.uniform(0.0, _COMMIT_S), die).start()
        await self._save(disk, case, said)
        if moment == "saved":
            die()
        if moment == "after":
            asyncio.get_running_loop().call_later(self._chance.uniform(0.0, _AFTER_S), die)


def lamp_first() -> None:
    """The lamp tells of what is not yet saved."""
    step = Help._step

    async def hasty(self, what) -> None:
        def shown():
            effects = what()
            self._told = self._mayday.state
            self.refresh()
            return effects

        await step(self, shown)

    Help._step = hasty


def broker_is_desk() -> None:
    """A broker's word counts as the desk's."""

    def taken(self, event) -> None:
        self._signal(Signal.RECEIVED)

    Help.taken = taken


def forgets() -> None:
    """A restart knows of nothing."""

    async def load(self) -> list[HelpRequest]:
        return []

    Requests.load = load


def unsynced() -> None:
    """Nothing is flushed: only a power cut shows it."""
    db._SETTINGS = (*db._SETTINGS, "PRAGMA synchronous = OFF")


if __name__ == "__main__":
    aim = Aim(**json.loads(Path(sys.argv[-1]).with_name(FILE).read_text(encoding="utf-8")))
    if aim.mutant:
        globals()[aim.mutant]()
    struck = Struck(aim)
    struck.install()
    sys.exit(main())
