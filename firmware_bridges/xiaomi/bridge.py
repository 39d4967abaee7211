"""Xiaomi: MiBeacon, versions 2 to 5, plain and encrypted, and three devices that have formats of their own."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import Advert, uuid
from firmware_bridges.adverts import AdvertBridge, Found, Rising, address_bytes
from firmware_bridges.cipher import Blocks, Ccm, exclusive_or, key_bytes
from firmware_bridges.payload import STEADY, RefusedError, Said
from firmware_bridges.xiaomi import others
from firmware_bridges.xiaomi.models import MODELS, SCALES
from firmware_bridges.xiaomi.objects import OBJECTS, SILENT

SERVICE = uuid(0xFE95)
_WHERE = "Read it from the maker's cloud with Xiaomi-cloud-tokens-extractor: BLE KEY (remotes before 2020: beacon key)"

# Bits of the frame control.
_ENCRYPTED, _HAS_ADDRESS, _HAS_CAPABILITY, _HAS_OBJECT, _MESH = 0x08, 0x10, 0x20, 0x40, 0x80
_HAS_IO = 0x20  # of the capability
_HEAD_BYTES = 5
_OLDEST = 2
_AUTHENTIC = 4  # from this version on, there is a tag

_OLD_KEY_BYTES = 12
_OLD_KEY_MIDDLE = bytes.fromhex("8d3d3c97")
_ASSOCIATED = b"\x11"


class _Frame(NamedTuple):
    """One frame: `head` is its first five bytes, `body` what comes behind address and capability."""

    head: bytes
    address: bytes
    body: bytes

    @property
    def control(self) -> int:
        return int.from_bytes(self.head[:2], "little")

    @property
    def version(self) -> int:
        return self.control >> 12

    @property
    def product(self) -> int:
        return int.from_bytes(self.head[2:4], "little")

    @property
    def counter(self) -> int:
        return self.head[4]

    @property
    def model(self) -> str:
        return MODELS.get(self.product, f"product {self.product:04X}")


def _frame(advert: Advert) -> _Frame | str | None:
    """The frame in an advert, the code of a fault, or None."""
    data = advert.service_data.get(SERVICE)
    if data is None:
        return None
    if len(data) < _HEAD_BYTES:
        return "truncated"
    frame = _Frame(data[:_HEAD_BYTES], address_bytes(advert), data[_HEAD_BYTES:])
    if frame.version < _OLDEST or frame.control & _MESH:
        return "unsupported"
    body, address = frame.body, frame.address
    if frame.control & _HAS_ADDRESS:
        address, body = body[5::-1], body[6:]
        if len(address) < 6:
            return "truncated"
    if frame.control & _HAS_CAPABILITY:
        if not body:
            return "truncated"
        body = body[2:] if body[0] & _HAS_IO else body[1:]
    return frame._replace(address=address, body=body)


class _Key:
    """Opens frames of one device. A key of 12 bytes is one before version 4, where its middle is always the same.

    Raises ConfigError for a key that is none.
    """

    def __init__(self, device: str, text: str) -> None:
        key = key_bytes(device, text, (16, _OLD_KEY_BYTES), _WHERE)
        if len(key) == _OLD_KEY_BYTES:
            key = key[:6] + _OLD_KEY_MIDDLE + key[6:]
        self._blocks, self._ccm = Blocks(device, key), Ccm(device, key)
        self._old = key[6:10] == _OLD_KEY_MIDDLE
        self._counter = Rising()

    def open(self, frame: _Frame) -> bytes | str:
        """The objects, or the code of a fault; no objects for a frame that is only repeated.

        A frame without a tag is believed of a device alone that has a key of that time: anybody can send one.
        """
        if frame.version >= _AUTHENTIC:
            return self._open(frame)
        return self._open_old(frame) if self._old else "key"

    def _open(self, frame: _Frame) -> bytes | str:
        sealed, extension, tag = frame.body[:-7], frame.body[-7:-4], frame.body[-4:]
        if len(tag) < 4 or len(extension) < 3 or len(frame.address) != 6:
            return "truncated"
        nonce = frame.address[::-1] + frame.head[2:5] + extension
        opened = self._ccm.open(nonce, sealed + tag, _ASSOCIATED)
        if opened is None:
            return "key"
        news = self._counter.hear(int.from_bytes(extension, "little") << 8 | frame.counter)
        return "replay" if news is False else opened if news else b""

    def _open_old(self, frame: _Frame) -> bytes | str:
        """CCM without looking at its tag, which is one byte: the counter mode from block 1 on."""
        sealed, extension = frame.body[:-4], frame.body[-4:-1]
        if not sealed or len(extension) < 3 or len(frame.address) != 6 or len(sealed) > 32:
            return "truncated"
        nonce = frame.head + extension + frame.address[:0:-1]
        count = (len(sealed) + 15) // 16
        stream = b"".join(b"\x01" + nonce + (block + 1).to_bytes(2) for block in range(count))
        opened = exclusive_or(sealed, self._blocks.encrypt(stream))
        return opened if _whole(opened) else "key"  # what a wrong key makes of it is hardly ever whole objects


def _whole(objects: bytes) -> bool:
    place = 0
    while place + 3 <= len(objects):
        place += 3 + objects[place + 2]
    return place == len(objects)


def _objects(body: bytes, model: str) -> Iterator[Said]:
    """What the objects say. Raises RefusedError behind the last one where one is not known or too short."""
    code = ""
    place = 0
    while place + 3 <= len(body):  # one byte more, of some devices, is no object
        if place + 3 + body[place + 2] > len(body):
            raise RefusedError("truncated")
        number, size = int.from_bytes(body[place : place + 2], "little"), body[place + 2]
        object_ = body[place + 3 : place + 3 + size]
        place += 3 + size
        if number not in OBJECTS:
            code = code if number in SILENT else "unsupported"
        elif size < OBJECTS[number][0]:
            code = "truncated"
        else:
            yield from OBJECTS[number][1](object_, model)
    if code:
        raise RefusedError(code)


class Xiaomi(AdvertBridge):
    """Adverts in, readings out; with a key, only adverts that it opens are believed, each once."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        self._key = _Key(device, options["key"]) if options["key"] else None
        super().__init__(device, self._found)

    def _found(self, advert: Advert) -> Found | str | None:
        frame = _frame(advert)
        if frame is None:
            other = others.find(advert)
            return "plain" if other is not None and self._key is not None else other
        if isinstance(frame, str):
            return frame
        if not frame.control & _HAS_OBJECT:
            return Found(frame.model, b"", lambda _: [(STEADY, False, "")]) if frame.model in SCALES else None
        opened: bytes | str = frame.body
        if frame.control & _ENCRYPTED:
            opened = "encrypted" if self._key is None else self._key.open(frame)
        elif self._key is not None:
            opened = "plain"
        if isinstance(opened, str):
            return opened
        return Found(frame.model, opened, lambda body: _objects(body, frame.model), frame.counter) if opened else None


def _recognise(advert: Advert) -> str | None:
    frame = _frame(advert)
    if isinstance(frame, _Frame):
        return MODELS.get(frame.product)
    found = others.find(advert)
    return None if found is None else found.model


SPEC = LanguageSpec(
    name="xiaomi",
    transports=frozenset({"ble"}),
    make=Xiaomi,
    options={
        "key": Option(str, "", "the bind key of an encrypted device: 32 hexadecimal digits, for old remotes 24"),
    },
    doc="Xiaomi (MiBeacon): thermometers, plant, door, motion and leak sensors, buttons, locks, scales",
    recognise=_recognise,
)
