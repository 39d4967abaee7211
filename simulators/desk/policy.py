"""How a desk answers: by hand, or by a script, so that a test can have it slow, silent or dishonest."""

from dataclasses import dataclass, field
from typing import Any, Self

from edge_agent.core.errors import ConfigError

MAX_S = 604800.0
MAX_REPEATS = 20
DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Policy:
    """Seconds count from the moment the desk had the request; None means never.

    `says` are messages to the household as (seconds, text). `asks_after_s`: it asks `question`, to be answered by yes
    or no; `progress_after_s`: it says that a person reads the request. `effort_after_s` counts from the end: one
    question, how easy it was, where the household agreed to it.

    `by_hand`: people answer, and it does nothing of all this by itself but confirm what arrived. `silent`: it answers
    nothing at all. `lies`: its signatures are wrong. `stranger`: it signs with a key that no gateway knows. `repeats`:
    how many times each message is sent, with the same id. `wrong_case`: it names a request that nobody raised.
    `resend_after_s`: a gap in a lane that lasted so long is asked for. `next_word_s` is what it promises. `receiver`
    and `helper` are roles, shown to the household.
    """

    received_after_s: float | None = 1.0
    engaged_after_s: float | None = 8.0
    resolved_after_s: float | None = 60.0
    asks_after_s: float | None = None
    progress_after_s: float | None = None
    effort_after_s: float | None = DAY_S
    next_word_s: float = 600.0
    resend_after_s: float | None = 15.0
    by_hand: bool = False
    silent: bool = False
    lies: bool = False
    stranger: bool = False
    repeats: int = 1
    wrong_case: bool = False
    receiver: str = "service desk"
    helper: str = "service desk, first line"
    question: str = "Is everybody well?"
    says: tuple[tuple[float, str], ...] = field(default=())

    @classmethod
    def parse(cls, text: str) -> Self:
        """A policy from words such as `received=2,engaged=never,silent`. Raises ConfigError, naming the word."""
        told: dict[str, Any] = {}
        for word in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = word.partition("=")
            try:
                told[_field_of(name)] = _value(name, value)
            except (ValueError, KeyError) as error:
                raise ConfigError(f"policy: {word!r} is not understood", fix=f"Known are: {words()}") from error
        return cls(**told)


_TIMES = {
    "received": "received_after_s",
    "engaged": "engaged_after_s",
    "resolved": "resolved_after_s",
    "asks": "asks_after_s",
    "progress": "progress_after_s",
    "effort": "effort_after_s",
    "resend": "resend_after_s",
}
_FLAGS = frozenset({"by_hand", "silent", "lies", "stranger", "wrong_case"})


def words() -> str:
    """What `parse` knows, in one line."""
    times = ", ".join(f"{name}=SECONDS|never" for name in _TIMES)
    return f"{times}, next_word=SECONDS, repeats=1..{MAX_REPEATS}, {', '.join(sorted(_FLAGS))}"


def _field_of(name: str) -> str:
    known = {**_TIMES, "next_word": "next_word_s", "repeats": "repeats", **{flag: flag for flag in _FLAGS}}
    return known[name]


def _value(name: str, value: str) -> float | bool | None:
    if name in _FLAGS:
        if value:
            raise ValueError(value)
        return True
    if name == "repeats":
        return _between(int(value), 1, MAX_REPEATS)
    if name in _TIMES and value == "never":
        return None
    return _between(float(value), 0.0, MAX_S)


def _between(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise ValueError(value)
    return value
