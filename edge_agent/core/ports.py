"""What services expect of adapters, and drivers of bridges. Each Protocol has a suite in tests/contracts.

Times are seconds: `at` and `now` on the gateway's monotonic clock unless a name says otherwise.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, runtime_checkable

from edge_agent.core.clock import Instant
from edge_agent.core.event import Event, Lane
from edge_agent.core.health import Health
from edge_agent.core.reading import Advert, Chunk, Codes, Fault, Handover, Item, Reading, Send
from edge_agent.core.request import HelpRequest


class Clock(Protocol):
    """The gateway's clocks, read by one object so that a test can hold them."""

    def now(self) -> Instant:
        """All four values at once."""


class Bridge(Protocol):
    """One device's language, sans-IO. Made once a device; see LanguageSpec.make.

    `feed` takes what the transport moved, whole or in any pieces, and yields what it means. It raises nothing for
    bad input (that is a Fault) and keeps at most a bounded rest. `next` says what must be asked of the device and
    when: a deadline (None: never) and, when `now` has reached it, the bytes to send; or what follows from the time
    alone (a device that is silent), and then it is asked once more.
    """

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """Readings, faults, trouble codes and answers from a chunk that arrived `at`."""

    def next(self, now: float) -> tuple[float | None, Send | Reading | Fault | None]:
        """The next deadline, and what to send or to say if it is due `now`."""


class Option(NamedTuple):
    """One setting of a bridge: `str`, `int`, `float`, `bool` or `dict`; default (None: required); meaning."""

    type: type
    default: object
    doc: str


class Gatt(NamedTuple):
    """What a driver does with a BLE device that it connects to, after each connect and in this order.

    It subscribes to `subscribe` (notifications or indications) and reads `read`: seconds between two reads of each, 0
    for once a connection. Every value is fed as a Notify. Then it asks `next` for what is due. `write` is where a Send
    goes that names no characteristic; empty: nowhere.

    UUIDs are full and lower case (core.reading.uuid). What a device lacks of these is left out, so that a language may
    name all it knows; a device that has none of them is not ready. Of two with the same UUID the first counts.
    """

    subscribe: tuple[str, ...] = ()
    read: Mapping[str, float] = MappingProxyType({})
    write: str = ""

    @property
    def characteristics(self) -> frozenset[str]:
        """All that are named."""
        return frozenset((*self.subscribe, *self.read, *((self.write,) if self.write else ())))


@dataclass(frozen=True, slots=True)
class LanguageSpec:
    """What is known of a device language without running it.

    `transports` are `serial`, `can`, `gpio` (levels), `pulses` (of a GPIO input), `file`, `ble` (adverts) and `gatt` (a
    BLE device to be connected to, which `gatt` then describes). A language may have both of the last two: its bridge is
    then fed adverts as well.

    `make(device, options)` builds a Bridge whose channels are named `device.…`; options are complete and of the
    declared types. It raises ConfigError where their values make no sense together.

    `marks_breaks`: frames end with a break on the wire, which the port then gives as ff 00 00, and ff as ff ff.

    `recognise(advert)` names the model when the advert is one of this language (with or without its key), else None;
    it raises nothing. Languages without it are never proposed for a device that was heard.
    """

    name: str
    transports: frozenset[str]
    make: Callable[[str, Mapping[str, Any]], Bridge]
    options: Mapping[str, Option]
    doc: str
    baud: int = 9600
    marks_breaks: bool = False
    gatt: Gatt | None = None
    recognise: Callable[[Advert], str | None] | None = None


Deliver = Callable[[Reading | Fault | Codes], None]
# Whether what a device hands over is on disk by now; asked at every repetition.
Keep = Callable[[Handover], bool]


class DeviceCounts(NamedTuple):
    """What a driver knows of one device: totals since start, and when it was last heard (None: never)."""

    device: str
    readings: int
    faults: int
    last_at: float | None
    health: Health


class Driver(Protocol):
    """A transport with its devices. Optional by fate: when `run` raises DriverError it is started again in place.

    A missing port is a state of that device, and the others go on; a transport that is away as a whole (no adapter)
    is told by `health`, and `run` goes on looking for it.
    """

    name: str
    health: Health

    async def run(self) -> None:
        """Move bytes until cancelled; closes what it opened in any case."""

    def devices(self) -> Sequence[DeviceCounts]:
        """One row a configured device."""


@runtime_checkable
class Port(Protocol):
    """A driver whose one port can be handled by a remedy (core.playbook)."""

    def reopen(self) -> None:
        """Close the port, and open it again within seconds. Raises DriverError where it is not open."""

    async def reset(self) -> None:
        """Make the device on it start anew. Raises DriverError where that cannot be done."""


