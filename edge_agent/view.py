"""What the control socket sees of the agent: its parts in plain words. Reads everything, owns nothing."""

import asyncio
import resource
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_agent import __version__
from edge_agent.control import types
from edge_agent.core.clock import Instant, age_s
from edge_agent.core.consent import HELP_READY
from edge_agent.core.errors import RefusedError
from edge_agent.core.finding import Finding
from edge_agent.core.health import Health
from edge_agent.core.lamp import PATTERNS, Pattern, Shown, steady
from edge_agent.core.mayday_table import ON_THE_WAY, Signal
from edge_agent.core.ports import Clock, Driver
from edge_agent.core.question import Purpose, Question
from edge_agent.core.reading import Reading
from edge_agent.core.request import HelpRequest, State
from edge_agent.hub import Hub
from edge_agent.services.button import ButtonReader
from edge_agent.services.helptest import HelpTest
from edge_agent.services.indicator import Arbiter
from edge_agent.services.mayday import Help
from edge_agent.services.sampling import Sampling
from edge_agent.store.outbox import Outbox
from edge_agent.texts import Texts
from edge_agent.uplink.drain import Drain

_PAGE_BYTES = resource.getpagesize()
_STATM = Path("/proc/self/statm")
# Longer than a press by command may take to be decided and saved.
_SETTLE_S = 0.2
# What comes next, where a person is told of it.
_TOLD_NEXT: dict[State, tuple[Signal, ...]] = {
    State.CANCEL_WINDOW: (Signal.WINDOW_OVER,),
    **dict.fromkeys(ON_THE_WAY, (Signal.UNANSWERED, Signal.OTHER_WAYS)),
    State.RECEIVED: (Signal.SILENCE,),
    State.ENGAGED: (Signal.SILENCE,),
    State.RESOLVED: (Signal.REOPEN_OVER,),
    State.CANCELLED: (Signal.UNANSWERED,),
}


