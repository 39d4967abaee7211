"""The service desk: takes in what gateways send, keeps it, and answers help requests."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from edge_agent.core.compact import CompactCall
from edge_agent.core.errors import AgentError
from edge_agent.core.health import Health
from edge_agent.core.wire import ROOT
from edge_agent.uplink.connection import Arrival, MqttSettings, TlsFiles
from edge_agent.uplink.mqtt import MqttLink, MqttUplink
from simulators.desk import news, short
from simulators.desk.asking import Asking
from simulators.desk.cases import Case, CaseState
from simulators.desk.dating import Corrected
from simulators.desk.gaps import Gap
from simulators.desk.hand import Hand
from simulators.desk.incoming import Incoming
from simulators.desk.keys import DeskKey
from simulators.desk.news import News, Tell
from simulators.desk.outgoing import Outgoing
from simulators.desk.policy import Policy
from simulators.desk.recall import Recall
from simulators.desk.script import Act, Script
from simulators.desk.store import Held, Store
from simulators.desk.view import View
from simulators.desk.voice import Voice
from simulators.desk.words import LEASE_S, Words

# A desk stands beside its broker: it looks for it twice a second, and jitter would help nobody.
_RETRY_S = 0.5
_SESSION_S = 86400
# How soon a desk sees what another one wrote into the shared file.
_LOOK_S = 0.2
# Readings of no case are forgotten after a while; an hour around a case stays with it.
_FORGET_EVERY_S = 3600.0
_MARGIN_S = 3600.0


class Desk:
    """One desk at one broker. `await run()` works until cancelled; what it holds can be asked until `close`.

    With a `name` the broker keeps what comes while it is away, for a day: for a desk that works alone. Desks that share
    the work (several may) have none, and share the database file too: what one of them is sent while it is away the
    others would not see. `tell` gets every piece of news. `hears` is what it takes of the gateways' topics: `#` is all,
    `help` leaves the readings to somebody else.
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
        tls: TlsFiles | None = None,
        keep_days: float = 90.0,
        tell: Tell = news.nobody,
        hears: str = "#",
    ) -> None:
        self.key = key or DeskKey.make()
        self.ready = asyncio.Event()
        self._tell = tell
        self._keep_s = keep_days * 86400.0
        self._name = name or os.urandom(6).hex()
        self._store = Store(db)
        self._voice = Voice(self._store, self.key, policy or Policy())
        self._script = Script(self._voice)
        self._asking = Asking(self.key, self._store.db)
        self._recall = Recall(self._store, self._voice.cases, self.key)
        self._out = Outgoing(
            *(self._store, self._voice, self._asking, self._recall),
            root=root,
            name=self._name,
            tell=tell,
            on_sent=self._changed,
        )
        self._in = Incoming(self._store, self._voice, self._asking, self._out.challenges, self._recall, root)
        self.hand = Hand(self._voice, self._script, self._acting)
        self.view = View(self._store, self._voice)
        self.on_change: Callable[[], None] = lambda: None
        self._revision = 0
        self._work_to_do = asyncio.Event()
        settings = MqttSettings(
            host=host,
            port=port,
            client_id=f"edge-desk-{self._name}",
            username=username,
            password_file=password_file,
            subscribe=(f"$share/desk/{root}/+/up/{hears}",),
            clean_start=not name,
            # a broker shares out to desks that are away, too, while it keeps their sessions: measured with mosquitto
            session_expiry_s=_SESSION_S if name else 0,
            tls=tls,
        )
        self._uplink = MqttUplink(settings, on_message=self._arrived, on_up=self._up, on_down=self._down)

    async def run(self) -> None:
        """Receive, answer and remember until cancelled. Raises StoreError when the database fails."""
        try:
            async with asyncio.TaskGroup() as tasks:
                talk = (
                    self._uplink.run(),
                    self._look_for_broker(),
                    self._out.speak(),
                    self._out.ask(),
                    self._out.recall(),
                )
                for part in (*talk, self._out.recall(), self._work(), self._look_at_others(), self._forget()):
                    tasks.create_task(part)
        except* AgentError as failed:
            raise failed.exceptions[0] from None
        finally:
            while self._in.waiting:
                self._turn()

    def close(self) -> None:
        """Close the database; nothing can be asked after it."""
        self._store.close()

    @property
    def policy(self) -> Policy:
        """How it answers; may be changed at any time, and holds for what is sent from then on."""
        return self._voice.policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._voice.policy = policy
        self._work_to_do.set()

    @property
    def health(self) -> Health:
        """How its connection is."""
        return self._uplink.health

    @property
    def cases(self) -> list[Case]:
        """All help requests, oldest first."""
        return self._voice.cases.all()

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

    @property
    def refused(self) -> int:
        """How many messages it did not understand."""
        return self._in.refused

    @property
    def dropped(self) -> int:
        """How many messages found no room while the database was slow."""
        return self._in.dropped

    @property
    def complaints(self) -> list[str]:
        """Why, of the last ones that it did not understand."""
        return list(self._in.complaints)

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
        return self._voice.words.of(case.gateway, case.request)

    def find(self, code: str) -> Case | None:
        """The newest case of this code, open ones first; lower case, spaces and hyphens do not matter.

        Two gateways may have made the same code: `K7MPX23Q/2` is the second case of it.
        """
        plain, _, place = code.upper().replace("-", "").replace(" ", "").partition("/")
        found = [case for case in self._voice.cases.coded(plain) if not place or place == str(case.twin + 1)]
        return max(found, key=lambda case: (case.open, case.number), default=None)

    def payload(self, words: Words) -> bytes:
        """A word as it goes out now, whichever way."""
        return self._voice.payload(words, time.time())

    @property
    def signing(self) -> DeskKey:
        """The key that signs, as honest as the policy is: that of somebody else under the same name, if it lies."""
        return DeskKey.make(self.key.kid) if self.policy.lies else self.key

    def deliver(self, arrival: Arrival) -> None:
        """An event that came by another way than the broker."""
        self._arrived(arrival)

    def hear_compact(self, call: CompactCall) -> Case | None:
        """A call that came by SMS. Gives its case."""
        with self._acting():
            return short.hear(call, self._store, self._voice.cases, self._in.answers, time.time())

    def say(self, case: Case, text: str) -> None:
        """Say something to the household of a case."""
        with self._acting():
            self._voice.tell(case, time.time(), text)

    def advance(self, case: Case, state: CaseState) -> None:
        """Bring a case to received, engaged or resolved by hand, whatever the policy has in mind."""
        acts: dict[CaseState, Act] = {CaseState.RECEIVED: self._voice.receive, CaseState.ENGAGED: self._voice.engage}
        with self._acting():
            acts.get(state, self._voice.resolve)(case, time.time())

    def _changed(self) -> None:
        """Tell of it where it is about help requests: readings come all the time."""
        revision, self._revision = self._revision, self._store.revision()
        if revision != self._revision:
            self.on_change()

    @contextmanager
    def _acting(self) -> Iterator[None]:
        """One batch, after which there may be something to send, and something to do later."""
        with self._store.batch():
            yield
        self._out.wake()
        self._work_to_do.set()
        self._changed()

    # what the uplink calls

    def _arrived(self, arrival: Arrival) -> None:
        self._in.put(arrival)
        self._work_to_do.set()

    def _up(self, link: MqttLink) -> None:
        self._out.link = link
        self._recall.back()
        self.ready.set()
        self._out.wake()
        self._tell(News(time.time(), "link", "", "connected to the broker", {"up": True}))

    def _down(self, reason: str) -> None:
        self._out.link = None
        self._tell(News(time.time(), "link", "", f"no connection to the broker: {reason}", {"up": False}))

    async def _look_for_broker(self) -> None:
        while True:
            await asyncio.sleep(_RETRY_S)
            if self._out.link is None:
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
            if self._in.waiting:
                self._work_to_do.set()
            await asyncio.sleep(0)

    def _turn(self) -> float | None:
        """Take in what waits, in one transaction, and do what is due; gives when the next thing is."""
        with self._store.batch():
            told = self._in.take()
            next_at = self._script.step(time.time())
        for item in told:
            self._tell(item)
        self._out.wake()
        self._changed()
        return next_at

    # sharing the work

    async def _look_at_others(self) -> None:
        """What another desk wrote into the file may have to be sent by this one, and is shown here too."""
        seen, asked_at = self._store.changed_by_others(), 0.0
        while True:
            await asyncio.sleep(_LOOK_S)
            now, last = time.monotonic(), seen
            seen = self._store.changed_by_others()
            # what a desk that died had taken to send is free again without a change
            if seen != last or now - asked_at > LEASE_S:
                asked_at = now
                self._out.wake()
                self._work_to_do.set()
                self._changed()

    async def _forget(self) -> None:
        while True:
            with self._store.batch():
                self._store.forget_readings(time.time() - self._keep_s, _MARGIN_S)
            await asyncio.sleep(_FORGET_EVERY_S)
