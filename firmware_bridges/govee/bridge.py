"""Govee: thermometers, meat thermometers, and the small sensors of the 512x series."""

from typing import NamedTuple

from edge_agent.core.reading import Advert, uuid
from firmware_bridges.adverts import Found, listener
from firmware_bridges.govee import formats, sealed
from firmware_bridges.payload import Decode

_APPLE = 0x004C
_GOVEE = 0xEC88
_OLD = frozenset({_GOVEE})
_NONE: frozenset[int] = frozenset()


class _Row(NamedTuple):
    """A model: how long its payload is, by what it is known (name, company id, listed service), and how it is read.

    The company ids of meat thermometers are part of their payload: those that were seen stand here.
    """

    model: str
    size: int
    names: tuple[str, ...]
    ids: frozenset[int]
    service: int | None
    decode: Decode


# Company id 1 belongs to somebody else, and Govee uses it: only a name or Govee's own service makes it Govee's.
_ROWS = (
    _Row("H5127", 6, ("H5127",), frozenset({0x8803, 0x8843}), None, formats.presence),
    _Row("H5106", 6, ("H5106",), _NONE, None, formats.particles),
    _Row("H5072/H5075", 6, ("H5072", "H5075", "H5129"), _OLD, None, formats.packed(1)),
    _Row("H5112", 8, ("H5112", "GV5112"), _NONE, None, formats.two_probes),
    _Row("H5140", 8, ("5140",), _NONE, None, formats.carbon_dioxide),
    _Row(
        "H5101/H5102/H5104/H5105/H5108/H5174/H5177",
        6,
        ("5100", "5101", "5102", "5103", "5104", "5105", "5108", "5110", "5174", "5177", "5179"),
        _NONE,
        _GOVEE,
        formats.packed(2),
    ),
    _Row("H5108", 8, ("5108",), _NONE, _GOVEE, formats.packed(2)),
    _Row("H5074", 7, ("H5074",), _OLD, None, formats.plain(1)),
    _Row("H5179", 9, ("H5179",), frozenset({0x8801}), None, formats.plain(4)),
    _Row("H5178", 9, ("5178",), _NONE, _GOVEE, formats.indoor_outdoor),
    _Row("H5051/H5052/H5071", 9, ("H5051", "H5052", "H5071"), _OLD, None, formats.plain(1)),
    _Row("H5181", 14, ("H5181",), frozenset({0xF861, 0x388A, 0xEA42, 0xAAA2, 0xD14B}), 0x8151, formats.meat(("1", 8))),
    _Row("H5183", 14, ("H5183",), frozenset({0x67DD, 0xE02F, 0xF79F}), 0x8351, formats.meat(("1", 8))),
    _Row("H5182", 17, ("H5182",), frozenset({0x2730}), 0x8251, formats.meat(("1", 8), ("2", 13))),
    _Row("H5184", 17, ("H5184",), frozenset({0x1B36}), 0x8451, formats.four_probes(13, low=False)),
    _Row("H5185", 20, ("H5185",), frozenset({0x4A32, 0x0332, 0x4C32}), 0x8551, formats.meat(("1", 8), ("2", 14))),
    _Row("H5191", 20, ("H5191",), frozenset({0xAC63}), 0x9151, formats.meat_and_air),
    _Row("H5198", 20, ("H5198",), frozenset({0x3022}), 0x9851, formats.four_probes(14, low=True)),
    _Row("H5055", 20, ("H5055",), _NONE, 0x5550, formats.six_probes),
)
_TAIL = b"INTELLI_ROCKS"  # sometimes stuck to the end: an iBeacon of 25 bytes
_TAIL_BYTES = 25


def _find(advert: Advert) -> Found | str | None:
    named = advert.name.startswith(("Govee", "GV", "GVH", "H5", "B5178", "ihoment"))
    for company, raw in advert.manufacturer_data.items():
        if company == _APPLE:
            continue
        data = raw[:-_TAIL_BYTES] if len(raw) > _TAIL_BYTES and _TAIL in raw else raw
        if len(data) == sealed.SIZE and sealed.fits(data):
            return Found("H512x", data, sealed.decode)
        for row in _ROWS:
            if len(data) == row.size and _fits(row, company, data, advert):
                return Found(_model(row, advert.name), data, row.decode)
        if company == _GOVEE or named:
            return "unsupported"
    return None


def _fits(row: _Row, company: int, data: bytes, advert: Advert) -> bool:
    if row.decode is formats.presence and not data.startswith(formats.PRESENCE):
        return False  # company id 8843 is that of lamps and plugs as well
    named = any(name in advert.name for name in row.names)
    return named or company in row.ids or (row.service is not None and uuid(row.service) in advert.services)


def _model(row: _Row, name: str) -> str:
    """The one of a row's models that the name says, else all of them."""
    return next((one for one in row.model.split("/") if one.removeprefix("H") in name), row.model)


SPEC = listener("govee", "Govee thermometers, meat thermometers, motion, door and button sensors", _find)
