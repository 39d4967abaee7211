"""One connection to an MQTT 5 broker, used once; the only file that knows aiomqtt.

aiomqtt brings paho into the event loop (sockets, writes, the one-second tick). Three things that it drops are taken
in the overrides of `Client`: the reason code of a PUBACK, the limits that a CONNACK states, and the original error of
a connect. Messages are handed over by plain calls, because a task for each costs as much as all the rest.
"""

import asyncio
import logging
import ssl
import struct
import time
from collections.abc import Callable
from socket import IPPROTO_TCP, TCP_NODELAY, socket
from threading import get_ident
from typing import Any, cast

import aiomqtt
from paho.mqtt.client import MQTT_ERR_SUCCESS, MQTTMessage
from paho.mqtt.exception import MQTTException
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_agent.core.rhythm import until_next
from edge_agent.core.wire import CONTENT_TYPE
from edge_agent.uplink import reasons
from edge_agent.uplink.acks import Acks
from edge_agent.uplink.connection import Arrival, Limits, MqttSettings, Will, password_of, tls_context
from edge_agent.uplink.dial import Dialer
from edge_agent.uplink.inbox import Inbox
from edge_agent.uplink.packets import PublishProperties
from edge_agent.uplink.reasons import LinkLostError
from edge_agent.uplink.silence import Silence

# A failing PUBACK, SUBACK, CONNACK or DISCONNECT has a reason code from here on (MQTT 5.0, 2.4).
FAILURE = 0x80
# Packets that are read in one go before others in the loop have their turn.
READS = 50
# What paho may raise for bytes that are not MQTT.
_GARBLED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, struct.error, MQTTException)

# paho and aiomqtt log through this one: what they have to say is said by `reasons`, in plain words.
_SILENT = logging.getLogger("edge_agent.uplink.paho")
_SILENT.setLevel(logging.CRITICAL + 1)


def _paho_keepalive_s(keepalive_s: int) -> int:
    """The interval to give paho so that a half-open connection is noticed within 1.5 x `keepalive_s`.

    paho pings after one interval of silence, gives up after a second one, and looks once a second.
    """
    return max(1, int((1.5 * keepalive_s - 1.5) / 2))


def _will(will: Will | None) -> aiomqtt.Will | None:
    if will is None:
        return None
    properties = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
    properties.ContentType = CONTENT_TYPE
    properties.UserProperty = list(will.attributes.items())
    properties.WillDelayInterval = will.delay_s
    return aiomqtt.Will(will.topic, will.payload, qos=1, retain=True, properties=properties)


def _limits(told: Any) -> Limits:
    """Of the properties of a CONNACK."""
    return Limits(
        getattr(told, "ReceiveMaximum", 65535),
        getattr(told, "MaximumPacketSize", None),
        bool(getattr(told, "RetainAvailable", 1)),
    )


