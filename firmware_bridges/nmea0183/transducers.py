"""Sentences whose channels are named by what is in them: XDR (transducers), RPM (engines and shafts)."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from firmware_bridges.nmea0183.instruments import GAUGE, INVALID, NONE, NUMBER, STATE, Told, at

# Type and unit of a transducer (NMEA 0183 v4.10, XDR) to the word behind its name, and the unit. Pressures are told
# in what they come in: a barometer's pascals, an oil pump's bars.
_MEASURED: Mapping[tuple[str, str], tuple[str, str]] = {
    ("A", "D"): ("", "deg"), ("C", "C"): ("temperature", "Cel"), ("D", "M"): ("distance", "m"),
    ("E", "P"): ("level", "%"), ("F", "H"): ("frequency", "Hz"), ("G", ""): ("", ""), ("H", "P"): ("humidity", "%"),
    ("I", "A"): ("current", "A"), ("L", "S"): ("salinity", "[ppth]"), ("N", "N"): ("force", "N"),
    ("P", "B"): ("pressure", "bar"), ("P", "P"): ("pressure", "Pa"), ("R", "l"): ("flow", "L/s"),
    ("S", ""): ("switch", ""), ("T", "R"): ("speed", "1/min"), ("U", "V"): ("voltage", "V"),
    ("V", "M"): ("volume", "m3"), ("V", "P"): ("level", "%"),
}  # fmt: skip
_NOT_NAME = re.compile(r"[^a-z0-9]+")


def transducers(values: Sequence[str]) -> Iterator[Told]:
    """Groups of type, value, unit and name. One that is named PITCH is `pitch`, ENGINE#0 `engine_0_temperature`."""
    seen: Counter[str] = Counter()
    for place in range(1, len(values) - 3, 4):
        kind, text, unit, name = values[place : place + 4]
        word, ours = _MEASURED.get((kind, unit), (None, ""))
        name = _NOT_NAME.sub("_", name.lower()).strip("_")[:32]
        quantity = "_".join(part for part in (name, word) if part)
        if word is None or not quantity:
            continue  # in a unit that is not the standard's, or neither named nor measured
        seen[quantity] += 1
        if seen[quantity] > 1:  # Airmar's weather stations name none of theirs
            quantity += f"_{seen[quantity]}"
        value = float(text) if NUMBER.fullmatch(text) else None
        reason = "the instrument sends no number" if text else NONE
        if kind == "S":
            yield Told(quantity, None if value is None else bool(value), "", STATE, reason, not text)
        else:
            yield Told(quantity, value, ours, GAUGE, reason, not text)


def revolutions(values: Sequence[str]) -> Iterator[Told]:
    """Number 0 is the only one, or on the centre line; odd ones are to starboard, even ones to port."""
    what, number = {"E": "engine", "S": "shaft"}.get(at(values, 1)), at(values, 2)
    if what is None or not re.fullmatch(r"\d", number):
        return
    behind = "" if number == "0" else f"_{number}"
    for quantity, unit, place in ((f"{what}_speed", "1/min", 3), ("propeller_pitch", "%", 4)):
        text = at(values, place)
        valid = at(values, 5) == "A"
        value = float(text) if valid and NUMBER.fullmatch(text) else None
        reason = NONE if valid else INVALID
        yield Told(f"{quantity}{behind}", value, unit, GAUGE, reason, optional=place == 4)
