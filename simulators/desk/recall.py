"""A desk that was away asks the gateways that it knows to say again what nobody has answered, some of them a second.

A gateway sends its request again by itself, but after an hour only hourly: a desk that comes back must not wait for
that. A gateway whose heartbeat tells of a case that is not here is asked too.
"""

from simulators.desk.cases import Cases
from simulators.desk.intake import DeskEvent
from simulators.desk.keys import DeskKey
from simulators.desk.store import Store
from simulators.desk.voice import new_id

UNANSWERED = "edge.command.unanswered.v1"
HEARTBEAT = "edge.state.heartbeat.v1"
# Every name once, by the index alone: there may be millions of events.
_KNOWN = """
WITH RECURSIVE known(name) AS (
  SELECT min(gateway) FROM events UNION ALL
  SELECT (SELECT min(gateway) FROM events WHERE gateway > known.name) FROM known WHERE known.name IS NOT NULL)
SELECT name FROM known WHERE name IS NOT NULL
"""
# Each may answer with a burst of messages.
ASKED_PER_S = 50
MAX_WAITING = 100_000
_LIFE_S = 600


class Recall:
    """`back` when there is a broker again, `hear` for every event; `take` gives whom to ask next, "" for nobody."""

    def __init__(self, store: Store, cases: Cases, key: DeskKey) -> None:
        self._store = store
        self._cases = cases
        self._key = key
        self._waiting: dict[str, None] = {}

    def back(self) -> None:
        """Ask all that ever spoke here, those with an open case first."""
        known = self._store.db.execute(_KNOWN).fetchall()
        names = [*(case.gateway for case in self._cases.all_open()), *(row[0] for row in known)]
        self._waiting = dict.fromkeys(names[:MAX_WAITING])

    def hear(self, event: DeskEvent) -> None:
        """A heartbeat may tell of a case that nobody here has heard of."""
        told = event.data.get("cases")
        if event.type != HEARTBEAT or not isinstance(told, int) or told < 1 or len(self._waiting) >= MAX_WAITING:
            return
        if told > sum(case.gateway == event.gateway for case in self._cases.all_open()):
            self._waiting[event.gateway] = None

    def take(self) -> str:
        """The gateway to be asked now."""
        gateway = next(iter(self._waiting), "")
        self._waiting.pop(gateway, None)
        return gateway

    def command(self, gateway: str, now: float) -> bytes:
        """What it is asked, signed."""
        body = {"id": new_id(now), "type": UNANSWERED, "aud": gateway, "iat": int(now), "exp": int(now) + _LIFE_S}
        return self._key.sign(body)
