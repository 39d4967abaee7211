"""A contact, detector or switch on a GPIO line: one level in, one state out."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import ChannelKind, Chunk, Item, Level, Reading
from firmware_bridges.base import ListeningBridge

_QUANTITY = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")


class Contact(ListeningBridge):
    """Each Level becomes one reading of `device.quantity`, True where the input is active (False with `invert`)."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device)
        quantity = options["quantity"]
        if not _QUANTITY.match(quantity):
            raise ConfigError(
                f"quantity {quantity!r} of {device} is no name",
                fix="Use lower case letters, digits and _, a letter first, at most 32 (open, wet, motion)",
            )
        self._state = self.channel(quantity, kind=ChannelKind.STATE)
        self._invert: bool = options["invert"]

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """The state that a Level says."""
        if not isinstance(chunk, Level):
            yield from self.unsupported(chunk, at)
            return
        yield Reading(self._state, chunk.active != self._invert, at)


SPEC = LanguageSpec(
    name="contact",
    transports=frozenset({"gpio"}),
    make=Contact,
    options={
        "quantity": Option(str, "active", "what is true when the input is active: open, wet, motion"),
        "invert": Option(bool, False, "say the opposite"),
    },
    doc="a contact, detector or switch on a GPIO line",
)
