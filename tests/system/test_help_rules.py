"""Help that nobody pressed for: a leak detector gets wet, and a case is at the desk."""

import asyncio
from pathlib import Path

from stage import QUICK_HELP, staged, until

from simulators.desk.policy import Policy

FLOOD = Path(__file__).parent / "flood.toml"


def wet(stage):
    stage.world.physics.models["floor"].fail("active")


def dry(stage):
    floor = stage.world.physics.models["floor"]
    floor.broken.clear()
    floor.active = False


async def test_water_on_the_floor_is_a_case_at_the_desk_once_however_long_it_stays():
    policy = Policy(received_after_s=0.2, engaged_after_s=0.5, resolved_after_s=1.5)
    async with staged(scenario=FLOOD, policy=policy) as stage:
        wet(stage)
        told = await stage.until_state("CANCEL_WINDOW", seconds=8.0)
        assert (told.case.trigger, told.case.rule) == ("automatic", "flood")
        await until(lambda: bool(stage.desk.cases))
        case = stage.case()
        assert (case.trigger, case.data["rule"]) == ("automatic", "flood")
        await stage.until_state("RESOLVED")
        # still wet: over a restart, and over a flicker that is shorter than the rule's rest
        stage.agent.kill()
        await stage.agent.stop()
        await stage.agent.start()
        dry(stage)
        await asyncio.sleep(0.7)
        wet(stage)
        await asyncio.sleep(4.0)
        assert len(stage.desk.cases) == 1
        assert "cancel window" in stage.lamp()
        # dry for long enough, and wet again: another alarm, which opens the same case again or one of its own
        dry(stage)
        await asyncio.sleep(3.5)
        wet(stage)
        await until(lambda: len(stage.desk.cases) == 2 or stage.desk.cases[0].open)


async def test_two_presses_within_the_window_say_that_it_is_nothing_and_the_desk_hears_nothing():
    async with staged(scenario=FLOOD, help_timers=QUICK_HELP) as stage:
        wet(stage)
        await stage.until_state("CANCEL_WINDOW", seconds=8.0)
        for _ in range(2):
            await asyncio.sleep(0.25)
            await stage.press(0.15)
        told = await stage.until_state("IDLE", seconds=5.0)
        assert [step.state for step in told.case.steps] == ["CANCEL_WINDOW", "CANCELLED", "IDLE"]
        await asyncio.sleep(3.0)
        assert stage.desk.cases == []
        assert (await stage.help()).state == "IDLE", "it is as wet as before, and that is known"


async def test_a_detector_that_says_nothing_raises_nothing_and_the_status_says_that_it_is_blind():
    # its line does not exist
    edit = lambda text: text.replace("line = 24", "line = 999")  # noqa: E731
    async with staged(scenario=FLOOD, edit=edit, transports=("serial", "gpio")) as stage:
        wet(stage)
        await asyncio.sleep(4.0)
        assert (await stage.help()).state == "IDLE"
        assert stage.desk.cases == []
        assert not (await stage.device("leak")).ready
        part = await stage.part("rules")
        assert part.sentence == "1 rule watches"


async def test_without_consent_to_be_ready_a_rule_calls_nobody():
    edit = lambda text: text.replace("help_ready = true", "help_ready = false")  # noqa: E731
    async with staged(scenario=FLOOD, edit=edit) as stage:
        wet(stage)
        await asyncio.sleep(4.0)
        assert (await stage.help()).state == "IDLE"
        part = await stage.part("rules")
        assert not part.ready
        assert "help_ready" in part.fix
