"""What the desk says, small enough for one SMS: 36 bytes, some text, and an Ed25519 signature; at most 140 bytes.

The signature is over the body as it stands on the wire, by the keys that sign everything else. A body of the other
kind is a msgpack map and never begins with such a byte, so that neither can be taken for the other.
"""

import hashlib
import struct
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from edge_agent.core.compact import MAX_BYTES
from edge_agent.core.errors import WireError
from edge_agent.core.ids import uuid_bytes, uuid_text
from edge_agent.core.wire import text_of

VERSION = 1
SIGNATURE_BYTES = 64
_LAYOUT = struct.Struct(">BB16s8sIIH")
HEAD_BYTES = _LAYOUT.size
MAX_TEXT_BYTES = MAX_BYTES - SIGNATURE_BYTES - HEAD_BYTES
_END = "\0"
_MOST_MINUTES, _MOST_U32 = (1 << 16) - 1, (1 << 32) - 1
# Bits 1 to 3 of the first byte; bit 0 says what the number is.
_KINDS = {
    "edge.help.received.v1": 0,
    "edge.help.engaged.v1": 1,
    "edge.help.message.v1": 2,
    "edge.help.resolved.v1": 3,
    "edge.help.cancel_received.v1": 4,
    "edge.help.progress.v1": 5,
}
_TYPES = {number: name for name, number in _KINDS.items()}
# Who is named: `receiver` where the desk has it, `helper` where somebody works on it.
_ENGAGED = "edge.help.engaged.v1"


class CompactWord(NamedTuple):
    """A word as it stands on the wire, not yet believed. `request_end` are the last 8 bytes of the request's id."""

    key: int
    body: bytes
    signature: bytes
    request_end: bytes


def is_compact(payload: bytes) -> bool:
    """Whether a payload is a compact word and not the envelope that MQTT and HTTPS carry."""
    return bool(payload) and payload[0] >> 4 == VERSION


def key_number(kid: str) -> int:
    """One byte for a key's id: which of the configured keys to try."""
    return hashlib.sha256(kid.encode()).digest()[0]


def word_body(kid: str, data: Mapping[str, Any]) -> bytes:
    """The bytes to sign, of the map that would be a signed body over MQTT. Raises WireError for what has no place.

    `reference`, the name and `text` share MAX_TEXT_BYTES; what does not fit is cut, the text first. `through` goes
    first; `knows` (up to which message the desk has heard of, in compact form) where it says nothing of that.
    """
    through, knows = _count(data, "through"), _count(data, "knows")
    issued, promised = int(data["iat"]), data.get("next_word_wall")
    minutes = 0
    if isinstance(promised, int | float) and promised > issued:
        minutes = min(-(-int(promised - issued) // 60), _MOST_MINUTES)
    try:
        head = _LAYOUT.pack(
            VERSION << 4 | _KINDS[str(data["type"])] << 1 | (through >= knows),
            key_number(kid),
            uuid_bytes(str(data["id"])),
            uuid_bytes(str(data["event"]))[8:],
            issued,
            min(max(through, knows), _MOST_U32),
            minutes,
        )
    except (ArithmeticError, LookupError, ValueError, struct.error) as wrong:
        raise WireError(f"no compact form of it: {wrong}") from wrong
    name = text_of(data, "helper") if data["type"] == _ENGAGED else text_of(data, "receiver")
    parts = [part.replace(_END, " ") for part in (text_of(data, "reference"), name, text_of(data, "text"))]
    return head + _cut(_END.join(parts).rstrip(_END).encode())


def open_word(payload: bytes) -> CompactWord:
    """The parts of a compact word. Raises WireError; says nothing about who signed it."""
    size = len(payload) - SIGNATURE_BYTES
    if not is_compact(payload) or not HEAD_BYTES <= size <= MAX_BYTES - SIGNATURE_BYTES:
        raise WireError(f"not a compact word of version {VERSION}: {len(payload)} bytes")
    body = payload[:size]
    _, key, _, request_end, *_ = _LAYOUT.unpack(body[:HEAD_BYTES])
    return CompactWord(key, body, payload[size:], request_end)


def word_data(word: CompactWord, gateway: str, request: bytes) -> dict[str, Any]:
    """What the same word would say over MQTT, `request` being the case it names. Raises WireError."""
    head, _, ident, _, issued, number, minutes = _LAYOUT.unpack(word.body[:HEAD_BYTES])
    kind = _TYPES.get(head >> 1 & 7)
    if kind is None:
        raise WireError("a compact word of a type that this version does not know")
    try:
        text = word.body[HEAD_BYTES:].decode()
    except UnicodeDecodeError as error:
        raise WireError("the text of a compact word is not UTF-8") from error
    reference, name, said = (*text.split(_END, 2), "", "")[:3]
    told = {
        "reference": reference,
        "helper" if kind == _ENGAGED else "receiver": name,
        "text": said,
        "next_word_wall": issued + 60 * minutes if minutes else None,
        "through" if head & 1 else "knows": number,
    }
    always = {"aud": gateway, "id": uuid_text(ident), "type": kind, "iat": issued, "event": uuid_text(request)}
    return always | {key: value for key, value in told.items() if value}


def request_of(word: CompactWord, requests: Collection[bytes]) -> bytes | None:
    """The one of these cases that it names."""
    return next((request for request in requests if request[8:] == word.request_end), None)


def _count(data: Mapping[str, Any], key: str) -> int:
    value = data.get(key)
    return max(0, value) if type(value) is int else 0


def _cut(text: bytes) -> bytes:
    """As many whole characters as fit."""
    return text[:MAX_TEXT_BYTES].decode(errors="ignore").encode()
