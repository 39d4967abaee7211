"""MOCREO: freezer and room thermometers, leak sensors."""

from edge_agent.core.reading import Advert
from firmware_bridges.adverts import Found, listener
from firmware_bridges.payload import BATTERY, HUMIDITY, TEMPERATURE, WET, Field, Layout, flag

# The company id is the model (high byte) and a constant; a payload of values follows.
_BATTERY = Field(BATTERY, 2, mask=0x7F)
_COLD = Layout(Field(TEMPERATURE, 4, "<h", 100), _BATTERY, size=16)
_ROOM = Layout(Field(TEMPERATURE, 4, "<h", 100), Field(HUMIDITY, 6, "<H", 100), _BATTERY, size=16)
_LEAK = Layout(flag(WET, 8, 0), _BATTERY, size=16)
_MODELS = {
    0x81: ("ST5", _COLD), 0x82: ("SW2", _LEAK), 0x83: ("ST6", _ROOM), 0x84: ("ST8", _COLD), 0x86: ("ST9", _ROOM),
    0x87: ("ST10", _COLD), 0x8B: ("MS1", _COLD), 0x94: ("MS2", _COLD), 0x96: ("MS3", _COLD),
}  # fmt: skip


def _find(advert: Advert) -> Found | str | None:
    if advert.name != "MOCREO":
        return None
    for company, data in advert.manufacturer_data.items():
        known = _MODELS.get(company >> 8)
        return "unsupported" if known is None else Found(known[0], data, known[1])
    return None


SPEC = listener("mocreo", "MOCREO freezer and room thermometers, leak sensors", _find, ids_are_data=True)
