"""A guest that is booted, has today's agent in it, and is saved, for tests to resume."""

import tempfile
from pathlib import Path

from tests.vm import root
from tests.vm.gateway import AGENT, BUTTON, CHIP, PYTHON
from tests.vm.image import Image
from tests.vm.machine import Machine, Saved, network_up

_GPIO = f"""
set -e
modprobe gpio-sim
mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
cd /sys/kernel/config/gpio-sim && mkdir -p sim/bank0
echo 32 >sim/bank0/num_lines && echo 1 >sim/live
udevadm settle && test -c /dev/gpiochip0
echo pull-up >{CHIP}/sim_gpio{BUTTON}/pull
"""


def prepare(image: Image, folder: Path) -> Saved:
    """Boot a guest, put today's project and a GPIO chip into it, warm it up, and save it in `folder`."""
    with Machine(image) as machine, tempfile.TemporaryDirectory() as made:
        root.copy_project(Path(made))
        machine.put_tree(Path(made), root.HOME)
        machine.run(_GPIO)
        machine.run("modprobe -a xhci_pci virtio_net i6300esb hci_uart; systemctl start bluetooth")
        machine.run("mount --bind /etc/vm/cpuinfo /proc/cpuinfo")
        machine.run("udevadm settle; stty -F /dev/ttyS1 raw -echo")
        network_up(machine)
        # the first import compiles: what a guest does once, no test waits for
        machine.run(f"{PYTHON} -m compileall -q -j 1 {root.HOME}/edge_agent {root.HOME}/firmware_bridges")
        warm = "lgpio, gpiozero, aiomqtt, serial, edge_agent.drivers.ble"
        machine.run(f"{AGENT} status --help; {PYTHON} -c 'import {warm}'")
        return machine.save(folder)
