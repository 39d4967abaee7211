"""Where help stands: the case, the lamp, and the test of the way to the desk."""

import asyncio

from edge_agent.control import types
from edge_agent.core.clock import Instant, age_s
from edge_agent.core.errors import RefusedError
from edge_agent.core.lamp import PATTERNS, Pattern, Shown, steady
from edge_agent.core.mayday_table import ON_THE_WAY, Signal
from edge_agent.core.question import Purpose, Question
from edge_agent.core.request import HelpRequest, State
from edge_agent.texts import Texts
from edge_agent.view.seen import Seen

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


class HelpView(Seen):
    """Help, lamp and test."""

    __slots__ = ()

    def help(self) -> types.Help:
        """Where help stands."""
        case = self.help_service.case
        told = self._case(case) if case else None
        own = self.texts.own
        ways = [types.Part(name, h.ready, own(h.sentence), own(h.fix)) for name, h in self.ways()]
        now_wall = round(self.clock.now().wall, 1)
        return types.Help(self.help_service.state.value, told, self.lamp(), self.texts.language, ways, now_wall)

    def lamp(self) -> types.Lamp:
        """What the lamp shows."""
        return lamp(self.arbiter.pattern or PATTERNS[Shown.NOT_READY], self.texts)

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
        due_s = round(max(0.0, self.test.due_in_s())) if self.consents.current.help_ready else None
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
