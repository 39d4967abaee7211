"""Nova SDS011, SDS018, SDS021: particles in the air. A frame a second: aa c0, two little-endian words, id, sum, ab."""

from collections.abc import Iterator, Mapping
from typing import Any

from edge_agent.core.ports import LanguageSpec
from edge_agent.core.reading import Item
from firmware_bridges.framed import FramedBridge
from firmware_bridges.framing import DAMAGED, MORE, NONE

HEAD, TAIL, SIZE = b"\xaa\xc0", 0xAB, 10
NOISE_BYTES = 1024


class Sds011(FramedBridge):
    """Frames in, readings out."""

    def __init__(self, device: str, _options: Mapping[str, Any]) -> None:
        super().__init__(device, HEAD, _judge, NOISE_BYTES)

    def frame(self, frame: bytes, at: float) -> Iterator[Item]:
        """Two words in tenths."""
        for name, place in (("pm25", 2), ("pm10", 4)):
            tenths = int.from_bytes(frame[place : place + 2], "little")
            yield self.present(self.channel(name, "ug/m3"), tenths / 10, at)


def _judge(data: bytes) -> int:
    if len(data) < SIZE:
        return MORE
    if data[SIZE - 1] != TAIL:
        return NONE
    return SIZE if sum(data[2:8]) & 0xFF == data[8] else DAMAGED


SPEC = LanguageSpec(
    name="sds011",
    transports=frozenset({"serial"}),
    make=Sds011,
    options={},
    doc="Nova SDS011, SDS018 and SDS021: particles in the air",
)