class Client(aiomqtt.Client):
    """One connection, used once. `changed` is called on every arrival, at its end, and once a second."""

    def __init__(
        self, settings: MqttSettings, will: Will | None, changed: Callable[[], None], dialer: Dialer | None = None
    ) -> None:
        connect = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        connect.SessionExpiryInterval = settings.session_expiry_s
        connect.MaximumPacketSize = settings.max_packet_bytes
        super().__init__(
            settings.host,
            settings.port,
            identifier=settings.client_id,
            protocol=aiomqtt.ProtocolVersion.V5,
            logger=_SILENT,
            will=_will(will),
            clean_start=settings.clean_start,
            keepalive=_paho_keepalive_s(settings.keepalive_s),
            max_inflight_messages=0,  # the link's window bounds them
            properties=connect,
        )
        self._settings = settings
        self._home = get_ident()
        self._changed = changed
        self._disconnected.add_done_callback(lambda _: changed())
        self.inbox = Inbox()
        self._handled = 0
        self.acks = Acks()
        self.limits = Limits()
        self._silence: Silence | None = None
        self._client.connect_timeout = settings.connect_timeout_s
        dial = (dialer or Dialer()).dial
        self._client._create_socket_connection = lambda: dial(  # type: ignore[method-assign] # noqa: SLF001
            settings.host, settings.port, settings.connect_timeout_s
        )

    async def open(self) -> None:
        """Connect and wait for the broker's yes. Raises LinkLostError."""
        connecting = self._loop.run_in_executor(None, self._client_connect)
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            # the thread cannot be stopped: what it opens must be closed
            await asyncio.wait({connecting})
            if not connecting.cancelled():
                connecting.exception()
            raise
        await self._answer(self._connected)

    async def listen(self) -> list[str]:
        """Subscribe; gives the filters that the broker refused. Raises LinkLostError."""
        filters = self._settings.subscribe
        if not filters:
            return []
        rc, mid = self._client.subscribe([(name, SubscribeOptions(qos=1)) for name in filters])
        if rc != MQTT_ERR_SUCCESS or mid is None:
            raise reasons.ended()
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._pending_subscribes[mid] = answer
        codes = await self._answer(answer)
        return [name for name, code in zip(filters, codes, strict=False) if code.value >= FAILURE]

    async def _answer(self, future: asyncio.Future[Any]) -> Any:
        timeout_s = self._settings.connect_timeout_s
        await asyncio.wait({future, self._disconnected}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if future.done():
            return future.result()
        raise self.ended() or (reasons.hole() if self._unheard else reasons.no_word(timeout_s))

    def send(
        self, topic: str, payload: bytes, properties: PublishProperties, *, retain: bool
    ) -> asyncio.Future[str | None] | None:
        """Put a message on its way, None if that cannot be; for the future see `Acks.wait`."""
        # paho asks nothing of them but `pack`
        info = self._client.publish(topic, payload, 1, retain, cast("Properties", properties))
        return self.acks.wait(info.mid) if info.rc == MQTT_ERR_SUCCESS else None

    def ended(self) -> LinkLostError | None:
        """Why the connection ended; None while it stands."""
        if not self._disconnected.done():
            return None
        error = self._disconnected.exception()
        if error is None:
            return reasons.ended()
        return error if isinstance(error, LinkLostError) else reasons.garbled(error)

    def end(self, error: LinkLostError) -> None:
        """Give the connection up for this reason."""
        if not self._disconnected.done():
            self._disconnected.set_exception(error)

    @property
    def _unheard(self) -> bool:
        """Whether the network has gone silent, as far as this machine's kernel knows."""
        return self._silence is not None and self._silence.now

    async def goodbye(self) -> None:
        """DISCONNECT, so that the will is not sent."""
        if self._client.disconnect() == MQTT_ERR_SUCCESS:
            await asyncio.wait({self._disconnected}, timeout=1.0)

    def drop(self) -> None:
        """Close whatever is open; what is in flight fails. Any number of times."""
        self.end(reasons.ended())
        self.ended()  # looked at, so that asyncio does not miss it
        if self._connected.done():
            self._connected.exception()
        sock = self._client.socket()
        if isinstance(sock, socket) and sock.fileno() >= 0:
            self._loop.remove_reader(sock.fileno())
            self._loop.remove_writer(sock.fileno())
            sock.close()
        if self._misc_task is not None:
            self._misc_task.cancel()
        if self._silence is not None:
            self._silence.stop()
        self.inbox.clear()
        self.acks.end()

    def _read(self) -> None:
        """Take what has come, a few packets at a time: one a wake-up, as aiomqtt does, is half as fast."""
        try:
            for _ in range(READS):
                handled = self._handled
                if self._client.loop_read() != MQTT_ERR_SUCCESS:
                    return
                if self._client._in_packet["remaining_length"] > self._settings.max_packet_bytes:  # noqa: SLF001
                    # it was told the limit; paho would take in 256 MB
                    self.end(reasons.garbled(ValueError("a packet that is longer than was allowed")))
                    return
                if self._handled == handled and not self._decrypted():
                    return
        except _GARBLED as error:
            self.end(reasons.garbled(error))

    def _decrypted(self) -> bool:
        """Whether TLS holds bytes that no selector will tell of."""
        sock = self._client.socket()
        return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0

    # What aiomqtt calls in the connecting thread.

    def _client_connect(self) -> None:
        settings = self._settings
        if settings.username:
            self._client.username_pw_set(settings.username, password_of(settings.password_file))
        if settings.tls is not None:
            self._client.tls_set_context(tls_context(settings.tls))
        try:
            super()._client_connect()
            sock = self._client.socket()
            if isinstance(sock, socket):
                # small urgent messages must not wait for an acknowledgement of the ones before
                sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        except (OSError, UnicodeError) as error:
            raise reasons.of_socket(error, settings.host, settings.port) from None

    # What paho calls, in the event loop unless it says otherwise; none may raise, none may call paho.

    def _on_socket_open(self, _client: Any, _data: Any, sock: Any) -> None:
        # in the connecting thread. paho counts silence from before the dialling, which may have taken a keepalive
        self._client._last_bytes_received = self._client._last_msg_out = time.monotonic()  # noqa: SLF001
        self._loop.call_soon_threadsafe(self._loop.add_reader, sock.fileno(), self._read)
        self._loop.call_soon_threadsafe(self._start_ticking)

    def _start_ticking(self) -> None:
        sock = self._client.socket()
        if isinstance(sock, socket):
            self._silence = Silence(sock, lambda: self.end(reasons.hole()))
        self._misc_task = self._loop.create_task(self._misc_loop())

    def _on_socket_register_write(self, _client: Any, _data: Any, sock: Any) -> None:
        # in the connecting thread once; aiomqtt always goes by the thread-safe way, which is slow and comes late: the
        # socket may be closed by then, or its number be another's
        if get_ident() == self._home:
            self._watch_writes(sock)
        else:
            self._loop.call_soon_threadsafe(self._watch_writes, sock)

    def _watch_writes(self, sock: Any) -> None:
        if sock.fileno() >= 0:
            self._loop.add_writer(sock.fileno(), self._client.loop_write)

    def _on_socket_unregister_write(self, _client: Any, _data: Any, sock: Any) -> None:
        if sock.fileno() >= 0:
            self._loop.remove_writer(sock.fileno())

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, code: ReasonCode, limits: Any = None) -> None:
        if self._connected.done():
            return
        if code.value == 0:
            self.limits = _limits(limits)
            self._connected.set_result(None)
        else:
            self._connected.set_exception(reasons.of_code(code.value, str(code)))

    def _on_disconnect(self, _client: Any, _data: Any, flags: Any, code: ReasonCode, _properties: Any = None) -> None:
        if self._disconnected.done():
            return
        if flags.is_disconnect_packet_from_server or code.getName() == "Protocol error":
            self.end(reasons.of_code(code.value, str(code)))
        elif self._unheard:
            self.end(reasons.hole())
        elif code.getName() == "Keep alive timeout":
            self.end(reasons.silent())
        elif not self._connected.done():
            self.end(reasons.no_answer())
        else:
            self.end(reasons.ended())

    def _on_publish(self, _client: Any, _data: Any, mid: int, code: ReasonCode, _properties: Any = None) -> None:
        self._handled += 1
        self.acks.came(mid, str(code) if code.value >= FAILURE else "")

    def _on_message(self, _client: Any, _data: Any, message: MQTTMessage) -> None:
        self._handled += 1
        try:
            topic = message.topic
        except UnicodeDecodeError:
            self.inbox.dropped += 1
            return
        pairs = getattr(message.properties, "UserProperty", ())
        self.inbox.put(Arrival.of(topic, bytes(message.payload), dict(pairs)))
        self._changed()

    async def _misc_loop(self) -> None:
        while True:
            if self._silence is not None:
                self._silence.look()  # first: paho may find it too silent, and close it
            if self._client.loop_misc() != MQTT_ERR_SUCCESS:
                return
            if self.acks.overdue(self._settings.ack_timeout_s):
                late = reasons.unacknowledged(self._settings.ack_timeout_s)
                self.end(reasons.hole() if self._unheard else late)
            self._changed()
            await asyncio.sleep(until_next(asyncio.get_running_loop().time(), 1.0))
