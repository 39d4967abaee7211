"""The guest's clock: it starts in 2020 without a time service, and is stepped."""

import time

from simulators.desk.desk import Desk
from simulators.desk.policy import Policy
from tests.vm.gateway import Box, Gateway, config, new_boot
from tests.vm.image import report
from tests.vm.machine import Machine
from tests.vm.service import Service, service, until

IN_2020_S = 1_577_836_800.0
TEN_YEARS_S = 10 * 365.25 * 86400.0
NEAR_S = 3.0
DESK = Policy(received_after_s=0.2, engaged_after_s=0.4, resolved_after_s=0.6)


def errors_s(at_desk: Service, box: Box) -> dict[int, float]:
    """How far from the truth the desk dates each line."""
    ahead = time.time() - time.monotonic()
    said = {line.number: line.at + ahead for line in box.said}
    held = [row for row in at_desk.ask(Desk.held) if row.channel == "box.number"]
    return {int(row.value): row.wall - said[int(row.value)] for row in held}


def held_since(at_desk: Service, number: int) -> bool:
    return any(row.value > number for row in at_desk.ask(Desk.held) if row.channel == "box.number")


def test_it_starts_in_2020_and_what_it_stored_is_dated_right_when_the_desk_tells_the_time(built, ready) -> None:
    with service(DESK) as at_desk, Machine(built, saved=ready, forward=at_desk.forward) as machine:
        new_boot(machine)
        machine.set_clock(IN_2020_S)
        machine.qmp("set_link", name="nic", up=False)
        gateway = Gateway(machine)
        gateway.start(config(at_desk, keepalive_s=5))
        with Box(machine.uart) as box:
            time.sleep(5.0)
            machine.qmp("set_link", name="nic", up=True)
            until(lambda: bool(gateway.said("time_known")), 60.0, "the desk's answer tells the time")
            known = box.said[-1].number
            until(lambda: held_since(at_desk, known), 30.0, "readings from before and after")
            for step_s in (TEN_YEARS_S, -TEN_YEARS_S, -TEN_YEARS_S):
                machine.set_clock(time.time() + step_s)
                stepped = box.said[-1].number
                until(lambda least=stepped: held_since(at_desk, least + 10), 30.0, "readings after a step")
            gateway.button(pressed=True)
            time.sleep(1.3)
            gateway.button(pressed=False)
            until(lambda: any(not c.open for c in at_desk.ask(lambda desk: desk.cases)), 20.0, "a press is answered")
            found = errors_s(at_desk, box)
    worst = max(abs(error) for error in found.values())
    early = sum(number < known for number in found)
    later = len(found) - early
    report(f"clock: {early} readings of 2020 and {later} over three steps of ten years are dated within {worst:.1f} s")
    assert early > 10
    assert worst < NEAR_S
