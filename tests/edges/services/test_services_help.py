"""The help service over a real store: what is saved, what is shown, what is sent."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from services_scene import QUICK, Scene, data_of, until

from edge_agent.core.errors import StoreError
from edge_agent.core.gesture import Touch
from edge_agent.core.lamp import Shown
from edge_agent.core.request import State
from edge_agent.services.mayday import MAX_INBOX


async def test_a_press_is_saved_shown_sent_received_and_ends(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        scene.help.link(up=True)
        scene.finger(Touch.CONTACT)
        assert scene.lamp is Shown.HOLD, "the finger is answered before anything else happens"
        await scene.hold()
        assert scene.lamp is Shown.CANCEL_WINDOW
        assert scene.pending() == []
        await scene.later(0.1)
        assert scene.lamp is Shown.SENDING
        assert scene.pending() == ["raised"]
        (raised,) = await scene.broker_takes()
        assert scene.state is State.DELIVERED
        assert scene.lamp is Shown.SENDING, "a broker's word is no person's"
        await scene.says("received", reference="C-1", receiver="desk", through=raised.sequence)
        assert scene.lamp is Shown.RECEIVED
        assert scene.kept[-1] is State.RECEIVED
        await scene.says("engaged", helper="first line")
        assert scene.lamp is Shown.ENGAGED
        await scene.says("resolved", text="done")
        assert scene.lamp is Shown.RESOLVED
        assert scene.pending() == ["closed"]
        (closed,) = await scene.broker_takes()
        assert scene.help.live, "until the desk has the last word of the case"
        await scene.says("message", through=closed.sequence)
        assert not scene.help.live
        await scene.later(60)
        assert scene.lamp is Shown.READY
        assert data_of(raised)["case"] == scene.help.case.code  # type: ignore[union-attr]
        assert scene.help.case.notes[0].text == "done"  # type: ignore[union-attr]


async def test_the_lamp_says_recorded_only_when_the_save_is_over_whoever_asks_for_it_meanwhile(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        with scene.hanging_disk() as gate:
            scene.finger(Touch.CONTACT)
            scene.finger(Touch.HELD)
            await asyncio.sleep(0.05)
            scene.finger(Touch.LET_GO)
            scene.help.link(up=True)
            scene.help.refresh()
            await asyncio.sleep(0.05)
            assert scene.lamps[-1] is Shown.HOLD
            assert Shown.CANCEL_WINDOW not in scene.lamps
            assert scene.state is not State.CANCEL_WINDOW
            gate.set()
            await until(lambda: scene.lamp is Shown.CANCEL_WINDOW)


async def test_a_finger_is_answered_at_once_while_a_save_hangs(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.says("resolved")
        await scene.later(60)
        assert scene.lamp is Shown.READY
        with scene.hanging_disk():
            scene.desk("message", text="are you well?")
            await asyncio.sleep(0.02)
            scene.finger(Touch.CONTACT)
            assert scene.lamp is Shown.HOLD
            scene.finger(Touch.HELD)
            scene.finger(Touch.LET_GO)
            await asyncio.sleep(0.02)
            assert scene.lamp is Shown.HOLD, "a hold that waits for its turn never shows as ready"
        await until(lambda: scene.state is State.SENDING)
        assert "reopened" in scene.pending()


async def test_a_disk_that_hangs_is_a_dead_disk_after_a_while(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        with scene.hanging_disk(patience_s=0.05) as gate:
            scene.finger(Touch.CONTACT)
            scene.finger(Touch.HELD)
            await until(lambda: scene.lamp is Shown.QUEUED)
            await scene.later(0.1)
            await until(lambda: scene.pending() == ["raised"])
            assert scene.lamp is Shown.QUEUED
            assert not scene.help.health.ready
            assert scene.beats > 2
            gate.set()
            await scene.later(1.5)
            await until(lambda: scene.help.health.ready)
            assert scene.state is State.FALLBACK, "other ways are tried until the desk has it"


async def test_with_a_dead_disk_a_press_is_sent_at_once_and_never_said_to_be_recorded(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        scene.help.link(up=True)
        with scene.dead_disk():
            await scene.hold()
            assert scene.pending() == ["raised"], "what is in memory alone waits for no cancel window"
            assert scene.fallen_back == [State.FALLBACK]
            assert scene.lamp is Shown.QUEUED
            assert "card is gone" in scene.help.health.sentence
            assert scene.help.health.fix == "Put it back."
            await scene.broker_takes()
            assert scene.lamp is Shown.QUEUED
            assert not {Shown.CANCEL_WINDOW, Shown.SENDING} & set(scene.lamps)
            await scene.says("received", through=scene.last_sequence())
            assert scene.lamp is Shown.RECEIVED
        await scene.later(1.5)
        assert scene.help.health.ready
        code = scene.help.case.code  # type: ignore[union-attr]
    async with Scene(tmp_path, boot_id="next") as again:
        assert again.help.case.code == code  # type: ignore[union-attr]
        assert again.lamp is Shown.RECEIVED


async def test_a_disk_that_cannot_be_read_at_the_start_gives_back_its_open_case_later(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        ident = scene.help.case.id  # type: ignore[union-attr]
    (tmp_path / "cases.db").rename(tmp_path / "away")
    (tmp_path / "cases.db").symlink_to("/nowhere/cases.db")
    async with Scene(tmp_path, boot_id="next") as again:
        await until(lambda: not again.help.health.ready)
        assert again.help.case is None
        (tmp_path / "cases.db").unlink()
        (tmp_path / "away").rename(tmp_path / "cases.db")
        await again.later(1.5)
        await until(lambda: again.lamp is Shown.RECEIVED)
        assert again.help.case.id == ident  # type: ignore[union-attr]
        assert again.help.health.ready


async def _in_window(scene: Scene) -> None:
    await scene.hold()


async def _queued(scene: Scene) -> None:
    await scene.raised()
    await scene.later(61)
    assert scene.state is State.QUEUED


async def _sending(scene: Scene) -> None:
    scene.help.link(up=True)
    await scene.raised()


async def _delivered(scene: Scene) -> None:
    await _sending(scene)
    await scene.broker_takes()
    assert scene.state is State.DELIVERED


async def _engaged(scene: Scene) -> None:
    await scene.received()
    await scene.says("engaged", helper="first line")


async def _cancelled(scene: Scene) -> None:
    await scene.received()
    scene.help.cancel()
    await scene.settled()


async def _resolved(scene: Scene) -> None:
    await scene.received()
    await scene.says("resolved")


@pytest.mark.parametrize(
    ("reach", "state", "lamp", "sends"),
    [
        (_in_window, State.RAISED, Shown.SENDING, ["raised"]),
        (Scene.raised, State.QUEUED, Shown.QUEUED, ["raised"]),
        (_queued, State.QUEUED, Shown.QUEUED, ["raised"]),
        (_sending, State.QUEUED, Shown.QUEUED, ["raised"]),
        (_delivered, State.QUEUED, Shown.QUEUED, ["raised"]),
        (Scene.received, State.RECEIVED, Shown.RECEIVED, []),
        (_engaged, State.ENGAGED, Shown.ENGAGED, []),
        (_cancelled, State.CANCELLED, Shown.READY, ["cancelled"]),
        (_resolved, State.RESOLVED, Shown.READY, ["closed"]),
    ],
)
async def test_a_restart_in_any_state_goes_on_with_the_same_case_and_lamp(
    tmp_path: Path, reach: Callable[[Scene], Awaitable[None]], state: State, lamp: Shown, sends: list[str]
) -> None:
    async with Scene(tmp_path) as scene:
        await reach(scene)
        ident = scene.help.case.id  # type: ignore[union-attr]
    async with Scene(tmp_path, boot_id="next") as again:
        await again.settled()
        assert again.help.case.id == ident  # type: ignore[union-attr]
        assert (again.state, again.lamp, again.pending()) == (state, lamp, sends)
        assert len(await again.store.load()) == 1


async def test_an_open_case_is_taken_up_although_an_older_one_ended_before(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.says("resolved")
        await scene.later(3700)
        assert scene.state is State.IDLE
        await scene.raised()
        ident = scene.help.case.id  # type: ignore[union-attr]
    async with Scene(tmp_path, boot_id="next") as again:
        assert again.help.case.id == ident  # type: ignore[union-attr]
        assert again.state is State.QUEUED


async def test_an_older_case_is_sent_on_until_the_desk_has_its_last_word(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        first = scene.help.case.id  # type: ignore[union-attr]
        scene.help.cancel()
        await scene.settled()
        (cancelled,) = await scene.broker_takes()
        await scene.raised()
        assert scene.help.case.id != first  # type: ignore[union-attr]
        assert first in scene.help.open_requests(), "the desk may speak about it without proof of time"
        scene.help.link(up=False)
        scene.help.link(up=True)
        await scene.settled()
        assert "cancelled" in scene.pending()
        await scene.says("cancel_received", first, through=cancelled.sequence)
        assert first not in scene.help.open_requests()
        assert "cancelled" not in scene.pending()
        assert scene.lamp is Shown.SENDING, "what is said about the old case changes nothing of the new one"


async def test_a_cancellation_inside_the_window_sends_nothing_and_is_kept(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.hold()
        scene.finger(Touch.PRESSES, 2)
        await scene.settled()
        assert scene.state is State.IDLE
        assert scene.lamp is Shown.READY
        await scene.later(100)
        assert scene.pending() == []
        assert not scene.help.live
    async with Scene(tmp_path, boot_id="next") as again:
        assert again.state is State.IDLE
        (case,) = await again.store.load()
        assert [step.state for step in case.steps] == [State.CANCEL_WINDOW, State.CANCELLED, State.IDLE]


async def test_a_later_cancellation_is_over_when_the_desk_has_it(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        scene.help.cancel()
        await scene.settled()
        assert scene.pending() == ["cancelled"]
        assert scene.help.live
        await scene.broker_takes()
        await scene.says("cancel_received", through=scene.last_sequence())
        assert scene.state is State.IDLE
        assert not scene.help.live


async def test_presses_in_an_open_case_are_nudges(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        code = scene.help.case.code  # type: ignore[union-attr]
        for presses in (1, 2, 3):
            scene.finger(Touch.PRESSES, presses)
        await scene.hold()
        assert scene.pending() == ["nudged"] * 4
        urgent = [data_of(event)["urgent"] for event in scene.store.pending(0, 10)]
        assert urgent == [False, False, False, True]
        assert scene.help.case.code == code  # type: ignore[union-attr]
        assert scene.lamp is Shown.RECEIVED


async def test_what_the_desk_says_twice_or_out_of_order_does_no_harm(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        scene.help.link(up=True)
        await scene.raised()
        await scene.says("engaged", helper="first line")
        assert scene.lamp is Shown.ENGAGED
        await scene.says("received", reference="C-1")
        await scene.says("received", reference="C-1")
        assert scene.lamp is Shown.ENGAGED
        assert scene.help.case.reference == "C-1"  # type: ignore[union-attr]
        await scene.says("resolved")
        await scene.says("resolved")
        await scene.says("engaged", helper="second line")
        assert scene.state is State.RESOLVED
        assert scene.pending().count("closed") == 1
        await scene.says("received", b"x" * 16)
        assert not scene.desk("unheard_of")
        await scene.settled()
        assert scene.state is State.RESOLVED


async def test_a_resolution_from_before_a_reopening_does_not_end_the_case_again(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.says("resolved", through=scene.last_sequence())
        before = scene.last_sequence()
        await scene.hold()
        assert scene.pending()[-1] == "reopened"
        await scene.says("resolved", through=before)
        assert scene.state is State.SENDING
        await scene.says("resolved", through=scene.last_sequence())
        assert scene.state is State.RESOLVED


async def test_the_lamp_follows_readiness_although_nothing_happens(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        assert scene.lamp is Shown.READY
        scene.ready = False
        await until(lambda: scene.lamp is Shown.NOT_READY, 1.5)
        scene.help.link(up=True)
        scene.ready = True  # the uplink's health is set after it has told of the link
        await until(lambda: scene.lamp is Shown.READY, 0.2)


async def test_a_stuck_button_is_told_and_not_hidden_by_a_disk_that_works(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.hold()
        scene.finger(Touch.STUCK)
        assert "stuck" in scene.help.health.sentence
        with scene.dead_disk():
            await scene.later(0.1)
            assert "disk" in scene.help.health.sentence
            scene.finger(Touch.FREED)
            assert not scene.help.health.ready
            scene.finger(Touch.STUCK)
        await scene.later(1.5)
        assert "stuck" in scene.help.health.sentence
        scene.finger(Touch.FREED)
        assert scene.help.health.ready


async def test_a_flood_of_desk_messages_waits_outside_and_a_press_does_not(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        with scene.hanging_disk():
            await asyncio.sleep(0)
            for _ in range(MAX_INBOX):
                scene.desk("message", text="hello")
            with pytest.raises(StoreError):
                scene.desk("message", text="hello")
            scene.finger(Touch.HELD)
            await asyncio.sleep(0.02)
        await until(lambda: "nudged" in scene.pending(), 10)
        assert len(scene.help.case.notes) <= 100  # type: ignore[union-attr]


async def test_a_hold_in_the_moment_of_the_stop_is_kept(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.end()
        scene.finger(Touch.CONTACT)
        scene.finger(Touch.HELD)
        await scene.help.finish()
    async with Scene(tmp_path, boot_id="next") as again:
        assert again.pending() == ["raised"]


async def test_a_first_message_is_never_larger_than_a_kibibyte(tmp_path: Path) -> None:
    async with Scene(tmp_path, timers=QUICK._replace(cancel_window_s=0.0)) as scene:
        finding = {"channel": "boiler.pressure", "kind": "range", "sentence": "ä" * 120}
        scene.context = {"gateway": "g" * 64, "site": "s" * 80, "location": "l" * 120, "findings": [finding] * 5}
        await scene.hold()
        await scene.later(0.1)
        (raised,) = scene.store.pending(0, 10)
        assert len(raised.payload) <= 1024
        assert len(data_of(raised)["findings"]) == 5, "their sentences give way first"


async def test_the_last_word_of_a_case_that_is_over_is_sent_again_until_the_desk_has_it(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.says("resolved")
        await scene.broker_takes()
        await scene.later(3601)
        assert scene.state is State.IDLE
        await scene.later(4000)
        assert scene.pending() == ["closed"]
        await scene.says("message", through=scene.last_sequence())
        assert not scene.help.live


async def test_only_the_puback_of_the_request_itself_means_delivered(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        scene.help.link(up=True)
        await scene.raised()
        (raised,) = scene.store.pending(0, 10)
        scene.finger(Touch.PRESSES, 1)
        await scene.settled()
        scene.help.taken(scene.store.pending(raised.sequence, 10)[0])
        await scene.settled()
        assert scene.state is State.SENDING
        scene.help.taken(raised)
        await scene.settled()
        assert scene.state is State.DELIVERED
        await scene.says("resolved", through=scene.last_sequence())
        await scene.hold()
        scene.help.taken(raised)
        await scene.settled()
        assert scene.state is State.SENDING, "what is opened again is delivered when that is"
        await scene.broker_takes()
        assert scene.state is State.DELIVERED


async def test_a_restart_does_not_forget_which_words_are_from_before_a_reopening(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.says("resolved", through=scene.last_sequence())
        before = scene.last_sequence()
        await scene.hold()
        assert scene.help.case.reopened == scene.last_sequence()  # type: ignore[union-attr]
    async with Scene(tmp_path, boot_id="next") as again:
        for what in ("received", "resolved"):
            await again.says(what, through=before)
            await again.says(what)
        assert again.state is State.QUEUED
        assert "reopened" in again.pending()
        await again.says("received", through=again.last_sequence())
        assert again.lamp is Shown.RECEIVED


async def test_a_word_is_on_disk_as_heard_only_when_what_it_did_is(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        await scene.end()
        # two words come at once, and the power goes when the step of the first one is done
        first, second = scene.word("message", text="one"), scene.word("engaged", helper="first line")
        scene.obey(first)
        scene.obey(second)
        await scene.help._step(scene.help._inbox.popleft())
        assert scene.outbox.ledger.seen(second.id)
    async with Scene(tmp_path, boot_id="next") as again:
        assert again.state is State.RECEIVED
        assert again.outbox.ledger.seen(first.id)
        assert not again.outbox.ledger.seen(second.id), "the desk may say it again"


async def test_a_word_whose_case_is_not_on_disk_is_not_on_disk_either(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        word, other = scene.word("engaged", helper="first line"), scene.word("message", text="one")
        with scene.dead_disk():
            scene.obey(word)
            await scene.settled()
            assert not scene.help.health.ready
        await scene.later(1.5)
        assert scene.help.health.ready
        scene.obey(other)
        await scene.settled()
    async with Scene(tmp_path, boot_id="next") as again:
        assert again.state is State.ENGAGED
        assert again.outbox.ledger.seen(word.id)
        assert again.outbox.ledger.seen(other.id)


async def test_a_repeated_word_settles_what_the_desk_has_by_now_and_does_nothing_else(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        scene.finger(Touch.PRESSES, 1)
        await scene.settled()
        word = scene.word("message", text="hello", through=1)
        scene.obey(word)
        await scene.settled()
        case = scene.help.case
        assert scene.pending() == ["nudged"]
        scene.help.heard_again(word._replace(data={"text": "hello", "through": scene.last_sequence()}))
        await scene.settled()
        assert scene.pending() == []
        assert scene.help.case == case
        scene.help.cancel()
        await scene.settled()
        scene.help.heard_again(word._replace(data={"through": scene.last_sequence()}))
        await scene.settled()
        assert scene.state is State.IDLE


async def test_a_repeated_word_does_not_end_the_wait_for_an_acknowledgement(tmp_path: Path) -> None:
    async with Scene(tmp_path) as scene:
        await scene.received()
        word = scene.word("received")
        await scene.says("resolved", through=scene.last_sequence())
        await scene.hold()
        scene.help.heard_again(word._replace(data={"through": scene.last_sequence()}))
        await scene.settled()
        assert scene.state is State.SENDING
        assert "reopened" in scene.pending()


async def test_two_presses_that_begin_at_the_end_of_the_window_cancel(tmp_path: Path) -> None:
    async with Scene(tmp_path, timers=QUICK._replace(cancel_window_s=5.0)) as scene:
        await scene.hold()
        await scene.later(4.0)
        for _ in range(2):
            scene.finger(Touch.CONTACT)
            scene.finger(Touch.LET_GO)
            await scene.later(0.4)
        await scene.later(1.5)
        assert scene.state is State.CANCEL_WINDOW
        scene.finger(Touch.PRESSES, 2)
        await scene.settled()
        assert scene.state is State.IDLE
        assert scene.pending() == []
