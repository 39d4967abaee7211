"""ThermoPro: thermometers (TP35x, TP39x) and meat probes (TP96x, TP970)."""

import struct
from collections.abc import Iterator

from edge_agent.core.reading import Advert
from firmware_bridges.adverts import Found, listener
from firmware_bridges.payload import ABSENT, HUMIDITY, TEMPERATURE, Field, Layout, Quantity, Said, state

# A payload begins with the company id: a byte that is always C2, and the first of the temperature.
_FIRST = 0xC2
_ROOM = Layout(
    Field(HUMIDITY, 3),
    Field(state("battery_level"), 4, mask=0x3, names={0: "low", 1: "medium", 2: "full"}),
    size=6,
)
AMBIENT = Quantity("ambient_temperature", "Cel")
_SPIKE_BYTES = frozenset({7, 13})  # some add the address of the base


def _room(data: bytes) -> Iterator[Said]:
    if data[1:4] == b"\xff\xff\xff":
        yield TEMPERATURE, None, ABSENT
        yield HUMIDITY, None, ABSENT
        return
    yield TEMPERATURE, struct.unpack_from("<h", data, 1)[0] / 10, ""
    yield from _ROOM(data)


def _spike(data: bytes) -> Iterator[Said]:
    probe, inside, _, around = struct.unpack_from("<BHHH", data)
    yield TEMPERATURE.of(probe + 1), inside - 30, ""
    yield AMBIENT.of(probe + 1), around - 30, ""


def _find(advert: Advert) -> Found | str | None:
    if not advert.name.startswith(("TP35", "TP39", "TP96", "TP97")):
        return None
    model = advert.name.split()[0]
    for company, payload in advert.manufacturer_data.items():
        data = company.to_bytes(2, "little") + payload
        if model.startswith("TP3") and data[0] == _FIRST and len(data) >= _ROOM.size:
            return Found(model, data, _room)
        if model.startswith("TP9") and len(data) in _SPIKE_BYTES:
            # BlueZ keeps every company id; the one of the other probe differs in its first byte.
            return Found(model, data, _spike)
    return "unsupported" if advert.manufacturer_data else None


SPEC = listener("thermopro", "ThermoPro thermometers (TP357, TP359, TP393) and meat probes", _find, ids_are_data=True)
