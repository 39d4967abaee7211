"""Bluetooth over a real bluetoothd, BlueZ 5.82 on a virtual controller: adverts, a connection, and what is lost."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.vm.gateway import KITCHEN, attach, detach, guest_python
from tests.vm.image import report
from tests.vm.machine import Machine
from tests.vm.root import HOME, PROJECT
from tests.vm.service import until

THERMOMETER, BOX = KITCHEN, "C0:11:22:33:44:02"
SILENCE_S = 20.0
(COMMAND,) = re.findall(r"^ *sudo (install .*polkit.*)$", (PROJECT / "docs/configuration.md").read_text(), re.MULTILINE)
INSTALL = f"cd {HOME} && {COMMAND}"


@pytest.fixture
def air(world):
    world.thermometer(THERMOMETER, 20.0)
    world.box(BOX)
    return world


@pytest.fixture
def machine(built, ready, air) -> Iterator[Machine]:
    with Machine(built, saved=ready) as made:
        air.plug(made)
        attach(made)
        yield made


class Near:
    """The driver that runs in the guest, as it tells of itself."""

    def __init__(self, machine: Machine, silence_s: float = SILENCE_S) -> None:
        self.lines: list[dict] = []
        self.machine = machine
        self.running = machine.begin(guest_python("near", THERMOMETER, BOX, silence_s), hear=self._hear)

    def is_ready(self, what: str) -> bool:
        found = [line for line in self.lines if line.get("what") == what]
        return bool(found) and found[-1]["ready"]

    def was_lost(self, since: int) -> bool:
        """Whether the radio or the box was, from that line on."""
        return any(line.get("what") in ("bluetooth", "box") and not line["ready"] for line in self.lines[since:])

    def sentences(self, what: str) -> list[str]:
        return [line["sentence"] for line in self.lines if line.get("what") == what]

    def values(self) -> list[float]:
        return [line["value"] for line in self.lines if line.get("channel") == "kitchen.temperature"]

    def said(self) -> list[str]:
        return [line["said"] for line in self.lines if "said" in line]

    def wait(self, true, seconds: float, what: str) -> float:
        """Until it is so; how long it took."""
        began = time.monotonic()
        try:
            until(true, seconds, what)
        except AssertionError as error:
            error.add_note(self.running.said()[-3000:])
            error.add_note(self.machine.run("journalctl -u bluetooth -o cat --no-pager | tail -20", check=False))
            raise
        return time.monotonic() - began

    def _hear(self, line: str) -> None:
        with suppress(ValueError):
            self.lines.append(json.loads(line))


def hears(near: Near, air, celsius: float) -> float:
    """A new value of the thermometer arrives; how long it took."""
    air.thermometer(THERMOMETER, celsius)
    return near.wait(lambda: celsius in near.values(), 20.0, f"{celsius} Cel is heard")


def talks(near: Near, air, word: str) -> float:
    """The box says a word, and hears it repeated; how long it took."""

    def repeated() -> bool:
        if word not in near.said():
            air.say(BOX, word.encode())
            time.sleep(0.5)
        return f"heard {word}".encode() in air.written

    return near.wait(repeated, 60.0, f"the box says {word} and hears it")


@pytest.mark.quick
def test_adverts_are_read_and_a_device_is_connected_to_listened_to_and_answered(machine, air) -> None:
    near = Near(machine)
    first = near.wait(lambda: bool(near.values()), 30.0, "the thermometer is heard")
    connected = near.wait(lambda: near.is_ready("box"), 30.0, "the box is connected")
    assert near.said()[0] == "begin"
    spoke = talks(near, air, "one")
    heard = hears(near, air, 21.5)
    air.drop(BOX)
    near.wait(lambda: not near.is_ready("box"), 20.0, "the box is lost")
    back = near.wait(lambda: near.is_ready("box"), 60.0, "the box is found again")
    talks(near, air, "two")
    hears(near, air, 22.5)
    report(
        f"BLE: first advert after {first:.1f} s, connected {connected:.1f} s later; a value notified and answered in "
        f"{spoke:.1f} s, a new advert heard in {heard:.1f} s; a dropped link was back after {back:.1f} s"
    )


def test_a_survey_hears_who_is_there_and_adds_the_one_that_a_language_knows(machine, air) -> None:
    usual = "--for 30s --json --socket /run/none.sock --config /tmp/agent.toml"
    survey = f"{HOME}/.venv/bin/edge-agent survey ble {usual} 2>/dev/null"
    machine.put("/tmp/agent.toml", "# as it was\n")
    told = json.loads(machine.run(survey))
    heard = {row["address"]: row for row in told["heard"]}
    assert set(heard) == {THERMOMETER, BOX}
    row = heard[THERMOMETER]
    assert [each["language"] for each in row["known"]] == ["bthome"]
    assert (row["lasting"], row["count"] >= 1) == ("static", True)
    added = json.loads(machine.run(f"{survey} --add {THERMOMETER} --name attic"))
    assert added["ok"], added
    file = machine.run("cat /tmp/agent.toml")
    assert file.startswith("# as it was\n")
    assert f'address = "{THERMOMETER}"' in file
    report(
        f"BLE: a survey of {told['listened_s']:.0f} s heard both devices, {row['count']} news of the thermometer at "
        f"{row['rssi_median_dbm']} dBm"
    )


def test_an_adapter_that_is_pulled_out_and_put_back_is_used_again(machine, air) -> None:
    near = Near(machine)
    near.wait(lambda: near.is_ready("box") and bool(near.values()), 60.0, "all is there")
    detach(machine)
    air.unplug()
    lost = near.wait(lambda: not near.is_ready("bluetooth") and not near.is_ready("box"), 30.0, "it is gone")
    sentence = near.sentences("bluetooth")[-1]
    time.sleep(2.0)
    air.plug(machine)
    attach(machine)
    back = near.wait(lambda: near.is_ready("bluetooth"), 60.0, "it is there again")
    hears(near, air, 23.5)
    near.wait(lambda: near.is_ready("box"), 60.0, "the box is connected again")
    talks(near, air, "again")
    report(
        f"BLE: an adapter pulled out was noticed in {lost:.1f} s ({sentence!r}), put back and used {back:.1f} s later"
    )


def test_bluetoothd_is_restarted_and_killed_and_the_devices_come_back(machine, air) -> None:
    near = Near(machine)
    near.wait(lambda: near.is_ready("box") and bool(near.values()), 60.0, "all is there")
    took = []
    for number, command in enumerate(("systemctl restart bluetooth", "systemctl kill -s KILL bluetooth")):
        before, began = len(near.lines), time.monotonic()
        machine.run(command)
        near.wait(lambda since=before: near.was_lost(since), 30.0, "it is noticed")
        if "kill" in command:
            machine.run("systemctl reset-failed bluetooth; systemctl start bluetooth")
        near.wait(lambda: near.is_ready("bluetooth"), 60.0, "it scans again")
        hears(near, air, 24.5 + number)
        near.wait(lambda: near.is_ready("box"), 90.0, "the box is connected again")
        talks(near, air, f"word {number}")
        took.append(time.monotonic() - began)
    report(f"BLE: all is there again {took[0]:.0f} s after a restart of bluetoothd, {took[1]:.0f} s after a kill")


def test_silence_climbs_the_ladder_and_the_first_advert_brings_it_down(machine, air) -> None:
    machine.run("systemctl stop edge-agent; busctl tree org.bluez", check=False)
    air.hush(THERMOMETER)
    air.hush(BOX)
    near = Near(machine, 5.0)
    near.wait(lambda: any("restarted" in each for each in near.sentences("bluetooth")), 30.0, "the scanner")
    near.wait(lambda: any("off and on" in each for each in near.sentences("bluetooth")), 60.0, "the adapter")
    near.wait(lambda: any("service was restarted" in each for each in near.sentences("bluetooth")), 90.0, "the service")
    hears(near, air, 25.5)
    near.wait(lambda: near.is_ready("bluetooth"), 30.0, "all is well")
    assert "NRestarts" in machine.run("systemctl show bluetooth -p NRestarts")


AS_AGENT = "setpriv --reuid edge-agent --regid edge-agent --init-groups busctl call org.freedesktop.systemd1"
MANAGER = "/org/freedesktop/systemd1 org.freedesktop.systemd1.Manager"


def test_root_may_allow_the_agent_to_restart_bluetoothd_and_nothing_else(built, ready) -> None:
    def may(call: str, unit: str) -> bool:
        return "job" in machine.run(f"{AS_AGENT} {MANAGER} {call} ss {unit} replace", check=False)

    with Machine(built, saved=ready) as machine:
        machine.run(f"systemd-sysusers {HOME}/systemd/edge-agent.sysusers; systemctl start bluetooth polkit")
        before = machine.run("systemctl show bluetooth -p MainPID")
        assert not may("RestartUnit", "bluetooth.service")
        machine.run(INSTALL)
        until(lambda: may("RestartUnit", "bluetooth.service"), 20.0, "the rule is taken")
        until(lambda: machine.run("systemctl show bluetooth -p MainPID") != before, 20.0, "it was restarted")
        assert not may("StopUnit", "bluetooth.service")
        assert not may("RestartUnit", "systemd-journald.service")
