"""What a down message must satisfy before the agent acts on it. The signature comes first, then these."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from edge_agent.core.clock import MAX_DOUBT_S, Instant
from edge_agent.core.compact_word import key_number, open_word, request_of, word_data
from edge_agent.core.errors import RefusedError, WireError
from edge_agent.core.ids import uuid_bytes
from edge_agent.core.ports import Verifier
from edge_agent.core.wire import open_envelope, text_of, unpack

# A message lives at most this long; a sender's clock may be ahead by this much.
MAX_LIFE_S = 600.0
MAX_SKEW_S = 60.0
# The desk answers a challenge at once; the answer also tells the time, and no worse than a clock is believed.
CHALLENGE_LIFE_S = MAX_DOUBT_S
# The desk's answer to a challenge that no command caused: it carries nothing but its `iat`.
TIME = "edge.command.time.v1"


class DeskMessage(NamedTuple):
    """A believed down message: all of it stood in the signed body. `request` is the event id of the case it names.

    `again`: it was here before, and is obeyed no more; only what it says of the desk's own state may be taken.
    `asked_at`: it answers the challenge of this monotonic second.
    """

    id: str
    type: str
    issued: float
    request: bytes | None
    data: Mapping[str, Any]
    again: bool = False
    asked_at: float | None = None


class Challenge:
    """What the desk has to sign while this clock is not known to be right: one number at a time.

    It is answered once, within CHALLENGE_LIFE_S; the answer tells the time, so that the next message needs none.
    """

    def __init__(self) -> None:
        self._nonce = ""
        self._made_at = 0.0

    def ask(self, now: Instant, random: bytes) -> str:
        """The number to be signed, made of 16 random bytes when there is no live one; empty where none is needed."""
        if now.trusted:
            return ""
        if not self._nonce or now.monotonic - self._made_at > CHALLENGE_LIFE_S / 2:
            self._nonce, self._made_at = random.hex(), now.monotonic
        return self._nonce

    def answer(self, nonce: str, now: Instant) -> float | None:
        """When it was made, if this is the live one; from then on it is none any more."""
        if not self._nonce or nonce != self._nonce:
            return None
        self._nonce = ""
        return self._made_at if now.monotonic - self._made_at <= CHALLENGE_LIFE_S else None


def believe(
    payload: bytes,
    gateway: str,
    now: Instant,
    *,
    verify: Verifier,
    open_requests: Collection[bytes],
    seen: Callable[[str], bool],
    challenge: Challenge | None = None,
) -> DeskMessage:
    """The message of a payload that may be acted on.

    Raises WireError when it cannot be read, RefusedError (`signature`, `audience`, `replay`, `expired`, `clock`) when
    it may not be obeyed. A message that names an open request needs no fresh clock: that request's id is the nonce.
    If it was here before it comes back with `again` set, where any other is refused. Nor does one that answers the
    live `challenge`; without that answer `clock` is the refusal while this clock is not known to be right.
    """
    envelope = open_envelope(payload)
    if not verify(envelope.kid, envelope.body, envelope.signature):
        raise RefusedError(f"no key with the id {envelope.kid[:64]!r} of [desk.keys] has signed it", code="signature")
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
    asked_at = challenge.answer(text_of(body, "challenge"), now) if challenge and "challenge" in body else None
    if asked_at is None:
        _check_freshness(body, now)
    return message._replace(asked_at=asked_at)


def believe_compact(
    payload: bytes,
    gateway: str,
    *,
    verify: Verifier,
    kids: Collection[str],
    open_requests: Collection[bytes],
    seen: Callable[[str], bool],
) -> DeskMessage:
    """The same of a compact word (core.compact_word), signed by one of the keys `kids`.

    Raises WireError and RefusedError as `believe`. It names an open case of this gateway, or it is for another one
    (`audience`): the end of that case's id is the nonce.
    """
    word = open_word(payload)
    # an unknown key is tried too, as nobody's: `verify` says what that is worth
    named = [kid for kid in kids if key_number(kid) == word.key] or [""]
    if not any(verify(kid, word.body, word.signature) for kid in named):
        raise RefusedError("the signature is not of a desk that this gateway knows", code="signature")
    request = request_of(word, open_requests)
    if request is None:
        raise RefusedError("the message names no open case of this gateway", code="audience")
    message = _message(word_data(word, gateway, request))
    return message._replace(again=seen(message.id))


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
