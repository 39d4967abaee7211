"""The service under a real systemd 257 with Python 3.13: installed with the README's own commands."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulators.desk.desk import Desk
from simulators.desk.policy import Policy
from tests.vm import root
from tests.vm.channel import GuestError
from tests.vm.gateway import (
    AGENT,
    BELT,
    BUTTON,
    CHIP,
    GREEN,
    KITCHEN,
    NEAR,
    PYTHON,
    RED,
    Box,
    attach,
    config,
    level,
    new_boot,
    pull,
)
from tests.vm.image import report
from tests.vm.machine import Machine
from tests.vm.service import Service, service, until

README = (root.PROJECT / "README.md").read_text()
# What the unit may take for a hung agent: WatchdogSec and RestartSec, and a start.
HUNG_S = 30.0 + 5.0 + 60.0
# gpiozero asks /proc/cpuinfo for the model of the Raspberry Pi; the unit sees a /proc of its own.
# And a guest on a busy host may need more than a minute for what takes two seconds elsewhere.
DROP_IN = "[Service]\nBindReadOnlyPaths=/etc/vm/cpuinfo:/proc/cpuinfo\nTimeoutStartSec=300\n"
DESK = Policy(received_after_s=0.2, engaged_after_s=0.4, resolved_after_s=2.0)


@pytest.fixture
def at_desk() -> Iterator[Service]:
    with service(DESK) as made:
        yield made


@pytest.fixture
def machine(built, ready, at_desk) -> Iterator[Machine]:
    with Machine(built, saved=ready, forward=at_desk.forward) as made:
        new_boot(made)
        yield made


def install(machine: Machine, text: str) -> None:
    """What the README says, but the configuration is `text`."""
    section = README.partition("## As a service")[2].partition("\n## ")[0]
    commands = re.findall(r"^    (\S.*)$", section, re.MULTILINE)
    assert "systemctl" in commands[-1], commands
    for command in commands[:-1]:
        machine.run(f"cd {root.HOME} && {command}")
    machine.put("/etc/edge-agent/agent.toml", text)
    machine.put("/etc/systemd/system/edge-agent.service.d/vm.conf", DROP_IN)
    with told(machine):
        machine.run(f"udevadm settle; cd {root.HOME} && {commands[-1]}")


def settings(at_desk: Service, **changed: object) -> str:
    """With the folders and the log of a service."""
    return config(at_desk, state="/var/lib/edge-agent", format="auto", **changed)


def shown(machine: Machine, name: str) -> str:
    """A property of the unit."""
    return machine.run(f"systemctl show edge-agent -p {name} --value").strip()


def numbers(at_desk: Service) -> set[int]:
    """Of the device's lines, those that the desk has."""
    return {int(row.value) for row in at_desk.ask(Desk.held) if row.channel == "box.number"}


def channels(at_desk: Service) -> set[str]:
    """Those that the desk has readings of."""
    return {row.channel for row in at_desk.ask(Desk.held)}


@contextmanager
def told(machine: Machine) -> Iterator[None]:
    """When it fails, say what the agent's journal ends with."""
    try:
        yield
    except (AssertionError, GuestError) as error:
        error.add_note(machine.run("journalctl -u edge-agent -o cat --no-pager | tail -30", check=False))
        raise


