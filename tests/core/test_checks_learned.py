"""The learned check: readings of every kind in, one plain sentence out, in every language."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.checks.around import STANDS_S, Around
from edge_agent.core.checks.base import Words
from edge_agent.core.checks.learned import Learned
from edge_agent.core.finding import GOOD, Confidence
from edge_agent.core.learning import state
from edge_agent.core.learning.channel import SEASONAL, TREND, VALUE
from edge_agent.core.learning.confidence import share_real
from edge_agent.core.learning.crowd import Crowd
from edge_agent.core.learning.maps import DAYTIME, VIEWS, Seen
from edge_agent.core.reading import Channel, ChannelKind, Reading
from edge_agent.texts import languages, texts

ROOM = Channel("room.temperature", "Cel")
FRIDGE = Channel("fridge.power", "W")
ENGLISH = Words(texts("en").say, texts("en").get)
AROUND = Around(ENGLISH, lambda at: at)


def room(check, days, start=0.0, seed=3):
    chance = random.Random(seed)
    for n in range(int(days * 288)):
        at = start + n * 300.0
        yield check.see(Reading(ROOM, 20 + 2 * math.sin(2 * math.pi * at / 86400) + chance.gauss(0, 0.1), at))


def test_a_room_that_gets_cold_is_told_with_the_value_and_it_stands_for_an_hour_and_then_is_good():
    check = Learned(ROOM.name, AROUND)
    list(room(check, 14))
    at = 14 * 86400.0
    bad = [v for n in range(12) if (v := check.see(Reading(ROOM, 19.0 - n, at + n * 300.0))) and v.bad]
    assert "Room temperature" in bad[0].sentence
    assert "°C" in bad[0].sentence
    assert "14 days" in bad[0].sentence
    assert check.see(Reading(ROOM, 8.0, at + 12 * 300.0)) is None
    assert check.tick(at + 12 * 300.0 + STANDS_S) == GOOD


def test_a_refrigerator_whose_runs_get_longer_is_told_with_both_lengths():
    check, chance, said, at = Learned(FRIDGE.name, AROUND), random.Random(5), [], 0.0
    for day in range(9):
        usual = 12.0 if day < 8 else 20.0
        for _ in range(40):
            for watts, length in ((75.0, usual), (0.0, 18.0)):
                for _ in range(max(1, round(chance.gauss(length, 0.7)))):
                    at += 60.0
                    verdict = check.see(Reading(FRIDGE, watts, at))
                    said += [(day, verdict.sentence)] if verdict and verdict.bad else []
    assert said[-1][0] == 8
    assert "usually about 1" in said[-1][1]
    assert " min" in said[-1][1]


def test_pressure_that_keeps_its_level_is_told_when_it_leaves_it_where_that_is_asked_for():
    pressure, chance = Channel("boiler.pressure", "bar"), random.Random(1)
    asked, not_asked = Learned(pressure.name, AROUND, level=True), Learned(pressure.name, AROUND)
    for n in range(500):
        reading = Reading(pressure, 1.5 + chance.gauss(0, 0.01), n * 60.0)
        assert asked.see(reading) == not_asked.see(reading) == GOOD
    readings = [Reading(pressure, 1.2, n * 60.0) for n in range(500, 515)]
    bad = [v for reading in readings if (v := asked.see(reading)) and v.bad]
    assert "left its level of about 1.5 bar" in bad[-1].sentence
    assert {not_asked.see(reading) for reading in readings} == {GOOD}


def test_a_counter_is_judged_by_its_pace_and_setting_it_back_is_nothing():
    water = Channel("water.volume", "m3", ChannelKind.COUNTER)
    check = Learned(water.name, AROUND)
    assert check.see(Reading(water, 100.0, 0.0)) is None
    assert check.see(Reading(water, 100.5, 3600.0)) == GOOD
    assert check.learner.averages.e3 == pytest.approx(0.5)
    assert check.see(Reading(water, 0.0, 7200.0)) is None


def test_an_angle_that_swings_around_north_is_no_jump():
    wind = Channel("mast.wind", "deg", ChannelKind.ANGLE)
    check = Learned(wind.name, AROUND)
    for n in range(400):
        check.see(Reading(wind, 359.0 if n % 2 else 1.0, n * 300.0))
    assert -10 < check.learner.value.low < check.learner.value.high < 10


def test_a_door_that_stays_open_goes_on_speaking_through_time_alone():
    door = Channel("door.open", "", ChannelKind.STATE)
    check = Learned(door.name, AROUND)
    check.see(Reading(door, True, 0.0))
    for second in range(1, 3600):
        check.tick(float(second))
    assert check.learner.runs.n == pytest.approx(60, abs=2)
    check.see(Reading(door, None, 3600.0, "gone"))
    before = check.learner.runs.n
    for second in range(3601, 4000):
        check.tick(float(second))
    assert check.learner.runs.n == before


def test_what_was_saved_goes_on_in_another_boot_whose_clock_begins_at_nothing():
    check = Learned(ROOM.name, AROUND)
    list(room(check, 10, start=40 * 86400.0))
    again = Learned(ROOM.name, AROUND)
    again.resume(state.load(state.save(check.learner)))
    assert not [v for v in room(again, 3, start=86400.0, seed=4) if v and v.bad]
    assert again.learner.alarm.n == pytest.approx(13 * 288, abs=2)


def frozen(check, days, start):
    """The room loses heat for some hours."""
    readings = (Reading(ROOM, 20.0 - 0.4 * n, start + n * 300.0) for n in range(int(days * 288)))
    return [v for reading in readings if (v := check.see(reading)) and v.bad]


def test_what_a_person_says_is_normal_is_over_and_does_not_alert_when_it_comes_again():
    untold, told = Learned(ROOM.name, AROUND), Learned(ROOM.name, AROUND)
    for check in (untold, told):
        list(room(check, 14))
        assert frozen(check, 0.1, 14 * 86400.0)
    assert told.learner.alarm.spent > 0.9
    told.teach()
    assert told.learner.alarm.spent == 0.0
    assert told.tick(14 * 86400.0 + 9000.0) == GOOD
    for check in (untold, told):
        list(room(check, 7, 15 * 86400.0, seed=5))
    assert not frozen(told, 0.1, 22 * 86400.0)
    assert frozen(untold, 0.1, 22 * 86400.0)


def test_a_level_that_a_person_says_is_normal_is_learned_from_there():
    pressure, chance = Channel("boiler.pressure", "bar"), random.Random(1)
    check = Learned(pressure.name, AROUND, level=True)
    readings = (Reading(pressure, (1.5 if n < 500 else 1.2) + chance.gauss(0, 0.01), n * 60.0) for n in range(1100))
    said = []
    for n, reading in enumerate(readings):
        said.append(bool((v := check.see(reading)) and v.bad))
        if n == 530:
            check.teach()
    assert any(said[500:531])
    assert not any(said[531:])
    assert check.learner.calm.level == pytest.approx(1.2, abs=0.01)


def test_surprise_is_in_powers_of_ten_fades_within_minutes_and_a_lost_level_is_an_alerts_worth():
    check = Learned(ROOM.name, AROUND)
    list(room(check, 14))
    at = 14 * 86400.0
    assert check.surprise(at) < 0.2
    check.see(Reading(ROOM, 5.0, at))
    assert check.surprise(at) > check.learner.threshold
    assert check.surprise(at + 900.0) < 0.1 * check.surprise(at)
    pressure, chance = Channel("boiler.pressure", "bar"), random.Random(1)
    check = Learned(pressure.name, AROUND, level=True)
    for n in range(540):
        check.see(Reading(pressure, (1.5 if n < 500 else 1.2) + chance.gauss(0, 0.01), n * 60.0))
    assert check.surprise(540 * 60.0) >= check.learner.threshold


def test_among_ten_channels_each_must_say_one_power_of_ten_more():
    crowd = Crowd()
    around = Around(ENGLISH, lambda at: at, crowd)
    alone = Learned("a.b", AROUND)
    many = [Learned(f"a.{n}", around) for n in range(10)]
    assert many[0].learner.threshold == pytest.approx(alone.learner.threshold + 1.0)
    many[0].resume(state.load(state.save(alone.learner)))
    assert many[0].learner.threshold == pytest.approx(alone.learner.threshold + 1.0)


def test_a_greater_surprise_is_more_likely_real_and_a_limit_that_was_set_is_certain():
    small, great = share_real(1.1), share_real(6.0)
    assert 0.0 < small < 0.5 < great < 1.0
    words = [Confidence.of(share) for share in (small, great, 1.0)]
    assert words == [Confidence.POSSIBLE, Confidence.LIKELY, Confidence.CERTAIN]
    check = Learned(ROOM.name, AROUND)
    list(room(check, 14))
    assert Confidence.of(check.see(Reading(ROOM, -40.0, 14 * 86400.0)).confidence) is Confidence.LIKELY
    assert GOOD.confidence == 1.0


WHYS = [
    *(Seen(3.2, view, 4, 9) for view in range(len(VIEWS))),
    Seen(3.2, DAYTIME, 4, 9),
    Seen(3.2, VALUE, 12.0, 17.6),
    Seen(3.2, SEASONAL, -4.0, -1.5),
    Seen(3.2, TREND, -2.0, -1.0),
    None,
]


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("kind", list(ChannelKind))
@pytest.mark.parametrize("why", WHYS)
def test_every_reason_is_a_sentence_in_every_language(language, kind, why):
    said = texts(language)
    check = Learned(ROOM.name, Around(Words(said.say, said.get), lambda at: at))
    list(room(check, 3))
    check.learner.why = () if why is None else (why,)
    sentence = check._teller(Channel("room.temperature", "Cel", kind)).alert(check.learner, 14.5 * 3600.0)
    assert sentence[0].isupper()
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert "14:30" in sentence or why is None


def test_numbers_of_a_sentence_have_the_digits_that_tell_them_apart_and_no_more():
    check = Learned(ROOM.name, AROUND)
    list(room(check, 10))
    check.learner.value.high = 22.412
    for value, said in ((12.0, "12 °C"), (17.21, "17.2 °C")):
        check.learner.why = (Seen(3.2, VALUE, value, 17.634),)
        sentence = check._teller(ROOM).alert(check.learner, None)
        assert f"Room temperature is {said}; so far it was always between" in sentence
    assert "between 17.6 °C and 22.4 °C" in sentence
    air = Channel("air.pressure", "hPa")
    check.learner.why, check.learner.value.high = (Seen(3.2, VALUE, 1013.37, 1013.31),), 1020.0
    assert "is 1013.37 hPa" in Learned(air.name, AROUND)._teller(air).alert(check.learner, None)


def test_how_rare_is_told_in_hours_or_days_and_never_longer_than_the_channel_was_watched():
    check = Learned(ROOM.name, AROUND)
    list(room(check, 14))
    for surprise, said in ((2.0, "once in 8 hours"), (3.0, "once in 3 days"), (6.0, "in the 14 days that")):
        check.learner.why = (Seen(surprise, VALUE, 12.0, 17.6),)
        assert said in check._teller(ROOM).alert(check.learner, None)


def test_a_counter_is_told_by_the_hour_and_an_angle_as_a_direction():
    water, wind = Channel("water.volume", "m3", ChannelKind.COUNTER), Channel("mast.wind", "deg", ChannelKind.ANGLE)
    check = Learned(water.name, AROUND)
    check.learner.value.low, check.learner.why = 0.0, (Seen(3.2, VALUE, 2.4, 0.6),)
    assert "2.4 m³/h" in check._teller(water).alert(check.learner, None)
    check = Learned(wind.name, AROUND)
    for n in range(3000):
        check.see(Reading(wind, 350.0 + n % 3, n * 1.0))
    check.learner.value.low, check.learner.why = -10.0, (Seen(3.2, VALUE, 40.0, 10.0),)
    assert "is 30°; so far it was always between 340° and 0°" in check._teller(wind).alert(check.learner, None)


@given(
    st.sampled_from(list(ChannelKind)),
    st.lists(
        st.tuples(
            st.one_of(st.floats(), st.booleans(), st.none(), st.text(max_size=3), st.integers(-(10**18), 10**18)),
            st.floats(-1e5, 1e6),
        ),
        max_size=60,
    ),
)
@settings(max_examples=60, deadline=None)
def test_readings_of_any_kind_never_stop_it(kind, history):
    channel, at = Channel("any.thing", "", kind), 0.0
    check = Learned(channel.name, AROUND, level=True)
    for value, gap in history:
        at += gap
        verdict = check.see(Reading(channel, value, at))
        assert verdict is None or verdict.bad == bool(verdict.sentence)
        check.tick(at + 100.0)


@pytest.mark.parametrize("new", [1.5, 2.5, 3.4])
def test_what_a_person_called_normal_is_not_told_again_and_what_comes_later_is_found(new):
    check, chance, alerts = Learned(ROOM.name), random.Random(2), []
    for n in range(3500):
        level = 3.0 if n < 2000 else new if n < 3000 else 6.0
        verdict = check.see(Reading(ROOM, level + chance.uniform(-0.05, 0.05), n * 300.0))
        check.tick(n * 300.0 + 1.0)
        if n >= 2000 and verdict is not None and verdict.bad:
            alerts.append(n)
            if n < 3000:
                check.teach()
    assert alerts[0] == 2000
    assert alerts[1] == 3000, "not while the averages settle on it, and not afterwards"


@pytest.mark.parametrize("language", languages())
def test_what_goes_on_too_long_is_told_while_it_does_with_the_longest_so_far(language):
    said = texts(language)
    check = Learned(FRIDGE.name, Around(Words(said.say, said.get)))
    for n in range(3000):
        check.see(Reading(FRIDGE, 80.0 if n % 30 < 10 else 0.0, n * 60.0))
    told = [
        (n, verdict.sentence)
        for n in range(3000, 3000 + 500)
        if (verdict := check.see(Reading(FRIDGE, 0.0, n * 60.0))) and verdict.bad
    ]
    assert told
    assert told[0][0] < 3300
    assert " h" in told[0][1]
    assert "20 min" in told[0][1]
