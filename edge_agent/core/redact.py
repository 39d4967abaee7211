"""What must not stand in a report that leaves this house: one table, and the forms in which it may hide.

Strategy. The table names places of the document by their path, and what looks like something private by its pattern.
First all values at those places are collected (and what else is known to be private); then each is struck out wherever
it stands in any text, in all forms that are made of it: an address without colons, backwards, as the end of a device's
name or inside an IPv6 address; a coordinate in fewer digits or as NMEA writes it. A value has the same label
everywhere, `[address 1]`, so that what belongs together can still be seen.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, NamedTuple
from urllib.parse import quote


class Kind(StrEnum):
    """What a hidden value is; its label begins so."""

    SECRET = "secret"  # noqa: S105 - a word
    ADDRESS = "address"
    NETWORK = "network"
    PLACE = "place"
    PERSON = "person"
    IDENTITY = "identity"


# Paths in the document: keys with dots between, lower case, list indexes left out.
PLACES: Mapping[Kind, tuple[str, ...]] = {
    Kind.SECRET: (
        "*password", "*passphrase", "*secret*", "*token", "*.key", "*_key", "*bindkey*", "*.pin", "*private*",
        "*credential*",
    ),
    Kind.ADDRESS: ("*.address", "*.mac", "*.bssid", "*_address"),
    Kind.NETWORK: ("*ssid",),
    Kind.PLACE: ("*.latitude", "*.longitude", "*.position"),
    Kind.PERSON: (
        "*.site", "*.contact", "*.location", "*.number", "*.text_number", "*.owner", "*.by", "*.helper", "*.receiver",
        "*.username",
    ),
    Kind.IDENTITY: ("*.gateway", "config.gateway.id", "*.client_id", "*.vin", "*.imei", "*.iccid", "*.serial_number"),
}  # fmt: skip
# Channels whose values tell where somebody is: of a record about one, these fields are hidden.
PLACE_QUANTITIES = frozenset({"latitude", "longitude", "lat", "lon", "altitude", "position", "geohash"})
PLACE_FIELDS = frozenset({"value", "points", "latest", "first", "sentence", "stored", "shown"})
_HEX, _GROUP = "[0-9A-Fa-f]{2}", "[0-9A-Fa-f]{1,4}"
# Whatever follows the word for a network, in quotes or without.
_NET = r'(?<=")[^"]{1,32}(?=")|[^\s",}]{1,32}'
# Addresses of a house's own network say nothing (RFC 1918, RFC 3927, loopback).
_HOUSE = r"(?!10\.|127\.|0\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.)"
# What looks private wherever it stands, also where nobody knew of it. The group, where there is one, is the value.
PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (Kind.ADDRESS, rf"(?<![0-9A-F:]){_HEX}(?:[:_-]{_HEX}){{5}}(?![0-9A-F:])"),
        (Kind.ADDRESS, r"(?<![0-9A-Z])[0-9A-F]{12}(?![0-9A-Z])"),
        (Kind.ADDRESS, rf"(?<![\w:])(?:{_GROUP}:){{7}}{_GROUP}(?![\w:])"),
        (Kind.ADDRESS, rf"(?<![\w:]){_GROUP}(?::{_GROUP}){{0,6}}::(?:{_GROUP}:?){{0,6}}"),
        (Kind.ADDRESS, rf"(?<![\d.]){_HOUSE}(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?![\d.])"),
        (Kind.NETWORK, rf"\b(?:e?ssid|network)\b\W{{1,4}}({_NET})"),
        (Kind.PLACE, r"-?\d{1,2}[.,]\d{4,}\s{0,2}[;, ]\s{0,2}-?\d{1,3}[.,]\d{4,}"),
        (Kind.PLACE, r"\b\d{4,5}\.\d{2,},[NSEW]\b"),
        (Kind.PLACE, r"\b(?:lat|lon|lng|latitude|longitude)\b\W{1,4}(-?\d{1,3}[.,]\d+)"),
        (Kind.IDENTITY, r"(?<=/dev/serial/by-id/)[^\s\"',;]+"),
        (Kind.PERSON, r"(?<![\w.])\+\d[\d ()/-]{6,18}\d"),
        (Kind.PERSON, r"[\w.+-]+@[\w-]+\.[\w.-]+"),
        (Kind.SECRET, r"(?<=://)[^\s/@:]+:[^\s/@]+(?=@)"),
        (Kind.SECRET, r"(?<=\?)(?:[\w.-]+=[^\s\"'&]*&?)+"),
    )
)
# Shorter ones are ordinary words and small numbers.
MIN_TEXT = 4
# So many decimals of a degree are some hundred metres.
_DECIMALS = 3
_SEPARATORS = re.compile("[:_-]")
_MAC = re.compile(rf"{_HEX}(?:[:-]{_HEX}){{5}}")
_FLOAT = re.compile(r"-?\d{1,3}\.\d+")


class Known(NamedTuple):
    """A value that is private, wherever it stands."""

    kind: Kind
    value: str


class Form(NamedTuple):
    """A form in which a value may stand: `needle` is in every text, bare of separators, where the pattern can match."""

    needle: str
    pattern: re.Pattern[str]


class Redactor:
    """Strikes out. `known` is what is private beside what the document's own places hold."""

    def __init__(self, known: Iterable[Known] = ()) -> None:
        self._known = set(known)
        self._labels: dict[str, str] = {}
        self._counts: dict[Kind, int] = {}
        self._forms: list[tuple[Form, str]] = []

    def document(self, plain: Mapping[str, Any]) -> dict[str, Any]:
        """The document without what is private. Times and memory are those of a few passes over it."""
        self._known |= set(_collected(plain, ""))
        for kind, value in sorted(self._known, key=lambda k: (k.kind, -len(k.value), k.value)):
            label = self._label(kind, value)
            self._forms += [(form, label) for form in forms(Known(kind, value))]
        cleaned: dict[str, Any] = self._clean(plain, "")
        return cleaned

    def text(self, text: str) -> str:
        """A text without what is private."""
        for form, label in self._there(text):
            text = form.pattern.sub(label, text)
        for kind, pattern in PATTERNS:
            text = pattern.sub(lambda found, kind=kind: self._struck(kind, found), text)  # type: ignore[misc]
        return text

    def leaks(self, text: str) -> bool:
        """Whether something that is known to be private stands there all the same."""
        return any(form.pattern.search(text) for form, _ in self._there(text))

    def _there(self, text: str) -> list[tuple["Form", str]]:
        """The forms that can stand in this text: looking for all of them would take a small computer a minute."""
        bare = _bare(text)
        return [(form, label) for form, label in self._forms if form.needle in bare]

    def _struck(self, kind: Kind, found: re.Match[str]) -> str:
        value = found[found.re.groups and 1]
        return found[0].replace(value, self._label(kind, value)) if value and "[" not in value else found[0]

    def _label(self, kind: Kind, value: str) -> str:
        canonical = _canonical(value)
        if canonical not in self._labels:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._labels[canonical] = f"[{kind.value} {self._counts[kind]}]"
        return self._labels[canonical]

    def _clean(self, plain: Any, path: str) -> Any:
        if isinstance(plain, Mapping):
            hidden = PLACE_FIELDS if _tells_place(plain) else frozenset()
            cleaned = {key: self._clean(value, _below(path, key)) for key, value in plain.items()}
            return {self.text(key): "[place]" if key in hidden else value for key, value in cleaned.items()}
        if isinstance(plain, list | tuple):
            return [self._clean(each, path) for each in plain]
        kind = kind_of(path)
        if kind is not None and plain not in (None, "", "***"):
            return self._label(kind, str(plain))
        return self.text(plain) if isinstance(plain, str) else plain


