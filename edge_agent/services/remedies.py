"""Remedies at work: what a playbook allows the agent to do by itself, one at a time, and seen through to its end.

Each try is on disk before it begins, so that its limit holds over restarts and a power cut, and again with how it
ended. When nothing that may be done helps, help is offered.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, NamedTuple, Protocol

import structlog

from edge_agent.core.checks.base import Words
from edge_agent.core.clock import age_s
from edge_agent.core.errors import AgentError, StoreError
from edge_agent.core.playbook import Deed, Diagnosis, Remedy, Worked
from edge_agent.core.ports import Clock
from edge_agent.core.reading import Value
from edge_agent.texts import Texts
from edge_agent.threads import in_thread

LOOK_S = 0.5
# All remedies of a playbook are gone through so often, with a pause between.
ROUNDS = 3
PAUSE_S = 30.0
# Tries that are remembered: a hundred bad days.
MAX_TRIES = 300
# Diagnoses that wait for their turn; more of them is one cause that nobody has found.
MAX_WAITING = 100
BEGUN, WORKED, NO_EFFECT, FAILED, INTERRUPTED = "begun", "worked", "no_effect", "failed", "interrupted"
_log = structlog.get_logger("remedies")


@dataclass(frozen=True, slots=True)
class Try:
    """One remedy on one device: what came of it (`how`), and why where it failed. `at` is monotonic of `boot_id`."""

    device: str
    playbook: str
    deed: str
    how: str
    at: float
    boot_id: str
    wall: float
    why: str = ""


class Tool(Protocol):
    """What can do one deed."""

    def why_not(self, device: str) -> str:
        """Why this cannot be done here; empty when it can."""

    async def do(self, device: str, remedy: Remedy) -> None:
        """Do it, and leave the device as it was found however it ends. Raises AgentError."""


class Wait:
    """The tool that does nothing: the device is only listened to again."""

    def why_not(self, device: str) -> str:  # noqa: ARG002 - the Tool contract
        """It can always be waited for."""
        return ""

    async def do(self, device: str, remedy: Remedy) -> None:
        """Nothing."""


class Senses(NamedTuple):
    """What remedies see: the newest value of a channel, and when a device last gave one."""

    value: Callable[[str], Value | None]
    heard_at: Callable[[str], float | None]


class Remedies:
    """`begin` takes a diagnosis, `run` treats them in turn.

    `may` are the deeds that the householder allows. `save` brings all tries to disk (from a thread, raises
    StoreError); `told` is called with each try that has ended and a sentence, `gave_up` when help is to be offered.
    """

    def __init__(
        self,
        clock: Clock,
        tools: Mapping[Deed, Tool],
        may: Collection[str],
        senses: Senses,
        texts: Texts,
        *,
        save: Callable[[list[Any]], None],
        tries: Sequence[Try] = (),
        told: Callable[[Try, str], None],
        gave_up: Callable[[Diagnosis, str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._tools = tools
        self._may = may
        self._senses = senses
        self._texts = texts
        self._words = Words(texts.say, texts.get)
        self._save = save
        self._told = told
        self._gave_up = gave_up
        self._sleep = sleep
        ended = (replace(each, how=INTERRUPTED) if each.how == BEGUN else each for each in tries)
        self.tries: deque[Try] = deque(ended, maxlen=MAX_TRIES)
        self._waiting: deque[Diagnosis] = deque(maxlen=MAX_WAITING)
        self._news = asyncio.Event()

    def begin(self, diagnosis: Diagnosis) -> None:
        """Treat this one when its turn comes."""
        if diagnosis.playbook.remedies and diagnosis not in self._waiting:
            self._waiting.append(diagnosis)
            self._news.set()

    async def run(self) -> None:
        """Treat what waits, until cancelled. Optional: what was begun is known as interrupted after a restart."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                await self.treat(self._waiting.popleft())

    async def treat(self, diagnosis: Diagnosis) -> None:
        """Go through a playbook's remedies until one works, none may be tried any more, or it is over by itself."""
        tried: list[Try] = []
        for number in range(ROUNDS):
            if number:
                await self._sleep(PAUSE_S)
            before = len(tried)
            for remedy in diagnosis.playbook.remedies:
                if not diagnosis.stands:
                    return
                if self.why_not(diagnosis, remedy):
                    continue
                tried.append(await self._try(diagnosis, remedy))
                if tried[-1].how == WORKED:
                    return
            if len(tried) == before:
                break
        if tried and diagnosis.stands and diagnosis.playbook.offer_help:
            self._gave_up(diagnosis, self._named(tried))

    def why_not(self, diagnosis: Diagnosis, remedy: Remedy) -> str:
        """Why this remedy may not be tried now; empty when it may."""
        deed, device, now = remedy.deed, diagnosis.device, self._clock.now()
        if deed not in self._may:
            return "the householder has not allowed it"
        tool = self._tools.get(deed)
        if tool is None:
            return "there is nothing that can do it"
        if why := tool.why_not(device):
            return why
        guard = remedy.only_if
        if guard is not None and not guard.holds(self._senses.value(f"{device}.{guard.channel}")):
            return "what must hold before does not"
        ages = [
            age_s(each.at, each.boot_id, each.wall, now)
            for each in self.tries
            if (each.device, each.deed, each.playbook) == (device, deed, diagnosis.playbook.name)
        ]
        return "it was tried often enough" if sum(age < remedy.per_s for age in ages) >= remedy.limit else ""

    def told(self, most: int) -> list[dict[str, object]]:
        """The newest tries as a help request carries them (tier 0 `tried`), newest first."""
        now = self._clock.now()
        return [
            {
                "what": f"{each.deed} {each.device}",
                "how": each.how,
                "ago_s": round(age_s(each.at, each.boot_id, each.wall, now)),
            }
            for each in list(self.tries)[: -most - 1 : -1]
        ]

    async def _try(self, diagnosis: Diagnosis, remedy: Remedy) -> Try:
        """One remedy, on disk before and after."""
        now, book = self._clock.now(), diagnosis.playbook.name
        begun = Try(diagnosis.device, book, remedy.deed.value, BEGUN, now.monotonic, now.boot_id, now.wall)
        self.tries.append(begun)
        await self._keep()
        ended = await self._done(begun, diagnosis, remedy)
        self.tries[self.tries.index(begun)] = ended
        await self._keep()
        _log.info("remedy", device=ended.device, playbook=book, deed=ended.deed, how=ended.how, why=ended.why)
        self._told(ended, self._sentence(ended))
        return ended

    async def _done(self, begun: Try, diagnosis: Diagnosis, remedy: Remedy) -> Try:
        try:
            await self._tools[remedy.deed].do(diagnosis.device, remedy)
        except AgentError as error:
            return replace(begun, how=FAILED, why=str(error))
        acted_at = self._clock.now().monotonic
        while self._clock.now().monotonic - acted_at < remedy.verify_s:
            if self._has_worked(diagnosis, remedy, acted_at):
                return replace(begun, how=WORKED)
            await self._sleep(LOOK_S)
        return replace(begun, how=NO_EFFECT)

    def _has_worked(self, diagnosis: Diagnosis, remedy: Remedy, since: float) -> bool:
        if not diagnosis.stands:
            return True
        heard_at = self._senses.heard_at(diagnosis.device)
        return remedy.worked is Worked.HEARD and heard_at is not None and heard_at > since

    async def _keep(self) -> None:
        """To disk; where it refuses, it goes with the next one, and the limit holds in memory."""
        with suppress(StoreError):
            await in_thread(partial(self._save, [asdict(each) for each in self.tries]))

    def _sentence(self, ended: Try) -> str:
        what = self._texts[f"remedy.{ended.deed}"]
        said = self._texts.say(f"remedy.{ended.how}", device=self._words.name(ended.device), what=what, why=ended.why)
        return said[:1].upper() + said[1:]

    def _named(self, tried: Sequence[Try]) -> str:
        """What was tried, each once."""
        return ", ".join(dict.fromkeys(self._texts[f"remedy.{each.deed}"] for each in tried))


def tries_from(plain: object) -> list[Try]:
    """Tries from their record. Raises ValueError where it is none."""
    if not isinstance(plain, list):
        raise ValueError("not a list of tries")  # noqa: TRY004 - what RecordFile asks for
    try:
        return [Try(**each) for each in plain[-MAX_TRIES:]]
    except TypeError as error:
        raise ValueError(f"not a try: {error}") from error
