"""BTHome: adverts of sensors, contacts and buttons to readings. Own codec of the open specification."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import Advert, Chunk, Item, Reading, uuid
from firmware_bridges.adverts import Repeats, Rising, address_bytes
from firmware_bridges.base import ListeningBridge
from firmware_bridges.bthome.cipher import OVERHEAD, Opener
from firmware_bridges.bthome.objects import EVENTS, OBJECTS, PACKET_ID
from firmware_bridges.bthome.values import VALUE, Held, split, split_v1

SERVICE = uuid(0xFCD2)
V1_SERVICE = uuid(0x181C)  # plain
V1_SEALED = uuid(0x181E)  # encrypted

_ENCRYPTED = 0x01
_HAS_ADDRESS = 0x02
_VERSION = 2
# More objects of one type than this are not believed: an advert has 255 bytes at the most.
MAX_SAME = 8


class _Message(NamedTuple):
    """A message as it lies in an advert: `head` is what its nonce begins with, `body` objects or their ciphertext."""

    version: int
    sealed: bool
    head: bytes
    associated: bytes | None
    body: bytes


class Bthome(ListeningBridge):
    """Adverts in, readings out, with `rssi` last. The second object of a type is `temperature_2`, and so on.

    With a key only adverts that it opens are believed, each once: neither plain ones nor recordings of older ones.
    """

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device)
        self._opener = Opener(device, options["key"]) if options["key"] else None
        self._counter = Rising()
        self._repeats = Repeats()

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What an advert says; nothing for one without BTHome data, or one that was heard already."""
        if not isinstance(chunk, Advert):
            yield from self.unsupported(chunk, at)
            return
        found = _find(chunk)
        if found is None:
            return
        opened = self._open(found) if isinstance(found, _Message) else found
        if isinstance(opened, str) or isinstance(found, str):
            yield from self.faults.say(str(opened), _REFUSED[str(opened)], at)
        else:
            yield from self._objects(*_SPLIT[found.version](opened), opened, chunk.rssi_dbm, at)

    def _open(self, message: _Message) -> bytes | str:
        """The plain objects, or the code of a fault. An advert that is only repeated gives no objects."""
        if self._opener is None:
            return "encrypted" if message.sealed else message.body
        if not message.sealed:
            return "plain"
        if len(message.body) <= OVERHEAD or not message.head:
            return "truncated"
        opened = self._opener.open(message.head, message.body, message.associated)
        if opened is None:
            return "key"
        counter, body = opened
        news = self._counter.hear(counter)
        return "replay" if news is False else body if news else b""

    def _objects(self, found: list[Held], fault: str, body: bytes, rssi_dbm: int, at: float) -> Iterator[Item]:
        packet_id = next((raw[0] for object_, raw in found if object_.name == OBJECTS[PACKET_ID].name), None)
        fresh, tell = self._repeats.hear(body if packet_id is None else packet_id, at)
        if found and tell:
            yield from self._readings(found, fresh, at)
            yield Reading(self.channel("rssi", "dBm"), rssi_dbm, at)
        if fault:
            yield from self.faults.say(fault, _REFUSED[fault], at)

    def _readings(self, found: list[Held], fresh: bool, at: float) -> Iterator[Reading]:
        seen: Counter[str] = Counter()
        for object_, raw in found:
            seen[object_.name] += 1
            number = seen[object_.name]
            if object_.name == "packet_id" or number > MAX_SAME or (object_.form in EVENTS and not fresh):
                continue
            value = VALUE[object_.form](object_, raw)
            if value is None:
                continue
            name = object_.name if number == 1 else f"{object_.name}_{number}"
            channel = self.channel(name, object_.unit, object_.kind)
            if channel.unit != object_.unit:  # a scale switched from kg to lb
                channel = self._channels[name] = channel._replace(unit=object_.unit)
            yield Reading(channel, value, at)


_SPLIT = {1: split_v1, 2: split}
_REFUSED = {
    "encrypted": "the adverts are encrypted and no key is configured",
    "plain": "an advert without encryption came, though a key is configured",
    "key": "the key does not open the adverts",
    "replay": "an old encrypted advert came again",
    "truncated": "an advert is shorter than it says",
    "object": "an advert has an object that is not known here; in version 2, what follows it is lost",
    "unsupported": "an advert of another version than BTHome 1 or 2",
}


def _find(advert: Advert) -> _Message | str | None:
    """The message in an advert, the code of a fault, or None where there is none."""
    data = advert.service_data.get(SERVICE)
    if data is not None:
        if not data or data[0] >> 5 != _VERSION:
            return "unsupported"
        info, body, address = data[0], data[1:], address_bytes(advert)
        if info & _HAS_ADDRESS:
            address, body = (body[5::-1], body[6:]) if len(body) >= 6 else (b"", b"")
        head = address + b"\xd2\xfc" + bytes([info]) if address else b""
        return _Message(2, bool(info & _ENCRYPTED), head, None, body)
    if V1_SEALED in advert.service_data:
        address = address_bytes(advert)
        head = address + b"\x1e\x18" if address else b""
        return _Message(1, True, head, b"\x11", advert.service_data[V1_SEALED])
    if V1_SERVICE in advert.service_data:
        return _Message(1, False, b"", None, advert.service_data[V1_SERVICE])
    return None


def _recognise(advert: Advert) -> str | None:
    found = _find(advert)
    if not isinstance(found, _Message):
        return None
    # 181C and 181E are the Bluetooth SIG's own numbers too: what does not read as objects is not BTHome.
    ours = found.version == 2 or found.sealed or bool(split_v1(found.body)[0])
    return f"BTHome v{found.version}" if ours else None


SPEC = LanguageSpec(
    name="bthome",
    transports=frozenset({"ble"}),
    make=Bthome,
    options={"key": Option(str, "", "the bind key of an encrypted device, 32 hexadecimal digits")},
    doc="BTHome v1 and v2: thermometers, contacts, buttons and others that advertise (Shelly BLU, b-parasite, PVVX)",
    recognise=_recognise,
)
