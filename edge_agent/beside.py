"""What stands beside the help service: rules that call for help, the test of the way to the desk, and evidence."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from edge_agent import settings
from edge_agent.core.event import Event, Lane
from edge_agent.core.health import Health
from edge_agent.core.reading import Codes, Fault, Reading
from edge_agent.core.request import State
from edge_agent.core.testpress import WayTest
from edge_agent.examine import Examiner
from edge_agent.logs import recent
from edge_agent.services.evidence import Evidence, Kept, Sources, Store
from edge_agent.services.helptest import HelpTest, Pace, Path
from edge_agent.services.rules import Rules
from edge_agent.store.record import RecordFile
from edge_agent.supervisor import Job
from edge_agent.surveying import SerialSurveys

if TYPE_CHECKING:
    from edge_agent.app import Agent

RULES = "rules"
EVIDENCE = "evidence"
TEST = "helptest"


class Beside:
    """`rules`, `test` and `evidence`, each with a small file of its own in the state folder. Built by app."""

    def __init__(self, agent: "Agent") -> None:
        self._agent = agent
        config, problems = agent.config, agent.problems
        called = RecordFile(agent.folder / RULES)
        self.rules = Rules(
            agent.clock,
            settings.rule_settings(config),
            agent.help,
            allowed=lambda: agent.consent.help_ready,
            save=called.save,
            raised=called.load(_names, [], problems, "a rule whose alarm lasts calls for help again"),
        )
        tested = RecordFile(agent.folder / TEST)
        path = Path(
            store=self._store,
            connect=lambda: agent.reach.uplink.wake(jitter_s=0.0),
            connected=lambda: agent.reach.uplink.connected,
            busy=self._busy,
            allowed=lambda: agent.consent.help_ready and bool(config.broker.host),
            keep=lambda test: tested.save(test.record()),
        )
        self.test: HelpTest = HelpTest(
            agent.clock,
            agent.events,
            path,
            Pace(config.help.test_every_s, config.help.test_wait_s),
            lambda key: agent.panel.texts[f"test.{key}"],
            tested.load(WayTest.from_record, None, problems, "the way to the desk is tested anew"),
        )

        self.examiner = Examiner(agent)
        self.serial_surveys = SerialSurveys(agent.clock, settings.control_socket(config))
        self.evidence = self._build_evidence()

    def _build_evidence(self) -> Evidence:
        agent = self._agent
        file = RecordFile(agent.folder / EVIDENCE)
        store = Store(
            append=agent.outbox.append,
            commit=partial(agent.commit, Lane.FINDING),
            keep=partial(agent.outbox.keep, Lane.FINDING),
            remember=file.save,
        )
        sources = Sources(
            readings=self._readings,
            freeze=agent.found.frozen,
            log=recent.lines,
            selftest=self._selftest,
        )
        return Evidence(
            agent.clock,
            agent.events,
            store,
            sources,
            allowed=lambda: agent.consent.diagnostics,
            after_s=agent.config.help.after_s,
            kept=file.load(Kept.from_record, Kept(), agent.problems, "evidence of an open case may make room"),
        )

    async def _selftest(self) -> dict[str, Any]:
        """What the status says, and what the gateway finds when it looks."""
        probes = await self.examiner.evidence()
        return self._agent.standing.selftest() | {"probes": probes}

    def jobs(self) -> Iterator[Job]:
        """What runs beside the rest."""
        yield "test", self.test.run
        yield "evidence", self.evidence.run
        yield "selftest", self.examiner.run
        yield "survey", self.serial_surveys.run
        if self._agent.config.help.rules:
            yield "rules", self.rules.run

    def deliver(self, item: Reading | Fault | Codes) -> None:
        """One reading or fault, where there are rules that look at readings."""
        self._agent.sampling.deliver(item)
        if type(item) is Reading:
            self.rules.see(item)

    def case_changed(self) -> None:
        """The case is in another state, and that is on disk."""
        self.rules.case_changed()
        self.evidence.case_changed(self._agent.help.case, self._agent.help.state)

    def health(self) -> Sequence[tuple[str, Health]]:
        """Their part of the status."""
        rules = self.rules.health
        tested = [("test", self.test.health)] if self._agent.config.broker.host else []
        return [*tested, *([("rules", rules)] if rules else [])]

    def _readings(self, since: float) -> Sequence[Reading]:
        return self._agent.sampling.recorder.since(since)

    def _busy(self) -> bool:
        return self._agent.help.live or self._agent.help.state is State.HOLD

    async def _store(self, event: Event) -> None:
        """Raises StoreError. The connection is not waited for: the drain has it from here on."""
        agent = self._agent
        agent.outbox.append(event)
        try:
            await agent.outbox.commit(Lane.HELP)
        finally:
            agent.reach.drain.wake(Lane.HELP)


def _names(plain: object) -> list[str]:
    if isinstance(plain, list) and all(isinstance(name, str) for name in plain):
        return plain
    raise ValueError("not a list of names")
