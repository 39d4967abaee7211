"""Readings reach the desk, whatever happens to network, broker, devices and the agent itself."""

import asyncio
import time
from itertools import pairwise

from stage import CRASH_WINDOW_S, staged, until


async def test_readings_of_all_three_transports_reach_the_desk_once():
    async with staged() as stage:
        await asyncio.sleep(3.0)
        counted = await stage.stop_and_count()
    assert (counted.lost, counted.duplicates, counted.unexpected) == (0, 0, 0), counted.losses()
    heard = {name for name, channel in counted.channels.items() if channel.held}
    assert {"boiler.pressure", "kitchen.temperature", "door.open"} <= heard
    assert counted.channels["boiler.pressure"].held > 8


async def test_the_broker_dies_while_readings_flow_and_a_case_is_open_and_nothing_is_lost():
    async with staged() as stage:
        await stage.press()
        await stage.until_state("RECEIVED", "ENGAGED")
        await stage.broker.kill()
        await asyncio.sleep(2.0)
        assert not (await stage.part("service")).ready
        assert (await stage.help()).state in ("RECEIVED", "ENGAGED")
        await stage.broker.start()
        counted = await stage.stop_and_count()
        assert stage.case().open
    assert (counted.lost, counted.duplicates) == (0, 0), counted.losses()


async def test_every_byte_vanishes_for_twelve_seconds_and_readings_and_a_press_come_through():
    async with staged() as stage:
        await asyncio.sleep(0.5)
        await stage.cable.black_hole()
        await stage.press()
        await stage.until_state("QUEUED")
        await asyncio.sleep(9.0)
        assert not (await stage.part("service")).ready, "a silent network is noticed by the keep-alive of 5 s"
        await asyncio.sleep(max(0.0, 12.0 - time.monotonic() + stage.cable.outages[0].began_at))
        await stage.cable.mend()
        await stage.until_state("RECEIVED", "ENGAGED")
        counted = await stage.stop_and_count()
        assert stage.case().received is not None
    assert (counted.lost, counted.duplicates) == (0, 0), counted.losses()


async def test_devices_and_adapter_go_and_come_back_and_the_door_moves_without_a_network():
    async with staged() as stage:
        boiler = next(device for device in stage.world._devices if device.spec.name == "boiler")
        await asyncio.sleep(1.5)
        await stage.cable.cut()
        boiler.fail("unplugged", on=True)
        stage.world.bluez.remove_adapter()

        async def both_are_missed():
            return not (await stage.device("boiler")).ready and not (await stage.device("kitchen")).ready

        await until(both_are_missed, 8.0)
        moved = sum(each.channel == "door.open" for each in stage.world.emitted)
        boiler.fail("unplugged", on=False)
        stage.world.bluez.add_adapter()
        back_at = time.monotonic()
        await until(lambda: _heard(stage, "boiler", back_at) and _heard(stage, "kitchen", back_at), 20.0)
        await stage.cable.mend()
        counted = await stage.stop_and_count()
        assert (counted.lost, counted.duplicates) == (0, 0), counted.losses()
        assert moved > 1
        doors = [held for held in stage.desk.held() if held.channel == "door.open"]
        assert [held.uptime_s for held in doors] == sorted(held.uptime_s for held in doors)
        assert all(one.value is not other.value for one, other in pairwise(doors))
        assert [line["reason"] for line in stage.log("lost") if line["what"] == "boiler"] == ["missing"]
        assert [line["what"] for line in stage.log("back")].count("boiler") == 1


def _heard(stage, device, since):
    return any(each.channel.startswith(device) and each.at_monotonic > since for each in stage.world.emitted)


async def test_after_a_crash_only_the_open_block_is_missing():
    async with staged(block_age_s=2.0) as stage:
        await asyncio.sleep(2.0)
        await stage.cable.cut()
        await asyncio.sleep(2.0)
        stage.agent.kill()
        killed_at = time.monotonic()
        await stage.agent.stop()
        await stage.cable.mend()
        await stage.agent.start()
        await asyncio.sleep(1.0)
        kept = [e for e in stage.world.emitted if not killed_at - CRASH_WINDOW_S < e.at_monotonic <= killed_at]
        counted = await stage.stop_and_count(kept)
    assert (counted.lost, counted.duplicates) == (0, 0), counted.losses()
    assert counted.emitted > 20


async def test_a_stop_takes_less_than_five_seconds_and_leaves_all_on_disk_with_the_cable_cut_and_in_a_black_hole():
    async with staged() as stage:
        await asyncio.sleep(0.7)
        await stage.cable.cut()
        await asyncio.sleep(0.7)
        await _stop_in_time(stage)
        await stage.cable.mend()
        await stage.agent.start()
        await until(stage.is_connected)
        await stage.cable.black_hole()
        await asyncio.sleep(0.7)
        await _stop_in_time(stage)
        await stage.cable.mend()
        await stage.agent.start()
        counted = await stage.stop_and_count()
    assert (counted.lost, counted.duplicates) == (0, 0), counted.losses()


async def _stop_in_time(stage):
    before = time.monotonic()
    assert await stage.agent.stop() == 0
    assert time.monotonic() - before < 5.0
    assert stage.log()[-1]["event"] == "stopped"
