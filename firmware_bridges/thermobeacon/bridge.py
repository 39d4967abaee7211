"""ThermoBeacon (Brifit, ORIA, Oria T201 and others that use its app): thermometers and hygrometers."""

from collections.abc import Iterator

from edge_agent.core.reading import Advert
from firmware_bridges.adverts import Found, address_bytes, listener
from firmware_bridges.payload import (
    BATTERY,
    HUMIDITY,
    TEMPERATURE,
    VOLTAGE,
    Field,
    Layout,
    Quantity,
    RefusedError,
    Said,
    flag,
    state,
)

_MODELS = {0x10: "Lanyard/mini hygrometer"} | dict.fromkeys((0x11, 0x14, 0x15, 0x18, 0x1B, 0x30), "Smart hygrometer")
_ADDRESS = slice(2, 8)

_VALUES = Layout(
    Field(TEMPERATURE, 10, "<h", 16),
    Field(HUMIDITY, 12, "<H", 16),
    Field(VOLTAGE, 8, "<H", 1000),
    Field(Quantity("uptime", "s"), 14, "<I"),
    flag(state("button_held"), 1, 7),
    size=18,
)
_EXTREMES_BYTES = 20  # the other page: highest and lowest values since the start
_T201 = 0x55
_T201_VALUES = Layout(
    Field(TEMPERATURE, 10, ">h", 100),
    Field(HUMIDITY, 12, ">H", 100),
    Field(VOLTAGE, 8, ">H", 100),
    Field(BATTERY, 14),
    size=17,
)


def _values(data: bytes) -> Iterator[Said]:
    said = list(_VALUES(data))
    if any(isinstance(value, float) and value > 100 for _, value, _ in said[:2]):  # what it sends while it starts
        raise RefusedError("garbage")
    yield from said


def _find(advert: Advert) -> Found | str | None:
    address = address_bytes(advert)
    for company, data in advert.manufacturer_data.items():
        inside = data[_ADDRESS]
        if not address or inside not in {address, address[::-1]}:
            continue
        if company in _MODELS and len(data) != _EXTREMES_BYTES:
            return Found(_MODELS[company], data, _values)
        if company & 0xFF == _T201 and len(data) == _T201_VALUES.size:
            return Found("T201", data, _T201_VALUES)
    return None


SPEC = listener("thermobeacon", "ThermoBeacon hygrometers (Brifit, ORIA and others of that app)", _find)
