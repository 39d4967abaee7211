from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.ladder import AT_LEAST_S, CONFIRM_S, MAX_PATIENCE, Ladder, Step


@pytest.fixture
def ladder():
    ladder = Ladder(120.0)
    ladder.begin(0.0)
    return ladder


def steps(ladder, until_s, since_s=0.0, gently=False):
    found = []
    for now in range(int(since_s), int(until_s) + 1, 5):
        step = ladder.due(float(now), gently=gently)
        if step is not None:
            found.append((now, step))
    return found


def test_silence_restarts_the_scan_then_the_adapter_then_the_service_each_rarer_than_the_one_before(ladder):
    assert steps(ladder, 840) == [(120, Step.SCAN), (360, Step.POWER), (840, Step.SERVICE)]


def test_before_that_nothing_is_done(ladder):
    assert steps(ladder, 115) == []


def test_who_is_heard_brings_it_down_again(ladder):
    steps(ladder, 400)
    ladder.heard(400.0)
    assert steps(ladder, 700, 400) == [(520, Step.SCAN)]


def test_a_radio_that_is_truly_alone_is_left_in_peace(ladder):
    taken = steps(ladder, 86400)
    kinds = [step for _, step in taken]
    assert kinds.count(Step.SERVICE) == 1
    assert kinds.count(Step.POWER) <= 24
    assert max(second - first for (first, _), (second, _) in pairwise(taken)) <= 960


def test_a_radio_that_hears_now_and_then_is_not_switched_off_more_than_once_an_hour():
    ladder = Ladder(10.0)
    ladder.begin(0.0)
    taken = []
    for now in range(7200):
        if now % 100 == 0:
            ladder.heard(float(now))
        taken.append(ladder.due(float(now), gently=False))
    assert taken.count(Step.POWER) <= 2
    assert taken.count(Step.SERVICE) <= 1


def test_while_a_connection_is_up_only_the_scanner_is_restarted(ladder):
    assert {step for _, step in steps(ladder, 86400, gently=True)} == {Step.SCAN}


def test_a_reason_that_is_known_is_no_silence(ladder):
    ladder.begin(110.0)
    assert steps(ladder, 225) == []
    assert steps(ladder, 235, 225) == [(230, Step.SCAN)]


@given(st.lists(st.tuples(st.floats(0.0, 2000.0), st.booleans(), st.booleans()), max_size=60))
def test_whatever_is_heard_steps_keep_their_distance(history):
    ladder = Ladder(10.0)
    ladder.begin(0.0)
    now, last = 0.0, {}
    for pause_s, heard, gently in history:
        now += pause_s
        if heard:
            ladder.heard(now)
        step = ladder.due(now, gently=gently)
        if step is not None:
            assert now - last.get(step, -1e9) >= AT_LEAST_S[step]
            last[step] = now
        assert 10.0 <= ladder.silence_s <= 10.0 * MAX_PATIENCE


def test_silence_after_the_scanner_was_restarted_is_told_and_not_before(ladder):
    assert steps(ladder, 120) == [(120, Step.SCAN)]
    assert not ladder.is_deaf(125.0)
    assert ladder.is_deaf(120.0 + CONFIRM_S)
    assert ladder.silent_s(150.0) == 150.0
    ladder.heard(151.0)
    assert not ladder.is_deaf(200.0)
