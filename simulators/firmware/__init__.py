"""Firmware as a simulator: a small product on the native link, on a Cortex-M3 in QEMU, its UART on a serial port.

async with Board(Path("/tmp/panel")) as board:
    await board.hold_button(3.5)
"""

from simulators.firmware.board import Board
from simulators.firmware.build import Firmware, missing

__all__ = ["Board", "Firmware", "missing"]
