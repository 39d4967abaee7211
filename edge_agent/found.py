"""Findings, from the register to those who are told: built by app around what sampling and mending find."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import structlog

from edge_agent.core.errors import AgentError, RefusedError, StoreError
from edge_agent.core.finding import CODE, Finding
from edge_agent.core.hygiene import Hygiene, report
from edge_agent.core.rhythm import until_next
from edge_agent.services.frames import Frames
from edge_agent.services.register import Register
from edge_agent.services.telling import Telling
from edge_agent.services.together import TOGETHER, Together
from edge_agent.services.watch import plain
from edge_agent.store.notebook import Notebook
from edge_agent.supervisor import Job

if TYPE_CHECKING:
    from edge_agent.app import Agent

NOTEBOOK = "findings.db"
PAGE, BEGUN = "facts", "begun"
ROUND_S = 5.0
_log = structlog.get_logger("findings")


class Found:
    """The register with its notebook; `connect` when sampling and mending are there."""

    def __init__(self, agent: "Agent") -> None:
        self._agent = agent
        self.notebook = Notebook(agent.folder / NOTEBOOK)
        agent.problems += self.notebook.problems
        self.register = Register(agent.clock, book=self.notebook)
        self._failed = False
        self._agreed: list[str] = []
        self._begun = self._first_time()

    def connect(self) -> None:
        """Whoever is told of findings is known now, and who looks for them."""
        agent, register = self._agent, self.register
        self.frames = Frames(agent.clock, lambda: agent.sampling.recorder, register)
        self.telling = Telling(
            agent.clock,
            agent.events,
            agent.post,
            register,
            self.frames,
            agent.panel.texts,
            agent.consent.allows,
            agent.noticed,
        )
        self.together = Together(agent.clock, agent.events.new_id, register, agent.panel.texts, agent.lessons.checks)
        register.calls_for_help = agent.beside.rules.looks_at
        register.retire(self._looked_for)
        register.told = [self.telling.see, agent.found_out]

    def resume(self) -> None:
        """Rules and playbooks go on with what stood before the start."""
        for finding in [f for f in self.register.findings() if f.stands]:
            self._agent.beside.rules.finding(finding)
        self._agent.mending.diagnoses.resume()

    def jobs(self) -> Iterator[Job]:
        """What runs beside the rest."""
        yield "findings", self.run

    async def run(self) -> None:
        """Let time speak, and write down what changed, until cancelled."""
        clock = self._agent.clock
        while True:
            now = clock.now()
            await self._teach_what_was_agreed()
            self.together.tick(now.monotonic)
            self.telling.tick(now)
            await self._write()
            await asyncio.sleep(until_next(now.monotonic, ROUND_S))

    async def normal(self, name: str, by: str, why: str) -> list[str]:
        """A person says that this is normal: the finding of this id or channel, or a channel without one.

        Gives the channels that were taught. Raises RefusedError, and StoreError where it is not on disk.
        """
        finding = self._meant(name)
        keys = self._learned(finding) if finding else [k for k in self._agent.lessons.checks if _channel(k) == name]
        if not keys:
            what = f"{finding.key} is no matter of learning" if finding else f"{name[:80]} is no channel that learns"
            fix = "Its limits stand in the configuration or in a playbook: change them there, or shelve the finding."
            raise RefusedError(what, code="not_learned", fix=fix)
        for key in keys:
            self._agent.lessons.checks[key].teach()
            standing = self.register.before(key)
            if standing is not None and standing.stands:
                self.register.take_back(standing, by, why)
        if finding is not None and finding.kind == TOGETHER and finding.stands:
            self.register.take_back(finding, by, why)
        await self._agent.lessons.keep()
        await self.notebook.commit()
        return sorted({_channel(key) for key in keys})

    def agreed_normal(self, key: str) -> None:
        """The household said yes to the desk's question whether this is normal."""
        self._agreed.append(key)

    def clear(self, name: str, by: str, why: str) -> Finding:
        """Somebody says that it is over. Raises RefusedError where only its check may say so."""
        over = self.register.clear(name, by, why)
        self.telling.know(over.key)
        return over

    def may(self, finding: Finding) -> list[str]:
        """What a person can do about it now: `normal`, `clear`, `shelve`, `unshelve`."""
        if not finding.stands:
            return []
        can = {
            "normal": bool(self._learned(finding)),
            "clear": not self.register.why_not_cleared(finding),
            "shelve": not self.register.why_not_shelved(finding),
            "unshelve": self.register.shelved(finding.key),
        }
        return [what for what, possible in can.items() if possible]

    def hygiene(self) -> Hygiene:
        """How findings behaved in the last 30 days, and how much of the budget was used."""
        told = [at.wall for at in self.telling.notices.told]
        return report(list(self.register.episodes.values()), told, self._begun, self._agent.clock.now().wall)

    def frozen(self) -> list[dict[str, Any]]:
        """The findings that stand now, each as it travels, with the freeze frame of when it was confirmed."""
        return [plain(f) | {"freeze_frame": self.frames.of(f.key)} for f in self.register.confirmed()]

    def finish(self) -> None:
        """At the stop."""
        self.notebook.close()

    def _first_time(self) -> float:
        """Since when findings are kept, Unix seconds."""
        begun = self.notebook.page(PAGE).get(BEGUN)
        if not isinstance(begun, float):
            begun = self._agent.clock.now().wall
            self.notebook.write(PAGE, BEGUN, begun)
        return begun

    def _meant(self, name: str) -> Finding | None:
        """A channel that learns may have no finding."""
        try:
            return self.register.find(name)
        except RefusedError:
            if any(_channel(key) == name for key in self._agent.lessons.checks):
                return None
            raise

    def _learned(self, finding: Finding) -> list[str]:
        if finding.kind == TOGETHER:
            return self.together.channels(finding.channel)
        return [finding.key] if finding.key in self._agent.lessons.checks else []

    def _looked_for(self, finding: Finding) -> bool:
        """Whether somebody could still say that this finding, from before the start, is over."""
        agent = self._agent
        if finding.kind == CODE:
            return finding.device in agent.kinds
        if finding.kind == TOGETHER:
            return len(self.together.channels(finding.channel)) > 1
        return agent.sampling.watches.looks_for(finding) or agent.mending.looks_for(finding)

    async def _teach_what_was_agreed(self) -> None:
        """What the desk asked about may be over by now, or no matter of learning: then there is nothing to do."""
        while self._agreed:
            key = self._agreed.pop(0)
            try:
                await self.normal(key, "household", "answered to the service desk")
            except AgentError as error:
                _log.warning("not_taught", what=key, why=str(error))

    async def _write(self) -> None:
        if not self.notebook.waits:
            return
        try:
            await self.notebook.commit()
            self._failed = False
        except StoreError as error:
            if not self._failed:
                _log.warning("findings_not_kept", why=str(error))
            self._failed = True


def _channel(key: str) -> str:
    return key.rpartition(":")[0]