def kind_of(path: str) -> Kind | None:
    """What stands at this place, where the table names it."""
    return next((kind for kind, places in PLACES.items() if any(fnmatchcase(path, place) for place in places)), None)


def forms(known: Known) -> Iterator[Form]:
    """The forms in which a value may stand in a text."""
    value = known.value
    if _MAC.fullmatch(value):
        yield from _forms_of_address(re.split("[:-]", value))
    elif known.kind is Kind.PLACE and _FLOAT.fullmatch(value):
        yield from _forms_of_degrees(abs(float(value)))
    elif len(value) >= MIN_TEXT:
        yield _form(value, rf"(?<!\w){re.escape(value)}(?!\w)")
        if known.kind is Kind.SECRET:
            raw = value.encode()
            coded = b64encode(raw).decode().rstrip("=")
            yield from (_form(each, re.escape(each)) for each in (value, quote(value), raw.hex(), coded))


def _forms_of_address(pairs: list[str]) -> Iterator[Form]:
    for order in (pairs, pairs[::-1]):
        yield _form("".join(order), "[:_-]?".join(order))
    # the modified EUI-64 of IPv6 (RFC 4291, appendix A), with groups of four and leading zeros left out
    one = f"{int(pairs[0], 16) ^ 2:02x}"
    groups = (one + pairs[1], f"{pairs[2]}ff", f"fe{pairs[3]}", pairs[4] + pairs[5])
    short = [group.lstrip("0") or "0" for group in groups]
    yield _form(short[-1], ":?".join(f"0*{group}" for group in short))
    # makers end a device's name with the last three or two bytes
    three, two = "".join(pairs[3:]), "".join(pairs[4:])
    yield _form(three, rf"(?<![0-9A-Fa-f]){three}(?![0-9A-Fa-f])")
    before = "(?<=[A-Za-z][_ -])" if two.isdecimal() else "(?<![0-9A-Za-z.])"
    yield _form(two, rf"{before}{two}(?![0-9A-Za-z.])")


