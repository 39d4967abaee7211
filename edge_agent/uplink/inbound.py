"""What comes down: bytes become a believed message and reach the service, or are refused, counted and answered.

Everything here is offered by a broker that may be anybody's, so nothing grows with what it sends: counters have fixed
names, the log speaks once a minute for each reason, and refusals are answered a few times a minute at the most.
"""

import os
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any, Protocol

import structlog

from edge_agent.core.clock import Claim, desk_claim
from edge_agent.core.command import MAX_LIFE_S, MAX_SKEW_S, TIME, Challenge, DeskMessage, believe, believe_compact
from edge_agent.core.compact_word import is_compact
from edge_agent.core.errors import RefusedError, StoreError, WireError
from edge_agent.core.ports import Clock, Message, Verifier
from edge_agent.core.wire import open_envelope, parse_topic, text_of, unpack

DOWN_KINDS = frozenset({"help", "command", "session"})
LOG_EVERY_S = 60.0
# A message that names an open case does not expire with the clock: its id is kept for as long as a case may take.
CASE_KEPT_S = 30 * 86400.0
# A reply is stored and sent: somebody who sends rubbish must not be able to wear the disk.
MAX_REPLIES_A_MINUTE = 20

log = structlog.get_logger("inbound")


class Replay(Protocol):
    """The ids of messages that were acted on; survives restarts for as long as a message can live."""

    def seen(self, ident: str) -> bool:
        """Whether this id was acted on before."""

    def remember(self, ident: str, until_wall: float, *, done: bool = True) -> None:
        """Keep this id until this Unix time at least; on disk only when what its message does is `done` (saved)."""


