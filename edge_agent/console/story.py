"""A help request told in plain words, in the household's language: since when, who has it, what was said and is asked.

Every function gives lines; nothing here prints or asks.
"""

import time
from collections.abc import Iterator, Sequence
from heapq import merge

from edge_agent.console.text import clean, clock, lamp_lines, pairs, span, state_words
from edge_agent.control.types import Case, Help, Note, Question, Step
from edge_agent.texts import Texts, texts
from edge_agent.texts.times import when

# nobody has another word to wait for
ENDED = ("IDLE", "RESOLVED", "CANCELLED")


def help_(reply: Help, *, colour: bool) -> Iterator[str]:
    """The case, and what the lamp means now."""
    here = texts(reply.language)
    if reply.case is None:
        said = state_words(here, reply.state)
        yield f"{said[:1].upper()}{said[1:]}."
    else:
        yield from _case(here, reply.state, reply.case, time.time() if reply.now_wall is None else reply.now_wall)
    yield from lamp_lines(here, reply.lamp, colour=colour)
    yield from pairs({clean(way.name): clean(way.sentence) for way in reply.ways})


def pressed(reply: Help, *, colour: bool) -> Iterator[str]:
    """What came of a press."""
    if reply.state in ("IDLE", "HOLD"):
        yield texts(reply.language)["case.no_request"]
    yield from help_(reply, colour=colour)


def _case(here: Texts, state: str, case: Case, now: float) -> Iterator[str]:
    name = f"{clean(case.code[:4])} {clean(case.code[4:])}"
    yield here.say("case.last" if state == "IDLE" else "case.open", code=name, state=state_words(here, state))
    word = None if state in ENDED else case.next_word_wall
    promised = "" if word is None else when(here, word, now)
    words = {
        "case.raised": f"{here.say('time.ago', span=span(case.since_s))}, {_trigger(here, case)}",
        "case.reference": case.reference,
        "case.receiver": case.receiver,
        "case.helper": case.helper,
        "case.next_word": promised,
    }
    yield from pairs({here[key]: what for key, what in words.items()})
    yield from _asked(here, case.question or case.effort, now)
    for coming in case.next:
        said = here.get(f"next.{coming.what}", "")
        yield from pairs({here["case.next"]: said.format(when=when(here, coming.wall, now))})
    steps = _told(here, case.steps)
    notes = [(note.wall, f"{here.get(f'case.{note.by}', clean(note.by))}: {_said(here, note)}") for note in case.notes]
    # merged, not sorted: each list keeps its own order when the clock was set in between
    for wall, said in merge(steps, notes, key=lambda told: told[0]):
        yield f"  {clock(wall)}  {said}"


def _said(here: Texts, note: Note) -> str:
    """What somebody wrote; a press that answered is a yes or a no in the household's language."""
    pressed = note.by == "household" and note.text in ("yes", "no")
    return here[f"page.{note.text}"] if pressed else clean(note.text)


def _told(here: Texts, steps: Sequence[Step]) -> Iterator[tuple[float, str]]:
    """Each step with its time; what is sent again and again until the desk has it is one line, at the last time."""
    again, last, sent = 0, 0.0, False
    for step in steps:
        if sent and step.state in ("SENDING", "DELIVERED"):
            again, last = again + (step.state == "DELIVERED"), step.wall
            continue
        if again:
            yield last, _again(here, again)
        again, sent = 0, step.state == "DELIVERED"
        yield step.wall, _step(here, step.state)
    if again:
        yield last, _again(here, again)


def _again(here: Texts, times: int) -> str:
    return here["case.sent_again"] if times == 1 else here.say("case.sent_again_n", n=times)


def _trigger(here: Texts, case: Case) -> str:
    how = here.get(f"trigger.{case.trigger}", case.trigger)
    return f"{how}: {case.reason}" if case.reason else how


def _asked(here: Texts, question: Question | None, now: float) -> Iterator[str]:
    """What the desk asks, and how it is answered."""
    if question is None:
        return
    way = "case.by_button" if question.button else "case.by_command"
    how = here.say(way, answers=" | ".join(question.answers), until=when(here, question.expires_wall, now))
    yield from pairs({here["case.asked"]: question.text, here["case.answer"]: how})


def _step(here: Texts, state: str) -> str:
    """A state as a step in the story of a case: after the last one it is closed."""
    return here["state.closed"] if state == "IDLE" else state_words(here, state)
