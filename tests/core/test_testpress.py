"""When the way to the desk is tested, whatever the clock says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.testpress import FAILED, Outcome, WayTest, due_after, retry_after_s

DAY_S = 86400.0
SHARES = st.floats(0.0, 1.0)


def hour_of(wall):
    return wall % DAY_S / 3600.0


@given(st.floats(0.0, 2e9), SHARES)
def test_a_daily_test_comes_within_a_day_by_day_and_not_at_once(last, share):
    due = due_after(last, DAY_S, share, hour_of)
    assert last + DAY_S / 4 <= due <= last + DAY_S
    assert 9.0 <= hour_of(due) < 18.0 or due - last > DAY_S * 0.89, "by night only where no day was left"


@given(st.floats(9 * 3600.0, 18 * 3600.0), st.lists(SHARES, min_size=5, max_size=30))
def test_once_by_day_it_stays_by_day(at, shares):
    for share in shares:
        at = due_after(at, DAY_S, share, hour_of)
        assert 9.0 <= hour_of(at) < 18.0


@given(st.floats(0.0, 2e9), st.floats(3600.0, 3 * DAY_S), SHARES)
def test_never_later_than_configured_whether_the_clock_is_right_or_not(last, every_s, share):
    for clock in (hour_of, None):
        assert last < due_after(last, every_s, share, clock) <= last + every_s


def test_gateways_that_were_set_up_together_do_not_test_together():
    due = {round(due_after(12 * 3600.0, DAY_S, share / 20, hour_of)) for share in range(20)}
    assert len(due) == 20


def test_after_a_failure_it_is_tried_after_a_quarter_of_an_hour_and_then_less_and_less_often():
    assert [retry_after_s(n) for n in (1, 2, 3, 50)] == [900, 1800, 3600, 14400]


def test_only_a_broken_way_is_a_failure():
    assert {Outcome.OFFLINE, Outcome.YIELDED, Outcome.PASSED}.isdisjoint(FAILED)


@given(
    st.builds(
        WayTest,
        st.sampled_from(Outcome),
        st.booleans(),
        st.floats(0, 1e9),
        st.text(max_size=40),
        st.floats(0, 1e10),
        st.none() | st.floats(0, 100),
        st.none() | st.floats(0, 100),
        st.none() | st.floats(0, 100),
    )
)
def test_what_is_kept_is_read_back(test):
    assert WayTest.from_record(test.record()) == test


@pytest.mark.parametrize("plain", [None, [], {}, {"outcome": "passed"}, {"outcome": "x", "scheduled": True, "at": 1}])
def test_what_is_no_test_is_refused(plain):
    with pytest.raises(ValueError, match="not a"):
        WayTest.from_record(plain)
