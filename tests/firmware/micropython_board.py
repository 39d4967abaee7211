"""Run by MicroPython: a board around the example of the native link, on this program's own input and output.

micropython micropython_board.py LIBRARY EXAMPLE FOLDER
A file `press` in the folder holds the button down, `break` breaks the sensor.
"""

import os
import select
import sys

sys.path.insert(0, sys.argv[1])


def exists(name):
    try:
        os.stat(name)
    except OSError:
        return False
    return True


class Machine:
    """What the example uses of MicroPython's module `machine`."""

    WDT_RESET = 3

    class UART:
        def __init__(self, number, baud):
            self._waiting = select.poll()
            self._waiting.register(sys.stdin, select.POLLIN)

        def read(self):
            found = b""
            while self._waiting.poll(0):
                byte = sys.stdin.buffer.read(1)
                if not byte:
                    sys.exit()
                found += byte
            return found or None

        def write(self, data):
            sys.stdout.buffer.write(data)

    class Pin:
        IN, OUT, PULL_UP = 0, 1, 2

        def __init__(self, name, mode, pull=None):
            self._button = mode == self.IN

        def value(self, level=None):
            return int(not exists("press")) if self._button else level

    class ADC:
        def __init__(self, number):
            pass

        def read_u16(self):
            if exists("break"):
                os.remove("break")
                raise OSError("the sensor does not answer")
            return 14_021  # 0.706 V

    @staticmethod
    def unique_id():
        return b"\x10\x20"

    @staticmethod
    def reset_cause():
        return 0

    @staticmethod
    def reset():
        sys.exit()


with open(sys.argv[2]) as file:
    example = file.read()
os.chdir(sys.argv[3])
sys.modules["machine"] = Machine
print("boot: MicroPython")
exec(example)
