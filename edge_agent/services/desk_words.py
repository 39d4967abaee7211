"""What a believed message of the desk says about a case."""

from collections.abc import Sequence

from edge_agent.core.clock import Instant
from edge_agent.core.command import DeskMessage
from edge_agent.core.mayday_table import Effect, Signal
from edge_agent.core.mayday_words import DeskWord, Words
from edge_agent.core.question import MAX_EFFORT_LIFE_S, MAX_ID, MAX_LIFE_S, MAX_OPTIONS, Purpose, Question
from edge_agent.core.request import HelpRequest
from edge_agent.core.wire import text_of

MAX_NAME = 80
QUESTION = "edge.help.question.v1"
CANCEL_RECEIVED = "edge.help.cancel_received.v1"
# A command that names no case: what is unanswered is sent again at once.
UNANSWERED = "edge.command.unanswered.v1"
MAX_ANSWER = 40
MAX_ABOUT = 140
MAX_QUESTION = 500
# Where the desk does not say how long it waits for an answer.
USUAL_LIFE_S = 300.0
_OF_TYPE = {
    "edge.help.received.v1": Signal.RECEIVED,
    "edge.help.engaged.v1": Signal.ENGAGED,
    "edge.help.resolved.v1": Signal.RESOLVED,
    "edge.help.message.v1": None,
    "edge.help.progress.v1": None,
    QUESTION: None,
    CANCEL_RECEIVED: None,
}


def is_known(message: DeskMessage) -> bool:
    """Whether a message of this type says anything about cases."""
    return message.type in _OF_TYPE or message.type == UNANSWERED


def through_of(message: DeskMessage) -> int:
    """Up to which sequence the desk has this case's messages; 0: it does not say."""
    return _count(message, "through")


def _count(message: DeskMessage, key: str) -> int:
    """`knows`: the desk has heard of this message, in compact form only; it must still be sent."""
    value = message.data.get(key)
    return value if type(value) is int else 0


def word_of(message: DeskMessage) -> DeskWord | None:
    """What a message says of its case, None for one that says nothing; what is not of its type is left out."""
    if message.type not in _OF_TYPE:
        return None
    data = message.data
    promised = data.get("next_word_wall")
    return DeskWord(
        signal=_OF_TYPE[message.type],
        through=max(through_of(message), _count(message, "knows")),
        reference=text_of(data, "reference", MAX_NAME),
        receiver=text_of(data, "receiver", MAX_NAME),
        helper=text_of(data, "helper", MAX_NAME),
        text=text_of(data, "text"),
        next_word_wall=float(promised) if isinstance(promised, int | float) else None,
        cancel_heard=message.type == CANCEL_RECEIVED,
    )


def question_of(message: DeskMessage, now: Instant) -> Question | None:
    """The question of a message, None where it asks none that can be answered.

    It waits from when the desk asked, where the clocks tell, and no longer than a question of its kind may.
    """
    data = message.data
    ident, text = text_of(data, "question", MAX_ID), text_of(data, "text", MAX_QUESTION)
    options = _options(data.get("options")) if data.get("kind") == "options" else ()
    if message.type != QUESTION or not ident or not text or (data.get("kind") == "options" and not options):
        return None
    named = data.get("purpose")
    purpose = Purpose(named) if isinstance(named, str) and named in set(Purpose) else Purpose.TALK
    longest = MAX_EFFORT_LIFE_S if purpose is Purpose.EFFORT else MAX_LIFE_S
    life = data.get("expires_s")
    life_s = float(life) if isinstance(life, int | float) and 0.0 < life < float("inf") else USUAL_LIFE_S
    waited_s = max(0.0, now.wall - message.issued) if now.trusted else 0.0
    return Question(
        id=ident,
        text=text,
        expires_s=min(life_s, longest) - waited_s,
        at=now.monotonic,
        boot_id=now.boot_id,
        wall=now.wall,
        trusted=now.trusted,
        options=options,
        purpose=purpose,
        about=text_of(data, "about", MAX_ABOUT),
    )


def agreed_to(case: HelpRequest | None, words: Sequence[Words]) -> Question | None:
    """The question that was answered with yes; `case` is that of before, `words` what is said of it."""
    yes = {said.data["question"] for said in words if said.effect is Effect.ANSWER and said.data["answer"] == "yes"}
    return next((q for q in case.questions if q.id in yes), None) if case and yes else None


def _options(told: object) -> tuple[str, ...]:
    """Up to MAX_OPTIONS different texts."""
    rows = told if isinstance(told, list | tuple) else ()
    texts = [each[:MAX_ANSWER] for each in rows if isinstance(each, str) and each]
    return tuple(dict.fromkeys(texts))[:MAX_OPTIONS]
