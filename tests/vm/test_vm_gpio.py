"""GPIO through gpiozero and lgpio on a real kernel's lines (gpio-sim): edges, pull, bounce, and a lamp read back."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import pytest

from tests.vm.gateway import AGENT, BUTTON, CHIP, DOOR, GREEN, RED, guest_python, level, pull
from tests.vm.image import report
from tests.vm.machine import Machine
from tests.vm.service import until

pytestmark = pytest.mark.quick

PRESSES, FREE = 10, 20
# A contact that bounces for some milliseconds before it rests at the level that it is given.
BOUNCE = "for i in 1 2 3 4 5 6; do echo pull-up >{0}; echo pull-down >{0}; done; echo pull-{1} >{0}"


class Header:
    """The driver that runs in the guest, as it tells of itself."""

    def __init__(self, machine: Machine) -> None:
        self.lines: list[dict] = []
        self.running = machine.begin(guest_python("header", BUTTON, DOOR, RED, GREEN), hear=self._hear)

    def all(self, what: str) -> list[dict]:
        return [line for line in self.lines if what in line]

    def wait(self, true, seconds: float, what: str) -> None:
        try:
            until(true, seconds, what)
        except AssertionError as error:
            error.add_note(self.running.said()[-3000:])
            raise

    def _hear(self, line: str) -> None:
        with suppress(ValueError):
            self.lines.append(json.loads(line))


@pytest.fixture
def machine(built, ready) -> Iterator[Machine]:
    with Machine(built, saved=ready) as made:
        yield made


@pytest.fixture
def header(machine) -> Header:
    found = Header(machine)
    found.wait(lambda: any(line["ready"] for line in found.all("ready")) and bool(found.all("open")), 60.0, "it runs")
    return found


def test_the_agents_own_pull_holds_an_open_line_up(machine, header) -> None:
    # nothing outside pulls the door's line; without a pull the kernel's line would be low
    assert level(machine, DOOR) == 1
    assert header.all("open")[0]["open"] is True


def test_every_press_is_seen_as_edges_and_the_level_is_right(machine, header) -> None:
    for number in range(PRESSES):
        for up in (False, True):
            before = len(header.all("edge"))
            pull(machine, BUTTON, up=up)
            header.wait(lambda least=before: len(header.all("edge")) > least, 10.0, f"edge {number}")
            assert header.all("edge")[-1]["pressed"] is not up
    assert len(header.all("edge")) >= 2 * PRESSES


def test_a_bouncing_contact_gives_one_change(machine, header) -> None:
    line = f"{CHIP}/sim_gpio{DOOR}/pull"
    for down in (True, False, True, False):
        before = len(header.all("open"))
        machine.run(BOUNCE.format(line, "down" if down else "up"))
        header.wait(lambda least=before: len(header.all("open")) > least, 10.0, "the door has changed")
        time.sleep(1.0)
        assert header.all("open")[-1]["open"] is not down
    changes = [line["open"] for line in header.all("open")]
    # a pause between two of the shell's writes may be long enough to count, never more than one of them all
    assert len(changes) <= 5 + 2
    report(f"GPIO: {PRESSES} presses and 4 bouncing changes, {len(changes) - 1} of them told")


def test_the_lamp_as_the_kernel_has_it_is_the_lamp_that_was_wanted(machine, header) -> None:
    seen = set()
    ends = time.monotonic() + 60.0
    while time.monotonic() < ends and len(seen) < 2:
        seen.add((level(machine, RED), level(machine, GREEN)))
        seen &= {(0, 1), (1, 0)}
    assert seen == {(0, 1), (1, 0)}
    header.running.kill()
    time.sleep(1.0)
    assert (level(machine, RED), level(machine, GREEN)) == (0, 0)


def test_a_survey_sees_the_bounces_of_a_free_line_and_takes_none_that_is_held(machine, header) -> None:
    survey = f"{AGENT} survey gpio --socket /run/none.sock --config /none.toml --line"
    refused = machine.run(f"{survey} {BUTTON} 2>&1", check=False)
    assert f"GPIO{BUTTON} cannot be used" in refused
    assert "a program or driver that calls itself" in refused
    said: list[str] = []
    running = machine.begin(f"{survey} {FREE} --pull up --json --for 45s 2>&1", hear=said.append)
    until(lambda: any("Press it now" in line for line in said), 120.0, "it listens")
    line = f"{CHIP}/sim_gpio{FREE}/pull"
    for rest in ("down", "up"):
        machine.run(BOUNCE.format(line, rest))
        time.sleep(2.0)
    running.wait(300.0)
    told = json.loads("".join(said[next(at for at, each in enumerate(said) if each.startswith("{")) :]))
    (surveyed,) = told["lines"]
    edges = surveyed["edges"]
    assert [edge["number"] for edge in edges] == list(range(1, len(edges) + 1))
    assert all(later["at_ms"] >= edge["at_ms"] for edge, later in pairwise(edges))
    assert edges[-1]["high"] is surveyed["high"] is True
    assert len(edges) >= 4
    verdict = surveyed["verdict"]
    report(f"GPIO: a survey saw {len(edges)} edges: {verdict['opinion']}, bounced for {verdict['bounced_ms']} ms")
