"""BTHome v2: adverts of sensors, contacts and buttons to readings. Own codec of the open specification."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import Advert, Chunk, Item, Reading, Value
from firmware_bridges.base import ListeningBridge
from firmware_bridges.bthome.cipher import OVERHEAD, Opener
from firmware_bridges.bthome.objects import BUTTON, COMMAND, DIMMER, EVENTS, OBJECTS, PACKET_ID, Form, Object

SERVICE = "0000fcd2-0000-1000-8000-00805f9b34fb"
_V1_SERVICES = frozenset({"0000181c-0000-1000-8000-00805f9b34fb", "0000181e-0000-1000-8000-00805f9b34fb"})

_ENCRYPTED = 0x01
_HAS_ADDRESS = 0x02
_VERSION = 2
# A device says the same thing several times so that one gets through, with the same packet id. While it goes on with
# no longer pause than this it is one message; a button pressed again later is another, even if the id came round.
REPEAT_S = 4.0
# A sensor whose values do not change need not change its packet id: it is alive, and heard this often.
ALIVE_S = 60.0
# Ids that are up to this far ahead are newer, others came late (a relay): as many adverts as fit into REPEAT_S.
_AHEAD = 64
# More objects of one type than this are not believed: an advert has 255 bytes at the most.
MAX_SAME = 8


class _Found(NamedTuple):
    """One object of an advert with its bytes."""

    object: Object
    raw: bytes


class Bthome(ListeningBridge):
    """Adverts in, readings out, with `rssi` last. The second object of a type is `temperature_2`, and so on.

    With a key only adverts that it opens are believed, each once: neither plain ones nor recordings of older ones.
    """

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device)
        self._opener = Opener(device, options["key"]) if options["key"] else None
        self._counter = -1
        self._message: int | bytes = b""
        self._heard_at = 0.0
        self._told_at = 0.0

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What an advert says; nothing for one without BTHome data, or one that was heard already."""
        if not isinstance(chunk, Advert):
            yield from self.unsupported(chunk, at)
            return
        data = chunk.service_data.get(SERVICE)
        if data is None:
            if not _V1_SERVICES.isdisjoint(chunk.service_data):
                yield from self.faults.say("unsupported", "BTHome version 1: update the device to version 2", at)
            return
        if not data or data[0] >> 5 != _VERSION:
            yield from self.faults.say("unsupported", "an advert of another version than BTHome 2", at)
            return
        info, body, address = data[0], data[1:], chunk.address
        if info & _HAS_ADDRESS:
            address, body = body[5::-1].hex(), body[6:]
        opened: bytes | str = "encrypted" if info & _ENCRYPTED else body
        if self._opener is not None:
            opened = self._open(self._opener, address, info, body)
        if isinstance(opened, str):
            yield from self.faults.say(opened, _REFUSED[opened], at)
        else:
            yield from self._objects(opened, chunk.rssi_dbm, at)

    def _open(self, opener: Opener, address: str, info: int, sealed: bytes) -> bytes | str:
        """The plain objects, or the code of a fault. An advert that is only repeated gives no objects."""
        raw = _address(address)
        if not info & _ENCRYPTED:
            return "plain"
        if len(sealed) <= OVERHEAD or len(raw) != 6:
            return "truncated"
        opened = opener.open(raw, info, sealed)
        if opened is None:
            return "key"
        counter, body = opened
        # A counter starts anew with a new battery (as in bthome-ble: below 100); other steps back are recordings.
        if 100 <= counter < self._counter:
            return "replay"
        repeated, self._counter = counter == self._counter, counter
        return b"" if repeated else body

    def _objects(self, body: bytes, rssi_dbm: int, at: float) -> Iterator[Item]:
        found, fault = _split(body)
        packet_id = next((raw[0] for object_, raw in found if object_ is OBJECTS[PACKET_ID]), None)
        fresh, tell = self._fresh(body if packet_id is None else packet_id, at)
        if found and tell:
            yield from self._readings(found, fresh, at)
            yield Reading(self.channel("rssi", "dBm"), rssi_dbm, at)
        if fault:
            yield from self.faults.say(fault, _REFUSED[fault], at)

    def _fresh(self, message: int | bytes, at: float) -> tuple[bool, bool]:
        """Whether the events, and whether the measurements of this message are to be told.

        Messages are the same when their packet ids are, or all their bytes if they have none.
        """
        last, pause = self._message, at - self._heard_at
        if pause <= REPEAT_S and isinstance(message, int) and isinstance(last, int):
            ahead = (message - last) % 256
            if ahead >= _AHEAD:
                return False, False
            fresh = ahead > 0
        else:
            fresh = pause > REPEAT_S or message != last
        tell = fresh or at - self._told_at >= ALIVE_S
        self._message, self._heard_at = message, at
        if tell:
            self._told_at = at
        return fresh, tell

    def _readings(self, found: list[_Found], fresh: bool, at: float) -> Iterator[Reading]:
        seen: Counter[str] = Counter()
        for object_, raw in found:
            seen[object_.name] += 1
            number = seen[object_.name]
            if object_.name == "packet_id" or number > MAX_SAME or (object_.form in EVENTS and not fresh):
                continue
            value = _VALUE[object_.form](object_, raw)
            if value is None:
                continue
            name = object_.name if number == 1 else f"{object_.name}_{number}"
            channel = self.channel(name, object_.unit, object_.kind)
            if channel.unit != object_.unit:  # a scale switched from kg to lb
                channel = self._channels[name] = channel._replace(unit=object_.unit)
            yield Reading(channel, value, at)


