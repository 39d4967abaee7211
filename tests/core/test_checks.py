"""Checks and the life of a finding, in physical sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.checks.around import Around
from edge_agent.core.checks.base import PLAIN, Check, Words
from edge_agent.core.checks.guarded import Guarded
from edge_agent.core.checks.range import Range
from edge_agent.core.checks.registry import CHECKS, Settings
from edge_agent.core.checks.registry import make as made
from edge_agent.core.finding import GOOD, FindingState, Tracker, Verdict
from edge_agent.core.guard import Guard
from edge_agent.core.reading import Channel, Reading
from edge_agent.core.recorder import Recorder
from edge_agent.texts import languages, texts

PRESSURE = Channel("boiler.pressure", "bar")
HERE = {language: Around(Words(texts(language).say, texts(language).get)) for language in languages()}
SETTINGS = {"min": 0.8, "max": 2.5, "hysteresis": 0.1, "per_s": 0.01, "window_s": 60.0}


def make(kind: str, channel: str, settings: Settings, now: float, language: str = "en") -> Check:
    return made(kind, channel, settings, now, HERE[language])


def at(when: float, value: float | None, reason: str = "") -> Reading:
    return Reading(PRESSURE, value, when, reason)


def test_a_boiler_that_loses_pressure_is_found_and_forgiven_with_hysteresis() -> None:
    check = make("range", "boiler.pressure", SETTINGS, 0.0)
    assert check.see(at(0, 1.5)) == GOOD
    verdict = check.see(at(1, 0.7))
    assert verdict == Verdict(True, "Boiler pressure is 0.7 bar; it should be at least 0.8 bar.", "low")
    assert check.see(at(2, 0.85)) == verdict, "0.85 bar is at least 0.8 bar: what was wrong is told"
    assert check.see(at(3, 0.91)) == GOOD
    assert check.see(at(4, 0.85)) == GOOD


def test_too_much_is_found_too() -> None:
    check = make("range", "boiler.pressure", SETTINGS, 0.0)
    assert check.see(at(1, 2.6)) == Verdict(True, "Boiler pressure is 2.6 bar; it should be at most 2.5 bar.", "high")
    assert check.see(at(2, 2.45)).bad  # type: ignore[union-attr]
    assert check.see(at(3, 2.3)) == GOOD


def test_a_fast_fall_is_found() -> None:
    check = make("rate", "boiler.pressure", SETTINGS, 0.0)
    verdicts = [check.see(at(t, 1.5 - 0.02 * max(0, t - 30))) for t in range(90)]
    assert verdicts[29] == GOOD
    last = verdicts[-1]
    assert last is not None
    assert last.bad
    assert "fell" in last.sentence
    assert "bar" in last.sentence


def test_what_a_rate_comes_to_over_a_time_is_rounded_as_a_person_would() -> None:
    check = make("rate", "boiler.pressure", SETTINGS | {"per_s": 0.03, "window_s": 10.0}, 0.0)
    check.see(at(0, 1.39))
    last = check.see(at(9.013, 0.99))
    assert last is not None
    assert last.sentence.endswith("it should change by at most 0.27 bar in that time.")


def test_a_value_only_just_outside_does_not_read_as_its_limit() -> None:
    verdict = make("range", "boiler.pressure", SETTINGS, 0.0).see(at(0, 0.79996))
    assert verdict is not None
    assert verdict.sentence == "Boiler pressure is 0.799960 bar; it should be at least 0.8 bar."


@given(st.floats(0.001, 10.0), st.floats(1.0, 60.0), st.floats(-200.0, 200.0))
def test_a_change_that_is_too_fast_reads_as_more_than_is_allowed(per_s: float, lasted: float, change: float) -> None:
    check = make("rate", "boiler.pressure", SETTINGS | {"per_s": per_s, "window_s": 60.0}, 0.0)
    check.see(at(0.0, 0.0))
    verdict = check.see(at(max(15.0, lasted), change))
    if verdict is None or not verdict.bad:
        return
    allowed = float(verdict.sentence.partition("at most ")[2].partition(" bar")[0])
    assert allowed <= 1.001 * abs(change)


def test_a_fall_that_slows_down_is_told_as_it_was_while_it_was_too_fast() -> None:
    check = make("rate", "boiler.pressure", SETTINGS | {"hysteresis": 0.005}, 0.0)
    check.see(at(0, 1.5))
    fast = check.see(at(20, 1.2))
    assert fast is not None
    assert fast.bad
    assert check.see(at(40, 1.15)) == fast
    assert check.see(at(59, 1.3)) == GOOD


def test_a_value_that_never_changes_is_found_and_a_change_forgives() -> None:
    check = make("stuck", "boiler.pressure", SETTINGS | {"hysteresis": 0.0}, 0.0)
    assert [check.see(at(t, 1.5)) for t in (0, 30)] == [GOOD, None]
    verdict = check.see(at(60, 1.5))
    assert verdict is not None
    assert verdict.sentence == (
        "Boiler pressure has shown 1.5 bar for 1 min without any change; the sensor may be stuck."
    )
    assert check.see(at(61, 1.51)) == GOOD


def test_a_silent_channel_is_missed_even_if_it_was_never_heard() -> None:
    check = make("silent", "boiler.pressure", SETTINGS, 100.0)
    assert check.tick(159.0) is None
    never = check.tick(160.0)
    assert never is not None
    assert never.sentence == "Boiler pressure has never been heard since the start, for 1 min."
    assert check.see(at(161, 1.5)) == GOOD
    assert check.see(at(170, None, "checksum wrong")) is None
    assert check.tick(300.0) == Verdict(True, "Boiler pressure has not been heard for 2 min (checksum wrong).")


@pytest.mark.parametrize("kind", CHECKS)
@given(
    values=st.lists(
        st.tuples(
            st.floats(allow_nan=True, allow_infinity=True) | st.none() | st.text(max_size=3), st.floats(-10, 1000)
        ),
        max_size=50,
    )
)
def test_no_input_breaks_a_check(kind: str, values: list[tuple[float | str | None, float]]) -> None:
    check, now = make(kind, "boiler.pressure", SETTINGS, 0.0), 0.0
    for value, step in values:
        now += step
        verdict = check.see(Reading(PRESSURE, value, now))
        assert verdict is None or verdict.bad == bool(verdict.sentence)
        check.tick(now)


def test_a_finding_is_confirmed_after_its_delay_and_cleared_after_its_own() -> None:
    tracker = Tracker(confirm_s=10.0, clear_s=5.0)
    bad = Verdict(True, "It is bad.")
    assert tracker.judge(bad, 0.0) is None
    assert tracker.state is FindingState.PENDING
    assert tracker.judge(None, 9.0) is None
    change = tracker.judge(bad, 10.0)
    assert change is not None
    assert change == (FindingState.CONFIRMED, "It is bad.", 0.0)
    assert tracker.judge(GOOD, 20.0) is None
    assert tracker.judge(bad, 22.0) is None, "a relapse within the clear time is the same finding"
    assert tracker.judge(GOOD, 30.0) is None
    cleared = tracker.judge(None, 35.0)
    assert cleared is not None
    assert cleared.state is FindingState.CLEARED
    assert tracker.count == 1


def test_a_short_dip_is_never_confirmed() -> None:
    tracker = Tracker(confirm_s=10.0)
    for t in range(0, 100, 8):
        assert tracker.judge(Verdict(True, "Dip."), t) is None
        assert tracker.judge(GOOD, t + 4.0) is None
    assert tracker.state is FindingState.CLEARED


@given(st.lists(st.tuples(st.sampled_from([None, GOOD, Verdict(True, "Bad.")]), st.floats(0, 20)), max_size=100))
def test_confirmed_and_cleared_alternate(steps: list[tuple[Verdict | None, float]]) -> None:
    tracker, now, changes = Tracker(confirm_s=5.0, clear_s=5.0), 0.0, []
    for verdict, wait in steps:
        now += wait
        change = tracker.judge(verdict, now)
        if change:
            changes.append(change.state)
    expected = [FindingState.CONFIRMED, FindingState.CLEARED] * len(changes)
    assert changes == expected[: len(changes)]


def test_amounts_and_durations_read_as_a_person_says_them() -> None:
    amount, length = PLAIN.amount, PLAIN.length
    assert amount(21.456, "Cel") == "21.46 °C"
    assert amount(123456.0, "lx") == "123456 lux"
    assert amount(90.0, "deg") == "90°"
    assert amount(3.0, "") == "3"
    assert [PLAIN.about(n) for n in (7, 99, 1234, 23415.0)] == ["7", "99", "1\u202f200", "23\u202f000"]
    assert [length(s) for s in (5, 60, 119, 7200, 86400 * 3)] == ["5 s", "1 min", "1 min", "2 h", "3 days"]


def test_the_recorder_forgets_what_is_older_than_its_span() -> None:
    recorder = Recorder(span_s=10.0)
    for t in range(100):
        recorder.keep([at(t, float(t))])
    assert len(recorder) == 11
    assert [r.value for r in recorder.freeze("boiler.pressure", 95.0)] == [95.0, 96.0, 97.0, 98.0, 99.0]
    assert [r.value for r in recorder.freeze("boiler.pressure", 0.0, most=2)] == [89.0, 99.0]
    assert recorder.freeze("other", 0.0) == []


def test_what_comes_and_goes_three_times_a_minute_is_one_finding_that_lasts():
    tracker, told = Tracker(), []
    for t in range(0, 100, 10):
        for at_s, verdict in ((t, Verdict(True, "Dip.")), (t + 5, GOOD)):
            change = tracker.judge(verdict, float(at_s))
            if change:
                told.append((at_s, change.state))
    assert told[-1] == (20, FindingState.CONFIRMED)
    assert tracker.count == 3
    assert tracker.judge(None, 95 + 299.0) is None
    change = tracker.judge(None, 95 + 300.0)
    assert change is not None
    assert change.state is FindingState.CLEARED


def test_a_check_behind_a_guard_counts_only_while_it_holds():
    check = Guarded(Range(13.2, None), Guard("boiler.rpm", above=400.0))
    volts, rpm = Channel("boiler.voltage", "V"), Channel("boiler.rpm", "/min")
    assert check.see(Reading(volts, 12.5, 0.0)) is None, "the guard is not known: the last word stands"
    assert check.see(Reading(rpm, 800, 1.0)) is None
    assert check.see(Reading(volts, 12.5, 2.0)).bad
    assert check.see(Reading(rpm, 0, 3.0)) == GOOD
    assert check.see(Reading(volts, 12.5, 4.0)) == GOOD


SAID = {
    "en": [
        "Boiler pressure is 0.75 bar; it should be at least 0.8 bar.",
        "Boiler pressure is 2.75 bar; it should be at most 2.5 bar.",
        "Boiler pressure fell from 2 bar to 1 bar in 1 min; it should change by at most 0.6 bar in that time.",
        "Boiler pressure has shown 1.5 bar for 1 min without any change; the sensor may be stuck.",
        "Boiler pressure has not been heard for 2 days.",
        "Side door open: yes.",
    ],
    "de": [
        "Druck (Boiler): 0,75 bar; es sollten mindestens 0,8 bar sein.",
        "Druck (Boiler): 2,75 bar; es sollten höchstens 2,5 bar sein.",
        "Druck (Boiler): in 1 min von 2 bar auf 1 bar gefallen; in dieser Zeit sollten es höchstens 0,6 bar sein.",
        "Druck (Boiler): seit 1 min unverändert 1,5 bar; der Sensor hängt vielleicht.",
        "Druck (Boiler): seit 2 Tagen nichts gehört.",
        "Offen (Side door): ja.",
    ],
    "es": [
        "Presión (Boiler): 0,75 bar; debería ser al menos 0,8 bar.",
        "Presión (Boiler): 2,75 bar; debería ser como mucho 2,5 bar.",
        "Presión (Boiler): bajó de 2 bar a 1 bar en 1 min; en ese tiempo debería cambiar como mucho 0,6 bar.",
        "Presión (Boiler): lleva 1 min en 1,5 bar sin ningún cambio; quizá el sensor está atascado.",
        "Presión (Boiler): no se ha oído nada desde hace 2 días.",
        "Abierto (Side door): sí.",
    ],
}


@pytest.mark.parametrize("language", languages())
def test_every_check_says_what_is_how_far_off_and_for_how_long_in_the_words_of_the_house(language: str) -> None:
    def says(kind: str, *values: float, **settings: float) -> str:
        check = make(kind, "boiler.pressure", SETTINGS | {"min": None, "max": None} | settings, 0.0, language)
        verdict = None
        for n, value in enumerate(values):
            verdict = check.see(at(60.0 * n, value))
        verdict = check.tick(60.0 + 2 * 86_400.0) if kind == "silent" else verdict
        assert verdict is not None
        return verdict.sentence

    door = Reading(Channel("side_door.open"), True, 1.0)
    opened = make("range", "side_door.open", SETTINGS | {"min": None, "max": 0.5}, 0.0, language).see(door)
    assert opened is not None
    assert SAID[language] == [
        says("range", 0.75, min=0.8),
        says("range", 2.75, max=2.5),
        says("rate", 2.0, 1.0),
        says("stuck", 1.5, 1.5),
        says("silent", 1.0, 1.0),
        opened.sentence,
    ]
