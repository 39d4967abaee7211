"""The service desk: takes in what gateways send, keeps it, and answers help requests."""

import asyncio
import os
import time
from collections import deque
from contextlib import suppress

from edge_agent.core.errors import AgentError, LinkError, WireError
from edge_agent.core.health import Health
from edge_agent.core.wire import ROOT, down_topic, parse_topic
from edge_agent.uplink.connection import Arrival, MqttSettings
from edge_agent.uplink.mqtt import MqttLink, MqttUplink
from simulators.desk import news
from simulators.desk.answers import MESSAGE, Answers
from simulators.desk.asking import Asking
from simulators.desk.cases import Case, Cases, CaseState, Words
from simulators.desk.challenges import Challenges
from simulators.desk.dating import Corrected
from simulators.desk.intake import DeskEvent, read
from simulators.desk.keys import DeskKey
from simulators.desk.news import News, Tell
from simulators.desk.parts import MAX_EVENT_BYTES, Parts
from simulators.desk.policy import Policy
from simulators.desk.store import Gap, Held, Store

# What may wait between the broker and the database; beyond it messages are dropped, counted, and seen as gaps.
_INBOX_BYTES = 32 * 1024 * 1024
_BATCH = 200
# A desk stands beside its broker: it looks for it twice a second, and jitter would help nobody.
_RETRY_S = 0.5
_SESSION_S = 86400
_TOLD_REFUSALS = 5


