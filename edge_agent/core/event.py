"""One message on the wire, whatever it carries, and the lane it travels in."""

from dataclasses import dataclass, replace
from enum import StrEnum

from edge_agent.core.ids import uuid_text


class Lane(StrEnum):
    """A priority in the outbox, first is first."""

    HELP = "help"
    FINDING = "finding"
    STATE = "state"
    TELEMETRY = "telemetry"


class EventKind(StrEnum):
    """The last but one level of the topic."""

    HELP = "help"
    FINDING = "finding"
    REPLY = "reply"
    SESSION = "session"
    STATE = "state"
    TELEMETRY = "telemetry"
    LOG = "log"


LANE_OF = {
    EventKind.HELP: Lane.HELP,
    EventKind.FINDING: Lane.FINDING,
    EventKind.REPLY: Lane.FINDING,
    EventKind.SESSION: Lane.FINDING,
    EventKind.STATE: Lane.STATE,
    EventKind.TELEMETRY: Lane.TELEMETRY,
    EventKind.LOG: Lane.TELEMETRY,
}


@dataclass(frozen=True, slots=True)
class Event:
    """A message as it is stored: the packed payload goes out as it lies on disk.

    `id` is a UUIDv7 (16 bytes), the idempotency key. `type` is the CloudEvents type (`edge.telemetry.block.v1`),
    `name` the topic's optional last level (`birth`). `at` is monotonic seconds of the boot `boot_id`; wall-clock
    attributes are computed when it is sent, so that a clock that became right late back-dates it. `sequence` is
    given by the lane's store, from 1 and without gap; 0 means not stored yet. `count` is how many readings it holds.
    """

    id: bytes
    kind: EventKind
    type: str
    subject: str
    at: float
    boot_id: str
    payload: bytes
    name: str = ""
    count: int = 0
    sequence: int = 0

    @property
    def lane(self) -> Lane:
        """The lane that its kind travels in."""
        return LANE_OF[self.kind]

    @property
    def id_text(self) -> str:
        """The id as it stands on the wire."""
        return uuid_text(self.id)

    def with_sequence(self, sequence: int) -> "Event":
        """The same event as the lane's `sequence`-th."""
        return replace(self, sequence=sequence)
