"""What happens at the desk, in one plain line each."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from edge_agent.core.wire import rfc3339, text_of
from simulators.desk.cases import Case
from simulators.desk.intake import DeskEvent
from simulators.desk.words import Words

_MAX_LINE = 500  # a finding with what to do has some 350
# A clock that is not known to be right and all the same is, within this, needs no remark.
_NEAR_S = 60.0


class News(NamedTuple):
    """One line: when (Unix seconds), what kind, of which gateway, in words, and as plain data.

    Kinds: `event`, `again` (an id that was here already), `case`, `answer`, `refused`, `link`.
    """

    at: float
    kind: str
    gateway: str
    text: str
    data: dict[str, Any]

    @property
    def line(self) -> str:
        """As a person reads it, on the local clock."""
        clock = datetime.fromtimestamp(self.at).astimezone().strftime("%H:%M:%S")
        return plain(f"{clock}  {self.gateway or '-'}  {self.text}")


Tell = Callable[[News], None]


def nobody(news: News) -> None:
    """Tell nobody."""


def plain(text: str) -> str:
    """One line without control characters: what came from outside cannot move a terminal's cursor."""
    line = "".join(c if c.isprintable() else "?" for c in text)
    return line if len(line) <= _MAX_LINE else f"{line[: _MAX_LINE - 2]} …"


def of_event(new: DeskEvent, *, again: bool) -> News:
    """The news of an event that came."""
    number = f" #{new.sequence}" if new.sequence else ""
    text = f"{new.kind.value}{number}: {_words_of(new)}{_clock_of(new)}"
    data = {"id": new.id, "type": new.type, "subject": new.subject, "sequence": new.sequence}
    return News(new.arrived, "again" if again else "event", new.gateway, text + (" (again)" if again else ""), data)


def of_answer(words: Words, case: Case | None, at: float) -> News:
    """The news of a message that went out."""
    code = case.code if case else ""
    what = words.type.removeprefix("edge.help.").removesuffix(".v1").replace("_", " ")
    told = [str(words.fields[key]) for key in ("receiver", "reference", "helper", "text") if key in words.fields]
    said = ", ".join(told)
    if what == "message" and not said:
        what = "taken in"  # nothing for people: it only confirms what the gateway told
    text = f"answer #{words.seq}{f' in case {code}' if code else ''}: {what}" + (f" ({said})" if said else "")
    data = {"id": words.id, "type": words.type, "seq": words.seq, "case": code, "request": words.request}
    return News(at, "answer", words.gateway, text, data)


def of_case(case: Case, at: float) -> News:
    """The news of a case that opened, or moved by the household's doing."""
    data = {"case": case.code, "request": case.request, "state": case.state.value, "trigger": case.trigger}
    if case.state.value != "raised":
        return News(at, "case", case.gateway, f"HELP case {case.code} is {case.state.value}", data)
    findings = case.data.get("findings")
    told = [text_of(f, "sentence", 80) for f in findings if isinstance(f, dict)] if isinstance(findings, list) else []
    where = ", ".join(filter(None, (text_of(case.data, key, 80) for key in ("product", "site", "location"))))
    text = f"HELP case {case.code} raised ({case.trigger or 'not said how'}) {where}".rstrip()
    return News(at, "case", case.gateway, text + (": " + "; ".join(told[:5]) if told else ""), data)


def _clock_of(new: DeskEvent) -> str:
    """A remark where the time that an event tells is not used (desk/dating.py)."""
    trusted = new.attributes.get("clocktrusted") == "true"
    if new.wall is None and new.type.startswith("edge.state.presence"):  # a last will cannot know when
        return ""
    if new.wall is not None and (trusted or abs(new.wall - new.arrived) < _NEAR_S):
        return ""
    told = "no time" if new.wall is None else rfc3339(new.wall)
    return f" [its clock was not known to be right and says {told}]"


def _words_of(new: DeskEvent) -> str:
    if new.readings:
        channels = len({reading.channel.name for reading in new.readings})
        return f"{len(new.readings)} readings of {channels} channel{'s' if channels != 1 else ''}"
    what = new.type.removeprefix(f"edge.{new.kind.value}.").removesuffix(".v1").replace("_", " ")
    sentence = text_of(new.data, "sentence", 160) or text_of(new.data, "status", 40)
    return f"{what} {new.subject}".rstrip() + (f": {sentence}" if sentence else "")
