"""Plain text lines, as hobby firmware prints them, to readings.

Four shapes are read: `key=value key=value`, `key: value unit`, values with a separator for configured columns, and
one JSON object. Numbers become gauges, true and false, on and off become states, text only comes from JSON strings.
What is none of this (a boot message, noise) is passed over and counted as `garbage`.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple

from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import ChannelKind, Chunk, Item, Value
from firmware_bridges.base import ListeningBridge
from firmware_bridges.framing import LineSplitter

MAX_LINE = 1024
# One line of a board has a handful of values; beyond this it is noise that looks like some.
MAX_VALUES = 64
MAX_TEXT = 200

# Behind a comma comes the next key: `acc=1,2,3` and `t=21,5` are not read as 1 and 21.
_PAIR = re.compile(
    r"([A-Za-z_][\w .-]{0,40}?)\s*=\s*([^\s,;=]+)(?:\s+(%|°?[A-Za-z][\w/%³²µ]{0,9})(?!\s*=))?"
    r"(?=[\s;]|$|,\s*(?:[A-Za-z_]|$))"
)
_FIELD = re.compile(
    r"\s*([A-Za-z_][\w .-]{0,40}?)\s*:\s*"
    r"(?:([-+]?\d[\d.]*(?:[eE][-+]?\d+)?)\s*(%|°?[A-Za-z][\w/%³²µ]{0,9})?|([^\s,;]+))\s*(?:[,;]|$)"
)
_NUMBER = re.compile(r"([-+]?\d{1,15}(?:\.\d{1,15})?(?:[eE][-+]?\d{1,2})?)(%|°?[A-Za-z][\w/%³²µ]{0,9})?\Z")
_HEX = re.compile(r"0[xX][0-9A-Fa-f]{1,12}\Z")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_NOT_NAME = re.compile(r"[^a-z0-9]+")
_STATES = {
    "true": True, "on": True, "yes": True, "open": True, "high": True,
    "false": False, "off": False, "no": False, "closed": False, "low": False,
}  # fmt: skip
# What firmware prints when a sensor does not answer (Arduino's DHT and DS18B20 examples, C's printf).
_NO_VALUE = frozenset({"nan", "inf", "-inf", "+inf", "null", "none", "err", "error", "n/a", "na", "--"})
# Units as people write them, to the agent's.
_UNITS = {
    "C": "Cel", "°C": "Cel", "degC": "Cel", "deg": "deg", "F": "[degF]", "°F": "[degF]", "lux": "lx", "mbar": "hPa",
    "°": "deg", "m³": "m3", "µg/m3": "ug/m3", "pct": "%",
}  # fmt: skip


class _Pair(NamedTuple):
    """One value of a line. `value` is None where the firmware says that it has none."""

    name: str
    value: Value | None
    unit: str


class Textline(ListeningBridge):
    """Lines in, readings out. A channel keeps the unit and kind of its first value; others are None with a reason."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device)
        self._lines = LineSplitter(MAX_LINE)
        self._columns = tuple(_name(column) for column in options["columns"].split(",") if options["columns"])
        self._separator: str = options["separator"]
        self._limit: int = options["max_channels"]
        self._decimal_comma: bool = options["decimal_comma"]
        self._units = {_name(str(name)): str(unit) for name, unit in options["units"].items()}
        self._joined = False
        self._read = self._reader(options["format"])

    def _reader(self, form: str) -> Callable[[str], list[_Pair]]:
        readers = {"auto": self._auto, "pairs": _pairs, "fields": _fields, "csv": self._csv, "json": _json}
        if form not in readers:
            raise ConfigError(f"{self.device}: format {form!r} is not known", fix=f"Use one of {', '.join(readers)}")
        if form == "csv" and not self._columns:
            raise ConfigError(
                f"{self.device}: csv needs columns", fix='Name them in order: columns = "time,temperature"'
            )
        if not self._separator:
            raise ConfigError(f"{self.device}: the separator is empty", fix='Use "," or ";" or a tab')
        if self._decimal_comma and self._columns and self._separator == ",":
            raise ConfigError(f"{self.device}: a comma cannot be both", fix='Use separator = ";", or no decimal_comma')
        if not 1 <= self._limit <= 1000:
            raise ConfigError(f"{self.device}: max_channels is {self._limit}", fix="Use a number from 1 to 1000")
        return readers[form]

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What the lines completed by these bytes say."""
        if not isinstance(chunk, bytes):
            yield from self.unsupported(chunk, at)
            return
        for line in self._lines.feed(chunk):
            if line is None:
                yield from self.faults.say("overflow", f"no end of line within {MAX_LINE} bytes", at)
            else:
                yield from self._line(line, at)

    def _line(self, line: bytes, at: float) -> Iterator[Item]:
        try:
            text = line.decode("utf-8").strip(" \t\x00\ufeff")
        except UnicodeDecodeError:
            text = ""
        if self._decimal_comma and not text.startswith("{"):
            text = _DECIMAL_COMMA.sub(".", text)
        pairs = self._read(text) if text.isprintable() or "\t" in text else []
        # Whoever joins a talking line hears the end of one first: that is no fault.
        if not pairs and self._joined:
            yield from self.faults.say("garbage", "a line has no value that can be read", at)
        self._joined = True
        for pair in pairs[:MAX_VALUES]:
            yield from self._pair(pair, at)

    def _pair(self, pair: _Pair, at: float) -> Iterator[Item]:
        channel = self._channels.get(pair.name)
        if channel is None:
            if pair.value is None or not pair.name:
                return  # nothing is known of it yet, not even its kind
            if len(self._channels) >= self._limit:
                yield from self.faults.say("overflow", f"more than {self._limit} channels; {pair.name} is left out", at)
                return
            unit = self._units.get(pair.name, _UNITS.get(pair.unit, pair.unit))
            channel = self.channel(pair.name, unit, _kind(pair.value))
        if pair.value is None:
            yield from self.absent(channel, "the device says that it has no value", at)
        elif _kind(pair.value) is not channel.kind:
            yield from self.absent(channel, f"the device sends {str(pair.value)[:40]!r}", at)
        else:
            yield self.present(channel, pair.value, at)

    def _auto(self, text: str) -> list[_Pair]:
        if text.startswith("{"):
            return _json(text)
        if "=" in text:
            return _pairs(text)
        return _fields(text) or (self._csv(text) if self._columns else [])

    def _csv(self, text: str) -> list[_Pair]:
        """A line with another number of values than columns is none of ours: a header, or cut short."""
        values = [value.strip() for value in text.split(self._separator)]
        if len(values) != len(self._columns):
            return []
        return [
            pair for name, value in zip(self._columns, values, strict=True) if name for pair in _made(name, value, "")
        ]


def _kind(value: Value) -> ChannelKind:
    if isinstance(value, bool):
        return ChannelKind.STATE
    return ChannelKind.TEXT if isinstance(value, str) else ChannelKind.GAUGE


def _name(text: str) -> str:
    """A quantity's name: lower case letters, digits and _, at most 32; empty if nothing is left."""
    return _NOT_NAME.sub("_", text.strip().lower()).strip("_")[:32]


