"""The learned check on channels of every kind and pace: quiet while all goes on as ever, and a fault is found."""

import math
import random

import pytest

from edge_agent.core.checks.around import Around
from edge_agent.core.checks.learned import Learned
from edge_agent.core.learning.channel import AGE_S, Learner
from edge_agent.core.learning.state import load, save
from edge_agent.core.reading import Channel, ChannelKind, Reading

DAY_S = 86400.0
AROUND = Around(local_s=lambda at: at)


def bad(check, channel, readings):
    """When the check spoke; several verdicts within an hour are one."""
    found = []
    for at, value in readings:
        verdict = check.see(Reading(channel, value, at))
        if verdict is not None and verdict.bad and (not found or at - found[-1] > 3600.0):
            found.append(at)
    return found


def room(days, every_s=300.0, start=0.0, seed=3, shift=0.0):
    """Warmer by day, with noise; `shift` is the fault."""
    chance = random.Random(seed)
    for n in range(int(days * DAY_S / every_s)):
        at = start + n * every_s
        yield at, 20.0 + 2.0 * math.sin(2 * math.pi * at / DAY_S) + chance.gauss(0, 0.1) + shift


def water(days, start=0.0, seed=4, leak_m3_h=0.0, total=100.0):
    """A meter's total each minute: used some forty times a day, not by night; `leak_m3_h` runs all the time."""
    chance, left, flow = random.Random(seed), 0, 0.0
    for n in range(int(days * 1440)):
        at = start + n * 60.0
        hour = at / 3600.0 % 24.0
        if left == 0 and 6.0 < hour < 23.0 and chance.random() < 0.04:
            left, flow = chance.randint(1, 8), chance.uniform(0.2, 0.6)
        total += (flow if left else 0.0) / 60.0 + leak_m3_h / 60.0
        left = max(0, left - 1)
        yield at, total


def vane(days, start=0.0, seed=5, mean=350.0):
    """The wind swings around north."""
    chance, away = random.Random(seed), 0.0
    for n in range(int(days * 288)):
        away = 0.95 * away + chance.gauss(0, 3.0)
        yield start + n * 300.0, (mean + away) % 360.0


def pump(days, start=0.0, seed=6, run_min=6.0):
    """On and off in turn, told each minute."""
    chance, on, left = random.Random(seed), False, 10.0
    for n in range(int(days * 1440)):
        left -= 1
        if left <= 0:
            on = not on
            left = chance.gauss(run_min if on else 30.0, 0.8 if on else 3.0)
        yield start + n * 60.0, on


def test_a_level_that_jumps_is_found_within_the_hour_and_a_room_as_ever_says_little():
    check, channel = Learned("room.temperature", AROUND), Channel("room.temperature", "Cel")
    assert len(bad(check, channel, room(21))) <= 3
    found = bad(check, channel, room(0.2, start=21 * DAY_S, shift=-6.0))
    assert found
    assert found[0] - 21 * DAY_S <= 3600.0


def test_water_that_runs_all_night_is_found_by_the_meters_pace_and_a_household_as_ever_is_quiet():
    channel = Channel("water.volume", "m3", ChannelKind.COUNTER)
    check = Learned(channel.name, AROUND)
    told = bad(check, channel, water(21))
    assert len(told) <= 9
    total = list(water(21))[-1][1]
    found = bad(check, channel, water(1.0, start=21 * DAY_S, leak_m3_h=0.4, total=total))
    assert found


def test_a_wind_that_turns_around_is_found_and_one_that_swings_around_north_is_not():
    channel = Channel("mast.wind", "deg", ChannelKind.ANGLE)
    check = Learned(channel.name, AROUND)
    assert len(bad(check, channel, vane(21))) <= 8
    found = bad(check, channel, vane(0.5, start=21 * DAY_S, seed=7, mean=170.0))
    assert found
    assert found[0] - 21 * DAY_S <= 3600.0


def test_an_angle_goes_on_after_a_restart_from_the_same_mean():
    channel = Channel("mast.wind", "deg", ChannelKind.ANGLE)
    check, again = Learned(channel.name, AROUND), Learned(channel.name, AROUND)
    bad(check, channel, vane(7))
    again.resume(load(save(check.learner)))
    assert again.learner.turn == check.learner.turn
    assert check.learner.turn > 340.0 or check.learner.turn < 5.0
    assert len(bad(again, channel, vane(3, start=60.0, seed=9))) <= 1


