"""One lamp in time: rhythm, at most three flashes a second, and the mark of an assist session."""

from itertools import pairwise
from math import inf

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge_agent.core.lamp import MARK_EVERY_S, MARK_S, PATTERNS, Shown, steady
from edge_agent.core.light import ASIDE_S, Light

TINY = 1e-6


def played(script: list[tuple[float, Shown | bool]], until: float) -> list[tuple[float, bool]]:
    """What a lamp did: (at, on) of every change. A script says when what is shown, or a session is live."""
    light, said = Light(), [(0.0, False)]
    steps = [*script, (until, None)]
    for (at, what), (following, _) in pairwise(steps):
        if isinstance(what, Shown):
            light.show(PATTERNS[what], at)
        else:
            light.assist(bool(what), at)
        now = at
        while True:
            if light.on != said[-1][1]:
                said.append((now, light.on))
            if light.deadline >= following:
                break
            assert light.deadline > now
            now = light.deadline
            light.step(now)
    return said


def flashes(said: list[tuple[float, bool]]) -> list[float]:
    return [at for at, on in said if on]


def is_on(said: list[tuple[float, bool]], at: float) -> bool:
    return [on for when, on in said if when <= at + TINY][-1]


def scripts(*, assist: bool) -> st.SearchStrategy[list[tuple[float, Shown | bool]]]:
    what = st.one_of(st.sampled_from(Shown), st.booleans()) if assist else st.sampled_from(Shown)
    gaps = st.one_of(st.floats(0.001, 0.4), st.floats(0.4, 12.0))
    steps = st.lists(st.tuples(gaps, what), min_size=1, max_size=12)

    def timed(rows: list[tuple[float, Shown | bool]]) -> list[tuple[float, Shown | bool]]:
        at, said = 0.0, []
        for gap, shown in rows:
            at += gap
            said.append((at, shown))
        return said

    return steps.map(timed)


@pytest.mark.parametrize("what", Shown)
def test_a_lamp_keeps_the_rhythm_of_its_row(what: Shown) -> None:
    rhythm = PATTERNS[what].rhythm_ms
    said = played([(1.0, what)], 61.0)[1:]
    lasted = [round((after - at) * 1000) for (at, _), (after, _) in pairwise(said)]
    wanted = [] if steady(PATTERNS[what]) else [rhythm[i % len(rhythm)] for i in range(len(lasted))]
    assert said[0] == (1.0, True)
    assert lasted == wanted
    assert len(lasted) == 0 or len(lasted) > 10


@given(scripts(assist=True))
@example(
    [(0.25, Shown.READY), (0.625, Shown.RECEIVED), (0.65625, True), (1.03125, False), (1.125, True), (1.21875, False)]
)
def test_whatever_follows_whatever_no_second_has_more_than_three_flashes(script) -> None:
    began = flashes(played(script, script[-1][0] + 10.0))
    for first, fourth in zip(began, began[3:], strict=False):
        assert fourth - first >= 1.0 - TINY


@pytest.mark.parametrize("before", [Shown.READY, Shown.NOT_READY])
@given(after=st.floats(0.0, 30.0))
def test_the_first_answer_to_a_finger_is_lit_at_once(before: Shown, after: float) -> None:
    said = played([(0.0, before), (40.0 + after, Shown.HOLD)], 60.0 + after)
    assert is_on(said, 40.0 + after)
    assert is_on(said, 40.0 + after + 0.1)


@given(scripts(assist=False))
def test_a_change_shows_as_soon_as_it_may_flash(script) -> None:
    said = played(script, script[-1][0] + 2.0)
    at, _ = script[-1]
    assert any(is_on(said, at + wait / 50) for wait in range(52)), "no pattern begins with a second of dark"


@pytest.mark.parametrize("what", Shown)
def test_an_assist_session_marks_every_pattern_about_every_two_seconds(what: Shown) -> None:
    plain = played([(0.0, what)], 62.0)
    marked = played([(0.0, what), (0.5, True)], 62.0)
    steps = [n / 100 for n in range(6000)]
    assert any(is_on(plain, at) != is_on(marked, at) for at in steps)
    light = Light()
    light.show(PATTERNS[what], 0.0)
    light.assist(True, 0.5)
    marks, now, before = [], 0.0, -inf
    while light.deadline < 60.0:
        now = light.deadline
        light.step(now)
        if light._mark_until > -inf and light._mark_until != before:
            before = light._mark_until
            marks.append(now)
            assert before == pytest.approx(now + MARK_S)
    # where a rhythm has one place in a round for it, it waits for that
    assert len(marks) == pytest.approx(60 / MARK_EVERY_S, abs=3.5)
    assert max(after - at for at, after in pairwise(marks)) < MARK_EVERY_S + 1.2


def test_a_mark_inverts_both_ways() -> None:
    dark = played([(0.0, Shown.READY), (1.0, True)], 4.0)
    assert dark == [(0.0, False), (0.0, True), (0.05, False), (1.0, True), (1.1, False), (3.0, True), (3.1, False)]
    lit = played([(0.0, Shown.ENGAGED), (1.0, True)], 4.0)
    assert lit == [(0.0, False), (0.0, True), (1.0, False), (1.1, True), (3.0, False), (3.1, True)]


def test_in_a_fast_rhythm_a_marked_flash_lasts_longer_and_none_is_added() -> None:
    plain, marked = (played([(0.0, Shown.HOLD), *more], 20.1) for more in ([], [(0.01, True)]))
    assert len(flashes(plain)) == len(flashes(marked))
    lengths = [round(off - on, 3) for (on, lit), (off, _) in pairwise(marked) if lit]
    assert set(lengths) == {0.17, 0.17 + MARK_S}
    assert min(after - at for (at, _), (after, _) in pairwise(marked[1:])) >= ASIDE_S


def test_a_change_in_the_midst_of_a_mark_shows_at_once_and_the_mark_is_made_up_for() -> None:
    said = played([(0.0, Shown.ENGAGED), (1.0, True), (1.05, Shown.RECEIVED)], 3.0)
    assert is_on(said, 1.05)
    assert any(not on for at, on in said if 1.2 < at < 1.6)


def test_dark_is_dark_also_in_a_session() -> None:
    light = Light()
    light.show(PATTERNS[Shown.ENGAGED], 0.0)
    light.assist(True, 0.0)
    light.dark()
    assert (light.on, light.deadline) == (False, inf)
    light.step(10.0)
    assert not light.on


def test_no_two_rows_are_equal_on_a_lamp_of_one_colour_and_nearly_all_differ_within_two_seconds() -> None:
    """Seen from its beginning, each on or off for 80 ms at least of what differs: what an eye can tell."""
    shown = list(Shown)
    differ = {}
    for i, one in enumerate(shown):
        for other in shown[i + 1 :]:
            a, b = played([(0.0, one)], 20.0), played([(0.0, other)], 20.0)
            apart = [n for n in range(2000) if is_on(a, n / 100) != is_on(b, n / 100)]
            runs = [n for n, then in zip(apart, apart[7:], strict=False) if then == n + 7]
            assert runs, f"{one} and {other} look the same"
            differ[one, other] = runs[0] / 100
    late = {pair: at for pair, at in differ.items() if at > 2.0}
    # three long flashes look like RECEIVED until the pause; the tone and what went before tell them apart sooner
    assert late == {(Shown.RECEIVED, Shown.RESOLVED): pytest.approx(6.0, abs=0.02)}
