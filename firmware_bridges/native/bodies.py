"""Messages of the native link to bodies and back (SPEC.md §4): msgpack maps with integer keys.

What is not known is skipped, so that a later version may say more. A value of a wrong type makes the message bad.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, Final

import msgpack

from edge_agent.core.errors import WireError
from firmware_bridges.native.messages import (
    MAX_U32,
    Ack,
    Beat,
    Channels,
    Chunk,
    Command,
    Crash,
    Credit,
    Data,
    Described,
    Event,
    Hello,
    Log,
    Message,
    Smp,
    Time,
    Type,
    Unknown,
)

MAX_CHANNELS = 256
MAX_VALUES = 256
_Check = Callable[[Any], bool]


def _whole(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_U32


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _bytes(value: Any) -> bool:
    return isinstance(value, bytes)


def _value(value: Any) -> bool:
    return value is None or isinstance(value, float | int | bool | str)


def _values(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(value) <= MAX_VALUES
        and all(_whole(key) and _value(each) for key, each in value.items())
    )


def _any(value: Any) -> bool:  # noqa: ARG001 - everything is right
    return True


# The keys of each body are the places in these rows; the order is the law and only grows.
_Row = tuple[tuple[str, _Check], ...]
FIELDS: Final[dict[type, tuple[Type, _Row]]] = {
    Hello: (
        Type.HELLO,
        (
            ("major", _whole), ("minor", _whole), ("vendor", _text), ("model", _text), ("version", _text),
            ("build", _text), ("uid", _bytes), ("boot", _whole), ("reason", _text), ("max_body", _whole),
            ("can", _whole), ("channels", _whole), ("beat_ms", _whole), ("credit", _whole),
        ),
    ),
    Beat: (
        Type.BEAT,
        (
            ("uptime_ms", _whole), ("boot", _whole), ("rx_ok", _whole), ("rx_bad", _whole), ("tx_dropped", _whole),
            ("stack_free", _whole), ("heap_free", _whole),
        ),
    ),
    Data: (Type.DATA, (("uptime_ms", _whole), ("values", _values))),
    Event: (
        Type.EVENT,
        (
            ("uid", _bytes), ("boot", _whole), ("n", _whole), ("name", _text), ("age_ms", _whole), ("level", _whole),
            ("code", _text), ("text", _text),
        ),
    ),
    Log: (Type.LOG, (("level", _whole), ("uptime_ms", _whole), ("text", _text))),
    Crash: (
        Type.CRASH,
        (
            ("uid", _bytes), ("boot", _whole), ("n", _whole), ("pc", _whole), ("lr", _whole), ("psr", _whole),
            ("cfsr", _whole), ("sp", _whole), ("uptime_ms", _whole), ("build", _text), ("what", _text),
            ("stack", _bytes),
        ),
    ),
    Command: (Type.COMMAND, (("n", _whole), ("verb", _text), ("arguments", _any))),
    Ack: (Type.ACK, (("type", _whole), ("n", _whole), ("status", _whole), ("boot", _whole), ("result", _any))),
    Time: (Type.TIME, (("host_ms", _whole), ("device_ms", _whole))),
    Credit: (Type.CREDIT, (("limit", _whole),)),
    Chunk: (
        Type.CHUNK,
        (("type", _whole), ("n", _whole), ("total", _whole), ("crc", _whole), ("offset", _whole), ("data", _bytes)),
    ),
}  # fmt: skip
_OF_TYPE = {kind: (made, row) for made, (kind, row) in FIELDS.items()}
_NONE = object()
_DEFAULTS = {made: {f.name: f.default for f in fields(made) if f.default is not MISSING} for made in FIELDS}


def parse(kind: int, body: bytes) -> Message:
    """The message of a frame. Raises WireError where its body is not what the type asks for."""
    if kind == Type.SMP:
        return Smp(body)
    if kind == Type.CHANNELS:
        return _channels(_map(body))
    known = _OF_TYPE.get(kind)  # type: ignore[call-overload]  # an IntEnum is its number
    if known is None:
        return Unknown(kind)
    made, row = known
    said = _map(body)
    found = {}
    for key, (name, right) in enumerate(row):
        if key in said and (said[key] is not None or right is _any):
            if not right(said[key]):
                raise WireError(f"{made.__name__} cannot have {said[key]!r:.40} as {name}")
            found[name] = said[key]
    try:
        message: Message = made(**found)
    except TypeError as error:
        raise WireError(f"{made.__name__} is not whole: {error}") from error
    return message


def body_of(message: Message) -> tuple[int, bytes]:
    """Type and body of a message; what has its default is left out. Raises WireError for what cannot be said."""
    if isinstance(message, Smp):
        return Type.SMP, message.frame
    if isinstance(message, Channels):
        rows = {number: [each.name, each.unit, each.kind] for number, each in message.described.items()}
        return Type.CHANNELS, _packed(rows)
    if isinstance(message, Unknown):
        raise WireError(f"type {message.type} is not known here")
    kind, row = FIELDS[type(message)]
    said = {key: getattr(message, name) for key, (name, _) in enumerate(row)}
    defaults = _DEFAULTS[type(message)]
    return kind, _packed({key: value for key, value in said.items() if value != defaults.get(row[key][0], _NONE)})


def _packed(data: Any) -> bytes:
    try:
        packed: bytes = msgpack.packb(data, use_single_float=True)
    except (ValueError, TypeError, OverflowError) as error:
        raise WireError(f"cannot be said on the native link: {error}") from error
    return packed


def _map(body: bytes) -> dict[Any, Any]:
    try:
        said = msgpack.unpackb(body, strict_map_key=False)
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        raise WireError(f"not msgpack: {error}") from error
    if not isinstance(said, dict):
        raise WireError("a body must be a map")
    return said


def _channels(said: Mapping[Any, Any]) -> Channels:
    found = {}
    for number, row in said.items():
        match row:
            case [str(name), str(unit), int(kind), *_] if _whole(number) and number < MAX_CHANNELS and _whole(kind):
                found[number] = Described(name, unit, kind)
            case _:
                raise WireError("a channel is a number with name, unit and kind")
    return Channels(found)
