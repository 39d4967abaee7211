"""The self-test of this gateway: what the agent looks at of itself, the run that is under way, and the last result."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from edge_agent.control.types import Probed
from edge_agent.core.clock import Instant
from edge_agent.core.errors import RefusedError
from edge_agent.core.health import Health
from edge_agent.core.ports import DeviceCounts
from edge_agent.core.selftest import Found, Result, Verdict, fail, not_run, ok, overall, unknown, warn
from edge_agent.core.testpress import Outcome
from edge_agent.plugins import plugin_probes
from edge_agent.probes import in_loop, last_steps, of_machine, of_ways
from edge_agent.services.selftest.runner import Probe, examine, titled
from edge_agent.texts import Said, Texts

if TYPE_CHECKING:
    from edge_agent.app import Agent

# A connection is waited for so long, and the desk's answer; both fit into the minute that all of it may take.
CONNECT_S, ANSWER_S = 15.0, 30.0
EVIDENCE_S = 15.0
LOOK_S = 0.1
# A test of the way that is so young counts as one of now: the desk is not asked again.
FRESH_S = 600.0
# More than one fault in fifty of what a device says is a bad cable or a wrong speed, not chance.
MANY_FAULTS = 0.02
# A device that was never heard for so long after the start has something wrong.
FIRST_WORD_S = 120.0
_log = structlog.get_logger("selftest")


class Examiner:
    """`start` begins one, `run` (optional) does it; `results` are those of the last one or of the one that runs."""

    def __init__(self, agent: "Agent") -> None:
        self._agent = agent
        self._bell = asyncio.Event()
        self._round_trip = True
        self.results: list[Result] = []
        self.begun: Instant | None = None
        self.running = False
        self.seconds = 0.0
        self.planned = 0

    def start(self, *, round_trip: bool) -> None:
        """Begin. Raises RefusedError while one is under way."""
        if self.running:
            raise RefusedError("a self-test is running already", code="running", fix="Wait for its end: a minute.")
        self._begin(round_trip=round_trip)
        self._bell.set()

    async def run(self) -> None:
        """Do what was begun, until cancelled."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            await self._examine()

    async def evidence(self) -> list[list[str]]:
        """What is wrong, or not to be told, for a help request: a row of name, verdict, evidence and fix each.

        It takes a while, but no longer than EVIDENCE_S. The desk is not tested: it is being called.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(EVIDENCE_S):
                if not self.running:
                    self._begin(round_trip=False)
                    await self._examine()
                await _until(lambda: not self.running, EVIDENCE_S)
        wrong = [result for result in self.results if result.found.verdict is not Verdict.OK]
        own = self._agent.panel.texts.own
        return [[r.name, r.found.verdict.value, own(r.found.evidence)[:300], own(r.found.fix)[:300]] for r in wrong]

    def _begin(self, *, round_trip: bool) -> None:
        self.running, self._round_trip = True, round_trip
        self.begun, self.results, self.planned = self._agent.clock.now(), [], 0

    async def _examine(self) -> None:
        assert self.begun is not None
        try:
            probes = [*self._probes(), *await plugin_probes()]
            self.planned = len(probes)
            self.results = await examine(probes, self._told)
            _log.info("self_test", verdict=overall(self.results).value, probes=len(probes))
        finally:
            self.running = False
            self.seconds = round(self._agent.clock.now().monotonic - self.begun.monotonic, 2)

    def _told(self, result: Result) -> None:
        self.results.append(result)
        if self._agent.hub.listeners("probe"):
            self._agent.hub.tell("probe", probed(result, self._agent.panel.texts))

    def _probes(self) -> Iterator[Probe]:
        agent = self._agent
        here = agent.folder
        yield from of_machine(agent.config, here)
        yield Probe("clock", in_loop(self._clock))
        for name, health in _worst(agent.standing.health()).items():
            # the way to the broker and to the desk is walked, not only looked at
            if not (agent.config.broker.host and name in ("service", "test")):
                look = in_loop(partial(self._button if name == "button" else _of_health, health))
                yield Probe(name, look, needs=last_steps(name, agent.config))
        for driver in agent.hardware.drivers:
            for row in driver.devices():
                look = in_loop(partial(self._device, row))
                yield Probe(f"device {row.device}", look, needs=(driver.name,))
        yield Probe("queue", in_loop(self._queue))
        yield from of_ways(agent.config, lambda: agent.reach.uplink.connected)
        if agent.config.broker.host:
            yield Probe("service", self._service, CONNECT_S + 2.0, needs=last_steps("service", agent.config))
            yield Probe("test", self._test, ANSWER_S + 2.0)

    def _clock(self) -> Found:
        now = self._agent.clock.now()
        if now.trusted:
            return ok(Said("probe.clock", source=self._agent.clock.source.name.lower()))
        return warn(Said("probe.clock_unknown"), Said("probe.clock_fix"))

    def _button(self, health: Health) -> Found:
        """Whether a press can be seen, and whether the contact is closed now."""
        button = self._agent.hardware.button
        if not health.ready or button is None or not button.is_pressed():
            return _of_health(health)
        return warn(Said("probe.pressed", said=health.sentence), Said("probe.pressed_fix"))

    def _device(self, row: DeviceCounts) -> Found:
        now, started_at = self._agent.clock.now().monotonic, self._agent.started_at
        total = row.readings + row.faults
        heard = Said("probe.never_heard")
        if row.last_at is not None:
            heard = Said("probe.heard", seconds=round(now - row.last_at))
        told = Said("probe.device", said=row.health.sentence, heard=heard, readings=row.readings, faults=row.faults)
        if not row.health.ready:
            return fail(told, row.health.fix)
        if row.last_at is None and now - started_at > FIRST_WORD_S:
            return warn(told, Said("probe.mute_fix"))
        if total and row.faults / total > MANY_FAULTS:
            return warn(told, Said("probe.garbled_fix"))
        return ok(told)

    def _queue(self) -> Found:
        depths, counts = self._agent.outbox.depths(), self._agent.reach.drain.counts
        waiting = sum(depth.events for depth in depths.values())
        bad = sum(counts[f"quarantined {lane.value}"] for lane in depths)
        dropped = sum(depth.dropped for depth in depths.values())
        told = Said("probe.queue", waiting=waiting, dropped=dropped, bad=bad)
        if bad:
            return warn(told, Said("probe.aside_fix"))
        return warn(told, Said("probe.dropped_fix")) if dropped else ok(told)

    async def _service(self) -> Found:
        """Whether the broker takes this gateway. Nothing but the uplink itself logs in."""
        agent = self._agent
        if self._round_trip and not agent.reach.uplink.connected:
            self._start_test()
        if not agent.reach.uplink.connected and not agent.standing.wanted():
            return not_run(Said("part.off"), Said("probe.unasked_fix"))
        agent.reach.uplink.wake()
        await _until(lambda: agent.reach.uplink.connected, CONNECT_S)
        return _of_health(agent.reach.uplink.health)

    async def _test(self) -> Found:
        """Whether the desk answers: by a test of now, or by one that is young."""
        test, now = self._agent.beside.test, self._agent.clock.now()
        old = test.decided
        fresh = old is not None and old.boot_id == now.boot_id and now.monotonic - old.at < FRESH_S
        refused = "" if test.running or fresh or not self._round_trip else self._start_test()
        await _until(lambda: not test.running, ANSWER_S)
        if test.running:
            return unknown(Said("probe.unanswered"), Said("probe.unanswered_fix"))
        if test.last is None or (refused and not fresh) or test.last.outcome is Outcome.YIELDED:
            return not_run(refused or Said("probe.untested"), Said("probe.unasked_fix"))
        sentence, fix = test.told(test.last)
        return ok(sentence) if test.last.outcome is Outcome.PASSED else fail(sentence, fix)

    def _start_test(self) -> str:
        """Why it may not be now; empty: it runs."""
        try:
            self._agent.beside.test.start()
        except RefusedError as error:
            refused: str = error.args[0]
            return refused
        return ""


def probed(result: Result, texts: Texts) -> Probed:
    """A result as the console knows it."""
    found = result.found
    return Probed(
        name=result.name,
        title=texts.own(titled(result.name)),
        verdict=found.verdict.value,
        severity=result.severity.value,
        evidence=texts.own(found.evidence),
        fix=texts.own(found.fix),
        needs=list(result.needs),
        because=result.because,
        seconds=result.seconds,
    )


def _worst(parts: Sequence[tuple[str, Health]]) -> dict[str, Health]:
    """Health by name; of several with one name the first that is not ready."""
    found: dict[str, Health] = {}
    for name, health in parts:
        if name not in found or found[name].ready:
            found[name] = health
    return found


def _of_health(health: Health) -> Found:
    return ok(health.sentence) if health.ready else fail(health.sentence, health.fix)


async def _until(true: Callable[[], Any], seconds: float) -> None:
    """Wait until it is so, at most so long."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while not true() and loop.time() < ends:  # noqa: ASYNC110 - several parts of the agent decide
        await asyncio.sleep(LOOK_S)
