"""What languages of BLE adverts share: which message is new, and the bridge itself.

A language finds its payload in an advert (Find) and says how it is read (Decode, mostly a Layout of payload.py).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from edge_agent.core.ports import LanguageSpec
from edge_agent.core.reading import Advert, Chunk, Item, Reading
from firmware_bridges.base import ListeningBridge
from firmware_bridges.payload import REFUSED, Decode, RefusedError

# A device says the same thing several times so that one gets through. While it goes on with no longer pause than this
# it is one message; a button pressed again later is another, even if the packet id came round.
REPEAT_S = 4.0
# A sensor whose values do not change need not change its advert: it is alive, and heard this often.
ALIVE_S = 60.0
# Ids that are up to this far ahead are newer, others came late (a relay): as many adverts as fit into REPEAT_S.
_AHEAD = 64
# A counter below this is one that began anew with a new battery (as in bthome-ble); other steps back are recordings.
RESTART_BELOW = 100
# A counter that rises this often in a row from further back is a device that began anew elsewhere, not a recording.
RESTART_RUN = 20


class Repeats:
    """Which messages of a device are new. They are the same when their packet ids are, or all bytes without one."""

    __slots__ = ("_heard_at", "_message", "_told_at")

    def __init__(self) -> None:
        self._message: int | bytes | None = None
        self._heard_at = 0.0
        self._told_at = 0.0

    def hear(self, message: int | bytes, at: float) -> tuple[bool, bool]:
        """Whether the events, and whether the measurements of this message are to be told."""
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


class Rising:
    """The counter of encrypted messages, which may not go back: who does that plays a recording.

    It is not kept over a restart of the agent. After one, a recording is believed until the device is heard.
    """

    __slots__ = ("_behind", "_last", "_run")

    def __init__(self) -> None:
        self._last = -1
        self._behind = -1
        self._run = 0

    def hear(self, counter: int) -> bool | None:
        """Whether the message with this counter is new (True), the last one again (None), or an old one (False)."""
        if counter == self._last:
            return None
        if counter < self._last and counter >= RESTART_BELOW:
            self._run = self._run + 1 if counter > self._behind else 0
            self._behind = counter
            if self._run <= RESTART_RUN:
                return False
        self._last, self._behind, self._run = counter, -1, 0
        return True


class Found(NamedTuple):
    """A device's payload in an advert: what its maker calls it, the bytes, and how they are read.

    Two adverts with the same `packet_id` (one byte, rising), or the same bytes without one, are one message.
    """

    model: str
    data: bytes
    decode: Decode
    packet_id: int | None = None


# What a language finds: its payload; a code of REFUSED; or nothing that is its own.
Find = Callable[[Advert], Found | str | None]


def recogniser(find: Find, *, ids_are_data: bool = False) -> Callable[[Advert], str | None]:
    """`LanguageSpec.recognise` of a language that finds its payload so."""

    def recognise(advert: Advert) -> str | None:
        for part in _one_id_each(advert) if ids_are_data else (advert,):
            found = find(part)
            if isinstance(found, Found):
                return found.model
        return None

    return recognise


class AdvertBridge(ListeningBridge):
    """Adverts in, readings out, with `rssi` last.

    `ids_are_data`: the maker puts values where the company id belongs. BlueZ keeps what came under every such id, so
    only what changed since the last advert is looked at; where two changed at once nobody knows which is the newer.
    """

    def __init__(self, device: str, find: Find, *, ids_are_data: bool = False) -> None:
        super().__init__(device)
        self._find = find
        self._ids_are_data = ids_are_data
        self._known: Mapping[int, bytes] = {}
        self._last: Found | str | None = None
        self._repeats = Repeats()

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What an advert says; nothing for one of another maker, or one that was heard already."""
        if not isinstance(chunk, Advert):
            yield from self.unsupported(chunk, at)
            return
        found = self._changed(chunk) if self._ids_are_data else self._find(chunk)
        if isinstance(found, Found):
            yield from self._tell(found, chunk.rssi_dbm, at)
        elif found is not None:
            yield from self.faults.say(found, REFUSED[found], at)

    def _changed(self, advert: Advert) -> Found | str | None:
        """What is found in the one entry that is new; in the same as before where none is."""
        new = {id_: raw for id_, raw in advert.manufacturer_data.items() if self._known.get(id_) != raw}
        self._known = dict(advert.manufacturer_data)
        found = [self._find(part) for part in _one_id_each(advert._replace(manufacturer_data=new))]
        ours = [one for one in found if one is not None]
        if ours:
            self._last = ours[0] if len(ours) == 1 else None
        return self._last if advert.manufacturer_data else None

    def _tell(self, found: Found, rssi_dbm: int, at: float) -> Iterator[Item]:
        fresh, tell = self._repeats.hear(found.data if found.packet_id is None else found.packet_id, at)
        if not tell:
            return
        any_said = False
        try:
            for quantity, value, reason in found.decode(found.data):
                any_said = True
                channel = self.channel(quantity.name, quantity.unit, quantity.kind)
                if value is None:
                    yield from self.absent(channel, reason, at)
                elif fresh or not quantity.event:
                    yield self.present(channel, value, at)
        except RefusedError as refused:
            yield from self.faults.say(refused.code, REFUSED[refused.code], at)
        if any_said:
            yield Reading(self.channel("rssi", "dBm"), rssi_dbm, at)


def listener(name: str, doc: str, find: Find, *, ids_are_data: bool = False) -> LanguageSpec:
    """The SPEC of a language without options."""
    return LanguageSpec(
        name=name,
        transports=frozenset({"ble"}),
        make=lambda device, _: AdvertBridge(device, find, ids_are_data=ids_are_data),
        options={},
        doc=doc,
        recognise=recogniser(find, ids_are_data=ids_are_data),
    )


def _one_id_each(advert: Advert) -> Iterator[Advert]:
    for id_, raw in advert.manufacturer_data.items():
        yield advert._replace(manufacturer_data={id_: raw})


def address_bytes(advert: Advert) -> bytes:
    """The six bytes of the address as printed; none where the system gives an identifier in its place."""
    try:
        raw = bytes.fromhex(advert.address.replace(":", ""))
    except ValueError:
        return b""
    return raw if len(raw) == 6 else b""
