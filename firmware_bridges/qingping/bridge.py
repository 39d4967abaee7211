"""Qingping (ClearGrass): thermometers, air monitors, motion and door sensors in their own format (FDCD)."""

import struct
from collections.abc import Iterator

from edge_agent.core.reading import Advert, uuid
from firmware_bridges.adverts import Found, listener
from firmware_bridges.payload import (
    BATTERY,
    CO2,
    HUMIDITY,
    ILLUMINANCE,
    MOTION,
    PM10,
    PM25,
    PRESSURE,
    TEMPERATURE,
    Field,
    Layout,
    Quantity,
    RefusedError,
    Said,
    flag,
    state,
)

SERVICE = uuid(0xFDCD)
_MODELS = {
    0x01: "CGG1", 0x04: "CGH1", 0x07: "CGG1", 0x09: "CGP1W", 0x0C: "CGD1", 0x0E: "CGDN1", 0x0F: "CGM1",
    0x10: "CGDK2", 0x12: "CGPR1", 0x15: "CGF1W", 0x16: "CGG1", 0x18: "CGP23W", 0x1E: "CGC1", 0x24: "CGDN1",
    0x26: "CGP23W", 0x33: "CGP22C", 0x4F: "CGG3", 0x52: "CGR1PC", 0x5D: "CGP22C", 0x62: "CGR1PC",
}  # fmt: skip
_EVENT = 0x40
_HEAD_BYTES = 8
_MOTION = 0x08

# What an object holds, by its id and size. 0F is the packet id, 18 what the device can do: no readings.
_OBJECTS: dict[tuple[int, int], Layout] = {
    (0x01, 4): Layout(Field(TEMPERATURE, 0, "<h", 10), Field(HUMIDITY, 2, "<H", 10)),
    (0x02, 1): Layout(Field(BATTERY, 0, absent=(0xFF,))),  # FF: on mains
    (0x04, 1): Layout(
        Field(state("door"), 0, names={0: True, 1: False, 2: True}),
        Field(state("door_left_open"), 0, names={0: False, 1: False, 2: True}),
    ),
    (0x07, 2): Layout(Field(PRESSURE, 0, "<H", 10)),
    (0x09, 4): Layout(Field(ILLUMINANCE, 0, "<I")),
    (0x11, 1): Layout(flag("light", 0, 0)),
    (0x12, 4): Layout(Field(PM25, 0, "<H"), Field(PM10, 2, "<H")),
    (0x13, 2): Layout(Field(CO2, 0, "<H")),
    (0x15, 2): Layout(Field(Quantity("voc_index"), 0, "<H")),
    (0x19, 1): Layout(Field(Quantity("sound_level", "dB"), 0)),
}


def _decode(data: bytes) -> Iterator[Said]:
    place = _HEAD_BYTES
    while place < len(data):
        id_, size = data[place], data[place + 1] if place + 1 < len(data) else 0
        body = data[place + 2 : place + 2 + size]
        if size == 0 or len(body) < size:
            raise RefusedError("truncated")
        if (id_, size) == (_MOTION, 4):
            yield MOTION, bool(body[0]), ""
            if not data[0] & _EVENT:  # with an event, these bytes are something else
                low, high = struct.unpack_from("<HB", body, 1)
                yield ILLUMINANCE, low | high << 16, ""
        elif (id_, size) in _OBJECTS:
            yield from _OBJECTS[id_, size](body)
        place += 2 + size


def _find(advert: Advert) -> Found | str | None:
    data = advert.service_data.get(SERVICE)
    if data is None:
        return None
    model = _MODELS.get(data[1]) if len(data) >= _HEAD_BYTES else None
    return "unsupported" if model is None else Found(model, data, _decode)


SPEC = listener("qingping", "Qingping and ClearGrass thermometers, air monitors, motion and door sensors", _find)
