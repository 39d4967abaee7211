"""What a down message must satisfy before the agent acts on it. The signature comes first, then these."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from edge_agent.core.clock import Instant
from edge_agent.core.errors import RefusedError, WireError
from edge_agent.core.ids import uuid_bytes
from edge_agent.core.ports import Verifier
from edge_agent.core.wire import open_envelope, text_of, unpack

# A message lives at most this long; a sender's clock may be ahead by this much.
MAX_LIFE_S = 600.0
MAX_SKEW_S = 60.0


class DeskMessage(NamedTuple):
    """A believed down message: all of it stood in the signed body. `request` is the event id of the case it names.

    `again`: it was here before, and is obeyed no more; only what it says of the desk's own state may be taken.
    """

    id: str
    type: str
    issued: float
    request: bytes | None
    data: Mapping[str, Any]
    again: bool = False


def believe(
    payload: bytes,
    gateway: str,
    now: Instant,
    *,
    verify: Verifier,
    open_requests: Collection[bytes],
    seen: Callable[[str], bool],
) -> DeskMessage:
    """The message of a payload that may be acted on.

    Raises WireError when it cannot be read, RefusedError (`signature`, `audience`, `replay`, `expired`, `clock`) when
    it may not be obeyed. A message that names an open request needs no fresh clock: that request's id is the nonce.
    If it was here before it comes back with `again` set, where any other is refused.
    """
    envelope = open_envelope(payload)
    if not verify(envelope.kid, envelope.body, envelope.signature):
        raise RefusedError("the signature is not of a desk that this gateway knows", code="signature")
    body = unpack(envelope.body)
    if not isinstance(body, dict):
        raise WireError("a signed body must be a map")
    if body.get("aud") != gateway:
        raise RefusedError("the message is for another gateway", code="audience")
    message = _message(body)
    if message.request in open_requests:
        return message._replace(again=seen(message.id))
    if seen(message.id):
        raise RefusedError("the message was here before", code="replay")
    _check_freshness(body, now)
    return message


def _message(body: Mapping[str, Any]) -> DeskMessage:
    match body:
        case {"id": str(ident), "type": str(kind), "iat": int() | float() as issued}:
            named = text_of(body, "event")
            try:
                request = uuid_bytes(named) if named else None
            except ValueError as error:
                raise WireError(str(error)) from error
            return DeskMessage(ident[:64], kind[:100], float(issued), request, body)
    raise WireError("a signed body needs id (text), type (text) and iat (Unix seconds)")


def _check_freshness(body: Mapping[str, Any], now: Instant) -> None:
    if not now.trusted:
        raise RefusedError("this clock is not known to be right: how old the message is cannot be told", code="clock")
    issued, expires = body["iat"], body.get("exp")
    if not isinstance(expires, int | float) or not 0 <= expires - issued <= MAX_LIFE_S:
        raise RefusedError(f"exp must be at most {MAX_LIFE_S:.0f} s after iat", code="expired")
    if now.wall > expires or issued > now.wall + MAX_SKEW_S:
        raise RefusedError("the message is too old or not yet valid", code="expired")