class Inbound:
    """`on_message` takes what the uplink hands over.

    * `on_desk_message(message)` does what a believed message says; it returns False when it does not know the type,
      and may raise RefusedError (arguments, consent) or StoreError (then the same message may come again). What
      names an open request is done later: who does it tells the replay store when all of it is saved.
    * `on_again(message)` is given one that was here before and names an open request; it is refused all the same.
    * `on_reply(data)` is given the refusal of a command: `for` (the message's id as it claims, or empty), `ok`
      (False), `code` and `text`; the caller makes a reply event of it. Where the clock is why, `challenge` is there
      too: the desk may send the same again with that number in the signed body.
    * `kids` are the ids of the desk's keys: a compact word has room only for a hint.
    * `asked_at(request)` is the monotonic second of this boot at which that case was opened, None where it is of an
      earlier one; `on_time(claim)` is told what time an answer tells.
    * `counts`: believed, unknown_type, garbage, and the codes of refusals.
    """

    def __init__(
        self,
        gateway: str,
        root: str,
        *,
        verify: Verifier,
        kids: Collection[str] = (),
        clock: Clock,
        open_requests: Callable[[], Collection[bytes]],
        replay: Replay,
        on_desk_message: Callable[[DeskMessage], bool],
        on_again: Callable[[DeskMessage], None] = lambda _: None,
        on_reply: Callable[[dict[str, Any]], None] = lambda _: None,
        asked_at: Callable[[bytes], float | None] = lambda _: None,
        on_time: Callable[[Claim], None] = lambda _: None,
    ) -> None:
        self._gateway = gateway
        self._root = root
        self._verify = verify
        self._kids = kids
        self._clock = clock
        self._open_requests = open_requests
        self._replay = replay
        self._on_desk_message = on_desk_message
        self._on_again = on_again
        self._on_reply = on_reply
        self._asked_at = asked_at
        self._on_time = on_time
        self._challenge = Challenge()
        self._logged_at: dict[str, float] = {}
        self._minute = 0
        self._replies = 0
        self.last_sequence = 0
        self.counts: Counter[str] = Counter()

    def challenge(self) -> str:
        """A number that the desk may sign to tell the time; empty where the time is known."""
        return self._challenge.ask(self._clock.now(), os.urandom(16))

    def on_message(self, message: Message) -> None:
        """Believe it and do it, or refuse it. Raises nothing for what a broker can send."""
        kind = ""
        try:
            kind = self._kind(message.topic)
            self._obey(message.payload)
        except RefusedError as error:
            self._refuse(error.code, error)
            if kind == "command":
                self._answer(message.payload, error.code, str(error))
        except WireError as error:
            self._refuse("garbage", error)
            if kind == "command":
                self._answer(message.payload, "garbage", str(error))
        except StoreError as error:
            self._refuse("store", error)

    def on_answer(self, payload: bytes) -> bool:
        """The same for what came by another channel, whole or compact; whether the desk said it in an open case.

        Nothing else is obeyed from there: commands come over MQTT only.
        """
        cases = self._open_requests()
        try:
            message = self._believed_compact(payload, cases) if is_compact(payload) else self._believed(payload, cases)
            self._do(message, cases, only_cases=True)
        except RefusedError as error:
            self._refuse(error.code, error)
            return error.code == "replay"
        except WireError as error:
            self._refuse("garbage", error)
            return False
        except StoreError as error:
            self._refuse("store", error)
            return False
        return True

    def _kind(self, topic: str) -> str:
        parts = parse_topic(self._root, topic)
        if parts.gateway != self._gateway or parts.direction != "down" or parts.kind not in DOWN_KINDS:
            raise WireError(f"not a down topic of this gateway: {topic[:120]!r}")
        return parts.kind

    def _obey(self, payload: bytes) -> None:
        cases = self._open_requests()
        self._do(self._believed(payload, cases), cases)

    def _believed(self, payload: bytes, cases: Collection[bytes]) -> DeskMessage:
        return believe(
            payload,
            self._gateway,
            self._clock.now(),
            verify=self._verify,
            open_requests=cases,
            seen=self._replay.seen,
            challenge=self._challenge,
        )

    def _believed_compact(self, payload: bytes, cases: Collection[bytes]) -> DeskMessage:
        return believe_compact(
            payload,
            self._gateway,
            verify=self._verify,
            kids=self._kids,
            open_requests=cases,
            seen=self._replay.seen,
        )

    def _do(self, message: DeskMessage, cases: Collection[bytes], *, only_cases: bool = False) -> None:
        if only_cases and message.request not in cases:
            raise RefusedError("the message names no open case of this gateway", code="audience")
        if message.again:
            self._on_again(message)
            raise RefusedError("the message was here before", code="replay")
        now = self._clock.now()
        self._take_time(message, now.monotonic)
        # the desk's own time counts too: this clock may be years behind
        until = max(now.wall, message.issued) + (CASE_KEPT_S if message.request in cases else MAX_LIFE_S + MAX_SKEW_S)
        try:
            known = message.type == TIME or self._on_desk_message(message)
        except RefusedError:
            self._replay.remember(message.id, until)
            raise
        # what concerns a case is done when that case is saved; whoever saves it says so
        self._replay.remember(message.id, until, done=message.request not in cases)
        self.counts["believed" if known else "unknown_type"] += 1
        sequence = message.data.get("sequence")
        if type(sequence) is int and sequence > self.last_sequence:
            self.last_sequence = sequence

    def _take_time(self, message: DeskMessage, now: float) -> None:
        """An answer to a question of this boot tells the time: a case's id is a question as a challenge is."""
        asked_at = message.asked_at
        if asked_at is None and message.request is not None:
            asked_at = self._asked_at(message.request)
        if asked_at is not None:
            self._on_time(desk_claim(message.issued, asked_at, now))

    def _refuse(self, code: str, error: Exception) -> None:
        self.counts[code] += 1
        now = self._clock.now().monotonic
        if now - self._logged_at.get(code, -LOG_EVERY_S) >= LOG_EVERY_S:
            self._logged_at[code] = now
            log.warning("a message from the desk was not obeyed", code=code, why=str(error)[:200])

    def _answer(self, payload: bytes, code: str, text: str) -> None:
        minute = int(self._clock.now().monotonic // 60)
        if minute != self._minute:
            self._minute, self._replies = minute, 0
        if self._replies >= MAX_REPLIES_A_MINUTE:
            self.counts["unanswered"] += 1
            return
        self._replies += 1
        told = {"for": _claimed_id(payload), "ok": False, "code": code, "text": text[:200]}
        self._on_reply(told | ({"challenge": self.challenge()} if code == "clock" else {}))


def _claimed_id(payload: bytes) -> str:
    """The id that a message gives itself, believed or not: only so that its sender finds the answer."""
    try:
        body = unpack(open_envelope(payload).body)
    except WireError:
        return ""
    return text_of(body, "id", 64) if isinstance(body, dict) else ""
