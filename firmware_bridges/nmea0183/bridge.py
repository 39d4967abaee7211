"""NMEA 0183: sentences of GPS receivers and boat instruments to readings.

Framing and checksum are here, the fields of a sentence are read by pynmeagps. A receiver says the same thing in
several sentences of one cycle (a position in GGA, RMC and GLL): only the first of a cycle is listened to, so that
nothing is stored twice. Sentences that bring nothing new are not parsed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from math import isfinite
from operator import xor
from typing import Any

from pynmeagps.exceptions import NMEAMessageError, NMEAParseError, NMEATypeError
from pynmeagps.nmeareader import NMEAReader

from edge_agent.core.ports import LanguageSpec
from edge_agent.core.reading import ChannelKind, Chunk, Item, Reading
from firmware_bridges.base import ListeningBridge
from firmware_bridges.framing import LineSplitter

# 82 characters are allowed (NMEA 0183 §5.3); receivers with many decimals go beyond it.
MAX_LINE = 256
# What the eye of a human may want of a garbled line is in the log of the driver; here it only counts.
KNOT_M_S = 1852 / 3600
_SPEED_UNITS = {"N": KNOT_M_S, "K": 1 / 3.6, "M": 1.0, "S": 1609.344 / 3600}

# Fix qualities of GGA and mode letters of RMC, GLL, VTG and GNS (NMEA 0183 v4.10). Those in _NO_POSITION are none
# that somebody should be sent to: typed in by hand, or simulated.
_QUALITY = ("none", "gps", "dgps", "pps", "rtk", "float_rtk", "estimated", "manual", "simulated")
_MODE = {
    "A": "gps", "D": "dgps", "P": "pps", "R": "rtk", "F": "float_rtk", "E": "estimated",
    "M": "manual", "S": "simulated", "N": "none", "": "gps",
}  # fmt: skip
_NO_POSITION = frozenset({"none", "manual", "simulated"})
_REASON = {
    "none": "no satellite fix",
    "manual": "the position was typed in, not measured",
    "simulated": "the receiver simulates its position",
}

# 6 decimals of a degree are 0.11 m, finer than a receiver without RTK, and pack into two bytes where 7 take nine.
_DEGREE_DIGITS = 6

# Which sentences a group of quantities can come from, best first.
_SOURCES: dict[str, tuple[str, ...]] = {
    "position": ("GGA", "GNS", "RMC", "GLL"),
    "sky": ("GGA", "GNS"),
    "motion": ("RMC", "VTG"),
    "depth": ("DPT", "DBT"),
    "wind": ("MWV",),
    "water": ("MTW",),
    "heading": ("HDT",),
}
_TIMED = frozenset({"position", "sky"})
_GROUPS = {
    kind: tuple(group for group, kinds in _SOURCES.items() if kind in kinds)
    for kinds in _SOURCES.values()
    for kind in kinds
}
# Where a sentence has the time (UTC) that it speaks of.
_TIME_FIELD = {"GGA": 1, "GNS": 1, "RMC": 1, "GLL": 5}
_QUANTITIES: dict[str, tuple[str, ChannelKind]] = {
    "latitude": ("deg", ChannelKind.GAUGE),
    "longitude": ("deg", ChannelKind.GAUGE),
    "fix": ("", ChannelKind.STATE),
    "altitude": ("m", ChannelKind.GAUGE),
    "satellites": ("", ChannelKind.GAUGE),
    "hdop": ("", ChannelKind.GAUGE),
    "speed": ("m/s", ChannelKind.GAUGE),
    "course": ("deg", ChannelKind.ANGLE),
    "heading": ("deg", ChannelKind.ANGLE),
    "depth": ("m", ChannelKind.GAUGE),
    "water_temperature": ("Cel", ChannelKind.GAUGE),
    "wind_angle": ("deg", ChannelKind.ANGLE),
    "wind_speed": ("m/s", ChannelKind.GAUGE),
    "true_wind_angle": ("deg", ChannelKind.ANGLE),
    "true_wind_speed": ("m/s", ChannelKind.GAUGE),
}
Fields = Any  # an NMEAMessage: its attributes are made at run time


class _Source:
    """What a group was last taken from: the kind of sentence, its time, and who else spoke since it was heard."""

    __slots__ = ("kind", "rivals", "time")

    def __init__(self, kind: str, time: str) -> None:
        self.kind = kind
        self.time = time
        self.rivals: set[str] = set()


class Nmea0183(ListeningBridge):
    """Sentences in, readings out. A position without a valid fix is None with the reason, and `fix` says `none`."""

    def __init__(self, device: str, _options: Mapping[str, Any]) -> None:
        super().__init__(device)
        self._lines = LineSplitter(MAX_LINE)
        self._sources: dict[str, _Source] = {}
        self._joined = False

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What the sentences completed by these bytes say."""
        if not isinstance(chunk, bytes):
            yield from self.unsupported(chunk, at)
            return
        for line in self._lines.feed(chunk):
            yield from self._line(line, at)

    def _line(self, line: bytes | None, at: float) -> Iterator[Item]:
        """A line holds one sentence; more where noise swallowed an end, none where it is noise or a comment."""
        if line is None:
            yield from self.faults.say("overflow", f"no end of line within {MAX_LINE} bytes", at)
            return
        if b"!" in line and line.lstrip().startswith(b"!"):
            return  # AIS: what other ships say is no reading of this one
        before, *sentences = line.split(b"$")
        if (before.strip() or not sentences) and self._joined:
            yield from self.faults.say("garbage", "bytes that are no NMEA sentence", at)
        for sentence in sentences:
            yield from self._sentence(sentence, at)
        # Whoever joins a talking line hears the end of a sentence first: that is no fault.
        self._joined = True

    def _sentence(self, sentence: bytes, at: float) -> Iterator[Item]:
        content, star, checksum = sentence.rstrip(b" \t\x00").partition(b"*")
        if not star or len(checksum) != 2 or not content.isascii():
            yield from self.faults.say("garbage", "a sentence is cut short or garbled", at)
            return
        if f"{reduce(xor, content, 0):02X}".encode() != checksum.upper():
            yield from self.faults.say("checksum", "a sentence does not match its checksum", at)
            return
        values = content.decode().split(",")
        kind = values[0][2:]
        groups = [group for group in _GROUPS.get(kind, ()) if self._listens(group, kind, values)]
        if not groups:
            return
        try:
            fields: Fields = NMEAReader.parse(b"$" + content + b"*" + checksum, validate=0)
        except (NMEAMessageError, NMEAParseError, NMEATypeError):
            fields = None
        if fields is None:
            yield from self.faults.say("malformed", f"a field of {values[0]} cannot be read", at)
            return
        for group in groups:
            yield from _READERS[group](self, fields, at)

    def _listens(self, group: str, kind: str, values: Sequence[str]) -> bool:
        """Whether this sentence tells the group something new.

        A time that was told already brings nothing, whichever sentence repeats it. Where there is no time, a better
        kind of sentence takes over at once, another one when it has come twice since the present one was last heard.
        """
        source = self._sources.get(group)
        place = _TIME_FIELD.get(kind, 0) if group in _TIMED else 0
        time = values[place] if 0 < place < len(values) else ""
        if source is None:
            self._sources[group] = _Source(kind, time)
            return True
        if time:
            news = time != source.time
            source.kind, source.time = kind, time
            return news
        kinds = _SOURCES[group]
        if kind == source.kind or kind in source.rivals or kinds.index(kind) < kinds.index(source.kind):
            self._sources[group] = _Source(kind, time)
            return True
        source.rivals.add(kind)
        return False

    def _reading(self, quantity: str, value: float | str | None, reason: str, at: float) -> Iterator[Reading]:
        channel = self.channel(quantity, *_QUANTITIES[quantity])
        if value is None:
            yield from self.absent(channel, reason, at)
        else:
            yield self.present(channel, value, at)

    def _position(self, fields: Fields, at: float) -> Iterator[Reading]:
        fix = _fix(fields)
        reason = _REASON.get(fix, "the receiver gives no position")
        latitude, longitude = _number(fields, "lat", 90.0), _number(fields, "lon", 180.0)
        if fix in _NO_POSITION or latitude is None or longitude is None:
            latitude = longitude = None
        else:
            latitude, longitude = round(latitude, _DEGREE_DIGITS), round(longitude, _DEGREE_DIGITS)
        yield from self._reading("fix", fix, "", at)
        yield from self._reading("latitude", latitude, reason, at)
        yield from self._reading("longitude", longitude, reason, at)

    def _sky(self, fields: Fields, at: float) -> Iterator[Reading]:
        fix = _fix(fields)
        reason = _REASON.get(fix, "the receiver gives none")
        known = fix not in _NO_POSITION
        in_metres = getattr(fields, "altUnit", "M") == "M"  # GNS has no unit field: always metres
        altitude = _number(fields, "alt") if known and in_metres else None
        yield from self._reading("altitude", altitude, reason, at)
        satellites = _number(fields, "numSV", 999)
        yield from self._reading("satellites", None if satellites is None else int(satellites), reason, at)
        yield from self._reading("hdop", _number(fields, "HDOP") if known else None, reason, at)

    def _motion(self, fields: Fields, at: float) -> Iterator[Reading]:
        fix = _fix(fields)
        known = fix not in _NO_POSITION
        knots = _number(fields, "spd") if hasattr(fields, "spd") else _number(fields, "sogn")
        course = _number(fields, "cog", 360.0) if hasattr(fields, "cog") else _number(fields, "cogt", 360.0)
        reason = _REASON.get(fix, "the receiver gives no speed")
        speed = round(knots * KNOT_M_S, 3) if known and knots is not None else None
        yield from self._reading("speed", speed, reason, at)
        reason = _REASON.get(fix, "no course while standing still")
        yield from self._reading("course", course if known else None, reason, at)

    def _depth(self, fields: Fields, at: float) -> Iterator[Reading]:
        depth = _number(fields, "depth") if hasattr(fields, "depth") else _number(fields, "depthm")
        yield from self._reading("depth", depth, "no echo", at)

    def _wind(self, fields: Fields, at: float) -> Iterator[Reading]:
        true = "true_" if getattr(fields, "reference", "") == "T" else ""
        factor = _SPEED_UNITS.get(getattr(fields, "speedu", ""))
        valid = getattr(fields, "status", "") == "A" and factor is not None
        angle, speed = _number(fields, "angle", 360.0), _number(fields, "speed")
        reason = "the instrument says that it is not valid"
        yield from self._reading(f"{true}wind_angle", angle if valid else None, reason, at)
        metres = round(speed * factor, 3) if valid and speed is not None and factor is not None else None
        yield from self._reading(f"{true}wind_speed", metres, reason, at)

    def _water(self, fields: Fields, at: float) -> Iterator[Reading]:
        yield from self._reading("water_temperature", _number(fields, "temp"), "the instrument gives none", at)

    def _heading(self, fields: Fields, at: float) -> Iterator[Reading]:
        yield from self._reading("heading", _number(fields, "headingT", 360.0), "the compass gives none", at)


