"""The link of a connection that stands: one message after another, each with its acknowledgement."""

import asyncio
from collections.abc import Mapping

from edge_agent.core.errors import LinkRefusedError
from edge_agent.uplink import reasons
from edge_agent.uplink.client import Client
from edge_agent.uplink.connection import MqttSettings
from edge_agent.uplink.packets import MAX_TEXT, PublishProperties


class MqttLink:
    """One live connection, as the drain sees it (core.ports.Link).

    `window` is how many messages may be in flight: the broker's Receive Maximum and our own bound. A publish that
    finds none free waits its turn. Whenever `publish` raises LinkError, this link is over and a new one will come.
    """

    def __init__(self, client: Client, settings: MqttSettings) -> None:
        self._client = client
        self.window = min(client.limits.receive_maximum, settings.in_flight)
        self._slots = asyncio.Semaphore(self.window)
        # a slot is free when the broker has answered, not when the caller lost interest
        client.acks.on_free = self._slots.release

    async def publish(
        self,
        topic: str,
        payload: bytes,
        attributes: Mapping[str, str],
        *,
        retain: bool = False,
        expiry_s: int | None = None,
    ) -> None:
        """Send one message, QoS 1, attributes as user properties; returns at its PUBACK.

        Raises LinkRefusedError when the broker said no to this message, LinkError when the connection is gone.
        """
        properties = PublishProperties(attributes, expiry_s)
        self._fits(topic, payload, properties)
        await self._slots.acquire()
        ended = self._client.ended()
        if ended is not None:
            self._slots.release()  # wakes the next in line, who finds the same
            raise ended
        acknowledged = self._client.send(topic, payload, properties, retain=retain and self._client.limits.retain)
        if acknowledged is None:
            self._client.end(reasons.ended())
            self._slots.release()
            raise reasons.ended()
        refused = await acknowledged
        if refused is None:
            raise self._client.ended() or reasons.ended()
        if refused:
            raise LinkRefusedError(
                f"the broker refused a message to {topic}: {refused}", reason=refused, fix="Check its access list."
            )

    def _fits(self, topic: str, payload: bytes, properties: PublishProperties) -> None:
        if not topic.isprintable() or len(topic) > MAX_TEXT or set("+#") & set(topic):
            raise LinkRefusedError(f"not a topic: {topic[:120]!r}", reason="Topic Name invalid")
        most = self._client.limits.max_bytes
        if most is None:
            return
        # 16 bytes: fixed header, topic length, packet id and length of the properties, all at their longest
        size = len(payload) + len(topic.encode()) + len(properties.pack()) + 16
        if size > most:
            raise LinkRefusedError(
                f"a message of {size} bytes; the broker takes {most}",
                reason="Packet too large",
                fix="Raise the broker's packet size limit.",
            )
