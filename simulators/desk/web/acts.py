"""What the page's buttons do: a case's number, an act, and a JSON object with its words."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from edge_agent.core.errors import RefusedError
from simulators.desk.hand import Hand

Act = Callable[[Hand, int, float, str, Mapping[str, Any]], None]


def act(hand: Hand, name: str, number: int, helper: str, told: Mapping[str, Any]) -> None:
    """Do it, as this helper. Raises RefusedError, in words for the page."""
    found = _ACTS.get(name)
    if found is None:
        raise RefusedError("There is no such button.", code="unknown")
    found(hand, number, time.time(), helper, told)


def _receive(hand: Hand, number: int, at: float, helper: str, told: Mapping[str, Any]) -> None:
    hand.receive(number, at, helper, promise_s=_seconds(told, "promise_s"))


def _engage(hand: Hand, number: int, at: float, helper: str, told: Mapping[str, Any]) -> None:
    hand.engage(number, at, _text(told, "helper") or helper, promise_s=_seconds(told, "promise_s"))


def _say(hand: Hand, number: int, at: float, _helper: str, told: Mapping[str, Any]) -> None:
    hand.tell(number, at, _text(told, "text"))


def _progress(hand: Hand, number: int, at: float, _helper: str, told: Mapping[str, Any]) -> None:
    promise_s = _seconds(told, "promise_s")
    if promise_s is None:
        raise RefusedError("Say when the next word comes.", code="text")
    hand.progress(number, at, _text(told, "text"), promise_s)


def _ask(hand: Hand, number: int, at: float, _helper: str, told: Mapping[str, Any]) -> None:
    options = told.get("options", [])
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
        raise RefusedError("The answers are not understood.", code="text")
    purpose, expires_s = _text(told, "purpose"), _seconds(told, "expires_s") or 0.0
    hand.ask(number, at, _text(told, "text"), options, expires_s=expires_s, purpose=purpose)


def _resolve(hand: Hand, number: int, at: float, _helper: str, told: Mapping[str, Any]) -> None:
    hand.resolve(number, at, _text(told, "text"))


def _effort(hand: Hand, number: int, at: float, _helper: str, _told: Mapping[str, Any]) -> None:
    hand.ask_effort(number, at)


_ACTS: dict[str, Act] = {
    "receive": _receive,
    "engage": _engage,
    "say": _say,
    "progress": _progress,
    "ask": _ask,
    "resolve": _resolve,
    "effort": _effort,
}


def _text(told: Mapping[str, Any], key: str) -> str:
    value = told.get(key, "")
    if not isinstance(value, str):
        raise RefusedError("A text is expected.", code="text")
    return value


def _seconds(told: Mapping[str, Any], key: str) -> float | None:
    value = told.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError("A number of seconds is expected.", code="text")
    return float(value)