def _forms_of_degrees(degrees: float) -> Iterator[Form]:
    whole = int(degrees)
    cut = int(degrees * 10**_DECIMALS) / 10**_DECIMALS
    for decimals in {f"{degrees:.{_DECIMALS}f}", f"{cut:.{_DECIMALS}f}"}:
        before, _, behind = decimals.partition(".")
        yield _form(before, rf"(?<!\d){before}[.,]{behind}\d*")
    minutes = (degrees - whole) * 60
    nmea = f"{whole}{int(minutes):02d}."  # ddmm.mmmm of NMEA 0183
    yield _form(nmea, rf"(?<!\d)0?{re.escape(nmea)}{int(minutes * 10) % 10}\d*")


def _form(needle: str, pattern: str) -> Form:
    return Form(_bare(needle), re.compile(pattern, re.IGNORECASE))


def _bare(text: str) -> str:
    return _SEPARATORS.sub("", text).lower()


def _below(path: str, key: str) -> str:
    return f"{path}.{key.lower()}" if path else key.lower()


def _canonical(value: str) -> str:
    return re.sub("[:_-]", "", value).lower() if _MAC.fullmatch(value.replace("_", ":")) else value.lower()


def _tells_place(record: Mapping[str, Any]) -> bool:
    names = (record.get("channel"), record.get("name"))
    return any(isinstance(name, str) and name.rpartition(".")[2] in PLACE_QUANTITIES for name in names)


def _collected(plain: Any, path: str) -> Iterator[Known]:
    if isinstance(plain, Mapping):
        if _tells_place(plain):
            yield from (Known(Kind.PLACE, each) for field in PLACE_FIELDS for each in _degrees(plain.get(field)))
        for key, value in plain.items():
            yield from _collected(value, _below(path, key))
    elif isinstance(plain, list | tuple):
        for each in plain:
            yield from _collected(each, path)
    elif plain not in (None, "", "***") and (kind := kind_of(path)) is not None:
        yield Known(kind, str(plain))


def _degrees(plain: Any) -> Iterator[str]:
    """The numbers with decimals in a value, or in rows of values."""
    if isinstance(plain, list | tuple):
        for each in plain:
            yield from _degrees(each)
    elif isinstance(plain, float) and plain != int(plain):
        yield repr(plain)
    elif isinstance(plain, str):
        yield from _FLOAT.findall(plain)
