"""Questions of the desk in a case: who answers them, when they expire, and that they swallow no call for help."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.clock import Instant
from edge_agent.core.mayday import Mayday
from edge_agent.core.mayday_table import Effect, Signal
from edge_agent.core.mayday_timers import Timers
from edge_agent.core.mayday_words import DeskWord, Words
from edge_agent.core.question import MAX_WAITING, Purpose, Question
from edge_agent.core.request import HelpRequest, State, Trigger


def at(monotonic: float, *, boot: str = "boot", trusted: bool = True) -> Instant:
    return Instant(monotonic, boot, 1_800_000_000.0 + monotonic, trusted)


def received() -> Mayday:
    """A case that the desk has, at 10 s."""
    mayday, now = Mayday(Timers()), at(3)
    mayday.link(True, at(0))
    mayday.signal(Signal.HELD, now)
    case = HelpRequest(b"i" * 16, "23456789", Trigger.MANUAL, State.HOLD, 3.0, "boot", now.wall, clock_trusted=True)
    mayday.open_case(case, now)
    mayday.signal(Signal.WINDOW_OVER, at(8))
    mayday.hear(DeskWord(Signal.RECEIVED), at(10))
    return mayday


def question(now: Instant, ident: str = "q1", *, expires_s: float = 60.0, **more: object) -> Question:
    asked = Question(ident, "Is everybody well?", expires_s, now.monotonic, now.boot_id, now.wall, now.trusted)
    return replace(asked, **more)  # type: ignore[arg-type]


def press(mayday: Mayday, when: float, counted: Signal) -> tuple[Effect, ...]:
    """Presses that begin then, while the lamp shows all there is, and are told after the quiet time."""
    mayday.shown(at(when))
    mayday.signal(Signal.CONTACT, at(when))
    mayday.signal(Signal.LET_GO, at(when + 0.2))
    return mayday.signal(counted, at(when + 2.2))


def waiting(mayday: Mayday) -> list[str]:
    assert mayday.case is not None
    return [each.id for each in mayday.case.questions]


@pytest.mark.parametrize(("counted", "answer"), [(Signal.ONE_PRESS, "yes"), (Signal.TWO_PRESSES, "no")])
def test_one_press_is_yes_and_two_are_no(counted: Signal, answer: str) -> None:
    mayday = received()
    mayday.asked(question(at(20)), at(20))
    assert mayday.asks_button
    assert press(mayday, 30, counted) == (Effect.ANSWER,)
    assert mayday.words == (Words(Effect.ANSWER, {"question": "q1", "answer": answer, "by": "button"}),)
    assert (mayday.state, waiting(mayday), mayday.asks_button) == (State.RECEIVED, [], False)
    assert press(mayday, 40, counted) == (Effect.NUDGE,)


def test_three_presses_are_a_nudge_and_a_hold_is_an_urgent_one_and_the_question_stays() -> None:
    mayday = received()
    mayday.asked(question(at(20)), at(20))
    assert press(mayday, 30, Signal.MORE_PRESSES) == (Effect.NUDGE,)
    mayday.signal(Signal.CONTACT, at(33))
    assert mayday.signal(Signal.HELD, at(36)) == (Effect.NUDGE_URGENT,)
    assert mayday.asks_button
    assert waiting(mayday) == ["q1"]


def test_a_press_that_began_before_the_question_is_no_answer_to_it() -> None:
    mayday = received()
    mayday.signal(Signal.CONTACT, at(19.9))
    mayday.asked(question(at(20), purpose=Purpose.CANCEL), at(20))
    mayday.signal(Signal.LET_GO, at(20.1))
    assert mayday.signal(Signal.ONE_PRESS, at(22.1)) == (Effect.NUDGE,)
    assert mayday.state is State.RECEIVED


def test_a_press_that_began_before_the_lamp_asked_is_no_answer_either() -> None:
    mayday = received()
    mayday.asked(question(at(20)), at(20))
    mayday.signal(Signal.CONTACT, at(20.5))
    mayday.shown(at(21))  # the disk was slow
    assert mayday.signal(Signal.ONE_PRESS, at(23)) == (Effect.NUDGE,)
    assert press(mayday, 30, Signal.ONE_PRESS) == (Effect.ANSWER,)


def test_questions_queue_and_a_press_for_the_first_does_not_answer_the_second() -> None:
    mayday = received()
    mayday.asked(question(at(20)), at(20))
    mayday.shown(at(20))
    mayday.asked(question(at(21), "q2", purpose=Purpose.CANCEL), at(21))
    mayday.signal(Signal.CONTACT, at(22))
    mayday.answer("q1", "yes", "page", at(22.1))
    mayday.signal(Signal.LET_GO, at(22.2))
    assert mayday.signal(Signal.ONE_PRESS, at(24.3)) == (Effect.NUDGE,), "it was meant for the first"
    assert waiting(mayday) == ["q2"]
    assert press(mayday, 30, Signal.ONE_PRESS) == (Effect.ANSWER, Effect.RETRACT)


def test_yes_to_cancelling_cancels_and_no_does_not() -> None:
    mayday = received()
    mayday.asked(question(at(20), purpose=Purpose.CANCEL), at(20))
    assert press(mayday, 30, Signal.TWO_PRESSES) == (Effect.ANSWER,)
    assert mayday.state is State.RECEIVED
    mayday.asked(question(at(40), "q2", purpose=Purpose.CANCEL), at(40))
    assert press(mayday, 50, Signal.ONE_PRESS) == (Effect.ANSWER, Effect.RETRACT)
    assert mayday.state is State.CANCELLED


def test_options_are_for_the_page_and_the_button_nudges() -> None:
    mayday = received()
    mayday.asked(question(at(20), options=("fire", "water")), at(20))
    assert not mayday.asks_button
    assert press(mayday, 30, Signal.ONE_PRESS) == (Effect.NUDGE,)
    assert mayday.answer("q1", "yes", "page", at(40)) == ()
    assert mayday.answer("q1", "water", "page", at(40)) == (Effect.ANSWER,)
    assert mayday.case is not None
    assert [note.text for note in mayday.case.notes] == ["Is everybody well?", "water"]


def test_a_question_expires_and_says_so() -> None:
    mayday = received()
    mayday.asked(question(at(20)), at(20))
    assert mayday.deadline == (80.0, Signal.EXPIRED)
    assert mayday.signal(Signal.EXPIRED, at(80)) == (Effect.EXPIRE,)
    assert mayday.words == (Words(Effect.EXPIRE, {"question": "q1"}),)
    assert not mayday.asks_button
    assert mayday.deadline is not None
    assert mayday.deadline[1] is Signal.SILENCE


def test_an_answer_that_begins_in_time_is_counted_out() -> None:
    mayday = received()
    mayday.asked(question(at(20)), at(20))
    mayday.shown(at(20))
    mayday.signal(Signal.CONTACT, at(79.9))
    mayday.signal(Signal.LET_GO, at(80.1))
    assert mayday.signal(Signal.EXPIRED, at(80.2)) == ()
    assert mayday.deadlines[Signal.EXPIRED] > 82.1
    assert mayday.signal(Signal.ONE_PRESS, at(82.1)) == (Effect.ANSWER,)
    mayday.asked(question(at(90), "q2"), at(90))
    mayday.signal(Signal.CONTACT, at(149.9))
    assert mayday.signal(Signal.EXPIRED, at(150)) == ()
    when = mayday.deadlines[Signal.EXPIRED]
    assert mayday.signal(Signal.EXPIRED, at(when)) == (Effect.EXPIRE,), "a finger that stays puts it off for a moment"


def test_the_same_question_asked_again_is_not_asked_twice() -> None:
    mayday = received()
    mayday.asked(question(at(20)), at(20))
    mayday.asked(question(at(21)), at(21))
    assert waiting(mayday) == ["q1"]
    press(mayday, 30, Signal.ONE_PRESS)
    assert mayday.asked(question(at(40)), at(40)) == ()
    assert waiting(mayday) == []


def test_more_than_can_wait_expires_there_and_then() -> None:
    mayday = received()
    for number in range(MAX_WAITING):
        assert mayday.asked(question(at(20), f"q{number}"), at(20)) == ()
    assert mayday.asked(question(at(21), "one more"), at(21)) == (Effect.EXPIRE,)
    assert mayday.words == (Words(Effect.EXPIRE, {"question": "one more"}),)
    assert len(waiting(mayday)) == MAX_WAITING


def test_one_that_was_under_way_for_longer_than_it_may_wait_is_not_asked() -> None:
    mayday = received()
    assert mayday.asked(question(at(20), expires_s=-5.0), at(20)) == (Effect.EXPIRE,)
    assert not mayday.asks_button


@pytest.mark.parametrize(
    ("now", "left_s"),
    [
        (at(40), 40.0),
        (at(1, boot="next"), 60.0),
        (at(45, boot="next"), 35.0),
        (at(1e6, boot="next"), None),
        (at(45, boot="next", trusted=False), 60.0),
    ],
)
def test_a_restart_does_not_begin_the_time_to_answer_anew(now: Instant, left_s: float | None) -> None:
    mayday = received()
    mayday.asked(question(at(20)), at(20))
    assert mayday.case is not None
    again = Mayday(Timers())
    again.adopt(HelpRequest.from_record(mayday.case.record()), now, 0.5)
    if left_s is None:
        assert again.signal(Signal.EXPIRED, now) == (Effect.EXPIRE,)
    else:
        assert again.deadlines[Signal.EXPIRED] == pytest.approx(now.monotonic + left_s)
        assert again.asks_button


def test_the_end_of_a_case_ends_its_questions_but_the_one_after_the_end() -> None:
    mayday = received()
    mayday.asked(question(at(20)), at(20))
    mayday.hear(DeskWord(Signal.RESOLVED), at(30))
    assert waiting(mayday) == []
    assert mayday.asked(question(at(31), "late"), at(31)) == (Effect.EXPIRE,)
    effort = question(at(90_000), "effort", expires_s=3600.0, purpose=Purpose.EFFORT, options=tuple("12345"))
    mayday.signal(Signal.REOPEN_OVER, at(4000))
    assert mayday.state is State.IDLE
    assert mayday.asked(effort, at(90_000)) == ()
    assert not mayday.asks_button
    assert mayday.deadlines[Signal.EXPIRED] == pytest.approx(93_600.0)
    press(mayday, 90_010, Signal.ONE_PRESS)
    assert waiting(mayday) == ["effort"], "the button stays as it is"
    assert mayday.answer("effort", "2", "command", at(90_020)) == (Effect.ANSWER,)
    assert mayday.state is State.IDLE


def test_no_question_is_asked_in_the_cancel_window() -> None:
    mayday = Mayday(Timers())
    mayday.signal(Signal.HELD, at(3))
    case = HelpRequest(b"i" * 16, "23456789", Trigger.MANUAL, State.HOLD, 3.0, "boot", 1.0, clock_trusted=True)
    mayday.open_case(case, at(3))
    assert mayday.asked(question(at(4)), at(4)) == ()
    assert not mayday.asks_button


COUNTED = (Signal.ONE_PRESS, Signal.TWO_PRESSES, Signal.MORE_PRESSES, Signal.HELD)
CALLS = {Effect.NUDGE, Effect.NUDGE_URGENT}


@settings(max_examples=300)
@given(st.lists(st.sampled_from(["ask", "cancel?", "pass", "expire", "restart", "page", *COUNTED]), max_size=40))
def test_no_question_ever_swallows_a_call_for_help(history: list[str | Signal]) -> None:
    """Each series of presses is an answer to what was asked when it began, or a nudge: never nothing."""
    mayday, now, number = received(), 20.0, 0
    for step in history:
        now += 5.0
        if mayday.state is not State.RECEIVED:
            return
        if step in ("ask", "cancel?"):
            number += 1
            purpose = Purpose.CANCEL if step == "cancel?" else Purpose.TALK
            mayday.asked(question(at(now), f"q{number}", purpose=purpose), at(now))
        elif step == "expire" and mayday.deadline:
            now = max(now, mayday.deadline[0])
            mayday.signal(mayday.deadline[1], at(now))
        elif step == "page" and mayday.case and mayday.case.question:
            mayday.answer(mayday.case.question.id, "no", "page", at(now))
        elif step == "restart" and mayday.case:
            case, mayday = mayday.case, Mayday(Timers())
            mayday.adopt(HelpRequest.from_record(case.record()), at(now, boot=str(now)), 0.5)
            mayday.connected = True
        elif isinstance(step, Signal):
            asked = mayday.asks_button
            mayday.shown(at(now))
            mayday.signal(Signal.CONTACT, at(now))
            effects = mayday.signal(step, at(now + 3))
            answers = asked and step in (Signal.ONE_PRESS, Signal.TWO_PRESSES)
            assert (Effect.ANSWER in effects) is answers
            assert bool(CALLS & set(effects)) is not answers
        assert mayday.deadline is not None
        assert mayday.case is not None
        assert mayday.asks_button is bool(mayday.case.question and mayday.case.question.on_button)
