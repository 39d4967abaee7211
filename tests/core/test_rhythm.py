"""What looks around now and then does so together."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.rhythm import until_next


@given(st.floats(0.0, 1e8), st.sampled_from([0.05, 0.5, 1.0, 5.0]))
def test_the_next_time_is_ahead_and_less_than_a_period_away(now: float, period_s: float) -> None:
    assert 0.0 < until_next(now, period_s) <= period_s


@given(st.floats(0.0, 1e6), st.floats(0.0, 0.9))
def test_two_that_ask_within_one_second_meet(second: float, later_s: float) -> None:
    begin = float(int(second)) + 0.01
    one, other = begin + until_next(begin, 1.0), begin + later_s + until_next(begin + later_s, 1.0)
    assert abs(one - other) < 1e-6