_READERS: dict[str, Callable[[Nmea0183, Fields, float], Iterator[Reading]]] = {
    "position": Nmea0183._position,  # noqa: SLF001 - the table of this class's own methods
    "sky": Nmea0183._sky,  # noqa: SLF001
    "motion": Nmea0183._motion,  # noqa: SLF001
    "depth": Nmea0183._depth,  # noqa: SLF001
    "wind": Nmea0183._wind,  # noqa: SLF001
    "water": Nmea0183._water,  # noqa: SLF001
    "heading": Nmea0183._heading,  # noqa: SLF001
}


def _fix(fields: Fields) -> str:
    """What kind of fix a GGA, GNS, RMC, GLL or VTG has."""
    quality = getattr(fields, "quality", None)
    if quality is not None:
        return _QUALITY[quality] if isinstance(quality, int) and 0 <= quality < len(_QUALITY) else "none"
    if getattr(fields, "status", "A") != "A":
        return "none"
    # GNS has one letter a satellite system: the best of them counts. Others have one, or none before v2.3.
    mode = str(getattr(fields, "posMode", ""))
    return next((_MODE[letter] for letter in "RFPDAEMS" if letter in mode), _MODE["N"] if mode else _MODE[""])


def _number(fields: Fields, name: str, limit: float = 1e9) -> float | None:
    """A finite number of a size at most `limit`, or None: absent, empty, text, beyond."""
    value = getattr(fields, name, None)
    if not isinstance(value, int | float) or not isfinite(value) or abs(value) > limit:
        return None
    return value


SPEC = LanguageSpec(
    name="nmea0183",
    transports=frozenset({"serial"}),
    make=Nmea0183,
    options={},
    doc="NMEA 0183: GPS receivers, and a boat's depth, wind, heading and water temperature",
    baud=4800,
)