def test_a_binary_pump_whose_runs_get_longer_is_found_within_half_a_day_and_one_as_ever_is_quiet():
    channel = Channel("sump.running", "", ChannelKind.STATE)
    check = Learned(channel.name, AROUND)
    assert len(bad(check, channel, pump(14))) <= 1
    assert check.learner.runs.onoff
    found = bad(check, channel, pump(1, start=14 * DAY_S, seed=8, run_min=15.0))
    assert found
    assert found[0] - 14 * DAY_S <= DAY_S / 2


def test_a_door_told_only_when_it_moves_is_found_when_it_stays_open_for_hours():
    channel, chance = Channel("freezer.door", "", ChannelKind.STATE), random.Random(9)
    check, said = Learned(channel.name, AROUND), []

    def idle(since, until):
        at = since
        while at < until:
            at += 60.0
            verdict = check.tick(at)
            if verdict is not None and verdict.bad:
                said.append(at)

    at = 0.0
    for _ in range(14 * 12):
        shut = at + chance.uniform(4000.0, 9000.0)
        for when, is_open in ((shut, True), (shut + chance.uniform(60.0, 240.0), False)):
            idle(at, when - 60.0)
            verdict = check.see(Reading(channel, is_open, when))
            said += [when] if verdict is not None and verdict.bad else []
            at = when
    assert len(said) <= 3
    said.clear()
    check.see(Reading(channel, True, at + 5000.0))
    idle(at + 5000.0, at + 5000.0 + 4 * 3600.0)
    verdict = check.see(Reading(channel, False, at + 5000.0 + 4 * 3600.0))
    assert said or (verdict is not None and verdict.bad)


@pytest.mark.parametrize("every_s", [10.0, 60.0, 300.0])
def test_at_every_pace_the_same_room_is_learned_and_the_same_fault_found_in_the_same_time(every_s):
    check, channel = Learned("room.temperature", AROUND), Channel("room.temperature", "Cel")
    assert len(bad(check, channel, room(8, every_s))) <= 3
    found = bad(check, channel, room(0.2, every_s, start=8 * DAY_S, shift=-6.0))
    assert found
    assert found[0] - 8 * DAY_S <= 3600.0


@pytest.mark.parametrize("days", [5, 60])
def test_a_reading_an_hour_is_judged_from_the_fifth_day_and_a_jump_found_with_the_first_reading_or_two(days):
    check, channel = Learned("room.temperature", AROUND), Channel("room.temperature", "Cel")
    assert len(bad(check, channel, room(days, 3600.0))) <= 4
    found = bad(check, channel, room(1.0, 3600.0, start=days * DAY_S, shift=-8.0))
    assert found
    assert found[0] - days * DAY_S <= 2 * 3600.0


@pytest.mark.parametrize("every_s", [1.0, 60.0, 240.0, 300.0, 3600.0])
def test_in_the_first_day_nothing_is_new_at_any_pace_whatever_comes(every_s):
    learner, chance = Learner(), random.Random(3)
    for n in range(int(DAY_S / every_s)):
        jump = 100.0 if n % 100 == 99 else 0.0
        assert learner.update(n * every_s, chance.gauss(0, 1) + jump, n * every_s) == 0.0


def test_a_clock_set_back_by_years_in_the_first_day_keeps_no_channel_from_being_judged():
    learner = Learner()
    alerts(learner, room(0.5, start=1e9))
    alerts(learner, room(3))
    found = alerts(learner, room(0.2, start=3 * DAY_S, shift=-6.0))
    assert found
    assert found[0] - 3 * DAY_S <= 3600.0


@pytest.mark.parametrize("hertz", [1, 50])
def test_a_lost_level_is_told_within_half_a_minute_at_one_hertz_and_at_fifty(hertz):
    learner, chance = Learner(), random.Random(2)
    for n in range(600 * hertz):
        learner.update(n / hertz, 1.3 + chance.gauss(0, 0.05))
        assert not learner.state
    seconds = [
        n / hertz for n in range(30 * hertz) if learner.update(600 + n / hertz, 1.9) is not None and learner.state
    ]
    assert seconds
    assert seconds[0] <= 15.0


def test_the_level_speaks_within_the_first_hour_at_a_reading_a_minute():
    learner, chance = Learner(), random.Random(2)
    for n in range(61):
        learner.update(n * 60.0, 1.3 + chance.gauss(0, 0.05))
    assert any(learner.update((61 + n) * 60.0, 4.0) is not None and learner.state for n in range(10))


def test_gaps_and_missing_numbers_are_no_finding():
    check, channel = Learned("room.temperature", AROUND), Channel("room.temperature", "Cel")
    readings = [(at, value) for at, value in room(20) if not 9 < at / DAY_S < 11]
    told = bad(check, channel, readings)
    missing = [Reading(channel, None, 20 * DAY_S + n, "crc") for n in range(50)]
    assert not [v for reading in missing if (v := check.see(reading)) and v.bad]
    assert len(told) <= 3


