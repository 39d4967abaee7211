"""The formats of custom firmware for Xiaomi thermometers: ATC1441 and PVVX, plain and encrypted (181A)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import Advert, uuid
from firmware_bridges.adverts import AdvertBridge, Found, address_bytes, recogniser
from firmware_bridges.cipher import Ccm, key_bytes
from firmware_bridges.payload import BATTERY, HUMIDITY, TEMPERATURE, VOLTAGE, Field, Layout, flag, state

SERVICE = uuid(0x181A)
_AD_TYPE = 0x16  # service data with a UUID of 16 bits
_WHERE = "Copy it from the web page that flashed the thermometer: 'Show all mi keys', Bindkey"
_TELINK = bytes.fromhex("a4c138")  # the chips of these thermometers

# The reed contact and the output of the trigger, where they are soldered.
_FLAGS = (flag(state("contact"), 0, 0), flag(state("trigger"), 0, 1))


def _flags(byte: int) -> tuple[Field, ...]:
    return tuple(field._replace(byte=byte) for field in _FLAGS)


_PVVX = Layout(
    Field(TEMPERATURE, 6, "<h", 100),
    Field(HUMIDITY, 8, "<H", 100),
    Field(VOLTAGE, 10, "<H", 1000),
    Field(BATTERY, 12),
    *_flags(14),
)
_ATC = Layout(
    Field(TEMPERATURE, 6, ">h", 10), Field(HUMIDITY, 8), Field(BATTERY, 9), Field(VOLTAGE, 10, ">H", 1000), size=13
)
_PVVX_SEALED = Layout(Field(TEMPERATURE, 0, "<h", 100), Field(HUMIDITY, 2, "<H", 100), Field(BATTERY, 4), *_flags(5))
_ATC_SEALED = Layout(
    Field(TEMPERATURE, 0, divisor=2, offset=-40),
    Field(HUMIDITY, 1, divisor=2),
    Field(BATTERY, 2, mask=0x7F),
    flag(state("trigger"), 2, 7),
)


class _Format(NamedTuple):
    """A format: where its packet id is, and the address in it, first byte last or not, or none where it is sealed."""

    model: str
    layout: Layout
    packet_id: int
    reverse: bool | None


_FORMATS = {
    15: _Format("PVVX", _PVVX, 13, reverse=True),
    13: _Format("ATC1441", _ATC, 12, reverse=False),
    11: _Format("PVVX, encrypted", _PVVX_SEALED, 0, reverse=None),
    8: _Format("ATC1441, encrypted", _ATC_SEALED, 0, reverse=None),
}


class Atc(AdvertBridge):
    """Adverts in, readings out; with a key, only encrypted adverts that it opens are believed."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        key = options["key"]
        self._cipher = Ccm(device, key_bytes(device, key, (16,), _WHERE)) if key else None
        super().__init__(device, self._found)

    def _found(self, advert: Advert) -> Found | str | None:
        found = _find(advert)
        if not isinstance(found, Found):
            return found
        sealed = _FORMATS[len(found.data)].reverse is None
        if self._cipher is None:
            return "encrypted" if sealed else found
        if not sealed:
            return "plain"
        # The nonce takes in how the structure begins on the air: length, type, UUID.
        head = bytes([len(found.data) + 3, _AD_TYPE, 0x1A, 0x18])
        nonce = address_bytes(advert)[::-1] + head + found.data[:1]
        opened = self._cipher.open(nonce, found.data[1:], b"\x11")
        return "key" if opened is None else found._replace(data=opened)


def _find(advert: Advert) -> Found | str | None:
    data = advert.service_data.get(SERVICE)
    if data is None:
        return None
    known = _FORMATS.get(len(data))
    address = address_bytes(advert)
    if known is None or not address:
        return "unsupported"
    if known.reverse is None:
        ours = address.startswith(_TELINK) or advert.name.startswith("ATC")
    else:
        ours = data[:6] == (address[::-1] if known.reverse else address)
    return Found(known.model, data, known.layout, data[known.packet_id]) if ours else "unsupported"


SPEC = LanguageSpec(
    name="atc",
    transports=frozenset({"ble"}),
    make=Atc,
    options={"key": Option(str, "", "the bind key of an encrypted thermometer, 32 hexadecimal digits")},
    doc="Xiaomi thermometers with the custom firmware of atc1441 or pvvx, in their own formats",
    recognise=recogniser(_find),
)
