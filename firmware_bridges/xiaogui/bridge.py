"""Xiaogui and MAXXMEE body scales (TZC4, QJ-J)."""

import struct
from collections.abc import Iterator

from edge_agent.core.reading import Advert
from firmware_bridges.adverts import Found, address_bytes, listener
from firmware_bridges.payload import IMPEDANCE, MASS, MASS_UNSTEADY, STEADY, Said

_LOW_BYTE = 0xC0  # of the company id; the high byte counts frames
_SIZE = 13
# Model and what a step of the weight is worth, by the state byte; odd ones are steady.
_STATES = {0x20: ("TZC4", 10), 0x21: ("TZC4", 10), 0x24: ("QJ-J", 100), 0x25: ("QJ-J", 100)}


def _decode(data: bytes) -> Iterator[Said]:
    weight, impedance, _, state = struct.unpack_from(">HHHB", data)
    mass = weight / _STATES[state][1]
    yield MASS_UNSTEADY, mass, ""
    yield STEADY, bool(state & 1), ""
    if state & 1:
        yield MASS, mass, ""
        yield IMPEDANCE, impedance / 10, ""


def _find(advert: Advert) -> Found | str | None:
    for company, data in advert.manufacturer_data.items():
        if company & 0xFF == _LOW_BYTE and len(data) == _SIZE and data[7:] == address_bytes(advert):
            known = _STATES.get(data[6])
            return "unsupported" if known is None else Found(known[0], data, _decode)
    return None


SPEC = listener("xiaogui", "Xiaogui and MAXXMEE body scales", _find, ids_are_data=True)
