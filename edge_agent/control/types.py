"""Requests and replies of the control API, version 1, and what its server needs of the agent.

JSON by msgspec, which in the agent only this file and the config know. Fields are added, never changed or removed
within a version; readers ignore fields they do not know. Ages (`_s`) are seconds before the reply was made, `wall`
is Unix seconds.
"""

from collections.abc import AsyncIterator, Collection
from typing import Annotated, Any, Literal, Protocol, TypeVar

import msgspec
from msgspec import Meta, Struct

from edge_agent.core.errors import WireError

API_VERSION = 1
# Longer than every hold the config allows (10 s), shorter than a stuck button (60 s, docs/help.md).
LONGEST_HOLD_S = 30.0
# An example is long enough to see a rhythm twice.
LONGEST_PLAY_S = 15.0
# A little over the usual hold of 3 s, so that the hold is complete before the release.
USUAL_HOLD_S = 4.0
# Characters that the household may write to the desk at once.
LONGEST_TEXT = 500


class Reply(Struct):
    """Base of everything the API says."""


class Part(Reply):
    """A part of the agent (a driver, the store, the uplink): ready or not, and what a person can do about it."""

    name: str
    ready: bool
    sentence: str
    fix: str = ""


class Device(Reply):
    """A device: totals since start, and how long ago it was heard (None: never)."""

    name: str
    readings: int
    faults: int
    last_heard_s: float | None
    ready: bool
    sentence: str
    fix: str = ""


class Status(Reply):
    """All of the agent at a glance; `sentence` is the whole of it in plain words.

    `version` is the agent's, `consent` the purposes that the householder allowed, `open_block_readings` how many
    readings are not yet on disk. `rss_mb` and `cpu_s` are those of the process.
    """

    version: str
    gateway: str
    site: str
    uptime_s: float
    ready: bool
    sentence: str
    parts: list[Part]
    devices: list[Device]
    rss_mb: float
    cpu_s: float
    clock_trusted: bool
    consent: list[str]
    open_block_readings: int


class Lane(Reply):
    """A lane of the outbox. `events` and `bytes` wait; `withheld` of them have no consent to leave.

    `in_flight` are sent and not yet acknowledged. `dropped` (for want of space) and `quarantined` (failed in the
    drain three times) are totals.
    """

    name: str
    events: int
    bytes: int
    oldest_s: float | None
    dropped: int
    in_flight: int
    withheld: int
    quarantined: int


class Queue(Reply):
    """The outbox, first lane first, and what the broker has acknowledged since start."""

    lanes: list[Lane]
    sent_events: int
    sent_bytes: int


class Finding(Reply):
    """What the checks say of a channel. `state` is pending, confirmed or cleared; `since_s` the age of that finding.

    `cause` is the `channel:kind` of the finding that explains it, empty where it stands for itself.
    """

    channel: str
    kind: str
    state: str
    severity: str
    sentence: str
    since_s: float
    count: int
    cause: str = ""


class Findings(Reply):
    """All findings that are remembered, the most severe first."""

    findings: list[Finding]


class Lamp(Reply):
    """What the lamp shows and means. `rhythm` is milliseconds on, off, on, off …; empty is steady.

    `sentence` is in the household's `language`.
    """

    pattern: str
    colour: str
    rhythm: list[int]
    sentence: str
    language: str = "en"


class Step(Reply):
    """One state the case was in, and since when."""

    state: str
    wall: float


class Note(Reply):
    """Something said in the case, by `desk`, `household` or `rule`; of `expired` it is a question nobody answered."""

    by: str
    text: str
    wall: float


class Question(Reply):
    """What the desk asks. `answers` are what may be answered, `button` whether one press is yes and two are no."""

    id: str
    text: str
    answers: list[str]
    button: bool
    purpose: str
    expires_wall: float


class Next(Reply):
    """What comes if nothing else happens: `window_over`, `unanswered`, `other_ways`, `silence` or `reopen_over`."""

    what: str
    wall: float


class Case(Reply):
    """One help request. `reference`, `receiver`, `helper` and `next_word_wall` are the desk's words, empty before.

    `rule` and `reason` say what raised an automatic one. `question` is asked now and `waiting` more behind it;
    `effort` is asked after the end. `next` is in order of time.
    """

    code: str
    reference: str
    receiver: str
    helper: str
    since_s: float
    trigger: str
    steps: list[Step]
    notes: list[Note]
    next_word_wall: float | None = None
    rule: str = ""
    reason: str = ""
    nudges: int = 0
    question: Question | None = None
    waiting: int = 0
    effort: Question | None = None
    next: list[Next] = []


