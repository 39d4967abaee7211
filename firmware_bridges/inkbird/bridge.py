"""Inkbird: thermometers (IBS-TH, IBS-TH2, IBS-P01B, ITH) and meat thermometers (iBBQ)."""

import struct
from collections.abc import Iterator

from edge_agent.core.reading import Advert, uuid
from firmware_bridges.adverts import Found, address_bytes, listener
from firmware_bridges.payload import BATTERY, HUMIDITY, TEMPERATURE, Field, Layout, Said

_SERVICE = uuid(0xFFF0)
_NO_PROBE = "no probe is plugged in"
_PLAIN_BYTES = 9  # the company id, which is the temperature, among them
_CRC = slice(5, 7)
# Humidities that models without such a sensor send (IBS-TH2 and P01B).
_NO_HUMIDITY = (0, 0xFFFF)

_GENERIC = 0x2449
_GENERIC_NAMES = ("ibs-p02b", "ith-11-b", "ith-13-b", "ith-21-b")
_GENERIC_BYTES = 16
_GENERIC_LAYOUT = Layout(Field(TEMPERATURE, 4, "<h", 10), Field(BATTERY, 8), size=_GENERIC_BYTES)

_MEAT_IDS = (0, 1)
_MEAT_PROBES = {10: 1, 12: 2, 16: 4, 20: 6}  # by the size of the payload


def _crc(data: bytes) -> int:
    """CRC-16/Modbus."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def _plain(data: bytes) -> Iterator[Said]:
    """Temperature, humidity, whether the outer sensor is meant, CRC, battery, and a byte that varies with the model."""
    temperature, humidity, outer = struct.unpack_from("<hHB", data)
    yield TEMPERATURE.of("probe") if outer else TEMPERATURE, temperature / 100, ""
    if humidity not in _NO_HUMIDITY:
        yield HUMIDITY, humidity / 100, ""
    yield BATTERY, data[7], ""


def _generic(data: bytes) -> Iterator[Said]:
    yield from _GENERIC_LAYOUT(data)
    (humidity,) = struct.unpack_from("<H", data, 6)
    if humidity:
        yield HUMIDITY, humidity / 10, ""


def _meat(data: bytes) -> Iterator[Said]:
    for place in range(_MEAT_PROBES[len(data)]):
        (tenths,) = struct.unpack_from("<h", data, 8 + 2 * place)
        absent = tenths == -1
        yield TEMPERATURE.of(place + 1), None if absent else tenths / 10, _NO_PROBE if absent else ""


def _find(advert: Advert) -> Found | str | None:
    name = advert.name.lower()
    for company, payload in advert.manufacturer_data.items():
        data = company.to_bytes(2, "little") + payload
        if len(data) == _PLAIN_BYTES:
            if _crc(data[:5]).to_bytes(2, "little") == data[_CRC]:
                return Found("IBS-TH2" if name == "tps" else "IBS-TH", data, _plain)
            if name in {"sps", "tps"}:
                return "checksum"
        if company in _MEAT_IDS and len(payload) in _MEAT_PROBES and _is_meat(advert, name, payload):
            return Found(f"iBBQ-{_MEAT_PROBES[len(payload)]}", payload, _meat)
        generic = company == _GENERIC and _SERVICE in advert.services and payload.endswith(bytes(3))
        if len(payload) == _GENERIC_BYTES and (generic or name in _GENERIC_NAMES):
            return Found(name.upper() if name in _GENERIC_NAMES else "ITH", payload, _generic)
    return None


def _is_meat(advert: Advert, name: str, payload: bytes) -> bool:
    """Its address is in the payload, either way round, or its name says it."""
    inside, address = payload[2:8], address_bytes(advert)
    return "bbq" in name or (bool(address) and inside in {address, address[::-1]})


SPEC = listener("inkbird", "Inkbird thermometers (IBS-TH, ITH) and meat thermometers (iBBQ)", _find, ids_are_data=True)
