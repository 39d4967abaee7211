"""Help by a second broker: a connection of its own that carries the help event only, and hears the desk's answers."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from edge_agent.core.errors import LinkError
from edge_agent.core.event import Event
from edge_agent.core.health import Health
from edge_agent.core.wire import down_topic, up_topic
from edge_agent.texts import Said
from edge_agent.uplink.connection import Arrival, MqttSettings
from edge_agent.uplink.mqtt import MqttLink, MqttUplink

# A try waits so long for the connection: name, TCP, TLS and CONNACK on a poor mobile network.
CONNECT_S = 20.0


class BrokerChannel:
    """Connected only while `wanted()`: a call is open that the first broker brought no answer to.

    `settings` have a client id of their own; `place` is the gateway and the root of its topics, of which only that for
    help is subscribed to. `heard(payload)` gets what comes down.
    """

    def __init__(
        self,
        name: str,
        settings: MqttSettings,
        place: tuple[str, str],
        attributes: Callable[[Event], Mapping[str, str]],
        heard: Callable[[bytes], None],
        wanted: Callable[[], bool],
        resend_s: float = 10.0,
    ) -> None:
        self.name = name
        self.must_ask = False
        self.resend_s = resend_s
        self._gateway, self._root = place
        self._down = down_topic(self._root, self._gateway, "help")
        settings = replace(settings, subscribe=(self._down,))
        self._host = settings.host
        self._attributes = attributes
        self._heard = heard
        self._wanted = wanted
        self._link: MqttLink | None = None
        self._ready = asyncio.Event()
        self._uplink = MqttUplink(
            settings, on_message=self._arrived, on_up=self._up, on_down=self._gone, wanted=wanted, urgent=wanted
        )

    @property
    def health(self) -> Health:
        """As the connection is; before there is one, nothing is known against it."""
        if not self._wanted():
            return Health(True, Said("other.on_call", host=self._host))
        return self._uplink.health

    async def run(self) -> None:
        """Connect while wanted, until cancelled."""
        await self._uplink.run()

    async def send(self, event: Event, compact: bytes) -> bytes | None:  # noqa: ARG002 - a link that carries it all
        """Publish it; returns at the PUBACK. The desk's word comes by itself."""
        self._uplink.wake()
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._ready.wait()
        except TimeoutError:
            told = self._uplink.health
            raise LinkError(Said("other.no_connection", host=self._host, why=told.sentence), fix=told.fix) from None
        link = self._link
        if link is None:
            raise LinkError(Said("other.just_ended", host=self._host))
        await link.publish(up_topic(self._root, self._gateway, event.kind), event.payload, self._attributes(event))
        return None

    def _up(self, link: MqttLink) -> None:
        self._link = link
        self._ready.set()

    def _gone(self, _reason: str) -> None:
        self._link = None
        self._ready.clear()

    def _arrived(self, arrival: Arrival) -> None:
        if arrival.topic == self._down:
            self._heard(arrival.payload)
