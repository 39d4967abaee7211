"""A survey of the GPIO header: what its inputs do while somebody presses them."""

from typing import Annotated, Literal

from msgspec import Meta, field

from edge_agent.control.types.base import Ask, Reply
from edge_agent.control.types.survey import LONGEST_SURVEY_S


class SurveyGpio(Ask, frozen=True):
    """Keep the edges of all inputs, for so long from now; one that is on goes on with what it has."""

    seconds: Annotated[float, Meta(ge=1.0, le=LONGEST_SURVEY_S)] = 30.0


class GpioEdge(Reply):
    """The line went to this electric level, `at_ms` after the survey began. `number` counts from 1."""

    number: int
    at_ms: float
    high: bool


class GpioBurst(Reply):
    """Edges with no rest between them, `first` to `last` by their number; see core.bounce.

    `move` is make, break, spike (back where it was) or chatter (never at rest). `rests_ms` is the longest level within
    it, which a debounce time must exceed; `glitch_ms` the shortest. `lost`: changes that were too quick to be told.
    """

    move: str
    first: int
    last: int
    edges: int
    at_ms: float
    long_ms: float
    glitch_ms: float
    rests_ms: float
    lost: int


class GpioVerdict(Reply):
    """What is to be said of an input: never, stuck, chatters, spikes, enough, tight, short, too_long or worn.

    `bounced_ms` is its longest bounce, `advised_ms` what its debounce time should be at the least.
    """

    opinion: str
    bounced_ms: float = 0.0
    advised_ms: float = 0.0


class GpioLine(Reply):
    """A line of the header as it is configured, and what it did: `edges` are the newest of `count`.

    `kind` is help_button, contact, pulses or output (which is not surveyed). `does` is what a press may do besides:
    help, cancel, page, rule, or nothing. `held` is whether the agent has the line, else `sentence` says why not.
    `high` is its electric level now; without one it cannot be read. `bursts` and `verdict` are of `edges`.
    """

    name: str
    line: int
    kind: Literal["help_button", "contact", "pulses", "output"]
    does: Literal["help", "cancel", "page", "rule", ""] = ""
    pull: str = ""
    active: str = "high"
    debounce_ms: float = 0.0
    held: bool = False
    sentence: str = ""
    high: bool | None = None
    count: int = 0
    edges: list[GpioEdge] = field(default_factory=list)
    bursts: list[GpioBurst] = field(default_factory=list)
    verdict: GpioVerdict | None = None


class GpioSurvey(Reply):
    """All lines of the header. Nobody surveys where `left_s` is 0; else it began `since_ms` ago.

    A help button that is held for `hold_s` calls for help, survey or not.
    """

    hold_s: float
    left_s: float = 0.0
    since_ms: float = 0.0
    lines: list[GpioLine] = field(default_factory=list)
