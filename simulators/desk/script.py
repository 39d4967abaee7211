"""What a desk does by itself in a case, by its policy; and the question after the end, whoever worked on it."""

from collections.abc import Callable

from simulators.desk.cases import Case, CaseState
from simulators.desk.questions import EFFORT
from simulators.desk.voice import Voice

# The purpose that a household agrees to (core/consent.py).
EFFORT_CONSENT = "effort"
EFFORT_TEXT = "How easy was it to get help? 1 is very hard, 5 is very easy."
EFFORT_OPTIONS = ("1", "2", "3", "4", "5")
# The gateway keeps such a question for a week at the most.
EFFORT_LIFE_S = 3 * 86400.0
_READS = "A person reads your request."
# A yes or no is worth waiting for; then it is time for other words.
QUESTION_LIFE_S = 300.0

Act = Callable[[Case, float], object]


class Script:
    """Every call stands within a batch of the store."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._look_at = 0.0

    def step(self, now: float) -> float | None:
        """Do what is due at `now` (Unix seconds), and say when the next is due; None: nothing is."""
        if self._voice.policy.silent:
            return None
        waiting = [at for case in self._voice.cases.all_open() if (at := self._play(case, now)) is not None]
        return min([*waiting, *self._ask_after_the_end(now)], default=None)

    def _play(self, case: Case, now: float) -> float | None:
        """All that is due in a case; gives when the next thing is."""
        current: Case | None = case
        while current is not None and current.open and (due := self._next(current)) is not None:
            at, act = due
            if at > now:
                return at
            act(current, now)
            current = self._voice.cases.find(case.gateway, case.request)
        return None

    def _next(self, case: Case) -> tuple[float, Act] | None:
        """The next step in a case: when, and what. Received comes first, resolved ends it."""
        script, voice = self._voice.policy, self._voice
        if script.by_hand and not case.is_test:
            return None
        if case.state is CaseState.RAISED:
            after_s = 0.0 if script.by_hand else script.received_after_s
            return None if after_s is None else (case.opened + after_s, voice.receive)
        steps: list[tuple[float | None, Act]] = []
        if case.state is CaseState.RECEIVED and not script.by_hand:
            steps.append((script.engaged_after_s, voice.engage))
        lines = self._lines()
        if case.said < len(lines):
            steps.append((lines[case.said][0], self._say_next))
        steps.append((0.0 if case.is_test else script.resolved_after_s, voice.resolve))
        dated = [(case.opened + after_s, act) for after_s, act in steps if after_s is not None]
        return min(dated, key=lambda step: step[0], default=None)

    def _lines(self) -> list[tuple[float, Act]]:
        """What the script says besides, in the order of time."""
        voice, script = self._voice, self._voice.policy
        lines: list[tuple[float, Act]] = [
            (after_s, lambda case, at, text=text: voice.tell(case, at, text))  # type: ignore[misc]
            for after_s, text in script.says
        ]
        if script.progress_after_s is not None:
            lines.append((script.progress_after_s, lambda case, at: voice.progress(case, at, _READS)))
        if script.asks_after_s is not None:
            lines.append((script.asks_after_s, self._ask))
        return sorted(lines, key=lambda line: line[0])

    def _ask(self, case: Case, at: float) -> None:
        self._voice.ask(case, at, self._voice.policy.question, expires_s=QUESTION_LIFE_S)

    def _say_next(self, case: Case, at: float) -> None:
        self._lines()[case.said][1](case, at)
        self._voice.cases.scripted(case)

    def _ask_after_the_end(self, now: float) -> list[float]:
        """One question about a case that is over, where the household agreed; gives when the next ones are due."""
        after_s = self._voice.policy.effort_after_s
        if after_s is None:
            return []
        if now < self._look_at:
            return [self._look_at]
        # a question that comes a day later need not come to the second, and all cases are looked at for it
        self._look_at = now + min(60.0, after_s / 10)
        waiting = [self._look_at]
        for case in self._voice.cases.unrated(EFFORT, now - after_s - EFFORT_LIFE_S):
            if case.resolved is None or not may_be_rated(case):
                continue
            if case.resolved + after_s <= now:
                self.ask_effort(case, now)
            else:
                waiting.append(case.resolved + after_s)
        return waiting

    def ask_effort(self, case: Case, at: float) -> None:
        """The question itself, once a case."""
        self._voice.ask(case, at, EFFORT_TEXT, expires_s=EFFORT_LIFE_S, options=EFFORT_OPTIONS, purpose=EFFORT)


def may_be_rated(case: Case) -> bool:
    """Whether the household agreed to be asked, when it raised the case."""
    consent = case.data.get("consent")
    return isinstance(consent, list) and EFFORT_CONSENT in consent and not case.is_test
