"""Oral-B: toothbrushes, which in a care home say whether somebody brushed."""

from collections.abc import Iterator

from edge_agent.core.reading import Advert
from firmware_bridges.adverts import Found, listener
from firmware_bridges.payload import Field, Layout, Names, Quantity, RefusedError, Said, state

COMPANY = 0x00DC
_SIZE = 9
_RUNNING = 3
_STATES: Names = {
    0: "unknown", 1: "initializing", 2: "idle", 3: "running", 4: "charging", 5: "setup", 6: "flight_menu",
    8: "selection_menu", 9: "off", 10: "statistics", 113: "final_test", 114: "pcb_test", 115: "sleeping",
    116: "transport",
}  # fmt: skip
_SMART_MODES: Names = {
    0: "off", 1: "daily_clean", 2: "sensitive", 3: "massage", 4: "whitening", 5: "deep_clean", 6: "tongue_cleaning",
    7: "turbo",
}  # fmt: skip
_IO_MODES: Names = {
    0: "daily_clean", 1: "sensitive", 2: "gum_care", 3: "whiten", 4: "intense", 5: "super_sensitive",
    6: "tongue_cleaning", 8: "settings", 9: "off", 11: "smart_adapt",
}  # fmt: skip
_IO_MODELS = range(48, 55)
_SECTORS: Names = {0: "none", 7: "last"} | {number: str(number) for number in range(1, 7)}


def _fields(modes: Names) -> Layout:
    return Layout(
        Field(state("state"), 3, names=_STATES),
        Field(state("mode"), 7, names=modes),
        Field(state("sector"), 8, mask=0x07, names=_SECTORS),
        size=_SIZE,
    )


_SMART, _IO = _fields(_SMART_MODES), _fields(_IO_MODES)


def _decode(data: bytes) -> Iterator[Said]:
    if len(data) < _SIZE:
        raise RefusedError("truncated")
    yield state("brushing"), data[3] == _RUNNING, ""
    yield state("pressure_high"), bool(data[4] & 0x80), ""
    yield Quantity("duration", "s"), data[5] * 60 + data[6], ""
    yield from (_IO if data[1] in _IO_MODELS else _SMART)(data)


def _find(advert: Advert) -> Found | str | None:
    data = advert.manufacturer_data.get(COMPANY)
    if data is None:
        return None
    return Found("iO series" if data[1:2] and data[1] in _IO_MODELS else "Smart series", data, _decode)


SPEC = listener("oralb", "Oral-B toothbrushes", _find)
