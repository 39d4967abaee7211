"""The learned check's rooms: any readings at all, saved and loaded anywhere; and what a household would want seen."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.learning.calm import CalmBand
from edge_agent.core.learning.channel import Learner
from edge_agent.core.learning.state import VERSION, load, save
from edge_agent.core.learning.tally import MAX_CELLS, Tally

# A whole history from a few drawn numbers: bursts of one value, steps of time of any size, also backwards.
VALUES = st.one_of(st.floats(width=64), st.floats(-100, 100), st.sampled_from([0.0, 1.0, math.nan, math.inf, 1e308]))
GAPS = st.one_of(st.floats(0, 600), st.floats(-1e6, 1e9), st.sampled_from([0.0, 0.02, 1.0, 60.0, 300.0, 3600.0]))
HISTORY = st.lists(st.tuples(VALUES, GAPS, st.integers(1, 40)), max_size=40)


def played(history, learner, seed=0):
    chance, at = random.Random(seed), 0.0
    for value, gap, times in history:
        for _ in range(times):
            at += gap
            noise = chance.random() if math.isfinite(value) else 0.0
            local = at if chance.random() < 0.8 else None
            yield learner.update(at, value + noise, local)


@given(HISTORY)
@settings(max_examples=60, deadline=None)
def test_whatever_comes_no_reading_stops_it_and_its_state_stays_small(history):
    learner = Learner()
    for score in played(history, learner):
        assert score >= 0.0
        assert math.isfinite(score)
    assert len(save(learner)) <= 2048


@given(HISTORY, st.integers(0, 400), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_saving_and_loading_at_any_point_changes_no_answer(history, cut, seed):
    straight = list(played(history, Learner(), seed))
    learner, answers = Learner(), []
    chance, at, n = random.Random(seed), 0.0, 0
    for value, gap, times in history:
        for _ in range(times):
            if n == cut:
                learner = load(save(learner))
            at += gap
            noise = chance.random() if math.isfinite(value) else 0.0
            local = at if chance.random() < 0.8 else None
            answers.append(learner.update(at, value + noise, local))
            n += 1
    assert answers == straight
    assert save(load(save(learner))) == save(learner)


@given(st.binary(max_size=300), st.booleans())
def test_bytes_that_are_no_state_are_refused_with_a_value_error_only(data, versioned):
    with pytest.raises(ValueError, match="learned"):
        load(bytes([VERSION]) + data if versioned else data)


def test_a_state_that_was_cut_or_is_of_another_version_is_refused():
    data = save(Learner())
    for bad in (data[:-3], data[:1], b"", bytes([VERSION + 1]) + data[1:]):
        with pytest.raises(ValueError, match="learned"):
            load(bad)


def a_day_curve(days, seed=3, every_s=300.0):
    """A room's temperature: warmer by day, with a little noise."""
    chance = random.Random(seed)
    for n in range(int(days * 86400 / every_s)):
        at = n * every_s
        yield at, 20.0 + 2.0 * math.sin(2 * math.pi * at / 86400) + chance.gauss(0, 0.1)


def a_refrigerator(days, seed=5, run_min=12.0, rest_min=18.0):
    """Power each minute: on and off in turn."""
    chance = random.Random(seed)
    on, left = False, 10.0
    for minute in range(int(days * 1440)):
        left -= 1
        if left <= 0:
            on = not on
            left = chance.gauss(run_min if on else rest_min, 0.7)
        yield minute * 60.0, 75.0 + chance.gauss(0, 3) if on else 0.0


def alerts(learner, readings):
    return [at for at, value in readings if learner.update(at, value, at) >= 1.0]


def test_a_room_that_goes_on_as_ever_raises_little_and_one_that_freezes_is_seen_within_the_hour():
    learner = Learner()
    assert len(alerts(learner, a_day_curve(14))) <= 2
    found = [at for n in range(12) if learner.update(at := 14 * 86400 + n * 300.0, 20.0 - n, at) >= 1.0]
    assert found


def test_a_refrigerator_whose_runs_get_longer_is_seen_within_half_a_day_and_one_as_ever_hardly():
    learner = Learner()
    assert len(alerts(learner, a_refrigerator(7))) <= 1
    assert learner.runs.onoff
    worn = [(at + 7 * 86400, value) for at, value in a_refrigerator(1, seed=6, run_min=18.0)]
    found = alerts(learner, worn)
    assert found
    assert found[0] < 7.5 * 86400


def test_a_channel_at_fifty_hertz_ticks_about_once_a_second_and_each_five_minutes():
    learner = Learner()
    for n in range(50 * 1300):
        learner.update(n / 50, 1.0 + n % 7)
    assert 1200 <= learner.runs.n <= 1500
    assert learner.alarm.n == 6


def test_the_calm_band_says_that_a_level_changed_and_learns_it_when_it_stays():
    learner = Learner()
    chance = random.Random(1)
    said = [learner.update(n, 1.3 + chance.gauss(0, 0.05)) and learner.state for n in range(500)]
    assert not any(said)
    for n in range(500, 540):
        learner.update(n, 1.9)
    assert learner.state
    for n in range(540, 540 + 8600):
        learner.update(n, 1.9 + chance.gauss(0, 0.05))
    assert not learner.state


def test_the_calm_band_knows_how_wide_it_is_however_long_it_learns():
    band, chance, told, real = CalmBand(), random.Random(4), 0.0, 0.0
    for n in range(40_000):
        assert not band.see(chance.gauss(5.0, 1.0))
        if n >= 2000:
            told, real = told + band.variance, real + (band.e - band.level) ** 2
    assert told == pytest.approx(real, rel=0.15)


def test_the_calm_band_learns_less_the_stranger_it_is_and_nothing_of_what_is_strange():
    def moved(deviations):
        band, chance = CalmBand(), random.Random(5)
        for _ in range(1000):
            band.see(chance.gauss(5.0, 1.0))
        band.e = x = band.level + deviations * band.spread
        before = band.level
        band.see(x)
        return abs(band.level - before) / (deviations * band.spread)

    assert moved(1.0) > moved(2.5) > moved(3.5) > 0.0
    assert moved(4.0) == 0.0


def test_a_clock_that_is_set_back_holds_nothing_up():
    learner = Learner()
    for n in range(500):
        learner.update(1e9 + n * 300.0, float(n % 5))
    ticks = learner.alarm.n
    for n in range(10):
        learner.update(n * 300.0, float(n % 5))
    assert learner.alarm.n == ticks + 10


def test_evidence_does_not_grow_while_runs_stay_what_they_were_and_does_when_they_change():
    tally, chance = Tally(), random.Random(2)
    for n in range(300):
        tally.add(720 * math.exp(chance.gauss(0, 0.05)), n < 50)
    assert tally.evidence < 2.0
    for _ in range(6):
        tally.add(1300 * math.exp(chance.gauss(0, 0.05)), False)
    assert tally.evidence > 4.0


def test_a_tally_keeps_a_bounded_number_of_cells():
    tally = Tally()
    for n in range(5000):
        tally.add(1.0 + (n * 7919) % 100_000, False)
    assert len(tally.cells) <= MAX_CELLS
    assert tally.total == sum(tally.cells.values())
