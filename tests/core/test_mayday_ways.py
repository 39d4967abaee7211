"""Other channels, rules that call for help, a dead disk and the household's words: when each comes into a case."""

from dataclasses import replace
from itertools import pairwise

import pytest

from edge_agent.core.clock import Instant
from edge_agent.core.mayday import Mayday
from edge_agent.core.mayday_table import ON_THE_WAY, Effect, Signal
from edge_agent.core.mayday_timers import Timers
from edge_agent.core.mayday_words import Call, DeskWord, Words
from edge_agent.core.request import HelpRequest, State, Trigger

FLOOD = Call("flood", "There is water on the cellar floor.", 30.0, False)
GAS = Call("gas", "Gas.", 0.0, True)


def at(monotonic: float, *, boot: str = "boot", trusted: bool = True) -> Instant:
    return Instant(monotonic, boot, 1_800_000_000.0 + monotonic, trusted)


def new_case(now: Instant, call: Call | None = None) -> HelpRequest:
    case = HelpRequest(b"i" * 16, "23456789", Trigger.MANUAL, State.HOLD, now.monotonic, now.boot_id, now.wall, True)
    if call is None:
        return case
    return replace(case, trigger=Trigger.AUTOMATIC, rule=call.rule, fall_back_now=call.fall_back_now)


def raised(*, connected: bool, timers: Timers | None = None) -> Mayday:
    """Held at 3 s, raised at 8 s."""
    mayday = Mayday(timers or Timers())
    mayday.link(connected, at(0))
    mayday.signal(Signal.HELD, at(3))
    mayday.open_case(new_case(at(3)), at(3))
    mayday.signal(Signal.WINDOW_OVER, at(8))
    return mayday


def fire_until(mayday: Mayday, effect: Effect, limit: int = 100) -> float:
    """Let timers run out until this effect comes; gives when."""
    for _ in range(limit):
        assert mayday.deadline is not None
        when, signal = mayday.deadline
        if effect in mayday.signal(signal, at(when)):
            return when
    raise AssertionError(f"{effect} never comes")


def test_other_channels_start_after_two_minutes_without_an_acknowledgement() -> None:
    mayday = raised(connected=True)
    mayday.signal(Signal.TAKEN, at(8.1))
    # the broker takes every resend at once, and no desk answers
    while mayday.state is not State.FALLBACK:
        assert mayday.deadline is not None
        when, signal = mayday.deadline
        mayday.signal(signal, at(when))
        mayday.signal(Signal.TAKEN, at(when))
    assert when == pytest.approx(128.0)


def test_other_channels_start_after_fifteen_seconds_without_a_connection() -> None:
    mayday = raised(connected=False)
    assert fire_until(mayday, Effect.FALL_BACK) == pytest.approx(8 + 5 + 15)
    assert mayday.state is State.FALLBACK


def test_a_connection_that_comes_and_goes_does_not_put_other_channels_off() -> None:
    mayday, now = raised(connected=True), 8.0
    while mayday.state is not State.FALLBACK:
        now += 4.0
        assert now < 135.0
        if mayday.deadline and mayday.deadline[0] <= now:
            mayday.signal(mayday.deadline[1], at(now))
        else:
            mayday.link(not mayday.connected, at(now))


def test_what_is_in_fallback_stays_there_until_the_desk_has_it() -> None:
    mayday = raised(connected=False)
    fire_until(mayday, Effect.FALL_BACK)
    assert mayday.link(True, at(40)) == (Effect.RESEND, Effect.FALL_BACK)
    assert mayday.signal(Signal.TAKEN, at(41)) == ()
    assert mayday.state is State.FALLBACK
    when = [fire_until(mayday, Effect.RESEND) for _ in range(11)]
    burst = [b - a for a, b in pairwise(when)][:6]
    assert all(8.0 <= gap <= 12.0 for gap in burst), "the burst goes on"
    assert 210.0 <= fire_until(mayday, Effect.FALL_BACK) - when[-1] <= 270.0
    mayday.hear(DeskWord(Signal.RECEIVED), at(2000))
    assert mayday.state is State.RECEIVED


@pytest.mark.parametrize("state", [State.RAISED, State.SENDING, State.DELIVERED, State.QUEUED, State.FALLBACK])
def test_a_restart_does_not_begin_the_wait_for_other_channels_anew(state: State) -> None:
    case = replace(new_case(at(3)).with_state(State.RAISED, 8.0, "boot", at(8).wall, trusted=True), state=state)
    mayday = Mayday(Timers())
    effects = mayday.adopt(case, at(200, boot="next"), 0.5)
    if state is State.FALLBACK:
        assert effects == (Effect.RESEND, Effect.FALL_BACK)
    else:
        assert fire_until(mayday, Effect.FALL_BACK) <= 200.0
    fresh = Mayday(Timers())
    fresh.adopt(case, at(1, boot="next", trusted=False), 0.5)
    assert fire_until(fresh, Effect.FALL_BACK) <= 1 + 15 + 1e-6 or state is State.FALLBACK