@dataclass(frozen=True, slots=True)
class View:
    """The Agent that control.server serves. `health` gives every part's name and health, the most important first.

    `ways` gives the same of the other ways to the desk.
    """

    gateway: str
    site: str
    consent: Sequence[str]
    clock: Clock
    outbox: Outbox
    sampling: Sampling
    drivers: Sequence[Driver]
    help_service: Help
    button: ButtonReader
    arbiter: Arbiter
    drain: Drain
    hub: Hub
    test: HelpTest
    texts: Texts
    health: Callable[[], Sequence[tuple[str, Health]]]
    ways: Callable[[], Sequence[tuple[str, Health]]]
    started_at: float

    def status(self) -> types.Status:
        """All at a glance."""
        now = self.clock.now()
        used = resource.getrusage(resource.RUSAGE_SELF)
        parts = [types.Part(name, h.ready, h.sentence, h.fix) for name, h in self.health()]
        devices = self._devices(now)
        everything: list[types.Part | types.Device] = [*parts, *devices]
        return types.Status(
            version=__version__,
            gateway=self.gateway,
            site=self.site,
            uptime_s=round(now.monotonic - self.started_at, 1),
            ready=all(each.ready for each in everything),
            sentence=self._sentence(everything),
            parts=parts,
            devices=devices,
            rss_mb=round(int(_STATM.read_text("ascii").split()[1]) * _PAGE_BYTES / 1e6, 1),
            cpu_s=round(used.ru_utime + used.ru_stime, 3),
            clock_trusted=now.trusted,
            consent=list(self.consent),
            open_block_readings=self.sampling.open_readings,
        )

    def queue(self) -> types.Queue:
        """The outbox."""
        now, counts = self.clock.now(), self.drain.counts
        lanes = []
        for lane, depth in self.outbox.depths().items():
            same_boot = depth.oldest_at is not None and depth.oldest_boot == now.boot_id
            lanes.append(
                types.Lane(
                    name=lane.value,
                    events=depth.events,
                    bytes=depth.bytes,
                    oldest_s=round(now.monotonic - depth.oldest_at, 1) if same_boot and depth.oldest_at else None,
                    dropped=depth.dropped,
                    in_flight=self.drain.flying(lane),
                    withheld=counts[f"withheld {lane.value}"],
                    quarantined=counts[f"quarantined {lane.value}"],
                )
            )
        return types.Queue(lanes, sent_events=counts["delivered"], sent_bytes=counts["bytes"])

    def findings(self) -> types.Findings:
        """What the checks say, the most severe first."""
        order = ["alarm", "warning", "notice"]
        found = sorted(self.sampling.watches.findings(), key=lambda f: (bool(f.cause), order.index(f.severity.value)))
        return types.Findings([self.finding(f) for f in found])

    def help(self) -> types.Help:
        """Where help stands."""
        case = self.help_service.case
        told = self._case(case) if case else None
        ways = [types.Part(name, h.ready, h.sentence, h.fix) for name, h in self.ways()]
        now_wall = round(self.clock.now().wall, 1)
        return types.Help(self.help_service.state.value, told, self.lamp(), self.texts.language, ways, now_wall)

    def lamp(self) -> types.Lamp:
        """What the lamp shows."""
        return lamp(self.arbiter.pattern or PATTERNS[Shown.NOT_READY], self.texts)

    def channels(self) -> types.Channels:
        """The newest values, by name."""
        rows = sorted(self.sampling.latest.items())
        return types.Channels([self.channel(reading) for _, reading in rows])

    async def press(self, hold_s: float) -> types.Help:
        """Hold the help button for this long, by the same path as a finger."""
        await self.button.press(hold_s)
        await asyncio.sleep(_SETTLE_S)
        return self.help()

    async def play(self, ask: types.Play) -> types.Lamp:
        """Show an example on the lamp."""
        if ask.pattern not in list(Shown):
            raise RefusedError(f"the lamp has no pattern {ask.pattern!r}", code="no_pattern")
        self.arbiter.play(Shown(ask.pattern), ask.seconds)
        return self.lamp()

    async def cancel(self) -> types.Help:
        """Cancel the case."""
        case = self.help_service.case
        if case is None or not case.open:
            raise RefusedError("there is no open help request to cancel", code="no_case")
        self.help_service.cancel()
        await asyncio.sleep(_SETTLE_S)
        return self.help()

    async def answer(self, ask: types.Answer) -> types.Help:
        """Answer the desk."""
        self.help_service.answer(ask.question, ask.answer, ask.by)
        await asyncio.sleep(_SETTLE_S)
        return self.help()

    async def say(self, text: str) -> types.Help:
        """Write to the desk."""
        self.help_service.say(text)
        await asyncio.sleep(_SETTLE_S)
        return self.help()

    def help_test(self) -> types.HelpTest:
        """The last test of the way to the desk."""
        test, now = self.test.last, self.clock.now()
        due_s = round(max(0.0, self.test.due_in_s())) if HELP_READY in self.consent else None
        if test is None:
            return types.HelpTest("never", self.test.health.sentence, next_s=due_s)
        sentence, fix = self.test.told(test)
        return types.HelpTest(
            outcome=test.outcome.value,
            sentence=sentence,
            fix=fix,
            scheduled=test.scheduled,
            since_s=round(age_s(test.at, test.boot_id, test.wall, now), 1),
            recorded_s=test.recorded_s,
            sent_s=test.sent_s,
            desk_s=test.desk_s,
            next_s=due_s,
            steps={step: self.texts[f"test.{step}"] for step in ("recorded", "sent", "desk")},
        )

    async def start_help_test(self) -> types.HelpTest:
        """Test the way to the desk now."""
        self.test.start()
        return self.help_test()

    def listen(self, kinds: Collection[str]) -> AsyncIterator[types.Live]:
        """What happens of these kinds from now on."""
        return self.hub.listen(kinds)

    def channel(self, reading: Reading) -> types.Channel:
        """A reading as the console knows it."""
        age_s = round(self.clock.now().monotonic - reading.at, 3)
        return types.Channel(reading.channel.name, reading.channel.unit, reading.value, age_s, reading.reason)

    def finding(self, finding: Finding) -> types.Finding:
        """A finding as the console knows it."""
        return types.Finding(
            channel=finding.channel,
            kind=finding.kind,
            state=finding.state.value,
            severity=finding.severity.value,
            sentence=finding.sentence,
            since_s=round(self.clock.now().monotonic - finding.since, 1),
            count=finding.count,
            cause=finding.cause,
        )

    def _case(self, case: HelpRequest) -> types.Case:
        now = self.clock.now()
        return types.Case(
            code=case.code,
            reference=case.reference,
            receiver=case.receiver,
            helper=case.helper,
            since_s=round(age_s(case.pressed_at, case.boot_id, case.pressed_wall, now), 1),
            trigger=case.trigger.value,
            steps=[types.Step(step.state.value, step.wall) for step in case.steps],
            notes=[types.Note(note.by, note.text, note.wall) for note in case.notes],
            next_word_wall=case.next_word_wall,
            rule=case.rule,
            reason=case.reason,
            nudges=case.nudges,
            question=_question(case.question, now),
            waiting=max(0, sum(each.purpose is not Purpose.EFFORT for each in case.questions) - 1),
            effort=_question(case.effort, now),
            next=[types.Next(what.name.lower(), round(now.wall + in_s, 1)) for what, in_s in self._next()],
        )

    def _next(self) -> list[tuple[Signal, float]]:
        """What only time brings, as far as it concerns a person, in seconds from now."""
        told = set(_TOLD_NEXT.get(self.help_service.state, ()))
        # nothing is promised that there is not
        told -= set() if self.ways() else {Signal.OTHER_WAYS}
        return [(what, in_s) for what, in_s in self.help_service.upcoming() if what in told]

    def _devices(self, now: Instant) -> list[types.Device]:
        return [
            types.Device(
                name=row.device,
                readings=row.readings,
                faults=row.faults,
                last_heard_s=None if row.last_at is None else round(now.monotonic - row.last_at, 1),
                ready=row.health.ready,
                sentence=row.health.sentence,
                fix=row.health.fix,
            )
            for driver in self.drivers
            for row in driver.devices()
        ]

    def _sentence(self, parts: Sequence[types.Part | types.Device]) -> str:
        # what is wrong for one reason (a radio that is away, with all its devices) is said and counted once
        wrong = list({part.sentence: part for part in reversed(parts) if not part.ready}.values())[::-1]
        confirmed = self.sampling.watches.confirmed()
        if wrong:
            key = "status.not_well_more" if len(wrong) > 1 else "status.not_well"
            return self.texts.say(key, part=wrong[0].name, what=wrong[0].sentence, n=len(wrong) - 1)
        if confirmed:
            key = "status.findings" if len(confirmed) > 1 else "status.finding"
            return self.texts.say(key, n=len(confirmed), what=confirmed[0].sentence)
        waiting, channels = sum(d.events for d in self.outbox.depths().values()), len(self.sampling.latest)
        queue = "status.nothing_waits" if not waiting else "status.waits" if waiting == 1 else "status.wait"
        return self.texts.say(
            "status.well",
            channels=self.texts.say("status.channel" if channels == 1 else "status.channels", n=channels),
            queue=self.texts.say(queue, n=waiting),
        )


def _question(asked: Question | None, now: Instant) -> types.Question | None:
    """A question as the console knows it."""
    if asked is None:
        return None
    ends = round(now.wall + asked.left_s(now), 1)
    return types.Question(asked.id, asked.text, list(asked.answers), asked.on_button, asked.purpose.value, ends)


def lamp(pattern: Pattern, texts: Texts) -> types.Lamp:
    """A lamp pattern as the console knows it; an empty rhythm is steady."""
    rhythm = [] if steady(pattern) else list(pattern.rhythm_ms)
    return types.Lamp(pattern.shown.value, pattern.colour, rhythm, texts[f"lamp.{pattern.shown}"], texts.language)
