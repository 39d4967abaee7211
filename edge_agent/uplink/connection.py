"""What is said of a connection before there is one: its settings, its will, and how a message arrives."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from edge_agent.core.ports import Message
from edge_agent.uplink.reasons import unreadable_file

# A will waits this long for the gateway to come back: shorter gaps are nobody's business.
WILL_DELAY_S = 30


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths; an empty `ca_file` means the system's certificates, empty others no client certificate."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us when we are gone for longer than `delay_s`; retained."""

    topic: str
    payload: bytes
    attributes: Mapping[str, str] = field(default_factory=dict)
    delay_s: int = WILL_DELAY_S


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """One connection. `tls` None is plain TCP; `subscribe` are topic filters; an empty user name sends none.

    `session_expiry_s` is how long the broker keeps what comes for us while we are away; it must be longer than the
    will's delay, for a session that ends early sends the will at once. `in_flight` bounds messages on their way where
    the broker's Receive Maximum does not. `fallback` are further brokers (host, port), in order, with the same rest.
    """

    host: str
    client_id: str
    port: int = 8883
    username: str = ""
    password_file: str = ""
    keepalive_s: int = 15
    tls: TlsFiles | None = None
    subscribe: tuple[str, ...] = ()
    clean_start: bool = False
    session_expiry_s: int = 3600
    in_flight: int = 100
    max_packet_bytes: int = 256 * 1024
    connect_timeout_s: float = 10.0
    ack_timeout_s: float = 30.0
    fallback: tuple[tuple[str, int], ...] = ()


class Limits(NamedTuple):
    """What a broker's CONNACK allows: messages in flight, bytes a packet (None: any), retained messages."""

    receive_maximum: int = 65535
    max_bytes: int | None = None
    retain: bool = True


class Arrival(Message):
    """A message with what travelled beside it: its user properties. Nobody signed those: never act on them."""

    attributes: Mapping[str, str]

    @classmethod
    def of(cls, topic: str, payload: bytes, attributes: Mapping[str, str]) -> "Arrival":
        """One arrival."""
        arrival = cls(topic, payload)
        arrival.attributes = attributes
        return arrival


def password_of(path: str) -> str | None:
    """The first line of a password file; None for no file. Raises LinkLostError when it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8").partition("\n")[0].rstrip("\r") if path else None
    except (OSError, UnicodeError) as error:
        raise unreadable_file(path, error) from None


def tls_context(tls: TlsFiles) -> "ssl.SSLContext":
    """A context that checks the broker's certificate and name. Raises LinkLostError for a file that is of no use."""
    try:
        context = ssl.create_default_context(cafile=tls.ca_file or None)
    except OSError as error:
        raise unreadable_file(tls.ca_file, error) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # not every system says so by itself
    from edge_agent.uplink.tls import TlsSocket  # noqa: PLC0415 - in the daemon ssl is whole from the first context on

    context.sslsocket_class = TlsSocket
    try:
        if tls.cert_file:
            context.load_cert_chain(tls.cert_file, tls.key_file or None)
    except OSError as error:
        raise unreadable_file(f"{tls.cert_file} or {tls.key_file}", error) from None
    return context
