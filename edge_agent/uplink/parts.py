"""Events as they travel: whole, or in parts where a link carries little or a broker takes only small messages.

A part is a slice of the payload, always of the same length, so that part n of an event is the same today and after a
restart. Its id is the event's with `-n` behind it; `part` and `parts` stand beside the event's own attributes, sequence
included. Whoever receives joins the slices, and takes the whole event as the same thing if that comes instead.
"""

from typing import NamedTuple

from edge_agent.core.event import Event

# With ENVELOPE_BYTES about 0.8 s of 20 kbit/s, the slowest link that is aimed at.
PART_BYTES = 1536
# Topic, attributes and headers of a message, roughly: 340 to 440 are usual.
ENVELOPE_BYTES = 400
# AWS IoT Core takes 128 KB with everything; the attributes need room too.
MAX_PAYLOAD_BYTES = 100 * 1024


class Piece(NamedTuple):
    """What one message carries of an event: part `part` of `parts`, counted from 1."""

    event: Event
    part: int = 1
    parts: int = 1

    @property
    def payload(self) -> bytes:
        """The slice of the event's payload."""
        if self.parts == 1:
            return self.event.payload
        return self.event.payload[(self.part - 1) * PART_BYTES : self.part * PART_BYTES]

    @property
    def size(self) -> int:
        """What it takes on the wire, about."""
        return len(self.payload) + ENVELOPE_BYTES

    def told(self, attributes: dict[str, str]) -> dict[str, str]:
        """The event's attributes as they stand on this message."""
        if self.parts == 1:
            return attributes
        part = {"id": f"{attributes['id']}-{self.part}", "part": str(self.part), "parts": str(self.parts)}
        return attributes | part


def divisible(event: Event) -> bool:
    """Whether parts of it are smaller than itself."""
    return len(event.payload) > PART_BYTES


def cut(event: Event) -> list[Piece]:
    """All parts of an event; itself where it is no longer than one."""
    parts = max(1, -(-len(event.payload) // PART_BYTES))
    return [Piece(event, part, parts) for part in range(1, parts + 1)]
