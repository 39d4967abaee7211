"""Slots as a pure table: help never waits, and nobody starves."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.event import Lane
from edge_agent.uplink.slots import Slots

ALL = list(Lane)


def fill(slots: Slots, waiting: list[Lane]) -> dict[Lane, int]:
    taken = dict.fromkeys(ALL, 0)
    while lane := next((lane for lane in ALL if lane in waiting and slots.may_send(lane, waiting)), None):
        slots.take(lane)
        taken[lane] += 1
    return taken


def test_a_backlog_leaves_the_reserved_slots_to_help():
    slots = Slots(20, 3)
    assert fill(slots, [Lane.TELEMETRY])[Lane.TELEMETRY] == 17
    assert slots.may_send(Lane.HELP, ALL)


def test_help_does_not_take_all_slots_while_others_wait():
    assert fill(Slots(20, 3), [Lane.HELP, Lane.TELEMETRY]) == {
        Lane.HELP: 3,
        Lane.FINDING: 0,
        Lane.STATE: 0,
        Lane.TELEMETRY: 17,
    }


def test_help_alone_may_use_every_slot():
    assert fill(Slots(20, 3), [Lane.HELP])[Lane.HELP] == 20


def test_the_first_lane_goes_first_and_leaves_a_little_to_each_below():
    assert fill(Slots(20, 3), ALL) == {Lane.HELP: 3, Lane.FINDING: 13, Lane.STATE: 2, Lane.TELEMETRY: 2}


def test_a_storm_of_findings_does_not_starve_the_backlog():
    slots = Slots(20, 3)
    taken = fill(slots, [Lane.FINDING])
    sent = dict.fromkeys(ALL, 0)
    for _ in range(1000):  # every finding that lands is followed by another that waits
        oldest = max(ALL, key=lambda lane: taken[lane])
        slots.give(oldest)
        taken[oldest] -= 1
        for lane, count in fill(slots, [Lane.FINDING, Lane.TELEMETRY]).items():
            taken[lane] += count
            sent[lane] += count
    assert taken[Lane.TELEMETRY] == 2


def test_a_broker_that_takes_one_message_at_a_time_still_gets_help_first():
    slots = Slots(1, 3)
    assert fill(slots, ALL) == {Lane.HELP: 1, Lane.FINDING: 0, Lane.STATE: 0, Lane.TELEMETRY: 0}


@given(
    st.integers(1, 100),
    st.integers(0, 12),
    st.lists(st.tuples(st.sampled_from(ALL), st.booleans()), max_size=200),
    st.sets(st.sampled_from(ALL)),
)
def test_never_more_in_flight_than_there_are_slots_and_help_finds_one(total, reserved, steps, waiting):
    slots = Slots(total, reserved)
    flying = dict.fromkeys(ALL, 0)
    for lane, lands in steps:
        if lands and flying[lane]:
            slots.give(lane)
            flying[lane] -= 1
        elif slots.may_send(lane, waiting | {lane}):
            slots.take(lane)
            flying[lane] += 1
        assert slots.in_flight == sum(flying.values()) <= total
        if flying[Lane.HELP] < slots.reserved:
            assert slots.may_send(Lane.HELP, ALL)
