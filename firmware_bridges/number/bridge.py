"""A number in a file, as the kernel shows temperatures, voltages and charges in /sys, to one channel."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import ChannelKind, Chunk, Content, Item
from firmware_bridges.base import ListeningBridge

_QUANTITY = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")
_NUMBER = re.compile(r"\s*([-+]?\d{1,15}(?:\.\d{1,15})?)\s*\Z")
KINDS = ("gauge", "counter", "angle")


class Number(ListeningBridge):
    """One content, one reading: the number times `scale`, plus `offset`."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device)
        wrong = ""
        if not _QUANTITY.match(options["quantity"]):
            wrong, fix = f"quantity {options['quantity']!r} is no name", "Use lower case letters, digits and _"
        elif options["kind"] not in KINDS:
            wrong, fix = f"kind {options['kind']!r} is not known", f"Use {', '.join(KINDS)}"
        elif options["scale"] == 0.0 or len(options["unit"]) > 16:
            wrong, fix = "scale is 0, or unit is more than 16 characters", "Correct them"
        if wrong:
            raise ConfigError(f"{device}: {wrong}", fix=fix)
        self._channel = self.channel(options["quantity"], options["unit"], ChannelKind(options["kind"]))
        self._scale: float = options["scale"]
        self._offset: float = options["offset"]

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """The number in the file."""
        if not isinstance(chunk, Content):
            yield from self.unsupported(chunk, at)
            return
        match = _NUMBER.match(chunk.payload.decode("ascii", "replace"))
        if match is None:
            yield from self.faults.say("garbage", "the file holds no number", at)
            yield from self.absent(self._channel, "the file holds no number", at)
        else:
            yield self.present(self._channel, round(float(match[1]) * self._scale + self._offset, 6), at)


SPEC = LanguageSpec(
    name="number",
    transports=frozenset({"file"}),
    make=Number,
    options={
        "quantity": Option(str, "value", "what the number is: temperature, charge, voltage"),
        "unit": Option(str, "", "its unit, after scale and offset"),
        "scale": Option(float, 1.0, "what one of the number is worth: 0.001 where the kernel counts thousandths"),
        "offset": Option(float, 0.0, "what is added then"),
        "kind": Option(str, "gauge", "gauge, counter or angle"),
    },
    doc="a number in a file, such as those of the kernel in /sys",
)
