"""The wall clock jumps by years in the middle of a help case: timers, order and deadlines stay what they are."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.clock import Instant, age_s
from edge_agent.core.mayday import Mayday
from edge_agent.core.mayday_table import Effect, Signal
from edge_agent.core.mayday_timers import Timers
from edge_agent.core.mayday_words import DeskWord
from edge_agent.core.request import HelpRequest, State, Trigger

TEN_YEARS = 10 * 365.25 * 86400.0
NOW = 1_800_000_000.0
PROMISED_S = 1800.0
jumps = st.lists(st.sampled_from((0.0, 1.0, -1.0, TEN_YEARS, -TEN_YEARS, -NOW)), min_size=6, max_size=6)
trusts = st.lists(st.booleans(), min_size=6, max_size=6)


class Wrong:
    """Time passes as `go` says; before each look the wall clock may jump."""

    def __init__(self, steps: list[float], trusted: list[bool]) -> None:
        self.monotonic, self.wall = 1000.0, NOW
        self._jumps = list(zip(steps, trusted, strict=True))

    def go(self, seconds: float) -> Instant:
        jump, trusted = self._jumps.pop(0)
        self.monotonic, self.wall = self.monotonic + seconds, self.wall + seconds + jump
        return Instant(self.monotonic, "b", self.wall, trusted)


def life(clock: Wrong) -> tuple[list[tuple[State, float | None]], Mayday]:
    """A case from the hold to its end; after each step its state, and how far its next timer is away."""
    mayday, seen = Mayday(Timers()), []

    def note(now: Instant) -> None:
        seen.append((mayday.state, mayday.deadline and mayday.deadline[0] - now.monotonic))

    now = clock.go(1.0)
    mayday.link(True, now, 0.5)
    if Effect.OPEN in mayday.signal(Signal.CONTACT, now, 0.5) + mayday.signal(Signal.HELD, now, 0.5):
        case = HelpRequest(
            b"c" * 16, "23456789", Trigger.MANUAL, mayday.state, now.monotonic, "b", now.wall, now.trusted
        )
        mayday.open_case(case, now)
    note(now)
    for seconds, signal in ((20.0, Signal.WINDOW_OVER), (1.0, Signal.TAKEN)):
        now = clock.go(seconds)
        mayday.signal(signal, now, 0.5)
        note(now)
    for what in (Signal.RECEIVED, Signal.ENGAGED, Signal.RESOLVED):
        now = clock.go(2.0)
        mayday.hear(DeskWord(signal=what, through=1), now, 0.5)
        note(now)
    return seen, mayday


@given(jumps, trusts)
def test_no_timer_of_a_case_looks_at_the_wall_clock(steps, trusted):
    still, _ = life(Wrong([0.0] * 6, [True] * 6))
    wrong, mayday = life(Wrong(steps, trusted))
    assert wrong == still
    assert still[-1][0] is State.RESOLVED
    at = [step.at for step in mayday.case.steps]
    assert at == sorted(at)


@given(jumps, trusts)
def test_a_promised_word_is_waited_for_a_sensible_time_whatever_the_clock_says(steps, trusted):
    clock, timers = Wrong(steps, trusted), Timers()
    mayday = Mayday(timers)
    now = clock.go(1.0)
    mayday.link(True, now, 0.5)
    mayday.signal(Signal.CONTACT, now, 0.5)
    mayday.signal(Signal.HELD, now, 0.5)
    case = HelpRequest(b"c" * 16, "23456789", Trigger.MANUAL, mayday.state, now.monotonic, "b", now.wall, now.trusted)
    mayday.open_case(case, now)
    mayday.signal(Signal.WINDOW_OVER, clock.go(20.0), 0.5)
    now = clock.go(1.0)
    mayday.hear(DeskWord(signal=Signal.RECEIVED, through=1, next_word_wall=NOW + PROMISED_S), now, 0.5)
    left_s = mayday.deadline[0] - now.monotonic
    if now.trusted and 0.0 < NOW + PROMISED_S - now.wall < 86400.0:
        assert left_s == (NOW + PROMISED_S) - now.wall
    else:
        assert left_s == timers.silence_s


@given(st.floats(0, 1e6), st.floats(-TEN_YEARS, 2 * NOW), st.floats(-TEN_YEARS, 2 * NOW))
def test_an_age_is_never_negative_and_in_one_boot_always_right(passed_s, wall, wall_now):
    now = Instant(1000.0 + passed_s, "b", wall_now, False)
    assert age_s(1000.0, "b", wall, now) == 1000.0 + passed_s - 1000.0
    assert age_s(1000.0, "a", wall, now) >= 0.0