@pytest.mark.parametrize("signal", [Signal.CANCEL, Signal.ANSWERED_CANCEL])
def test_what_went_by_other_ways_is_taken_back_by_them_at_once(signal: Signal) -> None:
    mayday = raised(connected=False)
    fire_until(mayday, Effect.FALL_BACK)
    effects = mayday.signal(signal, at(30))
    assert effects[-2:] == (Effect.RETRACT, Effect.FALL_BACK)
    assert mayday.state is State.CANCELLED


@pytest.mark.parametrize(("connected", "after_s"), [(False, 15.0), (True, 120.0)])
def test_a_cancellation_that_nobody_acknowledges_goes_by_other_ways_too(connected: bool, after_s: float) -> None:
    mayday = raised(connected=connected)
    mayday.hear(DeskWord(Signal.RECEIVED), at(9))
    assert mayday.signal(Signal.CANCEL, at(10)) == (Effect.RETRACT,)
    assert fire_until(mayday, Effect.FALL_BACK) == pytest.approx(10 + after_s)
    assert mayday.state is State.CANCELLED


def test_a_cancellation_within_the_window_goes_nowhere() -> None:
    mayday = Mayday(Timers())
    mayday.signal(Signal.HELD, at(3))
    mayday.open_case(new_case(at(3)), at(3))
    assert mayday.signal(Signal.TWO_PRESSES, at(5)) == ()
    assert not mayday.deadlines


def test_only_a_cancelled_case_has_a_cancellation_that_is_heard() -> None:
    mayday = raised(connected=False)
    mayday.hear(DeskWord(None, cancel_heard=True), at(9))
    assert mayday.case is not None
    assert not mayday.case.cancel_heard
    mayday.signal(Signal.CANCEL, at(10))
    mayday.hear(DeskWord(None, cancel_heard=True), at(11))
    assert mayday.case.cancel_heard
    assert HelpRequest.from_record(mayday.case.record()).cancel_heard


@pytest.mark.parametrize("state", [*ON_THE_WAY[1:], State.RECEIVED, State.ENGAGED, State.RESOLVED, State.CANCELLED])
def test_a_desk_that_asks_what_it_has_not_answered_gets_it_at_once_and_moves_no_timer_for_good(state: State) -> None:
    case = new_case(at(3)).with_state(State.RAISED, 8.0, "boot", at(8).wall, trusted=True)
    mayday = Mayday(Timers())
    mayday.adopt(replace(case, state=state, retracted=True), at(9000), 0.5)
    assert mayday.signal(Signal.ASKED_AGAIN, at(9001)) == (Effect.RESEND,)
    assert mayday.deadline is not None


# --- rules ---


def test_a_rule_has_a_cancel_window_of_its_own_and_the_button_cancels() -> None:
    mayday = Mayday(Timers())
    assert mayday.trigger(FLOOD, at(3)) == (Effect.OPEN,)
    assert mayday.call == FLOOD
    mayday.open_case(new_case(at(3), FLOOD), at(3))
    assert mayday.deadline == (33.0, Signal.WINDOW_OVER)
    mayday.signal(Signal.TWO_PRESSES, at(20))
    assert mayday.state is State.IDLE


def test_a_rule_without_a_window_is_raised_at_once_and_by_every_channel_where_it_says_so() -> None:
    mayday = Mayday(Timers(), connected=True)
    mayday.trigger(GAS, at(3))
    mayday.open_case(new_case(at(3), GAS), at(3))
    assert mayday.deadline == (3.0, Signal.WINDOW_OVER)
    assert mayday.signal(Signal.WINDOW_OVER, at(3)) == (Effect.RAISE, Effect.FALL_BACK)
    assert mayday.state is State.FALLBACK


def test_a_restart_in_the_window_of_a_rule_falls_back_at_once_too() -> None:
    mayday = Mayday(Timers())
    mayday.trigger(GAS, at(3))
    mayday.open_case(new_case(at(3), GAS), at(3))
    assert mayday.case is not None
    again = Mayday(Timers())
    assert again.adopt(HelpRequest.from_record(mayday.case.record()), at(1, boot="next"), 0.5) == (
        Effect.RAISE,
        Effect.FALL_BACK,
    )


@pytest.mark.parametrize("state", [*ON_THE_WAY, State.RECEIVED, State.ENGAGED])
def test_a_rule_in_an_open_case_counts_as_an_urgent_nudge(state: State) -> None:
    mayday = Mayday(Timers())
    mayday.adopt(replace(new_case(at(3)), state=state), at(5), 0.5)
    before = mayday.state
    assert mayday.trigger(FLOOD, at(6)) == (Effect.RULE,)
    assert mayday.words == (Words(Effect.RULE, {"rule": FLOOD.rule, "text": FLOOD.text}),)
    assert mayday.state is before
    assert mayday.case is not None
    assert (mayday.case.nudges, mayday.case.notes[-1].by) == (1, "rule")
    effects = mayday.trigger(GAS, at(7))
    falls = before in ON_THE_WAY and before is not State.FALLBACK
    assert (Effect.FALL_BACK in effects) is falls
    assert mayday.words == (Words(Effect.RULE, {"rule": GAS.rule, "text": GAS.text}),)


