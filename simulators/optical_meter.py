"""An electricity meter with an optical port (IEC 62056-21, mode C) on a pty: it answers whoever signs on.

Whoever listens at another speed than the meter speaks hears noise, as on a wire.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from functools import reduce
from operator import xor
from pathlib import Path

from firmware_bridges.iec62056.signon import FIRST_BAUD, even
from simulators.ports import OnPort

MAX_REQUEST = 64
REACTION_S = 0.2  # IEC 62056-21, 6.3.14: 200 ms to 1.5 s


class OpticalMeter(OnPort):
    """Used as an async context manager. `readout()` gives the registers, by code, as they are written.

    `letter` says how fast it can speak: 0 to 6, 300 baud to 19200. `faults` are `dead` (says nothing), `mute` (says
    nothing after the sign-on) and `check` (its check character is wrong). `echo`: the head hears itself.
    """

    def __init__(self, path: Path, readout: Callable[[], Mapping[str, str]], *, letter: str = "5") -> None:
        super().__init__(path, self._hear)
        self.faults: set[str] = set()
        self.echo = False
        self.readouts = 0
        self._readout = readout
        self._letter = letter
        self._heard = b""
        self._chance = random.Random(1)

    def _hear(self, data: bytes) -> None:
        if self.echo:
            self.twin.emit(data)
        self._heard = (self._heard + bytes(byte & 0x7F for byte in data))[-MAX_REQUEST:]
        *lines, self._heard = self._heard.split(b"\r\n")
        for line in lines:
            if line.startswith(b"/?") and line.endswith(b"!"):
                self._later(self._say, f"/SIM{self._letter}EDGE-AGENT\r\n".encode("ascii"), FIRST_BAUD)
            elif line.startswith(b"\x060") and line[2:3].isdigit() and "mute" not in self.faults:
                self._later(self._answer, FIRST_BAUD << int(line[2:3]))

    def _later(self, what: Callable[..., None], *arguments: object) -> None:
        if "dead" not in self.faults:
            asyncio.get_running_loop().call_later(REACTION_S, what, *arguments)

    def _answer(self, baud: int) -> None:
        registers = "".join(f"{code}({value})\r\n" for code, value in self._readout().items())
        block = registers.encode("ascii") + b"!\r\n\x03"
        check = reduce(xor, block) ^ ("check" in self.faults)
        self.readouts += 1
        self._say(b"\x02" + block + bytes([check]), baud)

    def _say(self, text: bytes, baud: int) -> None:
        right = self.twin.baud == baud
        self.twin.emit(even(text) if right else self._chance.randbytes(len(text)))
