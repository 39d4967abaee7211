"""RuuviTag and Ruuvi Air: data formats 3, 5, 6 and E1 of their manufacturer data."""

import math
from collections.abc import Iterator

from edge_agent.core.reading import Advert, ChannelKind
from firmware_bridges.adverts import Found, listener
from firmware_bridges.payload import (
    ABSENT,
    CO2,
    HUMIDITY,
    ILLUMINANCE,
    PM10,
    PM25,
    PRESSURE,
    TEMPERATURE,
    VOLTAGE,
    Decode,
    Field,
    Layout,
    Quantity,
    Said,
    Scale,
    flag,
    meaning,
)

COMPANY = 0x0499

ACCELERATION = Quantity("acceleration", "m/s2")
# The tag sends thousandths of standard gravity, 9.80665 m/s2 (ISO 80000-3).
_MILLI_G = 1000 / 9.80665
TX_POWER = Quantity("tx_power", "dBm")
MOVEMENTS = Quantity("movements", kind=ChannelKind.COUNTER)
VOC = Quantity("voc_index")
NOX = Quantity("nox_index")
PM1 = Quantity("pm1", "ug/m3")
PM4 = Quantity("pm4", "ug/m3")
SOUND = Quantity("sound_level", "dB")
LOWEST = -0x8000


def _acceleration(first: int, absent: tuple[int, ...] = ()) -> Iterator[Field]:
    for place, axis in enumerate("xyz"):
        yield Field(ACCELERATION.of(axis), first + 2 * place, ">h", _MILLI_G, absent=absent)


_FORMAT_3 = Layout(
    Field(HUMIDITY, 1, divisor=2),
    Field(PRESSURE, 4, ">H", 100, 500),
    *_acceleration(6),
    Field(VOLTAGE, 12, ">H", 1000),
)


def _format_3(data: bytes) -> Iterator[Said]:
    """Its temperature is a sign, whole degrees and hundredths."""
    yield from _FORMAT_3(data)
    size = (data[2] & 0x7F) + data[3] / 100
    yield (TEMPERATURE, -size if data[2] & 0x80 else size, "") if data[3] < 100 else (TEMPERATURE, None, ABSENT)


_FORMAT_5 = Layout(
    Field(TEMPERATURE, 1, ">h", 200, absent=(LOWEST,)),
    Field(HUMIDITY, 3, ">H", 400, absent=(0xFFFF,)),
    Field(PRESSURE, 5, ">H", 100, 500, absent=(0xFFFF,)),
    *_acceleration(7, (LOWEST,)),
    Field(VOLTAGE, 13, ">H", 1000, 1.6, shift=5, absent=(0x7FF,)),
    Field(TX_POWER, 14, divisor=0.5, offset=-40, mask=0x1F, absent=(0x1F,)),
    Field(MOVEMENTS, 15, absent=(0xFF,)),
    size=24,
)

_AIR = (
    Field(TEMPERATURE, 1, ">h", 200, absent=(LOWEST,)),
    Field(HUMIDITY, 3, ">H", 400, absent=(0xFFFF,)),
    Field(PRESSURE, 5, ">H", 100, 500, absent=(0xFFFF,)),
)
_FORMAT_6 = Layout(
    *_AIR,
    Field(PM25, 7, ">H", 10, absent=(0xFFFF,)),
    Field(CO2, 9, ">H", absent=(0xFFFF,)),
    flag("calibrating", 16, 0),
    size=20,
)
_FORMAT_E1 = Layout(
    *_AIR,
    *(Field(pm, 7 + 2 * place, ">H", 10, absent=(0xFFFF,)) for place, pm in enumerate((PM1, PM25, PM4, PM10))),
    Field(CO2, 15, ">H", absent=(0xFFFF,)),
    flag("calibrating", 28, 0),
    size=40,
)


def _nine_bits(quantity: Quantity, high: int, flags: int, bit: int, scale: Scale) -> Said:
    """A value whose lowest bit lies among the flags."""
    return meaning(quantity, high << 1 | flags >> bit & 1, scale)


_INDEX = Scale(absent=(0x1FF,))


def _format_6(data: bytes) -> Iterator[Said]:
    yield from _FORMAT_6(data)
    flags = data[16]
    yield _nine_bits(VOC, data[11], flags, 6, _INDEX)
    yield _nine_bits(NOX, data[12], flags, 7, _INDEX)
    if data[13] == 0xFF:
        yield ILLUMINANCE, None, ABSENT
    else:  # logarithmic: 254 steps up to 65535 lx
        yield ILLUMINANCE, round(math.exp(data[13] * math.log(65536) / 254) - 1, 2), ""
    # Released firmware leaves this place at FF and the flag at 0.
    yield _nine_bits(SOUND, data[14], flags, 4, Scale(5, 18, absent=(0x1FE, 0x1FF)))


def _format_e1(data: bytes) -> Iterator[Said]:
    yield from _FORMAT_E1(data)
    yield _nine_bits(VOC, data[17], data[28], 6, _INDEX)
    yield _nine_bits(NOX, data[18], data[28], 7, _INDEX)
    yield meaning(ILLUMINANCE, int.from_bytes(data[19:22]), Scale(100, absent=(0xFFFFFF,)))


_FORMATS: dict[int, tuple[str, Decode]] = {
    0x03: ("RuuviTag, format 3", _format_3),
    0x05: ("RuuviTag, format 5", _FORMAT_5),
    0x06: ("Ruuvi Air, format 6", _format_6),
    0xE1: ("Ruuvi Air, format E1", _format_e1),
}


def _find(advert: Advert) -> Found | str | None:
    data = advert.manufacturer_data.get(COMPANY)
    if data is None:
        return None
    known = _FORMATS.get(data[0]) if data else None
    return "unsupported" if known is None else Found(known[0], data, known[1])


SPEC = listener("ruuvi", "RuuviTag and Ruuvi Air: temperature, humidity, pressure, movement, air quality", _find)
