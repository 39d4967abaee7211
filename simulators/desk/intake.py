"""What arrives at the desk, looked at before anything is done with it: nothing an agent says is taken on trust."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from edge_agent.core import block
from edge_agent.core.errors import WireError
from edge_agent.core.event import LANE_OF, EventKind, Lane
from edge_agent.core.ids import uuid_bytes
from edge_agent.core.reading import Reading
from edge_agent.core.wire import parse_topic, unix_seconds, unpack

BLOCK = "edge.telemetry.block.v1"
# docs/wire.md: messages are at most 100 KiB
MAX_PAYLOAD_BYTES = 100 * 1024
MAX_TEXT = 200
_MAX_INTEGER = 2**63
_KINDS = frozenset(kind.value for kind in EventKind)


class DeskEvent(NamedTuple):
    """One event that can be stored.

    `wall` is Unix seconds and `uptime_s` monotonic seconds of boot `boot_id`, None where the event does not say;
    `sequence` 0 means that it has none. A block has its readings (`at` is seconds after the event's own time), any
    other event its `data`.
    """

    gateway: str
    kind: EventKind
    lane: Lane
    id: str
    type: str
    subject: str
    sequence: int
    boot_id: str
    uptime_s: float | None
    wall: float | None
    arrived: float
    attributes: Mapping[str, str]
    payload: bytes
    readings: list[Reading]
    data: Mapping[str, Any]


def read(
    root: str,
    topic: str,
    payload: bytes,
    attributes: Mapping[str, str],
    arrived: float,
    *,
    most_bytes: int = MAX_PAYLOAD_BYTES,
) -> DeskEvent:
    """The event of a message that came at Unix seconds `arrived`. Raises WireError for what makes no sense.

    `most_bytes` is more for one that was joined of parts (desk/parts.py).
    """
    parts = parse_topic(root, topic)
    if parts.direction != "up" or parts.kind not in _KINDS:
        raise WireError(f"nothing is expected on {topic[:MAX_TEXT]!r}")
    if len(payload) > most_bytes:
        raise WireError(f"a payload of {len(payload)} bytes; at most {most_bytes}")
    kind = EventKind(parts.kind)
    told = {name: value[:MAX_TEXT] for name, value in list(attributes.items())[:50]}
    type_ = _checked_type(told, parts.gateway, kind)
    is_block = type_ == BLOCK
    return DeskEvent(
        gateway=parts.gateway,
        kind=kind,
        lane=LANE_OF[kind],
        id=_identifier(told),
        type=type_,
        subject=told.get("subject", ""),
        sequence=_sequence(told),
        boot_id=told.get("bootid", ""),
        uptime_s=_uptime(told),
        wall=unix_seconds(told["time"]) if "time" in told else None,
        arrived=arrived,
        attributes=told,
        payload=payload,
        readings=_readings(payload) if is_block else [],
        data={} if is_block else _data(payload),
    )


def _checked_type(told: Mapping[str, str], gateway: str, kind: EventKind) -> str:
    if told.get("specversion") != "1.0":
        raise WireError(f"{gateway}: not a CloudEvent of version 1.0")
    if told.get("source") != f"edge:{gateway}":
        raise WireError(f"{gateway}: an event on its topic says that it is from {told.get('source', '')!r}")
    type_ = told.get("type", "")
    if not type_.startswith(f"edge.{kind.value}."):
        raise WireError(f"{gateway}: {type_!r} is no type for the topic {kind.value!r}")
    return type_


def _identifier(told: Mapping[str, str]) -> str:
    try:
        uuid_bytes(told.get("id", ""))
    except ValueError as error:
        raise WireError(f"an event's id is {error}") from error
    return told["id"]


def _sequence(told: Mapping[str, str]) -> int:
    text = told.get("sequence", "0")
    if not (text.isascii() and text.isdigit() and int(text) < _MAX_INTEGER):
        raise WireError(f"a sequence of {text!r}")
    return int(text)


def _uptime(told: Mapping[str, str]) -> float | None:
    if "uptime" not in told:
        return None
    try:
        uptime_s = float(told["uptime"])
    except ValueError:
        uptime_s = math.nan
    if not math.isfinite(uptime_s):
        raise WireError(f"an uptime of {told['uptime']!r}")
    return uptime_s


def _readings(payload: bytes) -> list[Reading]:
    try:
        readings = block.unpack(payload, 0.0)
    except AttributeError as error:  # reasons that are no map
        raise WireError(f"not a block: {error}") from error
    for reading in readings:
        if not (math.isfinite(reading.at) and _storable(reading.value) and isinstance(reading.reason, str)):
            raise WireError(f"a block with an impossible reading of {reading.channel.name[:MAX_TEXT]!r}")
    return readings


def _storable(value: object) -> bool:
    match value:
        case None | bool() | str():
            return True
        case int():
            return -_MAX_INTEGER <= value < _MAX_INTEGER
        case float():
            return not math.isnan(value)
    return False


def _data(payload: bytes) -> dict[str, Any]:
    if not payload:
        return {}
    data = unpack(payload)
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise WireError("an event's data is not a map with text keys")
    return data
