"""The law of a help request, against the table and against random histories."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.clock import Instant
from edge_agent.core.errors import WireError
from edge_agent.core.lamp import PATTERNS, Shown, shown
from edge_agent.core.mayday import Mayday
from edge_agent.core.mayday_table import TABLE, Effect, Signal
from edge_agent.core.mayday_timers import Timers, resend_after
from edge_agent.core.mayday_words import DeskWord
from edge_agent.core.question import Purpose, Question
from edge_agent.core.request import HelpRequest, State, Trigger

OPEN = {
    State.CANCEL_WINDOW,
    State.RAISED,
    State.SENDING,
    State.QUEUED,
    State.FALLBACK,
    State.DELIVERED,
    State.RECEIVED,
    State.ENGAGED,
}

# Every state (rows) and signal (columns): where it leads; "." is: nothing changes.
LAW = """
              CONTACT LET_GO HELD          ONE_PRESS TWO_PRESSES MORE_PRESSES CANCEL    TRIGGERED     TRIGGERED_NOW
IDLE          HOLD    .      CANCEL_WINDOW IDLE      .           .            .         CANCEL_WINDOW CANCEL_WINDOW
HOLD          .       IDLE   CANCEL_WINDOW .         .           .            .         CANCEL_WINDOW CANCEL_WINDOW
CANCEL_WINDOW .       .      RAISED        .         CANCELLED   .            CANCELLED CANCEL_WINDOW RAISED
RAISED        .       .      RAISED        RAISED    RAISED      RAISED       CANCELLED RAISED        RAISED
SENDING       .       .      SENDING       SENDING   SENDING     SENDING      CANCELLED SENDING       SENDING
QUEUED        .       .      QUEUED        QUEUED    QUEUED      QUEUED       CANCELLED QUEUED        QUEUED
FALLBACK      .       .      FALLBACK      FALLBACK  FALLBACK    FALLBACK     CANCELLED FALLBACK      FALLBACK
DELIVERED     .       .      DELIVERED     DELIVERED DELIVERED   DELIVERED    CANCELLED DELIVERED     DELIVERED
RECEIVED      .       .      RECEIVED      RECEIVED  RECEIVED    RECEIVED     CANCELLED RECEIVED      RECEIVED
ENGAGED       .       .      ENGAGED       ENGAGED   ENGAGED     ENGAGED      CANCELLED ENGAGED       ENGAGED
RESOLVED      .       .      RAISED        .         .           .            .         RAISED        RAISED
CANCELLED     .       .      CANCEL_WINDOW .         .           .            .         CANCEL_WINDOW CANCEL_WINDOW

              WINDOW_OVER PATH      NO_PATH TAKEN     RECEIVED ENGAGED RESOLVED SETTLED
IDLE          .           .         .       .         .        .       .        .
HOLD          .           .         .       .         .        .       .        .
CANCEL_WINDOW RAISED      .         .       .         .        .       .        .
RAISED        .           SENDING   QUEUED  DELIVERED RECEIVED ENGAGED RESOLVED .
SENDING       .           .         QUEUED  DELIVERED RECEIVED ENGAGED RESOLVED .
QUEUED        .           SENDING   .       DELIVERED RECEIVED ENGAGED RESOLVED .
FALLBACK      .           FALLBACK  .       .         RECEIVED ENGAGED RESOLVED .
DELIVERED     .           .         QUEUED  .         RECEIVED ENGAGED RESOLVED .
RECEIVED      .           RECEIVED  .       .         .        ENGAGED RESOLVED .
ENGAGED       .           ENGAGED   .       .         .        .       RESOLVED .
RESOLVED      .           RESOLVED  .       .         .        .       .        RESOLVED
CANCELLED     .           CANCELLED .       .         .        .       .        IDLE

              UNANSWERED ASKED_AGAIN SILENCE  REOPEN_OVER OTHER_WAYS DISK_DEAD
IDLE          IDLE       IDLE        .        .           .          .
HOLD          .          HOLD        .        .           .          .
CANCEL_WINDOW .          .           .        .           .          FALLBACK
RAISED        .          .           .        .           FALLBACK   FALLBACK
SENDING       SENDING    SENDING     .        .           FALLBACK   FALLBACK
QUEUED        QUEUED     QUEUED      .        .           FALLBACK   FALLBACK
FALLBACK      FALLBACK   FALLBACK    .        .           .          .
DELIVERED     SENDING    SENDING     .        .           FALLBACK   FALLBACK
RECEIVED      .          RECEIVED    RECEIVED .           .          .
ENGAGED       .          ENGAGED     ENGAGED  .           .          .
RESOLVED      RESOLVED   RESOLVED    .        IDLE        .          .
CANCELLED     CANCELLED  CANCELLED   .        .           CANCELLED  .

              ASKED     ANSWERED  ANSWERED_CANCEL EXPIRED   SAID
