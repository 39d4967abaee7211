"""What an engineer on site asks for: the configuration in force, the log, and raw bytes of a device."""

from typing import Annotated, Any

from msgspec import Meta

from edge_agent.control.types.base import Ask, Reply

# As many as the agent keeps.
MOST_LINES = 200
# A watch over raw bytes ends by itself: they cost memory, and nobody remembers to stop it.
LONGEST_WATCH_S = 900.0
DeviceName = Annotated[str, Meta(min_length=1, max_length=32)]


class InForce(Reply):
    """The configuration as it is in force, defaults and all; what is secret reads `***`."""

    settings: dict[str, Any]


class Tail(Ask, frozen=True):
    """The newest `lines` of the log, but only those behind number `after`."""

    after: Annotated[int, Meta(ge=0)] = 0
    lines: Annotated[int, Meta(ge=1, le=MOST_LINES)] = MOST_LINES


class Log(Reply):
    """Lines of the log, oldest first, each a JSON object that may be cut; `newest` is the number of the last one."""

    newest: int
    lines: list[str]


class OfDevice(Ask, frozen=True):
    """A device by its configured name: only its frames behind number `after` (of an earlier watch: all)."""

    device: DeviceName
    after: Annotated[int, Meta(ge=0)] = 0


class Watch(Ask, frozen=True):
    """Keep the raw bytes of a device for so long from now; 0 ends it and forgets them."""

    device: DeviceName
    seconds: Annotated[float, Meta(ge=0.0, le=LONGEST_WATCH_S)] = 60.0


class Frame(Reply):
    """What came in at once: bytes as hex, cut at 2048 (`size` is all of them), or an edge or advertisement in words."""

    ago_s: float
    way: str
    shown: str
    size: int


class Raw(Reply):
    """The newest frames of a device, oldest first. `left_s` is how long they are still kept, 0: they are not.

    `newest` is the number of the last one, counted from the beginning of the watch.
    """

    device: str
    left_s: float
    frames: list[Frame]
    newest: int = 0
