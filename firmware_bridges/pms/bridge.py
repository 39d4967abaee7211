"""Plantower's particle sensors PMS1003 to PMSA003, and those with thermometer, hygrometer and formaldehyde cell.

Frames come by themselves: 42 4d, the length of the rest, big-endian words, and the sum of all bytes before it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import Item
from firmware_bridges.framed import FramedBridge
from firmware_bridges.framing import DAMAGED, MORE, NONE

HEAD = b"BM"
LENGTHS = frozenset({0x1C, 0x24})  # 32 bytes in all; 40 of the PMS5003ST
MAX_FRAME = 40
# Noise of a second at 9600 baud without a frame.
NOISE_BYTES = 1024


class Quantity(NamedTuple):
    """Word `place` of a frame (0: the first behind the length), in this unit."""

    place: int
    name: str
    unit: str
    scale: float = 1.0
    signed: bool = False


_MASSES = tuple(
    Quantity(place, name, "ug/m3")
    for place, name in enumerate(("pm1_cf1", "pm25_cf1", "pm10_cf1", "pm1", "pm25", "pm10"))
)
# Particles larger than so many micrometres; the sensor counts in 0.1 l.
_COUNTS = tuple(
    Quantity(place, name, "1/cm3", 0.01)
    for place, name in enumerate(("particles_0_3", "particles_0_5", "particles_1", "particles_2_5"), 6)
)
_LARGE = (Quantity(10, "particles_5", "1/cm3", 0.01), Quantity(11, "particles_10", "1/cm3", 0.01))
MODELS: Mapping[str, tuple[int, tuple[Quantity, ...]]] = {
    "pmsx003": (0x1C, (*_MASSES, *_COUNTS, *_LARGE)),
    "pms5003t": (
        0x1C,
        (*_MASSES, *_COUNTS, Quantity(10, "temperature", "Cel", 0.1, True), Quantity(11, "humidity", "%", 0.1)),
    ),
    "pms5003s": (0x1C, (*_MASSES, *_COUNTS, *_LARGE, Quantity(12, "formaldehyde", "mg/m3", 0.001))),
    "pms5003st": (
        0x24,
        (
            *_MASSES, *_COUNTS, *_LARGE, Quantity(12, "formaldehyde", "mg/m3", 0.001),
            Quantity(13, "temperature", "Cel", 0.1, True), Quantity(14, "humidity", "%", 0.1),
        ),
    ),
}  # fmt: skip


class Pms(FramedBridge):
    """Frames in, readings out."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device, HEAD, _judge, NOISE_BYTES)
        if options["model"] not in MODELS:
            raise ConfigError(f"{device}: model {options['model']!r} is not known", fix=f"Use {', '.join(MODELS)}")
        self._length, self._quantities = MODELS[options["model"]]

    def frame(self, frame: bytes, at: float) -> Iterator[Item]:
        """The words that this model has."""
        if frame[3] != self._length:
            yield from self.faults.say("model", "a frame has another length than this model's", at)
            return
        for quantity in self._quantities:
            start = 4 + 2 * quantity.place
            raw = int.from_bytes(frame[start : start + 2], "big", signed=quantity.signed)
            value = raw if quantity.scale == 1.0 else round(raw * quantity.scale, 3)
            yield self.present(self.channel(quantity.name, quantity.unit), value, at)


def _judge(data: bytes) -> int:
    if len(data) < 4:
        return MORE
    if data[2] or data[3] not in LENGTHS:
        return NONE
    size = 4 + data[3]
    if len(data) < size:
        return MORE
    return size if sum(data[: size - 2]) & 0xFFFF == int.from_bytes(data[size - 2 : size], "big") else DAMAGED


SPEC = LanguageSpec(
    name="pms",
    transports=frozenset({"serial"}),
    make=Pms,
    options={"model": Option(str, "pmsx003", "pmsx003, pms5003s, pms5003t or pms5003st")},
    doc="Plantower PMS1003 to PMSA003: particles in the air",
)