IDLE          IDLE      IDLE      .               IDLE      .
HOLD          HOLD      HOLD      .               HOLD      .
CANCEL_WINDOW .         .         .               .         CANCEL_WINDOW
RAISED        RAISED    RAISED    CANCELLED       RAISED    RAISED
SENDING       SENDING   SENDING   CANCELLED       SENDING   SENDING
QUEUED        QUEUED    QUEUED    CANCELLED       QUEUED    QUEUED
FALLBACK      FALLBACK  FALLBACK  CANCELLED       FALLBACK  FALLBACK
DELIVERED     DELIVERED DELIVERED CANCELLED       DELIVERED DELIVERED
RECEIVED      RECEIVED  RECEIVED  CANCELLED       RECEIVED  RECEIVED
ENGAGED       ENGAGED   ENGAGED   CANCELLED       ENGAGED   ENGAGED
RESOLVED      RESOLVED  RESOLVED  .               RESOLVED  RESOLVED
CANCELLED     CANCELLED CANCELLED .               CANCELLED .
"""


def law() -> dict[tuple[State, Signal], str]:
    found: dict[tuple[State, Signal], str] = {}
    for part in LAW.strip("\n").split("\n\n"):
        head, *rows = [line.split() for line in part.splitlines()]
        found |= {(State[row[0]], Signal[name]): to for row in rows for name, to in zip(head, row[1:], strict=True)}
    return found


def test_every_pair_of_state_and_signal_is_decided_as_the_law_says() -> None:
    expected = law()
    assert len(expected) == len(State) * len(Signal)
    for pair, to in expected.items():
        row = TABLE.get(pair)
        assert (row.to.value if row else ".") == to, pair


def at(monotonic: float, *, boot: str = "boot", trusted: bool = True) -> Instant:
    return Instant(monotonic, boot, 1_800_000_000.0 + monotonic, trusted)


def new_case(now: Instant) -> HelpRequest:
    return HelpRequest(
        b"i" * 16, "23456789", Trigger.MANUAL, State.HOLD, now.monotonic, now.boot_id, now.wall, clock_trusted=True
    )


def held(mayday: Mayday, now: Instant) -> None:
    mayday.signal(Signal.CONTACT, now)
    assert Effect.OPEN in mayday.signal(Signal.HELD, now)
    mayday.open_case(new_case(now), now)


def fire(mayday: Mayday) -> tuple[float, tuple[Effect, ...]]:
    """Let the next timer run out."""
    assert mayday.deadline is not None
    when, signal = mayday.deadline
    return when, mayday.signal(signal, at(when))


def test_a_press_goes_all_the_way_and_comes_home() -> None:
    mayday = Mayday(Timers())
    mayday.link(True, at(0))
    held(mayday, at(3))
    assert mayday.state is State.CANCEL_WINDOW
    when, effects = fire(mayday)
    assert when == 8.0
    assert effects == (Effect.RAISE,)
    assert mayday.state is State.SENDING
    mayday.signal(Signal.TAKEN, at(8.1))
    assert mayday.state is State.DELIVERED
    mayday.hear(DeskWord(Signal.RECEIVED, reference="C-1", receiver="desk", next_word_wall=at(60).wall), at(9))
    assert mayday.state is State.RECEIVED
    assert mayday.deadline == (pytest.approx(60.0), Signal.SILENCE)
    mayday.hear(DeskWord(Signal.ENGAGED, helper="first line"), at(12))
    assert mayday.hear(DeskWord(Signal.RESOLVED), at(100)) == (Effect.CLOSE,)
    assert mayday.case is not None
    assert mayday.case.reference == "C-1"
    assert [step.state for step in mayday.case.steps] == [
        State.CANCEL_WINDOW,
        State.RAISED,
        State.SENDING,
        State.DELIVERED,
        State.RECEIVED,
        State.ENGAGED,
        State.RESOLVED,
    ]
    mayday.signal(Signal.SETTLED, at(101))
    assert mayday.deadline == (3700.0, Signal.REOPEN_OVER)
    fire(mayday)
    assert mayday.state is State.IDLE
    assert mayday.deadline is None


def test_two_presses_in_the_window_cancel_and_nothing_is_sent() -> None:
    mayday = Mayday(Timers())
    held(mayday, at(3))
    assert mayday.signal(Signal.TWO_PRESSES, at(5)) == ()
    assert mayday.state is State.IDLE
    assert mayday.case is not None
    assert [step.state for step in mayday.case.steps] == [State.CANCEL_WINDOW, State.CANCELLED, State.IDLE]


def test_a_later_cancellation_is_sent_and_waits_for_its_acknowledgement() -> None:
    mayday = Mayday(Timers())
    mayday.link(True, at(0))
    held(mayday, at(3))
    fire(mayday)
    assert mayday.signal(Signal.CANCEL, at(9)) == (Effect.RETRACT,)
    assert mayday.state is State.CANCELLED
    _, effects = fire(mayday)
    assert effects == (Effect.RESEND,)
    mayday.signal(Signal.SETTLED, at(30))
    assert mayday.state is State.IDLE


def test_without_a_path_it_is_queued_and_sent_when_there_is_one() -> None:
    mayday = Mayday(Timers())
    held(mayday, at(3))
    fire(mayday)
    assert mayday.state is State.RAISED
    when, _ = fire(mayday)
    assert when == 13.0
    assert mayday.state is State.QUEUED
    assert mayday.link(True, at(60)) == (Effect.RESEND,)
    assert mayday.state is State.SENDING


def test_a_press_in_an_open_case_is_a_nudge_and_never_a_second_case() -> None:
    mayday = Mayday(Timers())
    held(mayday, at(3))
    fire(mayday)
    assert mayday.signal(Signal.HELD, at(20)) == (Effect.NUDGE_URGENT,)
    assert mayday.signal(Signal.TWO_PRESSES, at(24)) == (Effect.NUDGE,)
    assert mayday.case is not None
    assert mayday.case.nudges == 2
    assert mayday.case.id == b"i" * 16


def test_a_hold_after_the_end_opens_the_same_case_again() -> None:
    mayday = Mayday(Timers())
    mayday.link(True, at(0))
    held(mayday, at(3))
    fire(mayday)
    mayday.hear(DeskWord(Signal.RESOLVED), at(50))
    assert mayday.signal(Signal.HELD, at(90)) == (Effect.REOPEN,)
    assert mayday.state is State.SENDING
    assert mayday.case is not None
    assert mayday.case.id == b"i" * 16


@pytest.mark.parametrize("pause_s", [1.0, 4.0, 9.0])
def test_somebody_who_presses_again_and_again_does_not_put_off_the_resends(pause_s: float) -> None:
    mayday = Mayday(Timers())
    mayday.link(True, at(0))
    held(mayday, at(3))
    fire(mayday)
    now, resends, states = 8.0, 0, set()
    while now < 60.0:
        assert mayday.deadline is not None
        if mayday.deadline[0] <= now:
            resends += Effect.RESEND in mayday.signal(mayday.deadline[1], at(now))
        else:
            mayday.signal(Signal.ONE_PRESS, at(now))
            now += pause_s
        states.add(mayday.state)
    assert resends >= 2
    assert State.QUEUED in states, "a broker that does not answer is told within five seconds"


def test_a_reopened_case_has_its_own_burst_of_resends() -> None:
    mayday = Mayday(Timers())
    mayday.link(True, at(0))
    held(mayday, at(3))
    fire(mayday)
    while mayday.case is not None and mayday.case.attempts < 20:
        fire(mayday)
    mayday.hear(DeskWord(Signal.RESOLVED), at(5000))
    mayday.signal(Signal.HELD, at(5010))
    mayday.signal(Signal.TAKEN, at(5010.1))
    assert mayday.deadline == (pytest.approx(5020.1), Signal.UNANSWERED)


def test_what_an_ended_case_left_unheard_is_sent_again_without_a_live_case() -> None:
    mayday = Mayday(Timers())
    mayday.link(True, at(0))
    held(mayday, at(3))
    fire(mayday)
    mayday.hear(DeskWord(Signal.RESOLVED), at(20))
    mayday.signal(Signal.REOPEN_OVER, at(4000))
    assert mayday.state is State.IDLE
    for _ in range(3):
        mayday.owe(at(4001))
        before = mayday.deadline
        mayday.owe(at(4002))
        assert mayday.deadline == before, "owing again does not put it off"
        _, effects = fire(mayday)
        assert effects == (Effect.RESEND,)


@pytest.mark.parametrize("state", [s for s in State if s not in (State.IDLE, State.HOLD)])
def test_a_restart_goes_on_with_the_case(state: State) -> None:
    case = replace(new_case(at(3)), state=state)
    mayday = Mayday(Timers())
    effects = mayday.adopt(case, at(1, boot="next"), 0.5)
    if state is State.CANCEL_WINDOW:
        assert effects == (Effect.RAISE,)
        assert mayday.state is State.RAISED
    elif state in (State.RAISED, State.SENDING, State.DELIVERED):
        assert mayday.state is State.QUEUED
    elif state is State.CANCELLED:
        assert mayday.state in (State.CANCELLED, State.IDLE)
    else:
        assert mayday.state is state
    if mayday.state is not State.IDLE:
        assert mayday.deadline is not None


def test_resends_come_in_a_burst_then_slowly_then_hourly_and_never_end() -> None:
    assert [resend_after(n, 10.0 * n, Timers(), 0.5) for n in (0, 5, 9)] == [10.0] * 3
    assert resend_after(11, 115.0, Timers(), 0.0) == 210.0
    assert resend_after(3, 121.0, Timers(), 1.0) == 270.0
    assert resend_after(30, 4000.0, Timers(), 0.5) == 3600.0
    own = Timers(
        ack_wait_s=20.0, burst_resends=2, burst_s=30.0, slow_resend_s=80.0, slow_for_s=90.0, rare_resend_s=100.0
    )
    assert [resend_after(n, w, own, 0.5) for n, w in ((1, 25.0), (2, 25.0), (1, 31.0), (9, 91.0))] == [20, 80, 80, 100]


def test_a_promised_word_for_an_untrusted_clock_is_not_waited_for() -> None:
    mayday = Mayday(Timers(silence_s=600))
    held(mayday, at(3))
    fire(mayday)
    mayday.hear(DeskWord(Signal.RECEIVED, next_word_wall=1.0), at(9, trusted=False))
    assert mayday.deadline == (609.0, Signal.SILENCE)


# --- random histories ---

DESK = (Signal.RECEIVED, Signal.ENGAGED, Signal.RESOLVED)
ANY = st.sampled_from([s for s in Signal if s not in DESK])


@settings(max_examples=400)
@given(st.lists(st.one_of(ANY, st.sampled_from(DESK), st.just("timer"), st.just("restart")), max_size=60), st.data())
def test_random_histories_keep_the_law(history: list[Signal | str], data: st.DataObject) -> None:
    mayday, now = Mayday(Timers()), 0.0
    acknowledged = False
    for step in history:
        now += data.draw(st.sampled_from([0.01, 1.0, 7.0, 300.0]))
        before_open = mayday.state in OPEN
        before = mayday.case
        effects: tuple[Effect, ...] = ()
        if step == "timer":
            if mayday.deadline:
                now = max(now, mayday.deadline[0])
                effects = mayday.signal(mayday.deadline[1], at(now))
        elif step == "restart":
            saved = mayday.case
            mayday = Mayday(Timers())
            if saved is not None and saved.state is not State.IDLE:
                effects = mayday.adopt(saved, at(now, boot=str(now)), 0.3)
        elif step in DESK:
            acknowledged = acknowledged or (before_open and mayday.state is not State.CANCEL_WINDOW)
            effects = mayday.hear(DeskWord(Signal(step)), at(now))
        elif step is Signal.PATH or step is Signal.NO_PATH:
            effects = mayday.link(step is Signal.PATH, at(now))
        else:
            effects = mayday.signal(Signal(step), at(now))
        if Effect.OPEN in effects:
            assert not before_open, "one press, one case"
            acknowledged = False
            mayday.open_case(replace(new_case(at(now)), code=f"{int(now * 100):08d}"), at(now))
        elif before_open:
            assert mayday.case is not None
            assert before is not None
            assert mayday.case.code == before.code, "an open case stays the same case"
        if Effect.REOPEN in effects:
            acknowledged = False
        if mayday.state in OPEN:
            assert mayday.deadline is not None, "a live case always has a deadline"
        if mayday.state not in (State.IDLE, State.HOLD):
            assert mayday.case is not None
            assert mayday.case.state is mayday.state, "what is saved is what is shown"
        lamp = shown(mayday.state, recorded=True, ready=True, contact=False, fresh=False, question=False)
        if lamp in (Shown.RECEIVED, Shown.ENGAGED):
            assert acknowledged, "the lamp says received only after the desk's acknowledgement"


# --- lamp ---


def test_no_two_patterns_are_equal_on_a_lamp_of_one_colour() -> None:
    rhythms = [pattern.rhythm_ms for pattern in PATTERNS.values()]
    assert len(set(rhythms)) == len(rhythms) == len(Shown)


def test_nothing_flashes_more_than_three_times_a_second() -> None:
    for pattern in PATTERNS.values():
        ons = pattern.rhythm_ms[::2]
        offs = pattern.rhythm_ms[1::2]
        for on, off in zip(ons, offs, strict=True):
            if off and pattern.shown is not Shown.READY:
                assert on + off >= 333, pattern


def test_what_is_not_on_disk_claims_no_more_than_queued() -> None:
    for state in OPEN - {State.RECEIVED, State.ENGAGED}:
        assert shown(state, recorded=False, ready=True, contact=False, fresh=False, question=False) is Shown.QUEUED
    assert (
        shown(State.RECEIVED, recorded=False, ready=True, contact=False, fresh=False, question=False) is Shown.RECEIVED
    )


def test_the_case_outshines_the_finger_and_the_finger_outshines_readiness() -> None:
    assert (
        shown(State.RECEIVED, recorded=True, ready=False, contact=True, fresh=False, question=False) is Shown.RECEIVED
    )
    assert shown(State.IDLE, recorded=True, ready=False, contact=True, fresh=False, question=False) is Shown.HOLD
    assert shown(State.IDLE, recorded=True, ready=False, contact=False, fresh=False, question=False) is Shown.NOT_READY
    assert shown(State.RESOLVED, recorded=True, ready=True, contact=False, fresh=True, question=False) is Shown.RESOLVED
    assert shown(State.RESOLVED, recorded=True, ready=True, contact=False, fresh=False, question=False) is Shown.READY


# --- a finger in the cancel window ---


def in_window() -> Mayday:
    """Held at 3 s, let go at once: the window ends at 8 s."""
    mayday = Mayday(Timers())
    held(mayday, at(3))
    mayday.signal(Signal.LET_GO, at(3.2))
    assert mayday.deadline == (8.0, Signal.WINDOW_OVER)
    return mayday


def tap(mayday: Mayday, when: float) -> tuple[Effect, ...]:
    """A short press that begins then."""
    return mayday.signal(Signal.CONTACT, at(when)) + mayday.signal(Signal.LET_GO, at(when + 0.2))


def test_two_presses_that_begin_in_the_window_cancel_although_it_ends_before_they_are_counted() -> None:
    mayday = in_window()
    tap(mayday, 7.0)
    tap(mayday, 7.9)
    assert mayday.state is State.CANCEL_WINDOW
    assert mayday.deadline == (pytest.approx(10.1), Signal.WINDOW_OVER)
    mayday.signal(Signal.TWO_PRESSES, at(10.05))
    assert mayday.state is State.IDLE


@pytest.mark.parametrize("counted", [Signal.ONE_PRESS, Signal.MORE_PRESSES])
def test_anything_but_two_presses_raises_as_soon_as_it_is_counted(counted: Signal) -> None:
    mayday = in_window()
    tap(mayday, 7.9)
    assert mayday.signal(counted, at(10.05)) == (Effect.RAISE,)


def test_a_press_that_begins_behind_the_window_raises_at_once() -> None:
    mayday = in_window()
    tap(mayday, 7.9)
    assert mayday.signal(Signal.CONTACT, at(8.3)) == (Effect.RAISE,)


def test_a_press_that_never_ends_raises_and_a_hold_does_at_once() -> None:
    mayday = in_window()
    mayday.signal(Signal.CONTACT, at(7.9))
    when, effects = fire(mayday)
    assert (when, effects) == (pytest.approx(10.9), (Effect.RAISE,))
    mayday = in_window()
    mayday.signal(Signal.CONTACT, at(4.0))
    assert mayday.signal(Signal.HELD, at(7.0)) == (Effect.RAISE,)


def test_presses_that_are_over_before_the_window_put_nothing_off() -> None:
    mayday = in_window()
    tap(mayday, 4.0)
    mayday.signal(Signal.ONE_PRESS, at(6.2))
    assert mayday.deadline == (8.0, Signal.WINDOW_OVER)
    mayday = Mayday(Timers())
    held(mayday, at(3))
    mayday.signal(Signal.LET_GO, at(7.5))
    assert mayday.deadline == (8.0, Signal.WINDOW_OVER), "the finger that held is not waited for"


# --- what a restart and a reopening must not forget ---


def resolved(mayday: Mayday, when: float, *, trusted: bool = True) -> HelpRequest:
    mayday.link(True, at(0))
    held(mayday, at(3))
    fire(mayday)
    mayday.hear(DeskWord(Signal.RESOLVED), at(when, trusted=trusted))
    assert mayday.case is not None
    return mayday.case


@pytest.mark.parametrize(
    ("then", "now", "left_s"),
    [
        (True, at(1000.0, boot="next"), 2650.0),
        (True, at(1000.0, boot="next", trusted=False), 3600.0),
        (False, at(1000.0, boot="next"), 3600.0),
        (False, at(1000.0, trusted=False), 2650.0),
        (True, at(1e6, boot="next"), 0.0),
        (True, at(1.0, boot="next"), 3600.0),
    ],
)
def test_a_restart_does_not_begin_the_time_to_reopen_anew(then: bool, now: Instant, left_s: float) -> None:
    case = resolved(Mayday(Timers()), 50.0, trusted=then)
    mayday = Mayday(Timers())
    mayday.adopt(HelpRequest.from_record(case.record()), now, 0.5)
    assert mayday.deadlines[Signal.REOPEN_OVER] == pytest.approx(now.monotonic + left_s)


def test_a_word_from_before_a_reopening_decides_nothing_also_after_a_restart() -> None:
    mayday = Mayday(Timers())
    resolved(mayday, 50.0)
    assert Effect.REOPEN in mayday.signal(Signal.HELD, at(60))
    mayday.reopen_as(7)
    assert mayday.case is not None
    again = Mayday(Timers())
    again.adopt(HelpRequest.from_record(mayday.case.record()), at(1, boot="next"), 0.5)
    for through in (0, 6):
        for signal in DESK:
            assert again.hear(DeskWord(signal, through=through), at(9)) == ()
            assert again.state is State.QUEUED
    again.hear(DeskWord(Signal.RECEIVED, through=7), at(9))
    assert again.state is State.RECEIVED


def test_cases_of_an_older_version_have_no_reopening_and_no_trust_in_their_steps() -> None:
    record = new_case(at(3)).with_state(State.RESOLVED, 3.0, "boot", 5.0, trusted=True).record()
    del record["reopened"]
    record["steps"] = [step[:4] for step in record["steps"]]
    case = HelpRequest.from_record(record)
    assert case.reopened == 0
    assert case.steps[0].trusted is False


FIRST_VERSION = {
    "id": b"i" * 16,
    "code": "23456789",
    "trigger": "manual",
    "state": "QUEUED",
    "pressed_at": 3.0,
    "boot_id": "boot",
    "pressed_wall": 1.8e9,
    "clock_trusted": True,
    "steps": [["CANCEL_WINDOW", 3.0, "boot", 1.8e9], ["RAISED", 8.0, "boot", 1.8e9]],
    "notes": [["desk", "Hello", 1.8e9]],
}


def test_a_case_of_the_first_version_goes_on_and_has_no_questions() -> None:
    case = HelpRequest.from_record(dict(FIRST_VERSION))
    assert (case.questions, case.also, case.asked, case.fall_back_now) == ((), (), (), False)
    mayday = Mayday(Timers())
    assert mayday.adopt(case, at(1, boot="next"), 0.5) == (Effect.RESEND,)
    assert mayday.deadline is not None


@pytest.mark.parametrize(
    "more",
    [
        {"questions": [{"id": "q"}]},
        {"questions": [None]},
        {"questions": 7},
        {"also": [["a"]]},
        {"asked": 7},
        {"questions": [{**dict.fromkeys(("id", "text", "boot_id"), "x"), "purpose": "unheard of"}]},
    ],
)
def test_a_damaged_record_is_said_to_be_none(more: dict[str, object]) -> None:
    with pytest.raises(WireError):
        HelpRequest.from_record({**FIRST_VERSION, **more})


def test_questions_and_rules_survive_their_record() -> None:
    question = Question("q", "?", 60.0, 3.0, "boot", 1.8e9, True, ("a", "b"), Purpose.CONSENT)
    case = replace(
        new_case(at(3)),
        questions=(question,),
        asked=("p",),
        also=(("flood", "Water."),),
        fall_back_now=True,
        reason="!",
    )
    assert HelpRequest.from_record(case.record()) == case
    later = case.record() | {"questions": [question.record() | {"colour": "blue"}]}
    assert HelpRequest.from_record(later) == case, "what a later version added is left out"
