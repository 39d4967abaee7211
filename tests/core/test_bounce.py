"""Edges of a contact in, presses and an opinion of its debounce time out."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.bounce import CHATTER_MS, REST_MS, Edge, Move, Opinion, bursts, bursts_of, judge, presses


def edges(*times_ms, high=False):
    """A line that goes to and fro at these times, first to `high`."""
    return [Edge(at, high == (number % 2 == 0)) for number, at in enumerate(times_ms)]


def seen(*times_ms):
    """The same of a button to ground with a resistor that pulls it up."""
    return bursts(edges(*times_ms), active_high=False)


def opinion(*times_ms, debounce_ms=5.0, active=False):
    return judge(seen(*times_ms), debounce_ms, active=active)


PRESS = (100.0, 100.4, 102.0, 104.0, 104.2, 600.0, 601.0, 600.0 + 2.5)


def test_a_clean_press_is_a_make_and_a_break_of_one_edge_each():
    made, gone = seen(100.0, 850.0)
    assert (made.move, made.edges, made.long_ms, made.glitch_ms) == (Move.MAKE, 1, 0.0, 0.0)
    assert (gone.move, gone.at_ms) == (Move.BREAK, 850.0)
    (press,) = presses([made, gone])
    assert press.long_ms == 750.0


def test_a_bouncing_press_says_how_long_it_bounced_and_its_shortest_and_longest_level():
    made, gone = seen(*PRESS)
    assert made == (Move.MAKE, 0, 4, 100.0, pytest.approx(4.2), pytest.approx(0.2), pytest.approx(2.0), 0)
    assert (gone.move, gone.edges, gone.long_ms) == (Move.BREAK, 3, 2.5)


def test_a_level_that_is_active_high_makes_by_going_up():
    (made,) = bursts(edges(5.0, high=True), active_high=True)
    assert made.move is Move.MAKE


def test_back_where_it_was_without_rest_is_a_spike():
    (spike,) = seen(10.0, 10.3)
    assert (spike.move, spike.glitch_ms) == (Move.SPIKE, pytest.approx(0.3))
    assert presses([spike]) == []


def test_a_line_that_goes_where_it_was_already_has_lost_a_change():
    (burst,) = bursts([Edge(0.0, False), Edge(0.5, False), Edge(1.0, True), Edge(1.2, False)], active_high=False)
    assert (burst.move, burst.lost) == (Move.MAKE, 1)


def test_a_press_that_lasts_has_no_end():
    (press,) = presses(seen(10.0))
    assert press.gone is None
    assert press.long_ms is None


def test_who_begins_to_look_while_it_is_pressed_sees_no_press():
    (gone,) = bursts([Edge(10.0, True)], active_high=False)
    assert gone.move is Move.BREAK
    assert presses([gone]) == []


@pytest.mark.parametrize(
    ("times_ms", "debounce_ms", "active", "expected"),
    [
        ((), 5.0, False, (Opinion.NEVER, 0.0, 0.0)),
        ((), 5.0, True, (Opinion.STUCK, 0.0, 0.0)),
        ((10.0, 300.0), 5.0, False, (Opinion.ENOUGH, 0.0, 0.0)),
        ((10.0, 300.0), 0.0, False, (Opinion.ENOUGH, 0.0, 0.0)),
        ((10.0, 10.2), 5.0, False, (Opinion.SPIKES, 0.2, 0.0)),
        (PRESS, 20.0, False, (Opinion.ENOUGH, 4.2, 10.0)),
        (PRESS, 5.0, False, (Opinion.TIGHT, 4.2, 10.0)),
        (PRESS, 2.0, False, (Opinion.SHORT, 4.2, 10.0)),
        ((10.0, 50.0), 50.0, False, (Opinion.TOO_LONG, 0.0, 5.0)),
        ((0.0, 20.0, 40.0, 80.0), 5.0, False, (Opinion.WORN, 40.0, 0.0)),
        (tuple(range(0, 500, 10)), 5.0, False, (Opinion.CHATTERS, 0.0, 0.0)),
    ],
)
def test_the_debounce_time_is_judged(times_ms, debounce_ms, active, expected):
    found = opinion(*times_ms, debounce_ms=debounce_ms, active=active)
    assert found == (expected[0], pytest.approx(expected[1]), expected[2])


def test_a_meter_that_counts_fast_is_split_by_its_debounce_time_and_a_contact_then_chatters():
    quick = edges(*range(0, 1000, 12))  # a flow sensor with 40 pulses a second
    fast = bursts_of(quick, active_high=False, counts=True, debounce_ms=5.0)
    assert {burst.edges for burst in fast} == {1}
    assert len(presses(fast)) == 42
    assert judge(fast, 5.0, active=False).opinion is Opinion.ENOUGH
    (contact,) = bursts_of(quick, active_high=False, counts=False, debounce_ms=5.0)
    assert contact.move is Move.CHATTER


GAPS = st.lists(st.tuples(st.floats(0.001, 300.0), st.booleans()), max_size=60)


@given(GAPS, st.booleans(), st.booleans(), st.floats(0.0, 1000.0))
def test_whatever_a_line_does_each_edge_is_in_one_burst_and_judged(gaps, active_high, counts, debounce_ms):
    at, line = 0.0, []
    for gap, high in gaps:
        at += gap
        line.append(Edge(at, high))
    found = bursts(line, active_high=active_high)
    assert [n for burst in found for n in range(burst.first, burst.last + 1)] == list(range(len(line)))
    for burst, later in pairwise(found):
        assert later.at_ms - line[burst.last].at_ms >= REST_MS
    for burst in found:
        assert 0.0 <= burst.glitch_ms <= burst.false_rest_ms <= max(burst.long_ms, 0.0) + 1e-9
        assert (burst.move is Move.CHATTER) == (burst.long_ms > CHATTER_MS)
    some = bursts_of(line, active_high=active_high, counts=counts, debounce_ms=debounce_ms)
    verdict = judge(some, debounce_ms, active=False)
    assert verdict.advised_ms >= verdict.bounced_ms or not verdict.advised_ms
