"""Xiaomi devices that do not speak MiBeacon: body scales (181D, 181B) and the pink plant sensor (FD50)."""

import struct
from collections.abc import Iterator

from edge_agent.core.reading import Advert, uuid
from firmware_bridges.adverts import Found
from firmware_bridges.payload import (
    BATTERY,
    IMPEDANCE,
    MASS,
    MASS_UNSTEADY,
    STEADY,
    TEMPERATURE,
    Field,
    Layout,
    Quantity,
    Said,
    meaning,
    state,
)
from firmware_bridges.payload import ILLUMINANCE as LIGHT

_SCALE_1, _SCALE_2, _PLANT = uuid(0x181D), uuid(0x181B), uuid(0xFD50)
_SCALE_1_BYTES, _SCALE_2_BYTES, _PLANT_BYTES = 10, 13, 9
_POUND_KG = 0.45359237  # the international pound
_CATTY_KG = 0.5

_PLANT_VALUES = Layout(
    Field(Quantity("moisture", "%"), 0),
    Field(TEMPERATURE, 1, ">h", 10),
    Field(BATTERY, 6),
    Field(Quantity("conductivity", "uS/cm"), 7, ">H"),
    size=_PLANT_BYTES,
)


def _plant(data: bytes) -> Iterator[Said]:
    yield from _PLANT_VALUES(data)
    yield LIGHT, int.from_bytes(data[3:6]), ""


def _weight(number: int, kg: float, *, steady: bool, removed: bool) -> Iterator[Said]:
    mass = round(number * kg, 4)
    settled = steady and not removed and number > 0
    yield MASS_UNSTEADY, mass, ""
    yield STEADY, settled, ""
    yield state("removed"), removed, ""
    if settled:
        yield MASS, mass, ""


def _scale_1(data: bytes) -> Iterator[Said]:
    bits, number = struct.unpack_from("<BH", data)
    kg = _POUND_KG / 100 if bits & 0x01 else _CATTY_KG / 100 if bits & 0x10 else 1 / 200
    yield from _weight(number, kg, steady=bool(bits & 0x20), removed=bool(bits & 0x80))


def _scale_2(data: bytes) -> Iterator[Said]:
    unit, bits = data[0], data[1]
    impedance, number = struct.unpack_from("<HH", data, 9)
    kg = _POUND_KG / 100 if unit & 0x01 else _CATTY_KG / 100 if bits & 0x40 else 1 / 200
    steady, removed = bool(bits & 0x20), bool(bits & 0x80)
    yield from _weight(number, kg, steady=steady, removed=removed)
    if bits & 0x02 and steady and not removed and number:
        yield meaning(IMPEDANCE, impedance, Field(IMPEDANCE, 9))


_KNOWN = (
    (_SCALE_1, _SCALE_1_BYTES, "XMTZC01HM/XMTZC04HM", _scale_1),
    (_SCALE_2, _SCALE_2_BYTES, "XMTZC02HM/XMTZC05HM", _scale_2),
    (_PLANT, _PLANT_BYTES, "HHCCJCY10", _plant),
)


def find(advert: Advert) -> Found | None:
    """One of these. 181D and 181B are the Bluetooth SIG's own numbers too, so that the size has to fit."""
    for service, size, model, decode in _KNOWN:
        data = advert.service_data.get(service)
        if data is not None and len(data) == size:
            return Found(model, data, decode)
    return None
