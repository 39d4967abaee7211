"""A record of a lamp is read back to what it said: the rhythms can be told apart, on a lamp of one colour too."""

import heapq
import random
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge_agent.core.lamp import MARK_EVERY_S, PATTERNS, Shown
from simulators.rhythms import DARK, LIT, decoded, played, unmarked

# From then on a row is no other: two seconds, and six where three long flashes must be over.
TOLD_S = dict.fromkeys(Shown, 2.2) | {Shown.RESOLVED: 6.2, Shown.RECEIVED: 6.2, Shown.ENGAGED: 2.2}
JITTER_S = 0.015


def watched(script, until, chance=None, *, in_colour=False):
    """What somebody sees of it who looked on before: first dark, then each change a little late, one after another."""
    meant = [(at, LIT if on else DARK) for at, on in played(script, until)[1:]]
    rows = [(-10.0, DARK)]
    for at, colour in _coloured(script, meant) if in_colour else meant:
        seen_at = at + (chance.uniform(0.0, JITTER_S) if chance else 0.0)
        rows.append((max(seen_at, rows[-1][0]), colour))
    return rows


def _coloured(script, changes):
    """The changes with their colours; a change of colour in the midst of light is one too."""
    lit, shown, was = False, None, DARK
    for at, what in heapq.merge(script, changes, key=lambda row: row[0]):
        if isinstance(what, Shown):
            shown = what
        else:
            lit = what == LIT
        colour = PATTERNS[shown].colour if lit else DARK
        if colour != was:
            yield at, colour
        was = colour


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


# one row's flash ends as the next row's begins: there is no dark between
@example(([(0.0, Shown.QUEUED), (11.0, Shown.CANCEL_WINDOW), (17.7109375, Shown.QUESTION)], 24.25), random.Random(2))
@settings(max_examples=40, deadline=None)
@given(scripts(6.5), st.randoms(use_true_random=False))
def test_what_is_shown_long_enough_is_read_back_in_order_from_one_colour_alone(script, chance: random.Random):
    said, until = script
    found = read(watched(said, until, chance), until)
    assert [seen.shown for seen in found] == [what for _, what in said]
    assert all(abs(seen.at - at) <= 1.6 for seen, (at, _) in zip(found, said, strict=True))


@settings(max_examples=40, deadline=None)
@given(scripts(0.03), st.randoms(use_true_random=False))
def test_whatever_comes_between_a_row_that_lasts_is_seen(script, chance: random.Random):
    said, until = script
    found = read(watched(said, until, chance), until)
    ends = [at for at, _ in said[1:]] + [until]
    for (at, what), end in zip(said, ends, strict=True):
        # the first second may go by in the dark, where too many flashes went before
        if end - at >= TOLD_S[what] + 1.7:
            assert said_at(found, at + TOLD_S[what] + 1.1).shown is what, found


# a flash that begins some milliseconds before the next row does is seen no later than that
@example(([(0.0, Shown.READY), (2.0, Shown.QUEUED), (4.0078125, Shown.ENGAGED)], 7.0078125), random.Random(1))
@settings(max_examples=40, deadline=None)
@given(scripts(0.8, 8.0), st.randoms(use_true_random=False))
def test_with_colours_also_what_lasts_a_second_is_seen(script, chance: random.Random):
    said, until = script
    found = read(watched(said, until, chance, in_colour=True), until)
    ends = [at for at, _ in said[1:]] + [until]
    for (at, what), end in zip(said, ends, strict=True):
        if end - at >= TOLD_S[what] + 0.6:
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