class Desk:
    """One desk at one broker. `await run()` works until cancelled; what it holds can be asked until `close`.

    `name` sets it apart from other desks at the broker: the same name takes up the same session again. Without one it
    has no past. Desks that share the work (several may) share the database file too. `tell` gets every piece of news.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        key: DeskKey | None = None,
        policy: Policy | None = None,
        db: str = ":memory:",
        root: str = ROOT,
        name: str = "",
        username: str = "",
        password_file: str = "",
        tell: Tell = news.nobody,
    ) -> None:
        self.key = key or DeskKey.make()
        self.ready = asyncio.Event()
        self.refused = 0
        self.dropped = 0
        self.complaints: deque[str] = deque(maxlen=50)
        self._root = root
        self._tell = tell
        self._store = Store(db)
        self._parts = Parts(self._store.db)
        self._cases = Cases(self._store.db)
        self._asking = Asking(self.key)
        self._challenges = Challenges()
        self._answers = Answers(self._store, self._cases, self.key, policy or Policy())
        self._inbox: deque[tuple[Arrival, float]] = deque()
        self._inbox_bytes = 0
        self._work_to_do = asyncio.Event()
        self._words_to_send = asyncio.Event()
        self._link: MqttLink | None = None
        settings = MqttSettings(
            host=host,
            port=port,
            client_id=f"edge-desk-{name or os.urandom(6).hex()}",
            username=username,
            password_file=password_file,
            subscribe=(f"$share/desk/{root}/+/up/#",),
            clean_start=not name,
            session_expiry_s=_SESSION_S if name else 60,
        )
        self._uplink = MqttUplink(settings, on_message=self._arrived, on_up=self._up, on_down=self._down)

    async def run(self) -> None:
        """Receive, answer and remember until cancelled. Raises StoreError when the database fails."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for part in (self._uplink.run(), self._look_for_broker(), self._work(), self._speak(), self._ask()):
                    tasks.create_task(part)
        except* AgentError as failed:
            raise failed.exceptions[0] from None
        finally:
            while self._inbox:
                self._turn()

    def close(self) -> None:
        """Close the database; nothing can be asked after it."""
        self._store.close()

    @property
    def policy(self) -> Policy:
        """How it answers; may be changed at any time, and holds for what is sent from then on."""
        return self._answers.policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._answers.policy = policy
        self._work_to_do.set()

    @property
    def health(self) -> Health:
        """How its connection is."""
        return self._uplink.health

    @property
    def cases(self) -> list[Case]:
        """All help requests, oldest first."""
        return self._cases.all()

    @property
    def events_received(self) -> int:
        """How many different events it holds."""
        return self._store.counts().events

    @property
    def readings_received(self) -> int:
        """How many readings it holds."""
        return self._store.counts().readings

    @property
    def redelivered(self) -> int:
        """How many times an id came again."""
        return self._store.counts().redelivered

    @property
    def gaps(self) -> list[Gap]:
        """Sequences that each lane lacks."""
        return self._store.gaps()

    def held(self) -> list[Held]:
        """Every reading that it has."""
        return self._store.held()

    @property
    def corrected(self) -> list[Corrected]:
        """Events whose own time it does not use, for their gateway's clock was not known to be right."""
        return self._store.corrected()

    def twice(self) -> list[Held]:
        """Readings that it has under two ids: the later one of each pair."""
        return self._store.twice()

    def words(self, case: Case) -> list[Words]:
        """All that it said in a case."""
        return self._cases.words(case)

    def find(self, code: str) -> Case | None:
        """The newest case of this code, open ones first; lower case, spaces and hyphens do not matter."""
        wanted = code.upper().replace("-", "").replace(" ", "")
        found = [case for case in self.cases if case.code == wanted]
        return max(found, key=lambda case: (case.open, case.number), default=None)

    def say(self, case: Case, text: str) -> None:
        """Say something to the household of a case."""
        with self._store.batch():
            self._answers.say(case, MESSAGE, time.time(), text=text)
        self._words_to_send.set()

    def advance(self, case: Case, state: CaseState) -> None:
        """Bring a case to received, engaged or resolved by hand, whatever the policy has in mind."""
        with self._store.batch():
            acts = {CaseState.RECEIVED: self._answers.receive, CaseState.ENGAGED: self._answers.engage}
            acts.get(state, self._answers.resolve)(case, time.time())
        self._words_to_send.set()
        self._work_to_do.set()

    # what the uplink calls

    def _arrived(self, arrival: Arrival) -> None:
        if self._inbox_bytes + len(arrival.payload) > _INBOX_BYTES:
            self.dropped += 1
            return
        self._inbox.append((arrival, time.time()))
        self._inbox_bytes += len(arrival.payload)
        self._work_to_do.set()

    def _up(self, link: MqttLink) -> None:
        self._link = link
        self.ready.set()
        self._words_to_send.set()
        self._tell(News(time.time(), "link", "", "connected to the broker", {"up": True}))

    def _down(self, reason: str) -> None:
        self._link = None
        self._tell(News(time.time(), "link", "", f"no connection to the broker: {reason}", {"up": False}))

    async def _look_for_broker(self) -> None:
        while True:
            await asyncio.sleep(_RETRY_S)
            if self._link is None:
                self._uplink.wake()

    # taking in

    async def _work(self) -> None:
        next_at: float | None = 0.0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if next_at is None else max(0.0, next_at - time.time())):
                    await self._work_to_do.wait()
            self._work_to_do.clear()
            next_at = self._turn()
            if self._inbox:
                self._work_to_do.set()
            await asyncio.sleep(0)

    def _turn(self) -> float | None:
        """Take in what waits, in one transaction, and do what is due; gives when the next thing is."""
        told: list[News] = []
        with self._store.batch():
            for _ in range(min(len(self._inbox), _BATCH)):
                arrival, at = self._inbox.popleft()
                self._inbox_bytes -= len(arrival.payload)
                try:
                    told += self._take_in(arrival, at)
                except WireError as error:
                    told += self._refuse(str(error), at)
            next_at = self._answers.step(time.time())
        for item in told:
            self._tell(item)
        self._words_to_send.set()
        return next_at

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
        if new and not self.policy.silent:
            self._challenges.hear(event)
        case = self._answers.hear(event, new=new)
        if case is not None and new:
            told.append(news.of_case(case, event.arrived))
        return told

    def _refuse(self, why: str, at: float) -> list[News]:
        self.refused += 1
        self.complaints.append(why)
        if self.refused > _TOLD_REFUSALS and self.refused % 100:
            return []
        return [News(at, "refused", "", f"not understood, number {self.refused}: {why}", {"count": self.refused})]

    # answering

    async def _speak(self) -> None:
        while True:
            await self._words_to_send.wait()
            self._words_to_send.clear()
            with suppress(LinkError):
                await self._send_all()

    async def _send_all(self) -> None:
        """Send what is due, in order. Raises LinkError when the connection goes; the rest goes with the next one."""
        while self._link is not None and self._challenges.waiting:
            answer = self._challenges.waiting.popleft()
            body = answer.body(time.time())
            payload = self.key.forge(body) if self.policy.lies else self.key.sign(body)
            await self._link.publish(down_topic(self._root, answer.gateway, "command"), payload, {})
        while self._link is not None and (due := self._cases.due()):
            for words in due:
                payload = self._answers.payload(words, time.time())
                for _ in range(self.policy.repeats):
                    await self._link.publish(down_topic(self._root, words.gateway, "help"), payload, {})
                with self._store.batch():
                    self._cases.gone_out(words)
                case = self._cases.find(words.gateway, words.request)
                self._tell(news.of_answer(words, case, time.time()))

    # asking for what is missing

    async def _ask(self) -> None:
        while True:
            patience_s = self.policy.resend_after_s
            await asyncio.sleep(1.0 if patience_s is None else max(0.05, min(5.0, patience_s / 3)))
            if patience_s is None or self.policy.silent or self._link is None:
                continue
            with suppress(LinkError):
                for command in self._asking.due(self.gaps, time.time(), patience_s):
                    if self._link is not None:
                        self._challenges.sent(command.payload)
                        await self._link.publish(
                            down_topic(self._root, command.gateway, "command"), command.payload, {}
                        )
