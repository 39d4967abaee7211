"""Tyre pressure: Michelin TMS, and the valve caps that are sold under many names (TPMS1_…, BR)."""

import struct
from collections.abc import Iterator

from edge_agent.core.reading import Advert, ChannelKind, uuid
from firmware_bridges.adverts import Found, listener
from firmware_bridges.payload import BATTERY, COUNT, TEMPERATURE, VOLTAGE, Field, Layout, Quantity, Said, state

PRESSURE = Quantity("pressure", "bar")  # above that of the air around
ABSOLUTE = Quantity("absolute_pressure", "bar")

_MICHELIN = 0x0828
_MICHELIN_FRAMES = (0x03, 0x04)
_MICHELIN_VALUES = Layout(
    Field(TEMPERATURE, 2, offset=-60),
    Field(VOLTAGE, 3, divisor=100, offset=1.0),
    Field(ABSOLUTE, 4, "<H", 1000),
    Field(Quantity("step", kind=ChannelKind.STATE), 9),
    Field(COUNT, 10, "<I"),
)

_CAP = 0x0100
_CAP_PREFIX = b"\xea\xca"  # of the address that follows the number of the wheel
_CAP_VALUES = Layout(
    Field(PRESSURE, 6, "<I", 100_000),
    Field(TEMPERATURE, 10, "<i", 100),
    Field(BATTERY, 14),
    Field(state("no_pressure"), 15, names={0: False, 1: True}),
)

_BR_SERVICE = uuid(0x27A5)
_BR_BYTES = 7
_PSI_BAR = 0.0689475729  # NIST SP 811


def _br(data: bytes) -> Iterator[Said]:
    """State, battery, temperature, absolute pressure in tenths of psi, a checksum that nobody knows."""
    bits, battery, temperature, pressure = struct.unpack_from(">BBbH", data)
    yield ABSOLUTE, round(pressure / 10 * _PSI_BAR, 4), ""
    yield TEMPERATURE, temperature, ""
    yield VOLTAGE, battery / 10, ""
    yield state("no_pressure"), bool(bits & 0x80), ""
    yield state("rotating"), bool(bits & 0x40), ""
    yield state("pressure_falls"), bool(bits & 0x0A), ""


def _find(advert: Advert) -> Found | str | None:
    for company, payload in advert.manufacturer_data.items():
        if company == _MICHELIN:
            known = len(payload) > 1 and payload[1] in _MICHELIN_FRAMES
            return Found("Michelin TMS", payload, _MICHELIN_VALUES) if known else "unsupported"
        if company == _CAP and payload[1:3] == _CAP_PREFIX:
            return Found("TPMS cap", payload, _CAP_VALUES)
        data = company.to_bytes(2, "little") + payload
        if _BR_SERVICE in advert.services and len(data) == _BR_BYTES:
            return Found("BR cap", data, _br)
    return None


SPEC = listener(
    "tpms", "tyre pressure sensors: Michelin TMS, and common valve caps (TPMS1_…, BR)", _find, ids_are_data=True
)