@pytest.mark.quick
def test_it_is_installed_as_the_readme_says_and_hears_and_the_button_calls_for_help(machine, at_desk, world) -> None:
    world.thermometer(KITCHEN, 20.5)
    world.box(BELT)
    world.plug(machine)
    attach(machine)
    began = time.monotonic()
    install(machine, settings(at_desk) + NEAR)
    with told(machine):
        assert shown(machine, "ActiveState") == "active"
        assert shown(machine, "NRestarts") == "0"
        assert shown(machine, "Type") == "notify"
        pid = shown(machine, "MainPID")
        assert machine.run(f"stat -c %U /proc/{pid}").strip() == "edge-agent"
        sockets = machine.run("stat -c '%n %a %U %G' /run/edge-agent/*.sock").split("\n")
        assert "/run/edge-agent/control.sock 660 edge-agent edge-agent" in sockets
        assert "/run/edge-agent/control-read.sock 660 edge-agent edge-agent-read" in sockets
        ready = "journalctl -u edge-agent EDGE_EVENT=ready -o json --no-pager | tail -1"
        until(lambda: bool(machine.run(ready)), 10.0, "the journal has that it is ready")
        said = json.loads(machine.run(ready))
        assert (said["PRIORITY"], said["SYSLOG_IDENTIFIER"]) == ("6", "edge-agent")
        looked = {row["name"]: row for row in json.loads(machine.run(f"{AGENT} check --json", check=False))["results"]}
        assert {name: looked[name]["verdict"] for name in ("store", "disk", "button", "gpio", "service", "test")} == (
            dict.fromkeys(("store", "disk", "button", "gpio", "service", "test"), "ok")
        )
        status = json.loads(machine.run(f"{AGENT} status --json", check=False))
        wanted = ("button", "gpio", "store", "help")
        assert [part for part in status["parts"] if not part["ready"] and part["name"] in wanted] == []
        for channel in ("kitchen.temperature", "belt.battery"):
            until(lambda channel=channel: channel in channels(at_desk), 30.0, f"{channel}, by Bluetooth")
        flash = (
            f"for i in $(seq 50000); do read level <{CHIP}/sim_gpio{GREEN}/value; [ $level = 1 ] && exit; done; exit 1"
        )
        machine.run(flash)  # 50 ms every 5 s
        pull(machine, BUTTON, up=False)
        until(lambda: level(machine, RED) == 1, 5.0, "an amber lamp while it is held")
        time.sleep(1.5)
        pull(machine, BUTTON, up=True)
        until(lambda: bool(at_desk.ask(lambda desk: desk.cases)), 15.0, "the case is at the desk")
        until(lambda: not at_desk.ask(lambda desk: desk.cases)[0].open, 15.0, "it is resolved")
        exposure = machine.run("systemd-analyze security edge-agent --no-pager | tail -1").split("level")[-1].strip()
    took = time.monotonic() - began
    report(f"the unit: installed, started, and pressed in {took:.0f} s; systemd-analyze security {exposure}")


def test_an_agent_that_hangs_is_killed_and_started_again_with_its_open_case(machine, at_desk) -> None:
    at_desk.ask(lambda desk: setattr(desk, "policy", Policy(silent=True)))
    install(machine, settings(at_desk))
    with told(machine):
        pull(machine, BUTTON, up=False)
        time.sleep(1.5)
        pull(machine, BUTTON, up=True)
        until(lambda: bool(at_desk.ask(lambda desk: desk.cases)), 20.0, "the case is at the desk")
        pid = shown(machine, "MainPID")
        began = time.monotonic()
        machine.run(f"kill -STOP {pid}")
        until(lambda: shown(machine, "NRestarts") == "1", HUNG_S, "the watchdog ends it")
        until(lambda: shown(machine, "ActiveState") == "active", HUNG_S, "it is started again")
        took = time.monotonic() - began
        at_desk.ask(lambda desk: setattr(desk, "policy", DESK))
        said = machine.run("journalctl -u edge-agent -o cat --no-pager")
        assert "Watchdog timeout" in said, said[-2000:]
        until(lambda: not at_desk.ask(lambda desk: desk.cases)[0].open, 30.0, "the same case goes on")
        assert len(at_desk.ask(lambda desk: desk.cases)) == 1
    report(f"the unit: an agent that was stopped by SIGSTOP worked again after {took:.0f} s (watchdog 30 s)")


def plug_adapter(machine: Machine) -> Path:
    """Plug a USB adapter in; gives the socket at its other end.

    What is sent while nobody has its port open hangs QEMU 7.2's guest.
    """
    place = machine.folder / "usb"
    address = {"type": "unix", "data": {"path": str(place)}}
    backend = {"type": "socket", "data": {"addr": address, "server": True, "wait": False}}
    machine.qmp("chardev-add", id="usb", backend=backend)
    machine.qmp("device_add", driver="usb-serial", id="adapter", chardev="usb", bus="xhci.0")
    return place


def test_a_usb_device_is_pulled_out_and_put_back(machine, at_desk) -> None:
    place = plug_adapter(machine)  # while somebody is at the socket
    by_id = "/dev/serial/by-id"
    with Box(place, silent=True) as box:
        until(lambda: "port0" in machine.run(f"ls {by_id}", check=False), 20.0, "the adapter is there")
        port = f"{by_id}/{machine.run(f'ls {by_id}').split()[0]}"
        install(machine, settings(at_desk, serial=port))
        box.speaks.set()
        with told(machine):
            until(lambda: bool(numbers(at_desk)), 30.0, "readings by USB")
    with told(machine):
        until(lambda: not device(machine)["ready"], 20.0, "the device is reported missing")
        said = device(machine)["sentence"]
        with Box(place, 100_000, silent=True) as box:
            began = time.monotonic()
            until(lambda: device(machine)["ready"], 60.0, "the device is found again")
            took = time.monotonic() - began
            box.speaks.set()
            until(lambda: max(numbers(at_desk)) >= 100_000, 60.0, "readings again")
    report(f"USB: pulled out ({said!r}), put back, and found again in {took:.0f} s")


