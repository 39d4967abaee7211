"""Objects out of the bytes of a BTHome message, version 1 or 2, and what they are worth."""

import math
import struct
from collections.abc import Callable
from typing import NamedTuple

from edge_agent.core.reading import Value
from firmware_bridges.bthome.objects import BUTTON, COMMAND, DIMMER, OBJECTS, Form, Object


class Held(NamedTuple):
    """One object of a message with its bytes."""

    object: Object
    raw: bytes


def split(body: bytes) -> tuple[list[Held], str]:
    """Version 2: the objects, up to the first that is unknown or cut short, and the fault's code if any."""
    found: list[Held] = []
    place = 0
    while place < len(body):
        object_ = OBJECTS.get(body[place])
        if object_ is None:
            return found, "object"
        place += 1
        size = object_.size
        if size == 0:
            if place == len(body):
                return found, "truncated"
            size = (body[place] & 0x1F) + 1 if object_.form is Form.COMMAND else body[place]
            place += 1
        raw = body[place : place + size]
        if len(raw) < size:
            return found, "truncated"
        found.append(Held(object_, raw))
        place += size
    return found, ""


# Version 1 says with every object how its number is written (bits 5 to 7 of its first byte).
_WRITTEN = {0: Form.UNSIGNED, 1: Form.SIGNED, 2: Form.FLOAT}
_NUMBERS = {Form.UNSIGNED, Form.SIGNED}


def split_v1(body: bytes) -> tuple[list[Held], str]:
    """Version 1: as above. Each object says its length, so that what follows an unknown one is not lost."""
    found: list[Held] = []
    fault = ""
    place = 0
    while place < len(body):
        size = body[place] & 0x1F  # of the object's id and its value
        part = body[place + 1 : place + 1 + size]
        if size < 2 or len(part) < size:
            return found, "truncated"
        object_ = OBJECTS.get(part[0])
        if object_ is None:
            fault = "object"
        else:
            form = _WRITTEN.get(body[place] >> 5, object_.form) if object_.form in _NUMBERS else object_.form
            found.append(Held(object_._replace(form=form), part[1:]))
        place += 1 + size
    return found, fault


def _number(object_: Object, raw: bytes) -> Value:
    number = int.from_bytes(raw, "little", signed=object_.form is Form.SIGNED)
    return number if object_.divisor == 1 else number * object_.step / object_.divisor


_FLOATS = {2: "<e", 4: "<f", 8: "<d"}


def _float(object_: Object, raw: bytes) -> Value | None:
    form = _FLOATS.get(len(raw))
    if form is None:
        return None
    (number,) = struct.unpack(form, raw)
    return number * object_.step / object_.divisor if math.isfinite(number) else None


def _dimmer(_: Object, raw: bytes) -> Value | None:
    turn = DIMMER.get(raw[0])
    return None if turn is None or len(raw) < 2 else turn * raw[1]


def _command(_: Object, raw: bytes) -> Value | None:
    name = COMMAND.get(raw[0])
    return f"{name} {raw[1]}" if name is not None and len(raw) > 1 else name


# What the bytes of an object mean; None for an event that says that nothing happened, or one that is not known.
VALUE: dict[Form, Callable[[Object, bytes], Value | None]] = {
    Form.UNSIGNED: _number,
    Form.SIGNED: _number,
    Form.FLOAT: _float,
    Form.FLAG: lambda _, raw: raw[0] != 0,
    Form.TEXT: lambda _, raw: raw.decode("utf-8", "replace"),
    Form.RAW: lambda _, raw: raw.hex(),
    Form.VERSION: lambda _, raw: ".".join(str(byte) for byte in reversed(raw)),
    Form.BUTTON: lambda _, raw: BUTTON.get(raw[0]),
    Form.DIMMER: _dimmer,
    Form.COMMAND: _command,
}
