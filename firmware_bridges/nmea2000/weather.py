"""Groups whose name depends on what they refer to: heading, course, wind, and temperatures by place."""

from collections.abc import Iterator

from edge_agent.core.reading import ChannelKind, Value
from firmware_bridges.canbus import Field, Message
from firmware_bridges.nmea2000.groups import ANGLE, DEGREES, PLACES, PRESSURES

Told = tuple[str, str, Value | None, ChannelKind]
_GAUGE = ChannelKind.GAUGE
_ANGLE_SCALE = 0.0001 * DEGREES
TRUE, MAGNETIC = 0, 1


def _tell(name: str, unit: str, field: Field, data: bytes, kind: ChannelKind = _GAUGE) -> Iterator[Told]:
    raw = field.raw(data)
    top = (1 << field.bits - field.signed) - 1
    if raw is not None and raw != top:
        yield name, unit, (None if raw >= top - 2 else field.number(raw)), kind


def _angle(at: int) -> Field:
    return Field("", "", at, 16, _ANGLE_SCALE, digits=2)


def _number(data: bytes, at: int, bits: int) -> int:
    raw = Field("", "", at, bits).raw(data)
    return -1 if raw is None else raw


def heading(whole: Message) -> Iterator[Told]:
    """127250: true or magnetic, as the compass says."""
    if whole.pgn == 127250:
        name = {TRUE: "heading", MAGNETIC: "heading_magnetic"}.get(_number(whole.data, 56, 2))
        if name:
            yield from _tell(name, "deg", _angle(8), whole.data, ANGLE)


def course(whole: Message) -> Iterator[Told]:
    """129026: over ground."""
    if whole.pgn == 129026:
        name = {TRUE: "course", MAGNETIC: "course_magnetic"}.get(_number(whole.data, 8, 2))
        if name:
            yield from _tell(name, "deg", _angle(16), whole.data, ANGLE)
        yield from _tell("speed", "m/s", Field("", "", 32, 16, 0.01, digits=2), whole.data)


def weather(whole: Message) -> Iterator[Told]:
    """130306 and 130311 to 130316: wind, temperatures, humidity, pressure."""
    data = whole.data
    if whole.pgn == 130306:
        yield from _wind(data)
    elif whole.pgn == 130311:
        place = _number(data, 8, 6)
        if 0 <= place < len(PLACES):
            yield from _temperature(PLACES[place], Field("", "", 16, 16, 0.01, -273.15, 2), data)
        yield from _humidity(_number(data, 14, 2), 32, data)
        yield from _tell("air_pressure", "hPa", Field("", "", 48, 16), data)
    elif whole.pgn in {130312, 130316}:
        place, instance = _number(data, 16, 8), _number(data, 8, 8)
        if 0 <= place < len(PLACES):
            bits, factor = (16, 0.01) if whole.pgn == 130312 else (24, 0.001)
            name = PLACES[place] if instance <= 0 else f"{PLACES[place]}_{instance + 1}"
            yield from _temperature(name, Field("", "", 24, bits, factor, -273.15, 2), data)
    elif whole.pgn == 130313:
        yield from _humidity(_number(data, 16, 8), 24, data)
    elif whole.pgn == 130314:
        source = _number(data, 16, 8)
        if 0 <= source < len(PRESSURES):
            field = Field("", "", 24, 32, 0.001, digits=2, signed=True)
            yield from _tell(f"{PRESSURES[source]}_pressure", "hPa", field, data)


def _temperature(place: str, field: Field, data: bytes) -> Iterator[Told]:
    yield from _tell(f"{place}_temperature", "Cel", field, data)


def _humidity(place: int, at: int, data: bytes) -> Iterator[Told]:
    if place in {0, 1}:
        field = Field("", "", at, 16, 0.004, digits=1, signed=True)
        yield from _tell(("inside_humidity", "outside_humidity")[place], "%", field, data)


def _wind(data: bytes) -> Iterator[Told]:
    """Reference 2 is what the deck feels; 3 and 4 are taken off the boat's own way; 0 and 1 are from a direction."""
    names = {
        0: ("true_wind_speed", "wind_direction"),
        1: ("true_wind_speed", "wind_direction_magnetic"),
        2: ("wind_speed", "wind_angle"),
        3: ("true_wind_speed", "true_wind_angle"),
        4: ("true_wind_speed", "true_wind_angle"),
    }.get(_number(data, 40, 3))
    if names is not None:
        yield from _tell(names[0], "m/s", Field("", "", 8, 16, 0.01, digits=2), data)
        yield from _tell(names[1], "deg", _angle(24), data, ANGLE)
