"""A gateway in a guest: the agent there, its button and lamp, and a device at its serial port."""

import json
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.vm import root
from tests.vm.channel import Command
from tests.vm.machine import HOST, Machine
from tests.vm.service import BROKER_PORT, Service, until

AGENT = f"{root.HOME}/.venv/bin/edge-agent"
PYTHON = f"{root.HOME}/.venv/bin/python"
BUTTON, RED, GREEN, DOOR = 17, 5, 6, 18
KITCHEN, BELT = "C0:11:22:33:44:01", "C0:11:22:33:44:02"
CHIP = "/sys/devices/platform/gpio-sim.0/gpiochip0"
STATE = "/data/state"
_CONFIG = """\
gateway.id = "gw-guest"
paths = {{ state = "{state}", runtime = "/run/edge-agent" }}
consent = {{ help_ready = true, telemetry = true, findings = true, diagnostics = true }}
log = {{ level = "info", format = "{format}" }}
broker = {{ host = "{host}", port = {port}, keepalive_s = {keepalive_s}, tls.enabled = false }}
outbox = {{ durability_window_s = {window_s}, block_age_s = {window_s} }}
help = {{ hold_s = 1.0, cancel_window_s = {cancel_s}, reopen_s = 0.0 }}
{key}

[[serial]]
name = "box"
port = "{serial}"
language = "textline"

[[check]]
channel = "box.level"
kind = "range"
max = 50.0

[gpio.button]
line = {button}

[gpio.lamp]
red = {red}
green = {green}
"""


# A thermometer that advertises, a device to connect to and a contact, to be added where they are wanted.
NEAR = f"""
[[ble.device]]
name = "kitchen"
address = "{KITCHEN}"
language = "bthome"

[[ble.device]]
name = "belt"
address = "{BELT}"
language = "gatt"

[[gpio.input]]
name = "door"
line = {DOOR}
active = "high"
options = {{ quantity = "open" }}
"""


def config(at_desk: Service, **changed: Any) -> str:
    """The gateway's configuration; the defaults are quick."""
    usual: dict[str, Any] = {
        "state": STATE,
        "host": HOST,
        "port": BROKER_PORT,
        "format": "json",
        "keepalive_s": 15,
        "window_s": 2.0,
        "cancel_s": 1.0,
        "serial": "/dev/ttyS1",
        "button": BUTTON,
        "red": RED,
        "green": GREEN,
    }
    return _CONFIG.format(**{**usual, **changed}, key=at_desk.ask(lambda desk: desk.key.toml))


def new_boot(machine: Machine) -> str:
    """Give a resumed guest a boot id of its own, as each start has; gives it."""
    place = "/proc/sys/kernel/random/boot_id"
    return machine.run(
        f"cat /proc/sys/kernel/random/uuid >/run/boot; mount --bind /run/boot {place}; cat {place}"
    ).strip()


def guest_python(name: str, *arguments: object) -> list[str]:
    """The words that run a program of tests/vm/guest in the guest."""
    return ["env", f"PYTHONPATH={root.HOME}", PYTHON, "-m", f"tests.vm.guest.{name}", *map(str, arguments)]


class Gateway:
    """The agent in a guest, run as a command there."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.log: list[dict[str, Any]] = []

    def start(self, text: str, within_s: float = 60.0) -> None:
        """Run it with this configuration; back when it says that it is ready."""
        self.machine.put("/etc/edge-agent/agent.toml", text)
        self.machine.run("mkdir -p /run/edge-agent")
        self._running: Command = self.machine.begin([AGENT, "run"], hear=self._hear)
        until(lambda: bool(self.said("ready")) or not self._running.running, within_s, "the agent is ready")
        assert self._running.running, self._running.said()[-3000:]

    def said(self, event: str) -> list[dict[str, Any]]:
        """Lines of its log about this."""
        return [line for line in self.log if line.get("event") == event]

    def button(self, *, pressed: bool) -> None:
        """The contact of the help button."""
        pull(self.machine, BUTTON, up=not pressed)

    def _hear(self, line: str) -> None:
        with suppress(ValueError):
            heard = json.loads(line)
            if isinstance(heard, dict):
                self.log.append(heard)


def pull(machine: Machine, line: int, *, up: bool) -> None:
    """Pull a line of the guest's GPIO chip."""
    machine.run(f"echo pull-{'up' if up else 'down'} >{CHIP}/sim_gpio{line}/pull")


def level(machine: Machine, line: int) -> int:
    """How a line of the guest's GPIO chip stands."""
    return int(machine.run(f"cat {CHIP}/sim_gpio{line}/value"))


def attach(machine: Machine) -> None:
    """Plug the adapter that is on its third serial port (radio.py) into the guest; back when it is switched on."""
    machine.run("systemctl start bluetooth")
    machine.run("systemd-run -q -u radio --collect btattach -P h4 -S 3000000 -B /dev/ttyS2")
    until(lambda: "Powered: yes" in machine.run("bluetoothctl show", check=False), 30.0, "the adapter is on")


def detach(machine: Machine) -> None:
    """Pull it out."""
    machine.run("systemctl stop radio")


class Line(NamedTuple):
    """What the device on the UART said: the number of the line, and when (monotonic seconds)."""

    number: int
    at: float
    alarm: bool


class Box:
    """A device at a socket of QEMU's (a UART or a USB adapter): it says a numbered line ten times a second.

    Of every 40 lines the last ten are alarming. A context manager; the guest may die meanwhile. One that
    is `silent` is plugged in and says nothing until `speaks` is set.
    """

    def __init__(self, place: Path, first: int = 0, *, silent: bool = False) -> None:
        self.said: list[Line] = []
        self._place = place
        self._first = first
        self._over = threading.Event()
        self.speaks = threading.Event()
        if not silent:
            self.speaks.set()
        self._thread = threading.Thread(target=self._talk, name="box", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _talk(self) -> None:
        with socket.socket(socket.AF_UNIX) as wire, suppress(OSError):
            wire.connect(str(self._place))
            number = self._first
            while not self._over.wait(0.1):
                if not self.speaks.is_set():
                    continue
                alarm = (number - self._first) % 40 >= 30
                wire.sendall(f"number={number} level={90 if alarm else 10}\r\n".encode())
                self.said.append(Line(number, time.monotonic(), alarm))
                number += 1
