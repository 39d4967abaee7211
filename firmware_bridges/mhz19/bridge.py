"""Winsen MH-Z19, MH-Z14 and their kin: carbon dioxide in the air; asked with ff 01 86, answered with ff 86."""

from collections.abc import Iterator, Mapping
from typing import Any

from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import Fault, Item, Reading, Send
from firmware_bridges.base import seconds_between
from firmware_bridges.framed import FramedBridge
from firmware_bridges.framing import DAMAGED, MORE

HEAD, SIZE = b"\xff\x86", 9
ASK = bytes.fromhex("ff0186000000000079")
NOISE_BYTES = 1024
ANSWER_S = 1.0


class Mhz19(FramedBridge):
    """Asks every `every_s`, and tells a gap where no answer comes."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device, HEAD, _judge, NOISE_BYTES)
        self._every_s = seconds_between(device, options, 1.0, 3600.0)
        self._co2 = self.channel("co2", "ppm")
        self._ask_at: float | None = None
        self._answer_by: float | None = None

    def next(self, now: float) -> tuple[float | None, Send | Reading | Fault | None]:
        """The question, and the silence after it."""
        if self._answer_by is not None and now >= self._answer_by:
            self._answer_by = None
            gap = next(self.absent(self._co2, "the sensor does not answer", now), None)
            if gap is not None:
                return now, gap
        if self._ask_at is None:
            self._ask_at = now
        if now < self._ask_at:
            return self._ask_at if self._answer_by is None else min(self._ask_at, self._answer_by), None
        self._ask_at, self._answer_by = now + self._every_s, now + min(ANSWER_S, self._every_s / 2)
        return self._answer_by, Send(ASK)

    def frame(self, frame: bytes, at: float) -> Iterator[Item]:
        """The answer to the question."""
        self._answer_by = None
        yield self.present(self._co2, int.from_bytes(frame[2:4], "big"), at)


def _judge(data: bytes) -> int:
    if len(data) < SIZE:
        return MORE
    return SIZE if -sum(data[1:8]) & 0xFF == data[8] else DAMAGED


SPEC = LanguageSpec(
    name="mhz19",
    transports=frozenset({"serial"}),
    make=Mhz19,
    options={"every_s": Option(float, 10.0, "seconds between two questions")},
    doc="Winsen MH-Z19 and MH-Z14: carbon dioxide in the air",
)
