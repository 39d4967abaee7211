"""Rules that call for help by themselves: when they do, and that one alarm is one call."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.rules import Condition, Rule, RuleSetting

FLOOD = RuleSetting("flood", "leak.wet", Condition.EQUALS, "Water!", value=True, for_s=5.0, rearm_s=60.0)
PRESSURE = RuleSetting("pressure", "boiler.pressure", Condition.ABOVE, "High!", value=2.9, hysteresis=0.2)


def called(rule, *steps):
    """When the rule called; steps are (time, value), or (time,) for a tick."""
    times = []
    for at, *value in steps:
        if rule.see(value[0], at) if value else rule.tick(at):
            rule.raised = True
            times.append(at)
    return times


def test_water_that_stays_calls_once_after_its_time_though_the_contact_says_nothing_more():
    assert called(Rule(FLOOD), (0, False), (10, True), (14,), (15,), (16,), (999,), (1000, True)) == [15]


def test_a_splash_that_is_over_in_time_calls_nobody():
    assert called(Rule(FLOOD), (0, True), (4, False), (6, True), (10,), (10.5, False), (100,)) == []


def test_an_alarm_that_comes_and_goes_is_one_until_all_was_well_for_the_rearm_time():
    rule = Rule(FLOOD)
    assert called(rule, (0, True), (5,), (10, False), (60, True), (66,), (70, False), (129,)) == [5]
    assert called(rule, (130,), (131, True), (136,)) == [136]


def test_a_value_exactly_on_its_limit_is_no_alarm_and_it_is_over_only_beyond_the_hysteresis():
    rule = Rule(PRESSURE._replace(rearm_s=0.0))
    assert called(rule, (0, 2.9), (1, 2.91), (2, 2.75), (3, 2.95), (4, 2.69), (5,), (6, 2.95)) == [1, 6]


def test_below_is_the_other_side():
    rule = Rule(PRESSURE._replace(condition=Condition.BELOW, value=0.5, rearm_s=0.0))
    assert called(rule, (0, 0.5), (1, 0.4), (2, 0.6), (3, 0.7), (4,), (5, 0.49)) == [1, 5]


@pytest.mark.parametrize(("value", "other"), [(True, False), (118, 0), ("ALARM", "ok"), (0, 1.5), (True, "1")], ids=str)
def test_equals_takes_states_numbers_and_texts(value, other):
    rule = Rule(FLOOD._replace(value=value, for_s=0.0))
    assert called(rule, (0, other), (1, value)) == [1]


def test_changes_call_at_each_change_once_it_was_quiet_for_the_rearm_time():
    rule = Rule(FLOOD._replace(condition=Condition.CHANGES, value=None, for_s=0.0, rearm_s=60.0))
    assert called(rule, (0, 7), (1, 7), (2, 8), (3, 9), (50, 10), (109, 10), (110,), (111, 10), (112, 11)) == [2, 112]


def test_the_first_value_is_no_change_for_nobody_knows_what_was_before():
    assert called(Rule(FLOOD._replace(condition=Condition.CHANGES, for_s=0.0)), (0, 7), (1,), (2, None), (3, 7)) == []


def test_a_channel_that_was_never_heard_or_only_without_a_value_raises_nothing():
    assert called(Rule(FLOOD), *[(at,) for at in range(100)]) == []
    assert called(Rule(FLOOD), *[(at, None) for at in range(100)]) == []
    assert not Rule(FLOOD).known


def test_unknown_time_counts_neither_for_the_alarm_nor_against_it():
    rule = Rule(FLOOD)
    assert called(rule, (0, True), (3, None), (100,), (200, True), (201,), (202,)) == [202]
    # nor does it arm the rule again
    assert called(rule, (210, False), (230, None), (999,), (1000, False), (1039,)) == []
    assert rule.raised
    assert not called(rule, (1040,))
    assert not rule.raised


def test_what_a_sensor_said_too_long_ago_is_unknown_where_that_is_configured():
    rule = Rule(FLOOD._replace(for_s=30.0, stale_s=10.0))
    assert called(rule, (0, True), (9,), (11,), (50,), (500,)) == []
    assert not rule.known
    assert called(rule, (501, True), (510, True), (519, True), (520, True), (521,)) == [521], "10 s and 20 s"


@pytest.mark.parametrize("nonsense", [float("nan"), "n/a", None])
def test_what_is_no_number_cannot_be_above_anything(nonsense):
    assert called(Rule(PRESSURE), (0, nonsense), (1, nonsense), (2,)) == []


def test_a_finding_is_an_alarm_while_it_stands():
    rule = Rule(FLOOD._replace(condition=Condition.FINDING, for_s=0.0))
    assert called(rule, (0, False), (1, True), (2, False), (62,), (63, True)) == [1, 63]


def test_a_clock_that_goes_back_frightens_nobody():
    assert called(Rule(FLOOD), (100, True), (50, True), (101,), (104,), (105,)) == [105]


STEPS = st.lists(
    st.tuples(
        st.floats(0.01, 20.0).map(lambda s: round(s, 2)), st.sampled_from(["wet", "dry", "none", "tick", "restart"])
    ),
    max_size=80,
)


@given(STEPS)
def test_no_alarm_calls_twice_and_every_alarm_that_lasts_calls_whatever_comes_between(steps):
    """Against an oracle that keeps the whole history. A restart forgets all but `raised`."""
    rule, now = Rule(FLOOD), 0.0
    known, wet_s, dry_s, armed = None, 0.0, 0.0, True
    for dt, what in steps:
        now += dt
        wet_s, dry_s = wet_s + dt * (known is True), dry_s + dt * (known is False)
        if what == "restart":
            rule = replace(Rule(FLOOD), raised=rule.raised)
            known, wet_s, dry_s = None, 0.0, 0.0
            continue
        if known is False and dry_s >= FLOOD.rearm_s - 1e-6:
            armed = True  # at the latest here; the rule may know it by now
        was_armed = not rule.raised
        value = {"wet": True, "dry": False}.get(what)
        calls = rule.tick(now) if what == "tick" else rule.see(value, now)
        if what != "tick":
            wet_s = 0.0 if value is False else wet_s
            dry_s = 0.0 if value is True else dry_s
            known = value
        if calls:
            assert armed, "one alarm calls once"
            assert known is True, "unknown is no alarm"
            assert wet_s >= FLOOD.for_s - 1e-6
            rule.raised, armed = True, False
        elif known is True and wet_s >= FLOOD.for_s + 1e-6:
            assert not was_armed, "an alarm that lasts has called"
