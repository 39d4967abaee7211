"""DS18B20 and its kin on 1-Wire: what the kernel's driver w1_therm shows, to one temperature.

Two files are read: `w1_slave` (nine bytes in hexadecimal, whether their CRC is right, and t= in thousandths of a
degree) and `temperature` (the same number alone, in newer kernels).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from edge_agent.core.ports import LanguageSpec
from edge_agent.core.reading import Chunk, Content, Item
from firmware_bridges.base import ListeningBridge

# DS18B20 data sheet: what it can measure, and what its memory holds after power came and before it has measured.
LOWEST_C, HIGHEST_C = -55.0, 125.0
POWER_ON_C = 85.0
# So near to it must the last value be for 85 degrees to be true: no probe warms this fast between two looks.
NEAR_C = 5.0
_SLAVE = re.compile(r"((?:[0-9a-f]{2} ){9}): crc=[0-9a-f]{2} (YES|NO)\s+(?:[0-9a-f]{2} ){9}t=(-?\d{1,7})\s*\Z")
_NUMBER = re.compile(r"-?\d{1,7}\s*\Z")


class Ds18b20(ListeningBridge):
    """One content, one reading: a temperature, or none with what is wrong with the probe."""

    def __init__(self, device: str, _options: Mapping[str, Any]) -> None:
        super().__init__(device)
        self._temperature = self.channel("temperature", "Cel")
        self._last_c: float | None = None

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """The temperature in what the kernel shows."""
        if not isinstance(chunk, Content):
            yield from self.unsupported(chunk, at)
            return
        text = chunk.payload.decode("ascii", "replace").strip()
        slave = _SLAVE.match(text)
        if not text:
            yield from self.absent(self._temperature, "the probe does not answer", at)
        elif slave is not None and slave[2] == "NO":
            yield from self.faults.say("checksum", "the probe's answer does not match its CRC", at)
            yield from self.absent(self._temperature, "the probe's answer does not match its CRC", at)
        elif slave is not None and not slave[1].replace("00", "").strip():
            yield from self.absent(self._temperature, "the probe's answer is all zeros: its data wire is shorted", at)
        elif slave is None and not _NUMBER.match(text):
            yield from self.faults.say("garbage", "this is no file of a 1-Wire thermometer", at)
        else:
            yield from self._told(int(slave[3] if slave is not None else text) / 1000, at)

    def _told(self, value_c: float, at: float) -> Iterator[Item]:
        if not LOWEST_C <= value_c <= HIGHEST_C:
            yield from self.absent(self._temperature, f"{value_c:g} is more than a probe can measure", at)
        elif value_c == POWER_ON_C and (self._last_c is None or abs(self._last_c - POWER_ON_C) > NEAR_C):
            yield from self.absent(self._temperature, "85 degrees: the probe lost its power and has not measured", at)
        else:
            self._last_c = value_c
            yield self.present(self._temperature, value_c, at)


SPEC = LanguageSpec(
    name="ds18b20",
    transports=frozenset({"file"}),
    make=Ds18b20,
    options={},
    doc="DS18B20 and other thermometers on 1-Wire, as the kernel shows them",
)
