"""A press of the button, seen at the lamp on the board and counted at the desk."""

import asyncio
import time
from itertools import pairwise

from stage import QUICK_HELP, in_order, staged, until

from simulators.desk.policy import Policy

OPEN_LAMPS = ["received", "engaged"]


async def test_the_button_is_held_for_three_seconds_and_the_lamp_tells_the_way_to_the_end():
    policy = Policy(received_after_s=1.3, engaged_after_s=3.5, resolved_after_s=5.5)
    async with staged(policy=policy, help_timers=QUICK_HELP | {"hold_s": 3.0, "cancel_window_s": 1.0}) as stage:
        pressed_at = await stage.press(3.3)
        await stage.until_state("RESOLVED", seconds=20.0)
        await asyncio.sleep(4.3)
        case, words, history = stage.case(), stage.lamp(), stage.world.lamp_history
        said = stage.world.lamp_said(pressed_at, time.monotonic())
        counted = await stage.stop_and_count()
    first = next(shown for shown in history if shown.colour == "amber")
    assert 0.0 < first.at - pressed_at < 0.3, "feedback within 100 ms, and some for a busy machine"
    assert in_order(["hold", "cancel window", "sending", "received", "engaged", "received"], words), words
    rest = iter(said)
    for row in ("hold", "cancel_window", "sending", "received", "engaged", "resolved"):
        assert any(row in seen.could for seen in rest), f"{row} in {said}"
    assert case.state == "resolved"
    received_at = case.received - time.time() + time.monotonic()
    green = next(a for a, b in pairwise(history) if a.colour == "green" and b.at - a.at > 1.0)
    assert green.at > received_at - 0.05, "no green promise before the desk's own answer"
    assert 3.9 < case.opened - time.time() + time.monotonic() - pressed_at < 5.5
    assert (counted.lost, counted.duplicates) == (0, 0)


async def test_no_desk_that_lies_errs_or_is_silent_lights_received():
    policies = [
        Policy(received_after_s=0.1, engaged_after_s=0.5, lies=True, repeats=3),
        Policy(received_after_s=0.1, engaged_after_s=0.5, wrong_case=True),
        Policy(silent=True),
    ]
    for words, state, attempts in await asyncio.gather(*map(_pressed, policies)):
        assert in_order(["hold", "cancel window", "sending"], words), words
        assert not set(OPEN_LAMPS) & set(words), words
        assert state in ("SENDING", "DELIVERED")
        assert attempts == 1


async def _pressed(policy):
    async with staged(policy=policy, transports=("serial",)) as stage:
        await stage.press()
        await until(lambda: bool(stage.desk.cases))
        await asyncio.sleep(2.0)
        return stage.lamp(), (await stage.help()).state, len(stage.desk.cases)


async def test_two_presses_within_the_window_cancel_and_the_desk_hears_nothing():
    async with staged(help_timers=QUICK_HELP | {"cancel_window_s": 4.0}, transports=("serial",)) as stage:
        await stage.press()
        await stage.until_state("CANCEL_WINDOW")
        for _ in range(2):
            await asyncio.sleep(0.25)
            await stage.press(0.15)
        told = await stage.until_state("IDLE", seconds=4.0)
        assert [step.state for step in told.case.steps] == ["CANCEL_WINDOW", "CANCELLED", "IDLE"]
        await asyncio.sleep(1.0)
        await stage.stop_and_count()
        assert stage.desk.cases == []
        assert not [event for event in _kinds(stage) if event.startswith("edge.help")]
        assert "sending" not in stage.lamp()


async def test_a_crash_in_any_state_and_the_same_case_goes_on():
    policy = Policy(received_after_s=0.2, engaged_after_s=None)
    async with staged(policy=policy, transports=("serial",)) as stage:
        await stage.cable.cut()
        await stage.press()
        code = (await stage.until_state("CANCEL_WINDOW")).case.code
        await _crash(stage)
        told = await stage.until_state("QUEUED")
        assert told.case.code == code
        assert told.lamp.pattern == "queued"

        await _crash(stage)
        assert (await stage.until_state("QUEUED")).case.code == code
        await until(lambda: stage.lamp()[-1:] == ["queued"])
        assert stage.desk.cases == []

        await stage.cable.mend()
        await stage.until_state("RECEIVED")
        await _crash(stage)
        told = await stage.until_state("RECEIVED")
        assert told.case.code == stage.case().code == code
        assert told.case.reference
        await until(lambda: stage.lamp()[-1:] == ["received"])

        stage.desk.advance(stage.case(), type(stage.case().state).RESOLVED)
        assert (await stage.until_state("RESOLVED")).case.code == code
        await stage.stop_and_count()
        assert stage.case().state == "resolved"


async def test_a_crash_while_the_request_is_on_its_way_makes_no_second_case():
    async with staged(transports=("serial",), help_timers=QUICK_HELP | {"queued_after_s": 30.0}) as stage:
        await until(stage.is_connected)
        await stage.cable.black_hole()
        await stage.press()
        code = (await stage.until_state("SENDING")).case.code
        await _crash(stage)
        await stage.cable.mend()
        assert (await stage.until_state("RECEIVED")).case.code == stage.case().code == code


async def _crash(stage):
    stage.agent.kill()
    await stage.agent.stop()
    await stage.agent.start()


async def test_without_consent_no_connection_is_made_until_a_press_and_only_the_help_request_leaves():
    policy = Policy(received_after_s=0.2, engaged_after_s=0.4, resolved_after_s=1.2)
    async with staged(policy=policy, edit=_no_consent) as stage:
        await asyncio.sleep(1.5)
        gateway = (await stage.status()).gateway
        assert stage.cable.connections == 0
        assert gateway not in stage.broker.log
        assert stage.desk.events_received == 0

        await stage.press()
        await stage.until_state("RECEIVED", "ENGAGED")
        assert stage.cable.connections == 1
        await stage.until_state("RESOLVED")
        await until(lambda: stage.cable.connections == 0)
        assert await stage.agent.stop() == 0
        await asyncio.sleep(0.3)
        assert stage.case().state == "resolved"
        assert stage.desk.held() == []
        assert {kind for kind in _kinds(stage) if not kind.startswith("edge.help")} <= {"edge.state.birth.v1"}


def _no_consent(text):
    for purpose in ("help_ready", "telemetry", "findings", "diagnostics", "assist"):
        text = text.replace(f"{purpose} = true", f"{purpose} = false")
    return text


def _kinds(stage):
    """The types of all events that the desk has."""
    return [row[0] for row in stage.desk._store.db.execute("SELECT type FROM events")]
