"""A link of 20 kbit/s with 600 ms of delay, made by the guest's kernel, and a million readings that wait: a press is
there within 3 s.
"""

import asyncio
import json
import os
import time
from pathlib import Path

import pytest

from edge_agent.config import model
from edge_agent.core.block import pack
from edge_agent.core.event import Event, EventKind, Lane
from edge_agent.core.reading import Channel, ChannelKind, Reading
from edge_agent.store.outbox import Outbox
from simulators.desk.policy import Policy
from tests.vm.gateway import AGENT, STATE, Gateway, config, guest_python, new_boot
from tests.vm.image import report
from tests.vm.machine import Machine
from tests.vm.service import service, until

BITS = "20kbit"
DELAY = "600ms"
HOLD_S, CANCEL_S = 1.0, 1.0
GOAL_S = 3.0
PRESSES = 10
BLOCKS, BLOCK_READINGS = 2000, 500
NARROW = f"""
set -e
tc qdisc add dev eth0 root netem rate {BITS} delay {DELAY} limit 1000
modprobe -a ifb act_mirred cls_matchall sch_ingress
ip link add ifb0 type ifb && ip link set ifb0 up
tc qdisc add dev eth0 ingress
tc filter add dev eth0 parent ffff: matchall action mirred egress redirect dev ifb0
tc qdisc add dev ifb0 root netem rate {BITS} limit 1000
"""


def test_a_press_is_at_the_desk_within_three_seconds_while_a_million_readings_drain(built, ready, tmp_path) -> None:
    asyncio.run(backlog(tmp_path))
    policy = Policy(received_after_s=0.1, engaged_after_s=None, resolved_after_s=0.2, resend_after_s=None)
    with service(policy) as at_desk, Machine(built, saved=ready, forward=at_desk.forward) as machine:
        new_boot(machine)
        machine.put_tree(tmp_path, STATE)
        machine.run(NARROW)
        gateway = Gateway(machine)
        gateway.start(config(at_desk, cancel_s=CANCEL_S, keepalive_s=60))
        until(lambda: at_desk.ask(lambda desk: desk.readings_received) > 0, 60.0, "the backlog drains")
        pressed = presses(machine)
        before = at_desk.ask(lambda desk: desk.readings_received)
        until(lambda: at_desk.ask(lambda desk: desk.readings_received) > before, 30.0, "it still drains")
        until(lambda: len(at_desk.ask(lambda desk: desk.cases)) == PRESSES, 30.0, "the last press is there")
        opened = [case.opened for case in at_desk.ask(lambda desk: desk.cases)]
        lanes = json.loads(machine.run(f"{AGENT} queue --json"))["lanes"]
    (left,) = [lane["events"] for lane in lanes if lane["name"] == "telemetry"]
    took = sorted(there - at - HOLD_S - CANCEL_S for at, there in zip(pressed, opened, strict=True))
    assert left > BLOCKS / 2, "there was no backlog any more"
    report(
        f"{BITS}/s, {DELAY}: {len(took)} presses were at the desk {took[len(took) // 2]:.1f} s after the end of "
        f"the cancel window (median; {took[-1]:.1f} s at most); {before:,} readings went out, {left} blocks waited"
    )
    if took[-1] >= GOAL_S and os.getloadavg()[0] > (os.cpu_count() or 1):
        pytest.skip(f"the machine is busy with other things, and a press took {took[-1]:.1f} s")
    assert took[-1] < GOAL_S


def presses(machine: Machine) -> list[float]:
    """Unix seconds of each press, by the host's clock."""
    at: list[float] = []
    begun = machine.begin(guest_python("presses", PRESSES, HOLD_S + 0.3), hear=lambda _: at.append(time.time()))
    done = begun.wait(600.0)
    assert done.returncode == 0, done.stdout[-3000:]
    return at


async def backlog(folder: Path) -> None:
    """A store that holds a million readings of an earlier boot."""
    outbox = Outbox(folder, model.Outbox())
    channels = [Channel(f"box.value_{number}", "Cel", ChannelKind.GAUGE) for number in range(20)]
    for block in range(BLOCKS):
        base = block * 25.0
        readings = [
            Reading(channel, round(20 + (index * 7 + block) % 50 / 10, 1), base + index // 20)
            for index in range(BLOCK_READINGS)
            for channel in channels[index % 20 : index % 20 + 1]
        ]
        payload = pack(readings, base)
        kind, what = EventKind.TELEMETRY, "edge.telemetry.block.v1"
        event = Event(os.urandom(16), kind, what, "block", base, "boot", payload, count=len(readings))
        outbox.append(event)
        if block % 100 == 99:
            await outbox.commit(Lane.TELEMETRY)
    outbox.close()
