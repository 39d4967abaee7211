"""What was heard on serial ports by listening alone."""

from typing import Annotated, Literal

from msgspec import Meta, field

from edge_agent.control.types.base import Ask, Reply

# The agent does it in a process beside itself, whose memory is for this long.
LONGEST_BESIDE_S = 300.0


class Guess(Reply):
    """A language that reads what was heard at a setting; `sure`: this is no chance.

    `understood` is the share of the bytes that its `messages` had, `rejected` are frames with errors, `a_second` is how
    many messages come (None: too few were heard), and `lines` would configure it.
    """

    language: str
    baud: int
    bits: int
    parity: str
    sure: bool
    understood: float
    messages: int
    rejected: int
    a_second: float | None
    lines: str


class SurveyedPort(Reply):
    """One port: what USB says of it, who holds it, and what was heard on it.

    `understood`: the first of `guesses` reads it; `unknown`: somebody speaks; `silent`: nobody did; `refused`: it could
    not be listened to. `sentence` and `fix` say more. The rest is of the likeliest setting: `damaged` characters and
    `breaks` as far as the port tells, frames that were `missed` and bytes `cut` by way of the agent, the newest as hex.
    """

    port: str
    tty: str
    words: str
    holder: str
    verdict: Literal["understood", "unknown", "silent", "refused"]
    sentence: str
    fix: str
    seconds: float = 0.0
    baud: int = 0
    bytes: int = 0
    damaged: int = 0
    breaks: int = 0
    missed: int = 0
    cut: int = 0
    guesses: list[Guess] = field(default_factory=list)
    hex: str = ""


class SerialSurvey(Reply):
    """All ports, and the languages of devices that say nothing unless they are asked: silence does not exclude them."""

    ports: list[SurveyedPort]
    asked: list[str]


class SurveySerial(Ask, frozen=True):
    """Listen on all ports for so long. Opening one that is free raises DTR for a moment, which restarts some boards."""

    seconds: Annotated[float, Meta(ge=1.0, le=LONGEST_BESIDE_S)] = 60.0


class SerialSurveyed(Reply):
    """The last survey by the agent, done `ago_s` ago (None: never), or why it `failed`. `left_s`: one is on."""

    left_s: float | None
    ago_s: float | None
    failed: str
    found: SerialSurvey
