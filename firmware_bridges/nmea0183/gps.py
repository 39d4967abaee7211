"""What a receiver's sentences say: position, sky and motion, each with the kind of fix that it rests on."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from edge_agent.core.reading import ChannelKind, Value
from firmware_bridges.nmea0183.instruments import ANGLE, GAUGE, KNOT_M_S, STATE, Told, at

# Fix qualities of GGA and mode letters of RMC, GLL, VTG and GNS (NMEA 0183 v4.10). Those of _REASON are none that
# somebody should be sent to.
_QUALITY = ("none", "gps", "dgps", "pps", "rtk", "float_rtk", "estimated", "manual", "simulated")
_MODE = {
    "R": "rtk", "F": "float_rtk", "P": "pps", "D": "dgps", "A": "gps", "E": "estimated", "M": "manual",
    "S": "simulated",
}  # fmt: skip
_REASON = {
    "none": "no satellite fix",
    "manual": "the position was typed in, not measured",
    "simulated": "the receiver simulates its position",
}
# 6 decimals of a degree are 0.11 m, finer than a receiver without RTK, and pack into two bytes where 7 take nine.
_DEGREE_DIGITS = 6
_DEGREES = re.compile(r"(\d{1,3})([0-5]\d(?:\.\d*)?)")


class Places(NamedTuple):
    """Where a sentence has what; 0: it has not. `latitude` is followed by its letter, and both of longitude."""

    time: int = 0
    latitude: int = 0
    quality: int = 0
    status: int = 0
    mode: int = 0
    satellites: int = 0  # followed by HDOP and altitude
    speed: int = 0
    course: int = 0

    def numbers(self) -> Iterator[int]:
        """The places where numbers stand."""
        if self.latitude:
            yield from (self.latitude, self.latitude + 2)
        if self.satellites:
            yield from range(self.satellites, self.satellites + 3)
        if self.speed:
            yield from (self.speed, self.course)


# Best first, for each of the groups below.
RECEIVERS: Mapping[str, Places] = {
    "GGA": Places(time=1, latitude=2, quality=6, satellites=7),
    "GNS": Places(time=1, latitude=2, mode=6, satellites=7),
    "RMC": Places(time=1, latitude=3, status=2, mode=12, speed=7, course=8),
    "GLL": Places(time=5, latitude=1, status=6, mode=7),
    "VTG": Places(mode=9, speed=5, course=1),
}
QUANTITIES: dict[str, tuple[str, ChannelKind]] = {
    "fix": ("", STATE), "latitude": ("deg", GAUGE), "longitude": ("deg", GAUGE), "altitude": ("m", GAUGE),
    "satellites": ("", GAUGE), "hdop": ("", GAUGE), "speed": ("m/s", GAUGE), "course": ("deg", ANGLE),
}  # fmt: skip
Values = Sequence[str]


def groups(places: Places, values: Values) -> Iterator[tuple[str, Iterator[Told]]]:
    """What this sentence tells, by the group that is taken from one kind of sentence as a whole."""
    if places.latitude:
        yield "position", _position(places, values)
    if places.satellites:
        yield "sky", _sky(places, values)
    if places.speed:
        yield "motion", _motion(places, values)


def _position(places: Places, values: Values) -> Iterator[Told]:
    fix = _fix(places, values)
    reason = _REASON.get(fix, "the receiver gives no position")
    latitude = _degrees(values, places.latitude, "NS", 90.0)
    longitude = _degrees(values, places.latitude + 2, "EW", 180.0)
    if fix in _REASON or latitude is None or longitude is None:
        latitude = longitude = None
    yield _told("fix", fix, "")
    yield _told("latitude", latitude, reason)
    yield _told("longitude", longitude, reason)


def _sky(places: Places, values: Values) -> Iterator[Told]:
    fix = _fix(places, values)
    reason = _REASON.get(fix, "the receiver gives none")
    satellites, hdop, altitude = (_number(values, places.satellites + step) for step in range(3))
    in_metres = not places.quality or at(values, places.satellites + 3) == "M"  # GNS has no unit: always metres
    yield _told("altitude", altitude if in_metres and fix not in _REASON else None, reason)
    yield _told("satellites", None if satellites is None or satellites > 999 else int(satellites), reason)
    yield _told("hdop", None if fix in _REASON else hdop, reason)


def _motion(places: Places, values: Values) -> Iterator[Told]:
    fix = _fix(places, values)
    knots, course = _number(values, places.speed), _number(values, places.course)
    speed = None if fix in _REASON or knots is None else round(knots * KNOT_M_S, 3)
    yield _told("speed", speed, _REASON.get(fix, "the receiver gives no speed"))
    known = fix not in _REASON and course is not None and 0 <= course <= 360
    reason = _REASON.get(fix, "no course while standing still")
    yield _told("course", course if known else None, reason)


def _fix(places: Places, values: Values) -> str:
    """What kind of fix the sentence has."""
    if places.quality:
        quality = at(values, places.quality)
        return _QUALITY[int(quality)] if re.fullmatch("[0-8]", quality) else "none"
    if places.status and at(values, places.status) != "A":
        return "none"
    # GNS has one letter a satellite system: the best of them counts. Others have one, or none before v2.3.
    letters = at(values, places.mode)
    return next((fix for letter, fix in _MODE.items() if letter in letters), "none" if letters else "gps")


def _degrees(values: Values, place: int, letters: str, limit: float) -> float | None:
    match = _DEGREES.fullmatch(at(values, place))
    letter = at(values, place + 1)
    if match is None or letter not in letters or not letter:
        return None
    degrees = int(match[1]) + float(match[2]) / 60
    if degrees > limit:
        return None
    return round(-degrees if letter in "SW" else degrees, _DEGREE_DIGITS)


def _number(values: Values, place: int) -> float | None:
    text = at(values, place)
    return float(text) if text else None


def _told(quantity: str, value: Value | None, reason: str) -> Told:
    return Told(quantity, value, *QUANTITIES[quantity], reason)
