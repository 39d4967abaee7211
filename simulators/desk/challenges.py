"""Gateways that do not know the time ask for it: the desk signs their number, with the command that they refused."""

from collections import OrderedDict, deque
from typing import Any, NamedTuple

from edge_agent.core.command import TIME
from edge_agent.core.wire import open_envelope, text_of, unpack
from simulators.desk.answers import BIRTH
from simulators.desk.intake import DeskEvent
from simulators.desk.voice import new_id

CHALLENGED = "edge.reply.challenge.v1"
MAX_KEPT = 200
MAX_WAITING = 1000
_LIFE_S = 600


class Answer(NamedTuple):
    """A body that is to be signed when it goes out."""

    gateway: str
    fields: dict[str, Any]

    def body(self, now: float) -> dict[str, Any]:
        """The body as it goes out `now` (Unix seconds): its `iat` tells the time."""
        return {**self.fields, "iat": round(now, 3), "exp": round(now, 3) + _LIFE_S}


class Challenges:
    """`sent` is told of every command, `hear` of every event; `waiting` is what the desk has to send."""

    def __init__(self) -> None:
        self.waiting: deque[Answer] = deque(maxlen=MAX_WAITING)
        self._sent: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def sent(self, payload: bytes) -> None:
        """This command went out; it may have to be sent again."""
        body = unpack(open_envelope(payload).body)
        self._sent[body["id"]] = body
        while len(self._sent) > MAX_KEPT:
            self._sent.popitem(last=False)

    def hear(self, event: DeskEvent) -> None:
        """A refused command, or a birth, may bring a number to sign."""
        if event.type not in (CHALLENGED, BIRTH):
            return
        nonce = text_of(event.data, "challenge", 64)
        if nonce:
            refused = self._sent.get(text_of(event.data, "for", 64)) or {"id": new_id(event.arrived), "type": TIME}
            self.waiting.append(Answer(event.gateway, {**refused, "aud": event.gateway, "challenge": nonce}))
