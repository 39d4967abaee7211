"""Help requests, the lamp, and the test of the way to the desk."""

from typing import Annotated, Literal

from msgspec import Meta, field

from edge_agent.control.types.base import Ask, Part, Reply

# Longer than every hold the config allows (10 s), shorter than a stuck button (60 s, docs/help.md).
LONGEST_HOLD_S = 30.0
# An example is long enough to see a rhythm twice.
LONGEST_PLAY_S = 15.0
# A little over the usual hold of 3 s, so that the hold is complete before the release.
USUAL_HOLD_S = 4.0
# Characters that the household may write to the desk at once.
LONGEST_TEXT = 500


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
    next: list[Next] = field(default_factory=list)


class Help(Reply):
    """Where help stands: a state of MAYDAY, its case (None: there is none), the lamp, and the household's language.

    `ways` are the other ways to the desk, with how the last try of each went. `now_wall` is what the gateway takes the
    time to be (Unix seconds): what is told of times counts from it, not from the machine's clock, which may be wrong.
    """

    state: str
    case: Case | None
    lamp: Lamp
    language: str = "en"
    ways: list[Part] = field(default_factory=list)
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
    steps: dict[str, str] = field(default_factory=dict)


class Press(Ask, frozen=True):
    """The body of a press: how long the button is held."""

    hold_s: Annotated[float, Meta(ge=0.0, le=LONGEST_HOLD_S)] = USUAL_HOLD_S


class Play(Ask, frozen=True):
    """The body of an example on the lamp: a pattern's name, and for how long."""

    pattern: Annotated[str, Meta(max_length=32)]
    seconds: Annotated[float, Meta(ge=0.5, le=LONGEST_PLAY_S)]


class Answer(Ask, frozen=True):
    """The body of an answer to the desk; an empty `question` is the one that is asked now."""

    answer: Annotated[str, Meta(min_length=1, max_length=80)]
    question: Annotated[str, Meta(max_length=80)] = ""
    by: Literal["page", "command"] = "command"


class Say(Ask, frozen=True):
    """The body of a text to the desk."""

    text: Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)]
