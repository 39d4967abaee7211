"""What a boat's instruments say, by the places of their sentences (NMEA 0183 v4.10); place 1 is behind the name.

Nothing is computed but units, signs, and the deviation that a compass gives of itself.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from edge_agent.core.reading import ChannelKind, Value

ANGLE, COUNTER, GAUGE, STATE = ChannelKind.ANGLE, ChannelKind.COUNTER, ChannelKind.GAUGE, ChannelKind.STATE
KNOT_M_S = 1852 / 3600
KMH_M_S = 1 / 3.6
MILE_KM = 1.852
INHG_HPA = 33.8639
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)")
EAST = {"E": 1.0, "W": -1.0}
NONE = "the instrument gives none"
INVALID = "the instrument says that it is not valid"


class Told(NamedTuple):
    """One value. Where it is None and `optional`, it is a gap only of an instrument that gave one before."""

    quantity: str
    value: Value | None
    unit: str = ""
    kind: ChannelKind = GAUGE
    reason: str = NONE
    optional: bool = False


class Field(NamedTuple):
    """A number in a sentence.

    `places` are where it may stand, with the factor to `unit`: the first that is filled counts. `letter` is the place
    of a letter that says more of it by `letters`: its unit, its sign, or whether it is valid; `status` is that of an
    A, without which it is none. `deviation` is the place of a correction, with its E or W behind it.
    """

    quantity: str
    unit: str
    places: tuple[tuple[int, float], ...]
    kind: ChannelKind = GAUGE
    limit: float = 1e9
    digits: int = 3
    letter: int = 0
    letters: Mapping[str, float] = EAST
    status: int = 0
    deviation: int = 0
    reason: str = NONE
    optional: bool = False

    def numbers(self) -> Iterator[int]:
        """The places of this field where numbers stand."""
        yield from (place for place, _ in self.places)
        yield from (self.deviation,) if self.deviation else ()

    def told(self, values: Sequence[str]) -> Told:
        """What a sentence says in it; its numbers are numbers."""
        value, reason = self._value(values)
        return Told(self.quantity, value, self.unit, self.kind, reason, self.optional)

    def _value(self, values: Sequence[str]) -> tuple[float | None, str]:
        filled = [(at(values, place), factor) for place, factor in self.places if at(values, place)]
        factor = self.letters.get(at(values, self.letter), 0.0) if self.letter else 1.0
        if not filled:
            return None, self.reason
        if not factor or (self.status and at(values, self.status) != "A"):
            return None, INVALID
        number = float(filled[0][0])
        if abs(number) > self.limit:
            return None, self.reason
        number *= factor * filled[0][1]
        if self.deviation:
            number += float(at(values, self.deviation) or 0) * EAST.get(at(values, self.deviation + 1), 0.0)
        if self.kind is ANGLE and not 0 <= number <= 360:
            number %= 360
        return round(number, self.digits), ""


def at(values: Sequence[str], place: int) -> str:
    """The value at this place; empty where the sentence is shorter."""
    return values[place] if place < len(values) else ""


def _angle(quantity: str, place: int, **more: Any) -> Field:
    return Field(quantity, "deg", ((place, 1.0),), ANGLE, 360.0, **more)


def _knots(quantity: str, place: int, kmh: int = 0, metres: int = 0, **more: Any) -> Field:
    others = ((metres, 1.0), (kmh, KMH_M_S))
    return Field(quantity, "m/s", ((place, KNOT_M_S), *(other for other in others if other[0])), **more)


def _wind(prefix: str) -> tuple[Field, ...]:
    units = {"N": KNOT_M_S, "K": KMH_M_S, "M": 1.0, "S": 1609.344 / 3600}
    return (
        _angle(f"{prefix}wind_angle", 1, status=5),
        Field(f"{prefix}wind_speed", "m/s", ((3, 1.0),), letter=4, letters=units, status=5),
    )


# By the name of the sentence, which for the wind has the reference behind it. Of two that say the same, the first here
# is the better one.
INSTRUMENTS: Mapping[str, tuple[Field, ...]] = {
    "DPT": (Field("depth", "m", ((1, 1.0),), reason="no echo"),),
    "DBT": (Field("depth", "m", ((3, 1.0),), reason="no echo"),),
    "MTW": (Field("water_temperature", "Cel", ((1, 1.0),)),),
    "MWVR": _wind(""),
    "MWVT": _wind("true_"),
    "VWR": (
        _angle("wind_angle", 1, letter=2, letters={"R": 1.0, "L": -1.0}),
        _knots("wind_speed", 3, metres=5, kmh=7),
    ),
    "MWD": (
        _angle("wind_direction", 1, optional=True),
        _angle("wind_direction_magnetic", 3, optional=True),
        _knots("true_wind_speed", 5, metres=7, optional=True),
    ),
    "HDT": (_angle("heading", 1),),
    "THS": (_angle("heading", 1, letter=2, letters={"A": 1.0, "E": 1.0}),),
    "HDG": (
        _angle("heading_magnetic", 1, deviation=2),
        Field("variation", "deg", ((4, 1.0),), limit=180.0, letter=5, optional=True),
    ),
    "HDM": (_angle("heading_magnetic", 1),),
    "VHW": (
        _angle("heading", 1, optional=True),
        _angle("heading_magnetic", 3, optional=True),
        _knots("water_speed", 5, kmh=7),
    ),
    "VLW": (
        Field("log", "km", ((1, MILE_KM),), COUNTER),
        Field("trip", "km", ((3, MILE_KM),), COUNTER),
    ),
    "ROT": (Field("rate_of_turn", "deg/s", ((1, 1 / 60),), digits=4, status=2),),
    "RSA": (
        Field("rudder", "deg", ((1, 1.0),), limit=180.0, status=2),
        Field("rudder_port", "deg", ((3, 1.0),), limit=180.0, status=4, optional=True),
    ),
    "MDA": (
        Field("air_pressure", "hPa", ((3, 1000.0), (1, INHG_HPA)), digits=1, optional=True),
        Field("outside_temperature", "Cel", ((5, 1.0),), optional=True),
        Field("water_temperature", "Cel", ((7, 1.0),), optional=True),
        Field("outside_humidity", "%", ((9, 1.0),), optional=True),
        Field("dew_point_temperature", "Cel", ((11, 1.0),), optional=True),
        _angle("wind_direction", 13, optional=True),
        _angle("wind_direction_magnetic", 15, optional=True),
        _knots("true_wind_speed", 17, metres=19, optional=True),
    ),
}
