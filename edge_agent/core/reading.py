"""What comes from a device: channels, readings, faults; and what a driver hands to a bridge.

NamedTuples, because a reading is made for every value and read everywhere: they are immutable, cheap to
make (about 0.3 us) and need no validation of their own.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from edge_agent.core.finding import Severity

Value = float | int | bool | str


class ChannelKind(StrEnum):
    """How the values of a channel behave; checks and packing go by it."""

    GAUGE = "gauge"
    COUNTER = "counter"
    STATE = "state"
    ANGLE = "angle"
    TEXT = "text"


class Channel(NamedTuple):
    """One named stream of readings.

    `name` is `device.quantity` (`boiler.pressure`), `unit` a UCUM-like symbol (`bar`, `Cel`, `%`, `kWh`), empty
    where there is none. A bridge makes each channel once and hands out the same object with every reading.
    """

    name: str
    unit: str = ""
    kind: ChannelKind = ChannelKind.GAUGE

    @property
    def device(self) -> str:
        """The device's name: all before the first dot."""
        return self.name.partition(".")[0]


class Reading(NamedTuple):
    """One value of one channel at one instant.

    `at` is seconds on the gateway's monotonic clock. Bad data is `value=None` with a `reason` in plain words,
    never a made-up number.
    """

    channel: Channel
    value: Value | None
    at: float
    reason: str = ""


class Fault(NamedTuple):
    """What a bridge says of input it cannot use: counted and shown, never raised.

    `code` is one word for counting (`checksum`, `garbage`, `overflow`, `unsupported`), `text` one plain sentence.
    """

    device: str
    code: str
    text: str
    at: float


class Code(NamedTuple):
    """One trouble code, as the device tells it.

    `code` is as the manual writes it (`P0301`, `E9`), `meaning` what the bridge knows of it: a phrase without a capital
    and a full stop ("cylinder 1 misfires"), empty where it knows none. `pending`: the device has seen it and waits
    whether it comes again. `permanent`: only the device's own test may take it back, no tool. `severity` is the
    device's own, where it has one (the lamp it lights). `frame` is what the device stored when it set the code, rows
    of quantity, value and unit.
    """

    code: str
    meaning: str = ""
    pending: bool = False
    permanent: bool = False
    severity: Severity = Severity.WARNING
    frame: tuple[tuple[str, Value, str], ...] = ()


class Codes(NamedTuple):
    """All trouble codes that a device has now: each one becomes a finding, and is over when it is not told any more.

    A bridge says this when it has read the whole list, also when the list is empty, and never in part: what was not
    read is not told, and then all stays as it was. Each code is there once, by the worst that is known of it. `memory`
    is for devices with several lists that are read apart (control units): one speaks for its own alone.
    """

    device: str
    codes: tuple[Code, ...]
    at: float
    memory: str = ""


class Send(NamedTuple):
    """Bytes that a bridge wants written to its device.

    `characteristic` is for connected BLE devices: where to, by UUID; empty where the language usually writes
    (core.ports.Gatt.write). `baud` is for serial ports: their speed from these bytes on, set when all that was written
    before has left; 0 leaves it as it is.
    """

    payload: bytes
    characteristic: str = ""
    baud: int = 0


class Handover(NamedTuple):
    """What a device holds until it hears that it is kept here: that its button was held, that it crashed.

    It says so again and again: `key` is the same each time, over restarts of both sides, and names it among all
    devices. `channel` is `device.what`, and the help button where [help] button_channel says so; `at` is when it
    happened. `codes` are the findings that it means. Only when all that is on disk the driver writes `receipt`.
    """

    channel: str
    key: str
    at: float
    receipt: Send
    codes: Codes | None = None


class Advert(NamedTuple):
    """One BLE advertisement. UUIDs are full and lower case; company ids are integers. `services` are those it lists."""

    address: str
    name: str
    rssi_dbm: int
    service_data: Mapping[str, bytes]
    manufacturer_data: Mapping[int, bytes]
    services: tuple[str, ...] = ()


class Notify(NamedTuple):
    """A value that a connected BLE device notified or indicated, or that was read; the UUID is full and lower case."""

    characteristic: str
    payload: bytes


class Level(NamedTuple):
    """The logical level of a GPIO input: True is active, whatever the wiring."""

    active: bool


class Pulses(NamedTuple):
    """Pulses of a GPIO input since the last chunk; `span_s` is from the last one before them to their last.

    0: there were none, or none before.
    """

    number: int
    span_s: float = 0.0


class Content(NamedTuple):
    """All that was in a file when it was read."""

    payload: bytes


def uuid(number: int) -> str:
    """The full UUID of a 16-bit one of Bluetooth's assigned numbers: `uuid(0x2A19)` is the battery level's."""
    return f"{number:08x}-0000-1000-8000-00805f9b34fb"  # Bluetooth Core, Vol 3 Part B 2.5.1: the base UUID


class Frame(NamedTuple):
    """One CAN frame with an identifier of 29 bits, as it was on the bus; at most 8 bytes of data."""

    can_id: int
    data: bytes


Chunk = bytes | Advert | Notify | Level | Frame | Pulses | Content
Item = Reading | Fault | Codes | Handover | Send
