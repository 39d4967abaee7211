"""What waits between the broker and the database, and what is made of it, one batch at a time."""

import time
from collections import deque

from edge_agent.core.errors import WireError
from edge_agent.core.wire import parse_topic
from edge_agent.uplink.connection import Arrival
from simulators.desk import news
from simulators.desk.answers import Answers
from simulators.desk.asking import Asking
from simulators.desk.challenges import Challenges
from simulators.desk.intake import DeskEvent, read
from simulators.desk.news import News
from simulators.desk.parts import MAX_EVENT_BYTES, Parts
from simulators.desk.recall import Recall
from simulators.desk.store import Store
from simulators.desk.voice import Voice

# Beyond it messages are dropped, counted, and seen as gaps.
_INBOX_BYTES = 32 * 1024 * 1024
_BATCH = 200
_TOLD_REFUSALS = 5


class Incoming:
    """`refused` counts what was not understood, `complaints` are the last of the reasons; `dropped` found no room."""

    def __init__(
        self, store: Store, voice: Voice, asking: Asking, challenges: Challenges, recall: Recall, root: str
    ) -> None:
        self.refused = 0
        self.dropped = 0
        self.complaints: deque[str] = deque(maxlen=50)
        self.answers = Answers(store, voice)
        self._store = store
        self._voice = voice
        self._asking = asking
        self._challenges = challenges
        self._recall = recall
        self._root = root
        self._parts = Parts(store.db)
        self._inbox: deque[tuple[Arrival, float]] = deque()
        self._bytes = 0

    @property
    def waiting(self) -> bool:
        """Whether something is there to be taken."""
        return bool(self._inbox)

    def put(self, arrival: Arrival) -> None:
        """It came now."""
        if self._bytes + len(arrival.payload) > _INBOX_BYTES:
            self.dropped += 1
            return
        self._inbox.append((arrival, time.time()))
        self._bytes += len(arrival.payload)

    def take(self) -> list[News]:
        """Store and hear what waits, as much of it as makes a batch of the store; gives what there is to tell."""
        told: list[News] = []
        for _ in range(min(len(self._inbox), _BATCH)):
            arrival, at = self._inbox.popleft()
            self._bytes -= len(arrival.payload)
            try:
                told += self._take_in(arrival, at)
            except WireError as error:
                told += self._refuse(str(error), at)
        return told

    def _take_in(self, arrival: Arrival, at: float) -> list[News]:
        """Raises WireError."""
        if "part" not in arrival.attributes:
            return self._take(read(self._root, arrival.topic, arrival.payload, arrival.attributes, at))
        whole = self._parts.join(parse_topic(self._root, arrival.topic).gateway, arrival)
        if whole is None:
            return []
        event = read(self._root, whole.topic, whole.payload, whole.attributes, at, most_bytes=MAX_EVENT_BYTES)
        return self._take(event)

    def _take(self, event: DeskEvent) -> list[News]:
        (new,) = self._store.take([event])
        told = [news.of_event(event, again=not new)]
        self._asking.hear(event)
        self._recall.hear(event)
        if new and not self._voice.policy.silent:
            self._challenges.hear(event)
        case = self.answers.hear(event, new=new)
        if case is not None and new:
            told.append(news.of_case(case, event.arrived))
        return told

    def _refuse(self, why: str, at: float) -> list[News]:
        self.refused += 1
        self.complaints.append(why)
        if self.refused > _TOLD_REFUSALS and self.refused % 100:
            return []
        return [News(at, "refused", "", f"not understood, number {self.refused}: {why}", {"count": self.refused})]
