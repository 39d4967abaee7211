"""What all requests and replies have in common, and how they become JSON.

JSON by msgspec, which in the agent only this package and the config know.
"""

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from edge_agent.core.errors import WireError

API_VERSION = 1


class Reply(Struct):
    """Base of everything the API says."""


class Part(Reply):
    """A part of the agent (a driver, the store, the uplink): ready or not, and what a person can do about it.

    `severity` is what it means where it is not: alarm (a call for help may not get through), warning or notice.
    """

    name: str
    ready: bool
    sentence: str
    fix: str = ""
    severity: str = ""


class Failure(Reply):
    """The body of every answer that is not 200: what was wrong and what can be done."""

    error: str
    fix: str = ""


class Ask(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of everything that is asked: a body of JSON, or the query of a GET."""


class Nothing(Ask, frozen=True):
    """A body that says nothing: `{}`."""


Some = TypeVar("Some")


def _string(told: object) -> str:
    """A sentence that knows its text is a string like any other where nobody put it into a language."""
    if isinstance(told, str):
        return str(told)
    raise TypeError(f"not for JSON: {type(told)}")


def encode(reply: Struct) -> bytes:
    """A reply or request as one line of JSON."""
    return msgspec.json.encode(reply, enc_hook=_string)


def pretty(reply: Reply) -> str:
    """A reply as JSON for people."""
    return msgspec.json.format(encode(reply), indent=2).decode()


def plain(reply: Reply) -> dict[str, Any]:
    """A reply as plain data."""
    found: dict[str, Any] = msgspec.to_builtins(reply, enc_hook=_string)
    return found


def decode(raw: bytes, kind: type[Some]) -> Some:
    """JSON of this kind. Raises WireError with the place and what was expected there."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireError(str(error)) from error


def query(args: dict[str, str], kind: type[Some]) -> Some:
    """What a URL's query asks. Raises WireError with the name and what was expected of it."""
    try:
        return msgspec.convert(args, kind, strict=False)
    except msgspec.ValidationError as error:
        raise WireError(str(error)) from error
