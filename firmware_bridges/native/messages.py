"""What the two ends of the native link say to one another (SPEC.md §4). How it is written is in bodies.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

MAJOR = 1
MINOR = 0
MAX_U32 = 0xFFFF_FFFF


class Type(IntEnum):
    """The first byte of a frame."""

    HELLO = 0x01
    BEAT = 0x02
    DATA = 0x03
    EVENT = 0x04
    LOG = 0x05
    CRASH = 0x06
    CHANNELS = 0x07
    COMMAND = 0x10
    ACK = 0x11
    TIME = 0x12
    CREDIT = 0x13
    CHUNK = 0x14
    SMP = 0x20


class Status(IntEnum):
    """Answers to a command: errno's numbers where there is one, 0 is well. Any other number is the device's own."""

    OK = 0
    FAILED = 5
    BUSY = 16
    BAD_ARGUMENT = 22
    UNKNOWN_VERB = 38
    REFUSED = 13


class Can(IntEnum):
    """Bits of what a device says it can."""

    SMP = 1
    CRASH = 2
    COMMANDS = 4


class Level(IntEnum):
    """How grave an event is; OVER ends one that was said before."""

    OVER = 0
    NOTICE = 1
    WARNING = 2
    ALARM = 3


@dataclass(frozen=True, slots=True)
class Hello:
    """Who the device is. `uid` is its chip's, `boot` differs at each start, `credit` is None where it needs none."""

    major: int = 0
    minor: int = 0
    vendor: str = ""
    model: str = ""
    version: str = ""
    build: str = ""
    uid: bytes = b""
    boot: int = 0
    reason: str = ""
    max_body: int = 0
    can: int = 0
    channels: int = 0
    beat_ms: int = 0
    credit: int | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """The device lives. Bytes never used of stack and heap are None where it does not know."""

    uptime_ms: int
    boot: int = 0
    rx_ok: int = 0
    rx_bad: int = 0
    tx_dropped: int = 0
    stack_free: int | None = None
    heap_free: int | None = None


@dataclass(frozen=True, slots=True)
class Data:
    """Values by channel number; None: the device has none now."""

    uptime_ms: int
    values: Mapping[int, float | int | bool | str | None]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the device keeps until it is acknowledged. `age_ms` is how long ago, at the least.

    `uid`, `boot` (that in which it happened) and `n` together name it for ever.
    """

    uid: bytes
    boot: int
    n: int
    name: str
    age_ms: int = 0
    level: int = Level.WARNING
    code: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Log:
    """One line of the firmware's log: 0 debug, 1 info, 2 warning, 3 error."""

    level: int
    uptime_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Crash:
    """What was kept of a crash over the reset. `stack` is the top of it, as it lay in memory."""

    uid: bytes
    boot: int
    n: int
    pc: int
    lr: int
    psr: int = 0
    cfsr: int = 0
    sp: int = 0
    uptime_ms: int = 0
    build: str = ""
    what: str = ""
    stack: bytes = b""


@dataclass(frozen=True, slots=True)
class Described:
    """One channel: name, unit and the number of its kind (SPEC.md §4.7)."""

    name: str
    unit: str = ""
    kind: int = 0


@dataclass(frozen=True, slots=True)
class Channels:
    """Some channels by number; there may be more of these messages."""

    described: Mapping[int, Described]


@dataclass(frozen=True, slots=True)
class Command:
    """What the device is to do; `n` is the same in each repetition."""

    n: int
    verb: str
    arguments: Any = None


@dataclass(frozen=True, slots=True)
class Ack:
    """An answer: of the device to a command, of the gateway to an event or a crash record that it has on disk."""

    type: int
    n: int
    status: int = Status.OK
    boot: int = 0
    result: Any = None


@dataclass(frozen=True, slots=True)
class Time:
    """The gateway's milliseconds, modulo 2^32, and in the answer the device's uptime beside them."""

    host_ms: int
    device_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Credit:
    """So many bytes on the wire, counted from the device's hello, may have been sent to it in all."""

    limit: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a body that does not fit into one frame."""

    type: int
    n: int
    total: int
    crc: int
    offset: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Smp:
    """A frame of the Simple Management Protocol (MCUmgr), as it is."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Unknown:
    """A type of a later version."""

    type: int


Message = (
    Hello | Beat | Data | Event | Log | Crash | Channels | Command | Ack | Time | Credit | Chunk | Smp | Unknown
)  # fmt: skip