class Depth(NamedTuple):
    """How much waits in a lane: events, their payload bytes, and the monotonic time and boot of the oldest.

    `dropped` is how many were ever given up in this lane for want of space or by damage, over restarts.
    """

    events: int
    bytes: int
    oldest_at: float | None
    oldest_boot: str | None
    dropped: int


class Spool(Protocol):
    """One lane's durable queue, as the drain sees it.

    An appended event has its sequence (from 1, gap-free over restarts) but is only in memory until `commit` returns.
    `pending` gives committed events only, in order, those not yet released, starting behind `after`. Releasing is
    by event, in any order; what was released but not yet committed may come again after a crash, with the same id.
    Raises StoreError when the disk fails; what was appended stays appended and goes with the next commit.
    """

    lane: Lane

    def append(self, event: Event) -> Event:
        """Give it the next sequence; it travels after the next commit."""

    async def commit(self) -> None:
        """Everything appended and released so far is on disk (fsync) when this returns.

        Raises StoreError; a disk that does not answer in a few seconds is a StoreError too; what was asked may still
        get there.
        """

    def pending(self, after: int, limit: int) -> Sequence[Event]:
        """At most `limit` committed, unreleased events with a sequence above `after`."""

    def release(self, event: Event) -> None:
        """The broker has it: forget it (help: it is sent, and kept until the desk's own acknowledgement)."""

    def depth(self) -> Depth:
        """What waits."""

    def close(self) -> None:
        """Close the files; commit first."""


class RequestStore(Spool, Protocol):
    """Help requests and their events: the help lane, and the state of every case."""

    @property
    def newest(self) -> int:
        """The last sequence that was given in this lane; 0: none yet. The next one is one more."""

    async def save(self, request: HelpRequest, events: Sequence[Event]) -> Sequence[Event]:
        """State and what it says to the desk in one transaction, on disk when this returns. Gives sequences.

        Raises StoreError when the disk refuses: case and events are kept and pending all the same, and go to disk with
        the next commit that works. Saving an event again (same id) changes nothing of it.
        """

    async def load(self) -> Sequence[HelpRequest]:
        """All cases that are not over, oldest first, and the last one that is.

        Raises StoreError while the disk cannot be read.
        """

    def resend(self, request_id: bytes) -> None:
        """Put what this case has sent and nobody acknowledged back to pending, with the same ids."""

    def settle(self, request_id: bytes, through: int) -> None:
        """The desk has this case's events up to this sequence: they are done with."""

    def unheard(self, request_id: bytes) -> Sequence[Event]:
        """This case's events that the desk has not acknowledged, sent or not, in order."""

    def unsettled(self, request_id: bytes) -> int:
        """How many of this case's events the desk has not acknowledged."""


class Message(NamedTuple):
    """What came down: topic and payload, as received and not yet believed."""

    topic: str
    payload: bytes


class Link(Protocol):
    """One live connection to a broker. `publish` returns at the broker's PUBACK; `window` is how many may be in flight.

    Raises LinkError when the connection is or goes down, LinkRefusedError when the broker said no to this message.
    """

    @property
    def window(self) -> int:
        """The smaller of the broker's Receive Maximum and our own bound."""

    async def publish(
        self,
        topic: str,
        payload: bytes,
        attributes: Mapping[str, str],
        *,
        retain: bool = False,
        expiry_s: int | None = None,
    ) -> None:
        """Send one message, QoS 1, attributes as user properties."""


class HelpChannel(Protocol):
    """Another way to the desk, for the one event that asks for help: tried beside MQTT when that brings no answer.

    Optional by fate: what `run` or `send` raise beyond LinkError starts this channel again, and no other. `resend_s` is
    how long at least to wait between two tries, for what it costs. `must_ask`: what the desk says later does not come
    by itself, but is the answer to the same event sent again.
    """

    name: str
    resend_s: float
    must_ask: bool

    @property
    def health(self) -> Health:
        """How it is now, as far as that can be told without a call."""

    async def run(self) -> None:
        """Keep the way open and listen, until cancelled. What the desk says goes to the callback it was made with."""

    async def send(self, event: Event, compact: bytes) -> bytes | None:
        """Hand the event over, in full or in its compact form; returns when the other side took it, in bounded time.

        Gives the desk's signed reply where it comes with that, else None: nobody has acknowledged anything yet.
        Raises LinkError when it could not be handed over, LinkBusyError where the other side says when to come again.
        """


class Indicator(Protocol):
    """A lamp, a buzzer or a console. Told only when something changes; must not block."""

    def show(self, on: bool, colour: str) -> None:
        """Light in this colour (`green`, `amber`, `red`, `blue`) where it has colours, or dark."""


class Verifier(Protocol):
    """Ed25519 over the desk's configured public keys."""

    def __call__(self, kid: str, body: bytes, signature: bytes) -> bool:
        """Whether the key of this id signed exactly this body."""
