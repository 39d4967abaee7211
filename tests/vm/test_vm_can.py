"""CAN in a kernel that has it: filters, an interface that is switched off, taken away and comes back."""

import pytest

from tests.vm import root
from tests.vm.gateway import new_boot
from tests.vm.machine import Machine

GUEST = root.PROJECT / "tests" / "vm" / "guest" / "can.py"
SEND = """
import socket, struct, sys, time
with socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW) as bus:
    bus.bind(("vcan0",))
    for can_id in (0x123, 0xC0000000 | 0x0CF00400, 0x80000000 | 0x0CF00400):
        bus.send(struct.pack("=IB3x8s", can_id, 8, bytes.fromhex("207D87481400F087")))
"""


@pytest.fixture
def machine(built, ready):
    with Machine(built, saved=ready) as made:
        new_boot(made)
        made.run("modprobe vcan && modprobe can_raw")
        made.put("/root/can.py", GUEST.read_text())
        made.put("/root/send.py", SEND)
        yield made


def test_the_driver_hears_its_frames_alone_and_outlives_its_interface(machine: Machine) -> None:
    python = f"{root.HOME}/.venv/bin/python"
    steps = (
        "sleep 5; ip link add vcan0 type vcan; sleep 5; ip link set vcan0 up; sleep 5; "
        f"{python} /root/send.py; sleep 3; ip link set vcan0 down; sleep 5; ip link set vcan0 up; sleep 5; "
        f"{python} /root/send.py; sleep 3; ip link del vcan0; sleep 5"
    )
    said = machine.run(f"cd {root.HOME} && ({steps}) & cd {root.HOME} && {python} /root/can.py 75 2>/dev/null; wait")
    lines = said.splitlines()
    heard = [line for line in lines if line.startswith("engine.")]
    health = [line for line in lines if line.startswith("health: ")]
    assert heard == ["engine.torque_demanded=0", "engine.torque=10", "engine.engine_speed=649.0"] * 2
    assert [line.split(": ")[1] for line in health if "ready" in line] == ["ready", "ready"]
    assert any("is not there" in line for line in health[:1])
    assert any("is switched off" in line for line in health)
    assert health[-1].split(": ")[1] == "away"