def _made(name: str, text: str, unit: str) -> Iterator[_Pair]:
    """The pair of a name and a written value, if that is one at all."""
    match = _NUMBER.match(text)
    if _HEX.match(text):
        yield _Pair(name, int(text, 16), unit)
    elif match is not None:
        number = float(match[1])
        whole = int(match[1]) if match[1].lstrip("+-").isdecimal() else number
        yield _Pair(name, whole if isfinite(number) else None, match[2] or unit)
    elif text.lower() in _STATES:
        yield _Pair(name, _STATES[text.lower()], "")
    elif text.lower() in _NO_VALUE:
        yield _Pair(name, None, "")


def _pairs(text: str) -> list[_Pair]:
    return [pair for match in _PAIR.finditer(text) for pair in _made(_name(match[1]), match[2], match[3] or "")]


def _fields(text: str) -> list[_Pair]:
    """All of the line must be `key: value unit`, or nothing is: prose has colons too."""
    pairs: list[_Pair] = []
    place = 0
    while place < len(text):
        match = _FIELD.match(text, place)
        made = list(_made(_name(match[1]), match[2] or match[4], match[3] or "")) if match is not None else []
        if match is None or not made:
            return []
        pairs += made
        place = match.end()
    return pairs


def _json(text: str) -> list[_Pair]:
    """The object's members; those of objects inside it are `outer_inner`, one level deep."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if not isinstance(data, dict):
        return []
    pairs: list[_Pair] = []
    for key, value in data.items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        pairs += [pair for sub, member in inner for pair in _member(_name(f"{key}_{sub}"), member)]
    return pairs


def _member(name: str, value: object) -> Iterator[_Pair]:
    if isinstance(value, str):
        yield _Pair(name, value[:MAX_TEXT], "")
    elif value is None:
        yield _Pair(name, None, "")
    elif isinstance(value, int | float):
        fits = isinstance(value, bool) or (isfinite(value) if isinstance(value, float) else abs(value) < 2**53)
        yield _Pair(name, value if fits else None, "")


SPEC = LanguageSpec(
    name="textline",
    transports=frozenset({"serial"}),
    make=Textline,
    options={
        "format": Option(str, "auto", "auto, pairs (key=value), fields (key: value unit), csv or json"),
        "columns": Option(str, "", "names of the values of a csv line, with commas; an empty one is left out"),
        "separator": Option(str, ",", "what separates the values of a csv line"),
        "decimal_comma": Option(bool, False, "numbers are written 21,5"),
        "units": Option(dict, {}, "unit of a quantity where the line does not say it: { temperature = 'Cel' }"),
        "max_channels": Option(int, 32, "more names than this are noise"),
    },
    doc="plain text lines: key=value, key: value unit, CSV or JSON",
    baud=115200,
)
