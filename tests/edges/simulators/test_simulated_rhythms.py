"""A record of a lamp is read back to what it said: the rhythms can be told apart, on a lamp of one colour too."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.lamp import MARK_EVERY_S, PATTERNS, Shown
from simulators.rhythms import DARK, LIT, decoded, played, unmarked

# From then on a row is no other: two seconds, and six where three long flashes must be over.
TOLD_S = dict.fromkeys(Shown, 2.2) | {Shown.RESOLVED: 6.2, Shown.RECEIVED: 6.2, Shown.ENGAGED: 2.2}
JITTER_S = 0.015


def watched(script, until, colours=None, chance=None):
    """What somebody sees of it who looked on before: first dark, then each change a little late."""
    late = (lambda: chance.uniform(0.0, JITTER_S)) if chance else (lambda: 0.0)
    rows = [(-10.0, DARK)]
    for at, on in played(script, until)[1:]:
        rows.append((at + late(), (colours(at) if colours else LIT) if on else DARK))
    return rows


def scripts(shortest: float, longest: float = 12.0):
    rows = st.lists(st.tuples(st.sampled_from(Shown), st.floats(shortest, longest)), min_size=1, max_size=6)

    def timed(rows):
        at, said = 0.0, []
        for what, lasts in rows:
            if not said or said[-1][1] is not what:
                said.append((at, what))
                at += lasts
        return said, at

    return rows.map(timed)


def read(changes, until):
    """What was decoded, without the dark before it."""
    dark, *found = decoded(changes, until)
    assert (dark.at, dark.shown) == (-10.0, None)
    return found


def said_at(found, at):
    return next(seen for seen in found if seen.at <= at < seen.until)


@pytest.mark.parametrize("what", Shown)
def test_every_row_that_is_shown_for_a_while_is_no_other(what):
    found = read(watched([(0.0, what)], 20.0), 20.0)
    assert [(seen.shown, seen.could) for seen in found] == [(what, {what})]


@pytest.mark.parametrize("what", Shown)
def test_every_row_is_told_from_all_others_in_time(what):
    (seen,) = read(watched([(0.0, what)], TOLD_S[what]), TOLD_S[what])
    assert seen.could == {what}


def test_a_beginning_that_could_be_several_rows_is_said_to_be_so():
    (seen,) = read(watched([(0.0, Shown.HOLD)], 0.5), 0.5)
    assert {Shown.HOLD, Shown.CANCEL_WINDOW, Shown.QUESTION} <= seen.could
    assert not seen.could & {Shown.SENDING, Shown.RECEIVED, Shown.ENGAGED}


@settings(max_examples=40, deadline=None)
@given(scripts(6.5), st.randoms(use_true_random=False))
def test_what_is_shown_long_enough_is_read_back_in_order_from_one_colour_alone(script, chance: random.Random):
    said, until = script
    found = read(watched(said, until, chance=chance), until)
    assert [seen.shown for seen in found] == [what for _, what in said]
    assert all(abs(seen.at - at) <= 1.6 for seen, (at, _) in zip(found, said, strict=True))


@settings(max_examples=40, deadline=None)
@given(scripts(0.03), st.randoms(use_true_random=False))
def test_whatever_comes_between_a_row_that_lasts_is_seen(script, chance: random.Random):
    said, until = script
    found = read(watched(said, until, chance=chance), until)
    ends = [at for at, _ in said[1:]] + [until]
    for (at, what), end in zip(said, ends, strict=True):
        # the first second may go by in the dark, where too many flashes went before
        if end - at >= TOLD_S[what] + 1.7:
            assert said_at(found, at + TOLD_S[what] + 1.1).shown is what, found


@settings(max_examples=40, deadline=None)
@given(scripts(0.8, 8.0), st.randoms(use_true_random=False))
def test_with_colours_also_what_lasts_a_second_is_seen(script, chance: random.Random):
    said, until = script

    def colour(at):
        return PATTERNS[[what for when, what in said if when <= at + 1e-9][-1]].colour

    # a change of colour in the midst of light is seen too
    rows = watched(said, until, colour, chance)
    for at, what in said:
        before = [row for row in rows if row[0] <= at]
        if before and before[-1][1] not in (DARK, PATTERNS[what].colour):
            rows.insert(len(before), (at, PATTERNS[what].colour))
    found = read(rows, until)
    ends = [at for at, _ in said[1:]] + [until]
    for (at, what), end in zip(said, ends, strict=True):
        if end - at >= 2.8:
            # the end of it may look like the beginning of what follows
            assert any(what in seen.could for seen in found if seen.at < at + 2.2 and seen.until > at)


@given(st.lists(st.tuples(st.floats(0.001, 3.0), st.sampled_from([DARK, LIT, "green", "red"])), max_size=40))
def test_what_no_lamp_does_is_read_as_nothing_and_never_fails(rows):
    at, changes = 0.0, []
    for gap, colour in rows:
        if not changes or changes[-1][1] != colour:
            changes.append((at, colour))
        at += gap
    found = decoded(changes, at)
    assert all(before.until == after.at for before, after in pairwise(found))
    assert not found or (found[0].at, found[-1].until) == (changes[0][0], at)


def test_a_lamp_that_goes_dark_for_good_is_dark():
    changes = [(0.0, LIT), (0.5, DARK), (1.0, LIT), (1.5, DARK), (2.0, LIT), (2.2, DARK)]
    found = decoded(changes, 30.0)
    assert [seen.shown for seen in found] == [Shown.SENDING, None]


@pytest.mark.parametrize("what", Shown)
def test_the_marks_of_a_session_are_found_and_under_them_the_row(what):
    seen = [(at, LIT if on else DARK) for at, on in played([(0.0, what), (0.5, True)], 40.0)]
    plain, marks = unmarked(seen)
    assert len(marks) == pytest.approx(39.5 / MARK_EVERY_S, abs=2.5)
    assert {row.shown for row in decoded(plain, 40.0)} == {what}


@pytest.mark.parametrize("what", Shown)
def test_without_a_session_there_are_no_marks(what):
    seen = [(at, LIT if on else DARK) for at, on in played([(0.0, what)], 40.0)]
    assert unmarked(seen) == (seen, [])
