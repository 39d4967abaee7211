"""What a person at the desk does in a case: checked, written down, and everything before it counted as seen."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from edge_agent.core.errors import RefusedError
from simulators.desk.cases import Case, CaseState
from simulators.desk.questions import MAX_OPTIONS
from simulators.desk.script import Script, may_be_rated
from simulators.desk.voice import Voice

# The gateway cuts names and texts there (services/desk_words.py).
MAX_NAME = 80
MAX_TEXT = 1000
MAX_OPTION = 40
MIN_EXPIRES_S, MAX_EXPIRES_S = 10.0, 3600.0
MAX_PROMISE_S = 7 * 86400.0
_CLOSE = "The case is over; the household may open it again."


class _Acting(Protocol):
    """Makes one batch of what stands within it, and sends what was written down."""

    def __call__(self) -> AbstractContextManager[None]: ...


class Hand:
    """The desk's people. Every call raises RefusedError, in words for them, when the case does not allow it.

    `helper` is the name or role that the household is shown; `promise_s` is when the next word comes, None: as usual.
    """

    def __init__(self, voice: Voice, script: Script, acting: _Acting) -> None:
        self._voice = voice
        self._script = script
        self._acting = acting

    def receive(self, number: int, at: float, helper: str, *, promise_s: float | None = None) -> None:
        """Acknowledge: the household's lamp says that the desk has the request."""
        name = words_of(helper, MAX_NAME, "the name")
        with self._acting():
            case = self._case(number)
            if case.state is not CaseState.RAISED:
                raise RefusedError("It is acknowledged already.", code="state")
            self._voice.receive(case, at, receiver=name, promise_s=_promise(promise_s))
            self._voice.cases.seen(case)

    def engage(self, number: int, at: float, helper: str, *, promise_s: float | None = None) -> None:
        """Somebody works on it; a new name takes it over."""
        name = words_of(helper, MAX_NAME, "the name")
        with self._acting():
            case = self._open(number)
            if case.state is CaseState.RAISED:
                self._voice.receive(case, at, receiver=name, promise_s=_promise(promise_s))
                case = self._case(number)
            self._voice.engage(case, at, helper=name, promise_s=_promise(promise_s))
            self._voice.cases.seen(case)

    def tell(self, number: int, at: float, text: str) -> None:
        """Send a sentence."""
        said = words_of(text, MAX_TEXT, "the message")
        with self._acting():
            case = self._open(number)
            self._voice.tell(case, at, said)
            self._voice.cases.seen(case)

    def progress(self, number: int, at: float, text: str, promise_s: float) -> None:
        """How it goes on, and when the next word comes."""
        said = words_of(text, MAX_TEXT, "the message")
        with self._acting():
            case = self._open(number)
            self._voice.progress(case, at, said, _promise(promise_s))
            self._voice.cases.seen(case)

    def ask(
        self, number: int, at: float, text: str, options: Sequence[str] = (), *, expires_s: float, purpose: str = ""
    ) -> None:
        """Ask; without options the answer is yes or no, and the button gives it."""
        said = words_of(text, MAX_TEXT, "the question")
        told = [words_of(option, MAX_OPTION, "an answer") for option in options]
        if len(told) == 1 or len(told) > MAX_OPTIONS or len(set(told)) < len(told):
            raise RefusedError(f"Give two to {MAX_OPTIONS} different answers.", code="text")
        if not MIN_EXPIRES_S <= expires_s <= MAX_EXPIRES_S:
            raise RefusedError("A question waits for ten seconds to an hour.", code="text")
        if purpose not in ("", "cancel"):
            raise RefusedError("That purpose is not known here.", code="text")
        with self._acting():
            case = self._open(number)
            self._voice.ask(case, at, said, expires_s=expires_s, options=told, purpose=purpose)
            self._voice.cases.seen(case)

    def resolve(self, number: int, at: float, text: str = "") -> None:
        """It is done."""
        said = words_of(text, MAX_TEXT, "the message") if text else ""
        with self._acting():
            case = self._open(number)
            self._voice.resolve(case, at, said)
            self._voice.cases.seen(case)

    def ask_effort(self, number: int, at: float) -> None:
        """The question after the end now, and not a day later."""
        with self._acting():
            case = self._case(number)
            if case.state is not CaseState.RESOLVED or not may_be_rated(case):
                raise RefusedError("The household did not agree to be asked.", code="state")
            if any(question.purpose for question in self._voice.questions.of(case)):
                raise RefusedError("It was asked already.", code="state")
            self._script.ask_effort(case, at)

    def _case(self, number: int) -> Case:
        case = self._voice.cases.numbered(number)
        if case is None:
            raise RefusedError("There is no such case.", code="unknown")
        return case

    def _open(self, number: int) -> Case:
        case = self._case(number)
        if not case.open:
            raise RefusedError(_CLOSE, code="state")
        return case


def words_of(text: str, limit: int, what: str) -> str:
    """The text without what cannot be seen. Raises RefusedError where nothing is left, or too much."""
    said = "".join(c for c in text if c.isprintable() or c == "\n").strip()
    if not said:
        raise RefusedError(f"Please write {what}.", code="text")
    if len(said) > limit:
        raise RefusedError(f"At most {limit} characters for {what}.", code="text")
    return said


def _promise(promise_s: float | None) -> float | None:
    if promise_s is not None and not 0 < promise_s <= MAX_PROMISE_S:
        raise RefusedError("Promise the next word within a week.", code="text")
    return promise_s
