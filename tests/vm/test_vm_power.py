"""The plug is pulled under a working gateway, on a disk with a volatile cache, and what is missing is counted at the
desk: `make vm-test N=50`.
"""

import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from simulators.desk.desk import Desk
from simulators.desk.policy import Policy
from tests.torture.powerdisk import make_image
from tests.vm.disk import Disk
from tests.vm.gateway import AGENT, Box, Gateway, Line, config, new_boot
from tests.vm.image import report
from tests.vm.machine import Machine
from tests.vm.service import Service, service, until
from tests.vm.size import CUTS, SEED

WINDOW_S = 2.0
# What a commit needs in a guest under emulation, and how far the two clocks may differ.
LATE_S = 1.0
MOUNT = "mkdir -p /data && mount /dev/vdb /data"
DESK = Policy(received_after_s=0.2, engaged_after_s=0.4, resolved_after_s=0.6)
PROMISED = frozenset({"RAISED", "SENDING", "QUEUED", "DELIVERED", "RECEIVED", "ENGAGED", "RESOLVED"})


@dataclass
class Life:
    """From a start of the guest to its cut; times are monotonic seconds of the host."""

    boot: str
    said: list[Line] = field(default_factory=list)
    cases: set[str] = field(default_factory=set)
    cut_at: float = 0.0

    def heard(self, margin_s: float) -> list[Line]:
        """What the agent had time to hear and to keep; the first second is for opening the port."""
        return [line for line in self.said if self.said[0].at + 1.0 < line.at < self.cut_at - margin_s]

    def alarms(self) -> int:
        """How often the level began to be alarming, in good time."""
        lines = self.heard(LATE_S)
        return sum(now.alarm and not before.alarm for before, now in pairwise(lines))


@pytest.fixture
def disk_image(large: Path) -> Path:
    make_image(large / "disk.img")
    return large / "disk.img"


def live(machine: Machine, number: int, at_desk: Service, chance: random.Random) -> Life:
    """One life up to the moment of the cut: readings, an alarm now and then, a press or none, a link or none."""
    life = Life(new_boot(machine))
    machine.run(MOUNT)
    gateway = Gateway(machine)
    gateway.start(config(at_desk, window_s=WINDOW_S))
    if chance.random() < 0.5:
        machine.qmp("set_link", name="nic", up=False)
    with Box(machine.uart, number * 100_000) as box:
        time.sleep(chance.uniform(3.0, 7.0))
        if chance.random() < 0.7:
            gateway.button(pressed=True)
            time.sleep(1.3)
            gateway.button(pressed=False)
            # from the cancel window to the desk's answer: the cut may come at each step
            time.sleep(chance.uniform(0.0, 3.0))
        life.cut_at = time.monotonic()
        machine.cut()
    life.said = box.said
    life.cases = {str(line["case"]) for line in gateway.said("help") if line["state"] in PROMISED}
    return life


def last_life(machine: Machine, at_desk: Service) -> None:
    """One in which nothing happens but that all goes out."""
    new_boot(machine)
    machine.run(MOUNT)
    Gateway(machine).start(config(at_desk))

    def drained() -> bool:
        queue = json.loads(machine.run(f"{AGENT} queue --json"))
        waits = any(lane["events"] for lane in queue["lanes"])
        return not waits and not at_desk.ask(lambda desk: any(case.open for case in desk.cases))

    until(drained, 60.0, "all is at the desk")


def test_what_was_promised_is_at_the_desk_after_power_cuts(built, ready, disk_image) -> None:
    chance, lives = random.Random(SEED), []
    with service(DESK) as at_desk:
        for number in range(CUTS + 1):
            disk = Disk(disk_image, disk_image.with_name("nbd"))
            with Machine(built, saved=ready, data=disk.words, forward=at_desk.forward) as machine:
                if number < CUTS:
                    lives.append(live(machine, number + 1, at_desk, chance))
                else:
                    last_life(machine, at_desk)
            disk.cut(SEED * 1000 + number, disk_image)
            disk.close()
        report(counted(lives, at_desk))


def counted(lives: list[Life], at_desk: Service) -> str:
    """Compare what was promised with what the desk has; gives the figures in words."""
    rows = [row for row in at_desk.ask(Desk.held) if row.channel == "box.number"]
    held = Counter(int(row.value) for row in rows)
    # how much longer a line took from the device to the agent than the quickest: a guest on a busy host is slow
    uptime = {int(row.value): row.uptime_s for row in rows}
    took = [[uptime[line.number] - line.at for line in life.said if line.number in uptime] for life in lives]
    margin_s = WINDOW_S + LATE_S + max(max(each) - min(each) for each in took if each)
    promised = [line.number for life in lives for line in life.heard(margin_s)]
    lost = [number for number in promised if number not in held]
    assert not lost, f"readings older than the window are lost: {lost[:10]} of {len(promised)}"
    twice = [number for number, times in held.items() if times > 1]
    assert not twice, f"readings that the desk has under two ids: {twice[:10]}"
    codes = set[str]().union(*(life.cases for life in lives))
    cases = Counter(case.code for case in at_desk.ask(lambda desk: desk.cases))
    assert codes <= set(cases), f"help requests that were recorded and are lost: {codes - set(cases)}"
    assert set(cases.values()) <= {1}, f"help requests that came as two: {cases}"
    alarms = sum(life.alarms() for life in lives)
    found = sum(news.kind == "event" and news.data["type"] == "edge.finding.confirmed.v1" for news in at_desk.news)
    assert found >= alarms, f"{alarms} findings were due and {found} are at the desk"
    gaps = [gap for gap in at_desk.ask(lambda desk: desk.gaps) if gap.lane != "telemetry"]
    assert not gaps, gaps
    newest = [
        max((life.cut_at - line.at for line in life.said if line.number not in held), default=0.0) for life in lives
    ]
    return (
        f"{len(lives)} cuts: of {len(promised)} readings older than {margin_s:.1f} s none lost, none twice; oldest "
        f"lost {max(newest):.1f} s old (window {WINDOW_S:g} s); {len(codes)} help requests recorded, "
        f"{len(cases)} at the desk once each; {alarms} findings due, {found} there"
    )
