"""Teltonika EYE sensors, and the ELA Innovation Blue Puck and Coin."""

import struct
from collections.abc import Iterator

from edge_agent.core.reading import Advert, ChannelKind, uuid
from firmware_bridges.adverts import Found, listener
from firmware_bridges.payload import (
    BATTERY,
    BATTERY_LOW,
    HUMIDITY,
    TEMPERATURE,
    VOLTAGE,
    Field,
    Layout,
    Quantity,
    RefusedError,
    Said,
    state,
)

_ELA = 0x0757
_TELTONIKA = 0x089A
_TEMPERATURE_SERVICE, _HUMIDITY_SERVICE = uuid(0x2A6E), uuid(0x2A6F)
_NAMES = {"PUCK_T": "Blue Puck T", "P RHT": "Blue Puck RHT", "P T": "Blue Puck T", "C T": "Blue Coin T"}

# What an ELA advert holds, by its first byte.
_ELA_VALUES = {
    0x12: Layout(Field(TEMPERATURE, 1, "<h", 100)),
    0x21: Layout(Field(HUMIDITY, 1), Field(TEMPERATURE, 3, "<h", 100)),
    0xF1: Layout(Field(BATTERY, 1)),
}
_MOVEMENTS = Quantity("movements", kind=ChannelKind.COUNTER)
_PITCH = Quantity("pitch", "deg", ChannelKind.ANGLE)
_ROLL = Quantity("roll", "deg", ChannelKind.ANGLE)


def _eye(data: bytes) -> Iterator[Said]:
    """Version 1 of the EYE format: a byte of flags says which values follow."""
    if len(data) < 2:
        raise RefusedError("truncated")
    flags, place = data[1], 2

    def take(form: str) -> tuple[int, ...]:
        nonlocal place
        if place + struct.calcsize(form) > len(data):
            raise RefusedError("truncated")
        numbers = struct.unpack_from(form, data, place)
        place += struct.calcsize(form)
        return numbers

    if flags & 0x01:
        yield TEMPERATURE, take(">h")[0] / 100, ""
    if flags & 0x02:
        yield HUMIDITY, take("B")[0], ""
    if flags & 0x04:
        yield state("magnet"), bool(flags & 0x08), ""
    if flags & 0x10:
        (number,) = take(">H")
        yield state("moving"), bool(number & 0x8000), ""
        yield _MOVEMENTS, number & 0x7FFF, ""
    if flags & 0x20:
        pitch, roll = take(">bh")
        yield _PITCH, pitch, ""
        yield _ROLL, roll, ""
    yield BATTERY_LOW, bool(flags & 0x40), ""
    if flags & 0x80:
        yield VOLTAGE, round(2 + take("B")[0] / 100, 2), ""


def _services(data: bytes) -> Iterator[Said]:
    """The two values of the older pucks, put together by `_find`."""
    yield TEMPERATURE, int.from_bytes(data[:2], "little", signed=True) / 100, ""
    if len(data) > 2:
        yield HUMIDITY, data[2], ""


def _find(advert: Advert) -> Found | str | None:
    if _TELTONIKA in advert.manufacturer_data:
        return Found("EYE sensor", advert.manufacturer_data[_TELTONIKA], _eye)
    model = next((model for name, model in _NAMES.items() if advert.name.startswith(name)), "Blue Puck")
    if _ELA in advert.manufacturer_data:
        data = advert.manufacturer_data[_ELA]
        layout = _ELA_VALUES.get(data[0]) if data else None
        return "unsupported" if layout is None else Found(model, data, layout)
    temperature = advert.service_data.get(_TEMPERATURE_SERVICE, b"")
    if len(temperature) == 2 and advert.name.startswith("PUCK_T"):
        return Found(model, temperature + advert.service_data.get(_HUMIDITY_SERVICE, b"")[:1], _services)
    return None


SPEC = listener("teltonika", "Teltonika EYE sensors, ELA Blue Puck and Blue Coin", _find)