class Help(Reply):
    """Where help stands: a state of MAYDAY, its case (None: there is none), the lamp, and the household's language.

    `ways` are the other ways to the desk, with how the last try of each went. `now_wall` is what the gateway takes the
    time to be (Unix seconds): what is told of times counts from it, not from the machine's clock, which may be wrong.
    """

    state: str
    case: Case | None
    lamp: Lamp
    language: str = "en"
    ways: list[Part] = []
    now_wall: float | None = None


class HelpTest(Reply):
    """The last test of the way to the desk. `outcome` is one of core.testpress.Outcome, or `never`.

    `recorded_s`, `sent_s` and `desk_s` are seconds from its begin to the disk, to the broker and to the desk's answer;
    `next_s` is when the next one runs by itself, None where none does.
    """

    outcome: str
    sentence: str
    fix: str = ""
    scheduled: bool = False
    since_s: float | None = None
    recorded_s: float | None = None
    sent_s: float | None = None
    desk_s: float | None = None
    next_s: float | None = None
    steps: dict[str, str] = {}


class Channel(Reply):
    """A channel's newest value; None with a reason where the data is bad, None age where there was no reading."""

    name: str
    unit: str
    value: float | int | bool | str | None
    at_age_s: float | None
    reason: str = ""


class Channels(Reply):
    """All channels by name."""

    channels: list[Channel]


class Failure(Reply):
    """The body of every answer that is not 200: what was wrong and what can be done."""

    error: str
    fix: str = ""


class Live(Reply):
    """One event of the stream. `kind` names the type of `data` in LIVE_KINDS; kinds may be added."""

    kind: str
    data: Any


LIVE_KINDS: dict[str, type[Reply]] = {
    "reading": Channel,
    "finding": Finding,
    "help": Help,
    "lamp": Lamp,
    "queue": Queue,
    "status": Status,
}


class Press(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a press: how long the button is held."""

    hold_s: Annotated[float, Meta(ge=0.0, le=LONGEST_HOLD_S)] = USUAL_HOLD_S


class Play(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an example on the lamp: a pattern's name, and for how long."""

    pattern: Annotated[str, Meta(max_length=32)]
    seconds: Annotated[float, Meta(ge=0.5, le=LONGEST_PLAY_S)]


class Answer(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an answer to the desk; an empty `question` is the one that is asked now."""

    answer: Annotated[str, Meta(min_length=1, max_length=80)]
    question: Annotated[str, Meta(max_length=80)] = ""
    by: Literal["page", "command"] = "command"


class Say(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a text to the desk."""

    text: Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)]


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """A body that says nothing: `{}`."""


class Agent(Protocol):
    """What the server needs of the agent. Any method may raise AgentError: it becomes an answer, never an exit."""

    def status(self) -> Status:
        """All at a glance."""

    def queue(self) -> Queue:
        """The outbox."""

    def findings(self) -> Findings:
        """What the checks say."""

    def help(self) -> Help:
        """Where help stands."""

    def lamp(self) -> Lamp:
        """What the lamp shows."""

    def channels(self) -> Channels:
        """The newest values."""

    async def press(self, hold_s: float) -> Help:
        """Hold the help button for this long; returns where help stands after the release."""

    async def cancel(self) -> Help:
        """Cancel the case, inside its window or later. Raises RefusedError where there is none."""

    async def play(self, ask: Play) -> Lamp:
        """Show an example on the lamp; returns what is true. Raises RefusedError where the lamp is needed."""

    async def answer(self, ask: Answer) -> Help:
        """Answer the desk. Raises RefusedError where it asks nothing, or not so."""

    async def say(self, text: str) -> Help:
        """Write to the desk. Raises RefusedError where there is no case."""

    def help_test(self) -> HelpTest:
        """The last test of the way to the desk."""

    async def start_help_test(self) -> HelpTest:
        """Test the way to the desk now. Raises RefusedError where it is no time for it."""

    def listen(self, kinds: Collection[str]) -> AsyncIterator[Live]:
        """What happens of these kinds from now on, for one listener; a slow one may miss, never grow a buffer."""


Some = TypeVar("Some")


def encode(reply: Struct) -> bytes:
    """A reply or request as one line of JSON."""
    return msgspec.json.encode(reply)


def pretty(reply: Reply) -> str:
    """A reply as JSON for people."""
    return msgspec.json.format(msgspec.json.encode(reply), indent=2).decode()


def decode(raw: bytes, kind: type[Some]) -> Some:
    """JSON of this kind. Raises WireError with the place and what was expected there."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireError(str(error)) from error


def live(kind: str, raw: bytes) -> Live:
    """An event of the stream; data of an unknown kind stays plain. Raises WireError."""
    return Live(kind=kind, data=decode(raw, LIVE_KINDS.get(kind, object)))