_REFUSED = {
    "encrypted": "the adverts are encrypted and no key is configured",
    "plain": "an advert without encryption came, though a key is configured",
    "key": "the key does not open the adverts",
    "replay": "an old encrypted advert came again",
    "truncated": "an advert is shorter than it says",
    "object": "an advert has an object that BTHome 2 does not know; what follows it is lost",
}


def _split(body: bytes) -> tuple[list[_Found], str]:
    """The objects with their bytes, up to the first that is unknown or cut short, and the fault's code if any."""
    found: list[_Found] = []
    place = 0
    while place < len(body):
        object_ = OBJECTS.get(body[place])
        if object_ is None:
            return found, "object"
        place += 1
        size = object_.size
        if size == 0:
            if place == len(body):
                return found, "truncated"
            size = (body[place] & 0x1F) + 1 if object_.form is Form.COMMAND else body[place]
            place += 1
        raw = body[place : place + size]
        if len(raw) < size:
            return found, "truncated"
        found.append(_Found(object_, raw))
        place += size
    return found, ""


def _number(object_: Object, raw: bytes) -> Value:
    number = int.from_bytes(raw, "little", signed=object_.form is Form.SIGNED)
    return number if object_.divisor == 1 else number * object_.step / object_.divisor


def _dimmer(_: Object, raw: bytes) -> Value | None:
    turn = DIMMER.get(raw[0])
    return None if turn is None else turn * raw[1]


def _command(_: Object, raw: bytes) -> Value | None:
    name = COMMAND.get(raw[0])
    return f"{name} {raw[1]}" if name is not None and len(raw) > 1 else name


# What the bytes of an object mean; None for an event that says that nothing happened, or one that is not known.
_VALUE: dict[Form, Callable[[Object, bytes], Value | None]] = {
    Form.UNSIGNED: _number,
    Form.SIGNED: _number,
    Form.FLAG: lambda _, raw: raw[0] != 0,
    Form.TEXT: lambda _, raw: raw.decode("utf-8", "replace"),
    Form.RAW: lambda _, raw: raw.hex(),
    Form.VERSION: lambda _, raw: ".".join(str(byte) for byte in reversed(raw)),
    Form.BUTTON: lambda _, raw: BUTTON.get(raw[0]),
    Form.DIMMER: _dimmer,
    Form.COMMAND: _command,
}


def _address(text: str) -> bytes:
    try:
        return bytes.fromhex(text.replace(":", ""))
    except ValueError:  # some systems give a random identifier in place of the address
        return b""


SPEC = LanguageSpec(
    name="bthome",
    transports=frozenset({"ble"}),
    make=Bthome,
    options={"key": Option(str, "", "the bind key of an encrypted device, 32 hexadecimal digits")},
    doc="BTHome v2: thermometers, contacts, buttons and others that advertise (Shelly BLU, b-parasite, PVVX)",
)