def test_a_rule_in_the_hour_after_the_end_opens_the_same_case_again() -> None:
    mayday = raised(connected=True)
    mayday.hear(DeskWord(Signal.RESOLVED), at(50))
    assert mayday.trigger(FLOOD, at(60)) == (Effect.REOPEN, Effect.RULE)
    assert mayday.state is State.SENDING


def test_a_second_rule_in_the_window_waits_with_the_first_unless_it_has_none() -> None:
    mayday = Mayday(Timers())
    mayday.trigger(FLOOD, at(3))
    mayday.open_case(new_case(at(3), FLOOD), at(3))
    assert mayday.trigger(FLOOD._replace(rule="damp"), at(10)) == ()
    assert mayday.deadline == (33.0, Signal.WINDOW_OVER)
    assert mayday.case is not None
    assert mayday.case.also == (("damp", FLOOD.text),)
    assert mayday.trigger(GAS, at(20)) == (Effect.RAISE, Effect.FALL_BACK)
    assert mayday.case.also == (("damp", FLOOD.text), ("gas", GAS.text))


def test_a_hold_in_the_window_of_a_rule_raises_at_once() -> None:
    mayday = Mayday(Timers())
    mayday.trigger(FLOOD, at(3))
    mayday.open_case(new_case(at(3), FLOOD), at(3))
    mayday.signal(Signal.CONTACT, at(4))
    assert mayday.signal(Signal.HELD, at(7)) == (Effect.RAISE,)


# --- disk, words, timers ---


def test_without_a_disk_a_press_waits_for_no_window() -> None:
    mayday = Mayday(Timers(), connected=True)
    mayday.signal(Signal.HELD, at(3))
    mayday.open_case(new_case(at(3)), at(3))
    assert mayday.signal(Signal.DISK_DEAD, at(3.1)) == (Effect.RAISE, Effect.FALL_BACK)
    assert mayday.state is State.FALLBACK
    assert mayday.signal(Signal.DISK_DEAD, at(4)) == ()


def test_the_household_may_write_while_the_case_is_open_or_was_a_moment_ago() -> None:
    mayday = raised(connected=True)
    assert mayday.say("The door is open.", at(9)) == (Effect.SAY,)
    assert mayday.words == (Words(Effect.SAY, {"text": "The door is open."}),)
    mayday.hear(DeskWord(Signal.RESOLVED), at(50))
    assert mayday.say("Thank you.", at(60)) == (Effect.SAY,)
    mayday.signal(Signal.REOPEN_OVER, at(4000))
    assert mayday.say("Hello?", at(4001)) == ()


@pytest.mark.parametrize("state", [State.RECEIVED, State.ENGAGED])
def test_a_case_that_goes_silent_asks_at_the_promised_time_and_then_every_ten_minutes(state: State) -> None:
    mayday = raised(connected=True)
    mayday.hear(DeskWord(Signal[state.name], next_word_wall=at(100).wall), at(10))
    mayday.hear(DeskWord(None, text="We see your readings."), at(50))
    assert mayday.deadline == (pytest.approx(100.0), Signal.SILENCE), "a word does not take back a promise"
    assert fire_until(mayday, Effect.ASK) == pytest.approx(100.0)
    mayday.link(False, at(300))
    mayday.link(True, at(400))
    assert fire_until(mayday, Effect.ASK) == pytest.approx(700.0), "whatever the connection does meanwhile"
    mayday.hear(DeskWord(None, text="A person reads your request.", next_word_wall=at(1500).wall), at(800))
    assert mayday.deadline == (pytest.approx(1500.0), Signal.SILENCE)


def test_every_timer_is_taken_from_the_configuration() -> None:
    own = Timers(queued_after_s=2.0, fallback_after_s=60.0, fallback_queued_s=4.0, ack_wait_s=30.0, silence_s=90.0)
    mayday = raised(connected=False, timers=own)
    assert fire_until(mayday, Effect.FALL_BACK) == pytest.approx(8 + 2 + 4)
    mayday = raised(connected=True, timers=own)
    mayday.signal(Signal.TAKEN, at(8))
    assert mayday.deadline == (pytest.approx(38.0), Signal.UNANSWERED)
    mayday.hear(DeskWord(Signal.RECEIVED), at(40))
    assert mayday.deadline == (pytest.approx(130.0), Signal.SILENCE)


def test_a_broker_that_takes_nothing_is_told_although_resends_come_sooner() -> None:
    mayday = raised(connected=True, timers=Timers(ack_wait_s=5.0, queued_after_s=20.0))
    states = set()
    while mayday.deadline and mayday.deadline[0] < 40.0:
        mayday.signal(mayday.deadline[1], at(mayday.deadline[0]))
        states.add(mayday.state)
    assert State.QUEUED in states