def outdoors(years, start=0.0, seed=10, shift=0.0):
    """The air outside each half hour: seasons, days, and weather that lasts for some days."""
    chance, weather = random.Random(seed), 0.0
    for n in range(int(years * 365 * 48)):
        at = start + n * 1800.0
        weather = 0.99 * weather + chance.gauss(0, 0.4)
        year, day = math.sin(2 * math.pi * at / (365 * DAY_S)), math.sin(2 * math.pi * at / DAY_S)
        yield at, 10.0 + 10.0 * year + 4.0 * day + weather + shift


def alerts(learner, readings):
    found = []
    for at, value in readings:
        if learner.update(at, value, at) > 1.0 and (not found or at - found[-1] > DAY_S / 2):
            found.append(at)
    return found


def test_two_years_outdoors_say_little_and_a_sensor_that_was_moved_is_told_and_learned_anew():
    learner = Learner()
    first = alerts(learner, outdoors(1))
    second = alerts(learner, outdoors(1, start=365 * DAY_S, seed=11))
    assert len(first) <= 18
    assert len(second) <= 18
    moved = 2 * 365 * DAY_S
    found = alerts(learner, outdoors(0.5, start=moved, seed=12, shift=25.0))
    assert found
    assert found[0] - moved <= DAY_S
    assert len([at for at in found if at > moved + 30 * DAY_S]) <= 6
    # the old place is forgotten by now, so that coming back is news
    assert alerts(learner, outdoors(0.05, start=moved + 183 * DAY_S, seed=13))


def test_what_comes_back_within_weeks_is_known_and_after_many_weeks_it_is_news():
    def alerts_at_return(away_days):
        learner, at = Learner(), 30 * DAY_S
        alerts(learner, room(15))
        alerts(learner, room(15, start=15 * DAY_S, seed=4, shift=15.0))
        learner.teach()
        alerts(learner, room(2, start=at, seed=5))
        learner.teach()
        alerts(learner, room(away_days - 2, start=at + 2 * DAY_S, seed=5))
        return alerts(learner, room(0.5, start=at + away_days * DAY_S, seed=6, shift=15.0))

    assert not alerts_at_return(10)
    assert alerts_at_return(2.2 * AGE_S / DAY_S)


def test_a_fault_that_comes_back_after_some_weeks_is_found_again_unless_it_was_taught():
    untold, told = Learner(), Learner()
    for learner in (untold, told):
        alerts(learner, room(14))
        assert alerts(learner, room(0.1, start=14 * DAY_S, seed=7, shift=-6.0))
    told.teach()
    for learner in (untold, told):
        alerts(learner, room(13.9, start=14.1 * DAY_S, seed=8))
    again = (0.1, 300.0, 28 * DAY_S, 9, -6.0)
    assert alerts(untold, room(*again))
    assert not alerts(told, room(*again))


def test_a_refrigerator_that_does_not_start_any_more_is_found_within_hours():
    learner = Learner()
    assert len(alerts(learner, ((at, 80.0 * on) for at, on in pump(7, run_min=12.0)))) <= 1
    found = alerts(learner, ((7 * DAY_S + n * 60.0, 0.0) for n in range(1440)))
    assert found
    assert found[0] - 7 * DAY_S <= 6 * 3600.0


WILD = {
    "white": lambda chance, _: chance.gauss(0, 1),
    "heavy tails": lambda chance, _: math.tan(math.pi * (chance.random() - 0.5)),
    "walk": lambda chance, last: last + chance.gauss(0, 1),
    "grows": lambda chance, last: math.exp(0.99 * math.log(max(last, 1e-9)) + chance.gauss(0, 0.5)),
    "jumps": lambda chance, last: chance.uniform(-10, 10) if chance.random() < 0.02 else last + chance.gauss(0, 0.3),
    "bursts": lambda chance, _: chance.choice([0, 0, 0, 1]) * chance.lognormvariate(0, 2),
    "runs": lambda chance, last: last if chance.random() < 0.85 else (0.0 if last else chance.lognormvariate(0, 3)),
}


@pytest.mark.parametrize("kind", WILD)
def test_the_wildest_channel_packs_to_two_kilobytes(kind):
    learner, chance, last = Learner(), random.Random(1), 0.0
    for n in range(24_000):
        last = WILD[kind](chance, last)
        learner.update(n * 300.0, last, n * 300.0)
        if n % 6000 == 5999:
            assert len(save(learner)) <= 2048