def surveyed(machine: Machine, seconds: str = "None") -> dict:
    """The survey of serial ports by the service; with seconds one is begun."""
    ask = "from edge_agent.control.client import Client; from edge_agent.control.types import encode; "
    return json.loads(machine.run([PYTHON, "-c", f"{ask}print(encode(Client().survey_serial({seconds})).decode())"]))


# What the kernel says of DTR and RTS of a UART while somebody surveys it, and with --dtr.
LINES = """
import fcntl, termios
from edge_agent.survey.serial_line import Line
for raised in (False, True):
    line = Line("/dev/ttyS2", 0.0, raised=raised)
    state = int.from_bytes(fcntl.ioctl(line._port.fd, termios.TIOCMGET, bytes(4)), "little")
    print(bool(state & termios.TIOCM_DTR), bool(state & termios.TIOCM_RTS))
    line.close()
"""


def test_the_service_listens_on_all_serial_ports_and_goes_on_reading_its_own(machine, at_desk) -> None:
    opened = "ls -l /proc/[0-9]*/fd 2>/dev/null | grep ttyUSB0"
    with Box(plug_adapter(machine), silent=True) as box, Box(machine.uart):
        install(machine, settings(at_desk))
        with told(machine):
            until(lambda: "port0" in machine.run("ls /dev/serial/by-id", check=False), 20.0, "the adapter is there")
            assert machine.run([PYTHON, "-c", LINES]).split() == ["False", "False", "True", "True"]
            assert surveyed(machine, "120.0")["left_s"] > 0
            until(lambda: bool(machine.run(opened, check=False)), 60.0, "it listens on the adapter")
            box.speaks.set()
            until(lambda: surveyed(machine)["left_s"] < 40.0, 120.0, "most of the time is over")
            box.speaks.clear()
            until(lambda: surveyed(machine)["left_s"] is None, 200.0, "it is done")
            done = surveyed(machine)
            assert done["failed"] == ""
            ports = {port["tty"]: port for port in done["found"]["ports"]}
            assert ports["/dev/ttyUSB0"]["port"].startswith("/dev/serial/by-id/usb-")
            assert ports["/dev/ttyUSB0"]["words"].startswith("USB 0403:6001 QEMU")
            for tty, holder in (("/dev/ttyUSB0", ""), ("/dev/ttyS1", "the agent as box")):
                assert (ports[tty]["verdict"], ports[tty]["holder"]) == ("understood", holder), ports[tty]
                assert ports[tty]["guesses"][0]["language"] == "textline"
            assert ports["/dev/ttyS0"]["holder"] == "the system"
            assert device(machine)["ready"]
            assert shown(machine, "NRestarts") == "0"
    report(f"the unit: serial ports, {[(tty, port['verdict'], port['sentence']) for tty, port in ports.items()]}")


def device(machine: Machine) -> dict:
    """The device as `edge-agent status` has it."""
    (found,) = json.loads(machine.run(f"{AGENT} status --json", check=False))["devices"]
    return found


def test_a_stop_leaves_everything_on_disk(machine, at_desk) -> None:
    install(machine, settings(at_desk, window_s=60.0))
    machine.qmp("set_link", name="nic", up=False)
    with Box(machine.uart) as box, told(machine):
        time.sleep(6.0)
        began = time.monotonic()
        machine.run("systemctl stop edge-agent")
        took, stopped_at = time.monotonic() - began, began
        assert shown(machine, "Result") == "success"
    machine.qmp("set_link", name="nic", up=True)
    machine.run("systemctl start edge-agent")
    wanted = {line.number for line in box.said if box.said[0].at + 1.0 < line.at < stopped_at - 0.5}
    with told(machine):
        until(lambda: wanted <= numbers(at_desk), 60.0, "all that was said before the stop is at the desk")
    report(f"the unit: stopped in {took:.1f} s without a network; {len(wanted)} readings of an open block were kept")
