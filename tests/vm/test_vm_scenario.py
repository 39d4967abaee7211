"""The whole agent in the guest, on real drivers: sensors by radio, cable and contact, a press, the desk's answer on the
lamp; the radio goes and comes back, the power is cut in the middle, and it goes on where it was.
"""

import json
import time
from itertools import pairwise

import pytest

from edge_agent.core.lamp import PATTERNS, Shown
from simulators.desk.cases import CaseState
from simulators.desk.desk import Desk
from simulators.desk.policy import Policy
from tests.torture.powerdisk import make_image
from tests.vm.disk import Disk
from tests.vm.gateway import (
    AGENT,
    BELT,
    CHIP,
    DOOR,
    GREEN,
    KITCHEN,
    NEAR,
    RED,
    Box,
    Gateway,
    attach,
    config,
    detach,
    guest_python,
    new_boot,
    pull,
)
from tests.vm.image import report
from tests.vm.machine import Machine
from tests.vm.service import Service, service, until
from tests.vm.test_vm_power import MOUNT

# The desk receives by itself; the rest is done by hand.
DESK = Policy(received_after_s=0.2, engaged_after_s=None, resolved_after_s=None)
BATTERY = 87  # of the belt, per cent (radio.py)
LATE_S = 0.35  # of a beat, in a guest under emulation


def values(at_desk: Service, channel: str) -> list:
    return [row.value for row in at_desk.ask(Desk.held) if row.channel == channel]


def arrives(at_desk: Service, channel: str, value: object) -> None:
    until(lambda: value in values(at_desk, channel), 30.0, f"{channel} = {value} is at the desk")


def beats(machine: Machine, seconds: float) -> list[tuple[tuple[int, int], float]]:
    """What the lamp did: levels of red and green, and for how long; the first and the last beat are left out."""
    seen = json.loads(machine.run(guest_python("rhythm", seconds, CHIP, RED, GREEN)))
    return [(tuple(levels), later - at) for (at, levels), (later, _) in pairwise(seen)][1:]


def is_received(found: list[tuple[tuple[int, int], float]]) -> bool:
    """Whether this is the rhythm of a request that the desk has, on green."""
    on_s, off_s = (ms / 1000 for ms in PATTERNS[Shown.RECEIVED].rhythm_ms)
    wanted = {(0, 1): on_s, (0, 0): off_s}
    return len(found) >= 3 and all(abs(lasted - wanted.get(levels, -1.0)) < LATE_S for levels, lasted in found)


def shows_received(machine: Machine) -> None:
    found: list = []

    def shown() -> bool:
        found[:] = beats(machine, 8.0)
        return is_received(found)

    until(shown, 40.0, "the lamp says received")


def parts(machine: Machine) -> dict[str, bool]:
    status = json.loads(machine.run(f"{AGENT} status --json", check=False))
    return {each["name"]: each["ready"] for each in status["parts"]}


def before_the_cut(machine: Machine, at_desk: Service, air) -> str:
    """Sensors, a press, the desk's word, and a radio that goes and comes back; the case's code."""
    gateway = Gateway(machine)
    gateway.start(config(at_desk) + NEAR)
    with Box(machine.uart, 1000):
        arrives(at_desk, "kitchen.temperature", 20.5)
        arrives(at_desk, "belt.battery", BATTERY)
        arrives(at_desk, "door.open", True)
        pull(machine, DOOR, up=False)
        arrives(at_desk, "door.open", False)
        until(lambda: max(values(at_desk, "box.number"), default=0) >= 1020, 30.0, "readings by cable")
        gateway.button(pressed=True)
        time.sleep(1.3)
        gateway.button(pressed=False)
        until(lambda: bool(at_desk.ask(lambda desk: desk.cases)), 30.0, "the case is at the desk")
        shows_received(machine)
        detach(machine)
        air.unplug()
        until(lambda: not parts(machine)["ble"], 30.0, "the radio is gone, and it says so")
        air.plug(machine)
        attach(machine)
        air.thermometer(KITCHEN, 21.5)
        arrives(at_desk, "kitchen.temperature", 21.5)
        machine.cut()
    return str(at_desk.ask(lambda desk: desk.cases)[0].code)


def after_the_cut(machine: Machine, at_desk: Service, air) -> None:
    """Nobody presses anything: the lamp says received again, and the desk goes on."""
    gateway = Gateway(machine)
    gateway.start(config(at_desk) + NEAR)
    shows_received(machine)
    (case,) = at_desk.ask(lambda desk: desk.cases)
    at_desk.ask(lambda desk: desk.advance(case, CaseState.ENGAGED))
    until(lambda: beats(machine, 3.0) == [] and lit(machine), 30.0, "green all the time")
    air.thermometer(KITCHEN, 22.5)
    arrives(at_desk, "kitchen.temperature", 22.5)
    until(lambda: values(at_desk, "belt.battery").count(BATTERY) >= 2, 30.0, "the belt is connected again")
    at_desk.ask(lambda desk: desk.advance(case, CaseState.RESOLVED))
    until(lambda: not at_desk.ask(lambda desk: desk.cases)[0].open, 30.0, "it is done")


def lit(machine: Machine) -> bool:
    return machine.run(f"cat {CHIP}/sim_gpio{GREEN}/value").strip() == "1"


@pytest.mark.quick
def test_a_day_in_a_house_with_the_radio_lost_and_the_power_cut_in_the_middle(built, ready, large, world) -> None:
    began = time.monotonic()
    image = large / "disk.img"
    make_image(image)
    with service(DESK) as at_desk:
        world.thermometer(KITCHEN, 20.5)
        world.box(BELT)
        codes = []
        for part in (before_the_cut, after_the_cut):
            disk = Disk(image, image.with_name("nbd"))
            with Machine(built, saved=ready, data=disk.words, forward=at_desk.forward) as machine:
                new_boot(machine)
                machine.run(MOUNT)
                world.plug(machine)
                attach(machine)
                codes.append(part(machine, at_desk, world))
            world.unplug()
            disk.cut(1, image)
            disk.close()
        assert [case.code for case in at_desk.ask(lambda desk: desk.cases)] == codes[:1]
        numbers = values(at_desk, "box.number")
        assert len(set(numbers)) == len(numbers), "a reading came twice"
    report(f"a day in a house: sensors, a press, radio lost, power cut, answered; {time.monotonic() - began:.0f} s")
