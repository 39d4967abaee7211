"""The desk's phone number: compact calls come in by SMS, and what the desk says in their cases goes back."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from edge_agent.core.compact import unpack_call
from edge_agent.core.errors import WireError
from edge_agent.core.sms import Sms
from simulators.desk.cases import Case
from simulators.desk.desk import Desk
from simulators.desk.short import shortened

# How often it is looked whether the desk has said something.
LOOK_S = 0.1
MAX_CALLERS = 1000
# What is said so long after a call goes by SMS too: whether the gateway hears MQTT again, nobody here can tell.
TALK_S = 600.0


@dataclass(slots=True)
class _Caller:
    """Who called about a case: from which number, up to which event, and the words that went there."""

    number: str
    case: Case
    knows: int
    called_at: float
    said: set[str] = field(default_factory=set)


class DeskPhone:
    """`received(sms)` takes what came; `send(sms)` is how it answers. `own` is its number, told as the sender."""

    def __init__(self, desk: Desk, own: str, send: Callable[[Sms], None]) -> None:
        self.calls = 0
        self.refused = 0
        self._desk = desk
        self._own = own
        self._send = send
        self._callers: dict[str, _Caller] = {}

    def received(self, sms: Sms, number: str = "+491700000009") -> None:
        """A message to the desk from `number`; what is no call is counted."""
        try:
            call = unpack_call(sms.data)
        except WireError:
            self.refused += 1
            return
        self.calls += 1
        case = self._desk.hear_compact(call)
        if case is not None and len(self._callers) < MAX_CALLERS:
            # who calls again has not heard what was said
            self._callers[case.request] = _Caller(number, case, call.sequence, time.monotonic())

    async def run(self) -> None:
        """Pass on what the desk says, until cancelled."""
        while True:
            for request, caller in list(self._callers.items()):
                if time.monotonic() - caller.called_at > TALK_S:
                    del self._callers[request]
                else:
                    self._pass_on(caller)
            await asyncio.sleep(LOOK_S)

    def _pass_on(self, caller: _Caller) -> None:
        for words in self._desk.words(caller.case):
            if words.id in caller.said:
                continue
            caller.said.add(words.id)
            try:
                word = shortened(self._desk.payload(words), self._desk.signing, caller.knows)
            except WireError:
                continue
            self._send(Sms(self._own, data=word))
