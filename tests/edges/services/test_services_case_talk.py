"""Rules, questions and words in a case, over a real store: what is saved, shown and sent, also after a restart."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from services_scene import QUICK, Scene, data_of, until

from edge_agent.core.command import DeskMessage
from edge_agent.core.errors import RefusedError
from edge_agent.core.gesture import Touch
from edge_agent.core.lamp import Shown
from edge_agent.core.question import Purpose
from edge_agent.core.request import State, Trigger
from edge_agent.core.wire import unpack
from edge_agent.services.mayday import MAX_TEXT

ASK: dict[str, Any] = {"question": "q1", "text": "Is everybody well?", "kind": "yes_no", "expires_s": 60}


async def press(scene: Scene, presses: int) -> None:
    for _ in range(presses):
        scene.finger(Touch.CONTACT)
        scene.finger(Touch.LET_GO)
    scene.finger(Touch.PRESSES, presses)
    await scene.settled()


def said(scene: Scene) -> list[tuple[str, dict[str, Any]]]:
    """What waits to be sent of the case, without its name."""
    events = scene.store.pending(0, 100)
    named = ("request", "case")
    return [(e.type.split(".")[2], {k: v for k, v in unpack(e.payload).items() if k not in named}) for e in events]


async def test_a_question_lights_the_lamp_and_one_press_answers_it(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.says("question", **ASK)
        assert scene.lamp is Shown.QUESTION
        await press(scene, 1)
        assert scene.lamp is Shown.RECEIVED
        assert said(scene) == [("answered", {"question": "q1", "answer": "yes", "by": "button"})]


@pytest.mark.parametrize(("presses", "agreed"), [(1, [Purpose.PAGE]), (2, []), (3, [])])
async def test_what_the_household_says_yes_to_is_told_once_it_is_saved_and_nothing_else(
    tmp_path: Path, presses: int, agreed: list[Purpose]
) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.says("question", **ASK | {"purpose": "page"})
        await press(scene, presses)
        assert scene.agreed == agreed
        await press(scene, 1)
        assert scene.agreed == (agreed or ([Purpose.PAGE] if presses == 3 else []))


async def test_the_lamp_asks_only_when_the_question_is_on_disk(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        with scene.hanging_disk():
            scene.desk("question", **ASK)
            await asyncio.sleep(0.05)
            scene.help.refresh()
            assert scene.lamp is Shown.RECEIVED
            scene.finger(Touch.CONTACT)
            scene.clock.monotonic += 0.5
        await until(lambda: scene.lamp is Shown.QUESTION)
        scene.finger(Touch.PRESSES, 1)
        await scene.settled()
        assert [what for what, _ in said(scene)] == ["nudged"], "it was not asked yet when the finger came down"
        assert scene.lamp is Shown.QUESTION


async def test_a_question_that_nobody_answers_expires_and_the_lamp_goes_back(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.says("question", **ASK)
        await scene.later(59)
        assert scene.lamp is Shown.QUESTION
        await scene.later(2)
        assert scene.lamp is Shown.RECEIVED
        assert said(scene) == [("expired", {"question": "q1"})]
        assert scene.help.case.notes[-1].by == "expired"  # type: ignore[union-attr]


async def test_a_question_survives_a_restart_with_what_is_left_of_its_time(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.says("question", **ASK)
        await scene.later(40)
        now = scene.clock.monotonic
    again = Scene(tmp_path, boot_id="next")
    again.clock.monotonic, again.clock.wall = 5.0, again.clock.wall + now - 5.0
    async with again:
        await again.settled()
        assert again.lamp is Shown.QUESTION
        await again.later(15)
        assert again.lamp is Shown.QUESTION
        await again.later(10)
        assert again.lamp is Shown.RECEIVED
        assert [what for what, _ in said(again)] == ["expired"]


async def test_yes_to_cancelling_cancels_and_that_is_sent(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.says("question", **ASK, purpose="cancel")
        await press(scene, 1)
        assert scene.state is State.CANCELLED
        assert [what for what, _ in said(scene)] == ["answered", "cancelled"]


async def test_a_question_that_was_under_way_for_too_long_is_not_asked(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        word = scene.word("question", **ASK)
        scene.obey(word._replace(issued=word.issued - 61.0))
        await scene.settled()
        assert scene.lamp is Shown.RECEIVED
        assert said(scene) == [("expired", {"question": "q1"})]


@pytest.mark.parametrize(
    "wrong",
    [
        {"question": ""},
        {"question": 7},
        {"text": None},
        {"kind": "options"},
        {"kind": "options", "options": "abc"},
        {"kind": "options", "options": [1, None]},
    ],
)
async def test_a_question_that_cannot_be_answered_is_none(tmp_path: Path, wrong: dict[str, Any]) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.says("question", **{**ASK, **wrong})
        assert scene.lamp is Shown.RECEIVED
        assert said(scene) == []


@pytest.mark.parametrize("life", [float("nan"), float("inf"), -1, 0, "soon", None, True, 10**30])
async def test_whatever_the_desk_says_of_its_time_a_question_ends(tmp_path: Path, life: object) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.says("question", **{**ASK, "expires_s": life})
        await scene.later(3601)
        assert scene.help.case.question is None  # type: ignore[union-attr]


async def test_only_what_may_be_answered_is_accepted(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        with pytest.raises(RefusedError, match="asks nothing"):
            scene.help.answer("", "yes", "page")
        await scene.received()
        await scene.says("question", **{**ASK, "kind": "options", "options": ["fire", "water", "water", 3]})
        assert scene.lamp is Shown.RECEIVED, "the button cannot choose"
        with pytest.raises(RefusedError, match="fire, water"):
            scene.help.answer("", "smoke", "page")
        with pytest.raises(RefusedError, match="asks nothing"):
            scene.help.answer("q0", "fire", "page")
        scene.help.answer("q1", "water", "page")
        scene.help.answer("q1", "fire", "command")
        await scene.settled()
        assert said(scene) == [("answered", {"question": "q1", "answer": "water", "by": "page"})]


async def test_a_day_after_the_end_and_a_restart_one_question_may_come(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.says("resolved")
        (closed,) = await scene.broker_takes()
        await scene.says("message", through=closed.sequence)
        await scene.later(4000)
        assert scene.state is State.IDLE
    async with Scene(tmp_path, boot_id="next") as again:
        await again.settled()
        effort = {"kind": "options", "options": list("12345"), "purpose": "effort", "expires_s": 3 * 86400}
        await again.says("question", **{**ASK, **effort})
        assert again.lamp is Shown.READY
        assert again.help.case.effort.text == ASK["text"]  # type: ignore[union-attr]
        await press(again, 1)
        assert again.help.case.effort is not None  # type: ignore[union-attr]
    async with Scene(tmp_path, boot_id="third") as third:
        await third.settled()
        third.help.answer("", "2", "command")
        await third.settled()
        assert said(third) == [("answered", {"question": "q1", "answer": "2", "by": "command"})]
        assert third.help.live, "until the desk has it"
        await third.says("message", through=third.last_sequence())
        assert not third.help.live


async def test_without_consent_nobody_is_asked_after_the_end(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        scene.effort = False
        await scene.received()
        await scene.says("resolved", through=scene.last_sequence())
        await scene.says("question", **ASK, purpose="effort")
        assert scene.help.case.effort is None  # type: ignore[union-attr]
        assert [what for what, _ in said(scene)] == ["closed", "expired"]


async def test_a_new_case_ends_what_was_asked_about_the_last_one(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.says("resolved", through=scene.last_sequence())
        await scene.later(4000)
        await scene.says("question", **ASK, purpose="effort")
        first = scene.help.case.id  # type: ignore[union-attr]
        await scene.raised()
        assert scene.help.case.id != first  # type: ignore[union-attr]
        assert [what for what, _ in said(scene)] == ["closed", "expired", "raised"]
        assert first in scene.help.open_requests()


# --- rules, words, other ways ---


async def test_a_rule_opens_a_case_that_says_so(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        scene.help.trigger("flood", "There is water on the cellar floor.", 30.0, False)
        await scene.settled()
        assert scene.lamp is Shown.CANCEL_WINDOW
        await scene.later(29)
        assert scene.pending() == []
        await scene.later(2)
        ((what, data),) = said(scene)
        assert what == "raised"
        assert (data["trigger"], data["rule"]) == ("automatic", "flood")
        assert data["text"] == "There is water on the cellar floor."
    async with Scene(tmp_path, boot_id="next") as again:
        case = again.help.case
        assert case is not None
        assert (case.trigger, case.rule, case.reason) == (Trigger.AUTOMATIC, "flood", data["text"])


async def test_two_presses_cancel_what_a_rule_began_and_nothing_is_sent(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        scene.help.trigger("flood", "Water.", 30.0, False)
        await scene.settled()
        await press(scene, 2)
        assert scene.state is State.IDLE
        await scene.later(100)
        assert scene.pending() == []


async def test_a_rule_without_a_window_goes_out_at_once_by_every_channel(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        scene.help.link(up=True)
        scene.help.trigger("gas", "Gas.", 0.0, True)
        await scene.settled()
        assert scene.state is State.FALLBACK
        assert scene.fallen_back == [State.FALLBACK]
        event = scene.help.waiting_event()
        assert event is not None
        assert data_of(event)["rule"] == "gas"


async def test_a_rule_in_an_open_case_is_a_message_in_it(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        code = scene.help.case.code  # type: ignore[union-attr]
        scene.help.trigger("flood", "Water.", 30.0, True)
        await scene.settled()
        assert said(scene) == [("triggered", {"rule": "flood", "text": "Water."})]
        assert scene.help.case.code == code  # type: ignore[union-attr]
        assert scene.lamp is Shown.RECEIVED
        assert scene.fallen_back == [], "the desk has the case"


async def test_what_was_said_in_the_window_goes_out_with_the_request_and_not_before(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.hold()
        scene.help.say("The door is open.")
        scene.help.trigger("flood", "Water.", 30.0, False)
        await scene.settled()
        assert scene.pending() == []
        await scene.later(1)
        assert scene.pending() == ["raised", "triggered", "said"]
        assert said(scene)[1:] == [
            ("triggered", {"rule": "flood", "text": "Water."}),
            ("said", {"text": "The door is open."}),
        ]


async def test_the_household_writes_to_an_open_case_only(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        with pytest.raises(RefusedError, match="no open help request"):
            scene.help.say("Hello?")
        await scene.received()
        scene.help.say("x" * (MAX_TEXT + 100))
        await scene.settled()
        assert said(scene) == [("said", {"text": "x" * MAX_TEXT})]


async def test_other_ways_are_tried_after_the_time_of_the_first_and_again_with_every_resend(tmp_path: Path) -> None:
    async with Scene(tmp_path, timers=QUICK._replace(queued_after_s=5.0, ack_wait_s=10.0)) as scene:
        await scene.raised()
        event = scene.help.waiting_event()
        assert event is not None
        await scene.later(5.1)
        await scene.later(15.1)
        assert scene.state is State.FALLBACK
        assert scene.lamp is Shown.QUEUED
        assert len(scene.fallen_back) == 1
        await scene.later(13)
        assert len(scene.fallen_back) == 2
        scene.help.link(up=True)
        await scene.broker_takes()
        assert scene.state is State.FALLBACK, "a broker is no desk"
        assert scene.help.waiting_event() == event
        await scene.says("received", through=event.sequence)
        assert scene.lamp is Shown.RECEIVED
        assert scene.help.waiting_event() is None


async def test_a_reopened_case_waits_with_the_event_that_opened_it_again(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.says("resolved", through=scene.last_sequence())
        await scene.hold()
        event = scene.help.waiting_event()
        assert event is not None
        assert event.type == "edge.help.reopened.v1"


async def test_a_restart_in_fallback_tries_the_other_ways_again(tmp_path: Path) -> None:
    async with Scene(tmp_path, timers=QUICK._replace(queued_after_s=5.0)) as scene:
        await scene.raised()
        await scene.later(5.1)
        await scene.later(15.1)
        assert scene.state is State.FALLBACK
    async with Scene(tmp_path, boot_id="next") as again:
        await again.settled()
        assert again.state is State.FALLBACK
        assert again.fallen_back == [State.FALLBACK]
        assert again.help.waiting_event() is not None


async def test_a_cancellation_waits_for_any_way_until_the_desk_knows_of_it(tmp_path: Path) -> None:
    async with Scene(tmp_path, timers=QUICK._replace(queued_after_s=5.0)) as scene:
        await scene.raised()
        await scene.later(5.1)
        await scene.later(15.1)
        assert scene.state is State.FALLBACK
        scene.help.cancel()
        await scene.settled()
        assert scene.fallen_back == [State.FALLBACK, State.CANCELLED]
        event = scene.help.waiting_event()
        assert event is not None
        assert event.type == "edge.help.cancelled.v1"
    async with Scene(tmp_path, boot_id="next") as again:
        await again.settled()
        assert again.help.waiting_event() == event, "a restart forgets nothing of it"
        # known in compact form only: it need not be called out any more, and must still be sent
        await again.says("cancel_received", knows=event.sequence)
        assert again.help.waiting_event() is None
        assert again.state is State.CANCELLED
        assert "cancelled" in again.pending()
        await again.says("cancel_received", through=event.sequence)
        assert again.state is State.IDLE


async def test_a_case_that_the_desk_has_can_be_asked_about_also_after_a_restart(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        assert scene.help.asking_event() is None
        await scene.raised()
        assert scene.help.asking_event() is None, "the request itself is still called out"
        raised = scene.help.waiting_event()
        await scene.says("received", through=scene.last_sequence())
        assert scene.help.waiting_event() is None
    async with Scene(tmp_path, boot_id="next") as again:
        await again.settled()
        event = again.help.asking_event()
        assert event is not None
        assert raised is not None
        assert (event.id, event.type, event.subject) == (raised.id, raised.type, raised.subject)
        assert data_of(event)["request"] == data_of(raised)["request"]
        await again.says("resolved")
        assert again.help.asking_event() is None


async def test_a_desk_that_was_away_gets_what_it_has_not_answered_also_of_a_case_that_is_over(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        scene.help.say("The key is under the mat.")
        await scene.settled()
        await scene.broker_takes()
        assert scene.pending() == []
        for _ in range(2):
            scene.obey(DeskMessage("c1", "edge.command.unanswered.v1", scene.clock.now().wall, None, {}))
            await scene.settled()
            assert scene.pending() == ["said"]
        await scene.says("resolved")
        await scene.later(4000)
        assert scene.state is State.IDLE
        await scene.broker_takes()
        scene.obey(DeskMessage("c2", "edge.command.unanswered.v1", scene.clock.now().wall, None, {}))
        await scene.settled()
        assert scene.pending() == ["said", "closed"]


async def test_the_first_acknowledgement_wins_and_the_second_changes_nothing(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        case = scene.help.case
        assert case is not None
        await scene.says("received", reference="", receiver="")
        assert scene.help.case == case


async def test_progress_is_told_and_moves_the_promised_time(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        promised = scene.clock.now().wall + 1200.0
        await scene.says("progress", text="Somebody will call you.", next_word_wall=promised)
        assert scene.help.case.next_word_wall == promised  # type: ignore[union-attr]
        assert scene.help.case.notes[-1].text == "Somebody will call you."  # type: ignore[union-attr]
        await scene.later(1100)
        assert scene.pending() == []
        await scene.later(101)
        assert scene.pending() == ["asked"]


async def test_a_desk_that_is_away_for_long_is_asked_once_and_not_every_ten_minutes(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        scene.help.link(up=False)
        for _ in range(5):
            await scene.later(601)
        assert scene.pending() == ["asked"]
        scene.help.link(up=True)
        await scene.broker_takes()
        await scene.later(601)
        assert scene.pending() == ["asked"], "the same again, for the desk has not answered"
        await scene.says("message", through=scene.last_sequence())
        assert scene.pending() == []
        await scene.later(601)
        assert scene.pending() == ["asked"]


async def test_questions_about_another_case_are_not_asked(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        word = scene.word("question", **ASK)
        other = DeskMessage(word.id, word.type, word.issued, b"x" * 16, word.data)
        scene.obey(other)
        await scene.settled()
        assert scene.lamp is Shown.RECEIVED


async def test_a_question_whether_this_is_normal_names_the_finding_and_one_press_says_yes(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        told: list[str] = []
        scene.help._around = scene.help._around._replace(agreed=lambda question: told.append(question.about))
        await scene.received()
        await scene.says("question", **ASK | {"purpose": "normal", "about": "cellar.humidity:learned"})
        await press(scene, 1)
        assert told == ["cellar.humidity:learned"]
