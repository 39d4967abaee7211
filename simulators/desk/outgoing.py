"""What goes out to gateways: signed words, in order and by one desk at a time, and answers to challenges."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from edge_agent.core.errors import LinkError
from edge_agent.core.wire import down_topic
from edge_agent.uplink.mqtt import MqttLink
from simulators.desk import news
from simulators.desk.asking import Asking
from simulators.desk.challenges import Challenges
from simulators.desk.news import Tell
from simulators.desk.recall import ASKED_PER_S, Recall
from simulators.desk.store import Store
from simulators.desk.voice import Voice
from simulators.desk.words import Words

# Who asks for gaps keeps the task for so long after the last time: another desk takes it over then.
_ASKER_S = 15.0
# How often it is looked whether somebody is to be asked what nobody answered.
_RECALL_LOOK_S = 0.2


class Outgoing:
    """Sends while there is a `link`; what could not be sent is there for the next one, or for another desk."""

    def __init__(
        self,
        store: Store,
        voice: Voice,
        asking: Asking,
        recall: Recall,
        *,
        root: str,
        name: str,
        tell: Tell,
        on_sent: Callable[[], None],
    ) -> None:
        self.link: MqttLink | None = None
        self.challenges = Challenges()
        self._store = store
        self._voice = voice
        self._asking = asking
        self._recall = recall
        self._root = root
        self._name = name
        self._tell = tell
        self._on_sent = on_sent
        self._something = asyncio.Event()

    def wake(self) -> None:
        """There may be something to send."""
        self._something.set()

    async def speak(self) -> None:
        """Send what is due, for ever."""
        while True:
            await self._something.wait()
            self._something.clear()
            with suppress(LinkError):
                await self._send_all()

    async def _send_all(self) -> None:
        """Send what is due, in order. Raises LinkError when the connection goes; the rest goes with the next one."""
        while self.link is not None and self.challenges.waiting:
            answer = self.challenges.waiting.popleft()
            payload = self._voice.seal(answer.body(time.time()))
            await self.link.publish(down_topic(self._root, answer.gateway, "command"), payload, {})
        while self.link is not None and (due := self._take_due()):
            waiting = deque(due)
            try:
                while waiting:
                    await self._send(self.link, waiting[0])
                    waiting.popleft()
            finally:
                if waiting:
                    with self._store.batch():
                        self._voice.words.give_back(waiting)
            self._on_sent()

    def _take_due(self) -> list[Words]:
        with self._store.batch():
            return self._voice.words.take_due(time.time())

    async def _send(self, link: MqttLink, words: Words) -> None:
        payload = self._voice.payload(words, time.time())
        for _ in range(self._voice.policy.repeats):
            await link.publish(down_topic(self._root, words.gateway, "help"), payload, {})
        with self._store.batch():
            self._voice.words.gone_out(words)
        case = self._voice.cases.find(words.gateway, words.request)
        self._tell(news.of_answer(words, case, time.time()))

    async def ask(self) -> None:
        """Ask gateways for what is missing, for ever; of several desks one does."""
        while True:
            policy = self._voice.policy
            patience_s = policy.resend_after_s
            await asyncio.sleep(1.0 if patience_s is None else max(0.05, min(5.0, patience_s / 3)))
            if patience_s is None or policy.silent or self.link is None:
                continue
            with self._store.batch():
                mine = self._store.holds("asking", self._name, time.time(), _ASKER_S)
            if not mine:
                continue
            with suppress(LinkError):
                for command in self._asking.due(self._store.gaps(), time.time(), patience_s):
                    if self.link is not None:
                        self.challenges.sent(command.payload)
                        await self.link.publish(down_topic(self._root, command.gateway, "command"), command.payload, {})

    async def recall(self) -> None:
        """Ask gateways to say again what is unanswered, so many a second, for ever."""
        while True:
            await asyncio.sleep(1.0 / ASKED_PER_S)
            link, gateway = self.link, ""
            if link is not None and not self._voice.policy.silent:
                gateway = self._recall.take()
            if link is None or not gateway:
                await asyncio.sleep(_RECALL_LOOK_S)
                continue
            payload = self._recall.command(gateway, time.time())
            self.challenges.sent(payload)
            with suppress(LinkError):
                await link.publish(down_topic(self._root, gateway, "command"), payload, {})
