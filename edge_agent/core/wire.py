"""The native wire format: CloudEvents 1.0 over MQTT 5 in binary mode, and the signed envelope of what comes down.

Up: attributes travel as user properties, the payload is the event's packed data. Down: `{kid, body, sig}` in msgpack,
Ed25519 over the exact bytes of `body`; unsigned properties are never read.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgpack

from edge_agent.core.clock import Boots, Instant, wall_of
from edge_agent.core.errors import WireError
from edge_agent.core.event import Event, EventKind

CONTENT_TYPE = "application/msgpack"
ROOT = "edge/v1"
MAX_DOWN_BYTES = 64 * 1024
# What one list or map may hold. A few bytes can claim a long list, and lists in lists multiply that a thousandfold.
MAX_ITEMS = 10_000
_EPOCH = "1970-01-01T00:00:00Z"


def pack(data: object) -> bytes:
    """Plain data (None, bool, int, float, str, bytes, list, dict) as msgpack."""
    packed: bytes = msgpack.packb(data)
    return packed


def unpack(payload: bytes) -> Any:
    """The data of a msgpack payload. Raises WireError for anything else."""
    try:
        return msgpack.unpackb(payload, strict_map_key=False, max_array_len=MAX_ITEMS, max_map_len=MAX_ITEMS)
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        raise WireError(f"not msgpack: {error}") from error


def up_topic(root: str, gateway: str, kind: EventKind, name: str = "") -> str:
    """Where an event of this kind is published: `edge/v1/{gateway}/up/{kind}[/{name}]`."""
    return "/".join(filter(None, (root, gateway, "up", kind.value, name)))


def down_topics(root: str, gateway: str) -> str:
    """The filter that covers all that the desk sends to this gateway."""
    return f"{root}/{gateway}/down/#"


def down_topic(root: str, gateway: str, kind: str) -> str:
    """Where the desk sends to: kind is `help`, `command` or `session`."""
    return f"{root}/{gateway}/down/{kind}"


class Topic(NamedTuple):
    """The parts of a native topic."""

    gateway: str
    direction: str
    kind: str
    name: str


def parse_topic(root: str, topic: str) -> Topic:
    """The parts of a topic below `root`. Raises WireError when it is not ours."""
    head = root + "/"
    parts = topic[len(head) :].split("/") if topic.startswith(head) else []
    if not 3 <= len(parts) <= 4 or parts[1] not in ("up", "down") or not all(parts):
        raise WireError(f"not a topic of {root}: {topic[:120]!r}")
    return Topic(parts[0], parts[1], parts[2], parts[3] if len(parts) == 4 else "")


def attributes(
    event: Event, gateway: str, now: Instant, *, historical: bool, boots: Boots | None = None
) -> dict[str, str]:
    """The CloudEvents attributes of an event as it leaves `now`; times are computed here, not when it happened.

    `boots` dates those of earlier boots; without it they have no time.
    """
    stamp = wall_of(event.at, event.boot_id, now, boots)
    found = {
        "specversion": "1.0",
        "id": event.id_text,
        "source": f"edge:{gateway}",
        "type": event.type,
        "subject": event.subject,
        "sequence": str(event.sequence),
        "bootid": event.boot_id,
        "uptime": f"{stamp.uptime_s:.3f}",
        "clocktrusted": _flag(stamp.trusted),
        "historical": _flag(historical),
    }
    if stamp.wall is not None:
        found["time"] = rfc3339(stamp.wall)
    return {name: value for name, value in found.items() if value}


def _flag(value: bool) -> str:
    return "true" if value else "false"


def rfc3339(unix_s: float) -> str:
    """UTC with milliseconds, or the epoch where the clock says what no calendar can."""
    try:
        text = datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return _EPOCH
    return text.replace("+00:00", "Z")


def unix_seconds(rfc3339_text: str) -> float:
    """The instant of an RFC 3339 text. Raises WireError."""
    try:
        return datetime.fromisoformat(rfc3339_text).timestamp()
    except (ValueError, OverflowError) as error:
        raise WireError(f"not a time: {rfc3339_text[:40]!r}") from error


class Envelope(NamedTuple):
    """A down message as it stands on the wire, not yet believed."""

    kid: str
    body: bytes
    signature: bytes


def seal(envelope: Envelope) -> bytes:
    """The payload of a signed down message."""
    return pack({"kid": envelope.kid, "body": envelope.body, "sig": envelope.signature})


def open_envelope(payload: bytes) -> Envelope:
    """The three parts of a down message. Raises WireError; says nothing about who signed it."""
    if len(payload) > MAX_DOWN_BYTES:
        raise WireError(f"a down message of {len(payload)} bytes; at most {MAX_DOWN_BYTES}")
    match unpack(payload):
        case {"kid": str(kid), "body": bytes(body), "sig": bytes(signature)}:
            return Envelope(kid, body, signature)
    raise WireError("a down message needs kid (text), body (bytes) and sig (bytes)")


def text_of(data: Mapping[str, Any], key: str, limit: int = 1000) -> str:
    """A text field of a message, cut to `limit`; empty where it is absent or not text."""
    value = data.get(key)
    return value[:limit] if isinstance(value, str) else ""
