"""Values out of payloads of adverts by tables: one row a value, so that adding a sensor is one row."""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from edge_agent.core.reading import ChannelKind, Value


class Quantity(NamedTuple):
    """What a value is. An `event` happens with a new message, and is not told again while that is repeated."""

    name: str
    unit: str = ""
    kind: ChannelKind = ChannelKind.GAUGE
    event: bool = False

    def of(self, which: object) -> "Quantity":
        """The same quantity of one of several: `temperature_2`."""
        return self._replace(name=f"{self.name}_{which}")


def state(name: str) -> Quantity:
    """A quantity that is yes or no, or one of a few words."""
    return Quantity(name, kind=ChannelKind.STATE)


def event(name: str) -> Quantity:
    """Something that happens: a press, a turn."""
    return Quantity(name, kind=ChannelKind.STATE, event=True)


TEMPERATURE = Quantity("temperature", "Cel")
HUMIDITY = Quantity("humidity", "%")
BATTERY = Quantity("battery", "%")
BATTERY_LOW = state("battery_low")
VOLTAGE = Quantity("voltage", "V")
CURRENT = Quantity("current", "A")
POWER = Quantity("power", "W")
PRESSURE = Quantity("pressure", "hPa")
ILLUMINANCE = Quantity("illuminance", "lx")
CO2 = Quantity("co2", "ppm")
PM25 = Quantity("pm25", "ug/m3")
PM10 = Quantity("pm10", "ug/m3")
MOTION = state("motion")
WET = state("wet")
BUTTON = event("button")
COUNT = Quantity("count", kind=ChannelKind.COUNTER)
MASS = Quantity("mass", "kg")
MASS_UNSTEADY = Quantity("mass_unsteady", "kg")  # while somebody steps onto the scale
STEADY = state("steady")
IMPEDANCE = Quantity("impedance", "Ohm")

# One value of a payload: quantity, value, and why there is none.
Said = tuple[Quantity, Value | None, str]
Decode = Callable[[bytes], Iterable[Said]]
Names = Mapping[int, Value]

YES: Names = {0: False, 1: True}
NO: Names = {0: True, 1: False}
ABSENT = "the device sends that it has no value"


class RefusedError(Exception):
    """A payload that cannot be read. `code` is one of REFUSED."""

    def __init__(self, code: str) -> None:
        super().__init__(REFUSED[code])
        self.code = code


REFUSED = {
    "truncated": "an advert is shorter than it says",
    "unsupported": "an advert of a model or a format that this language does not know",
    "readout": "the device advertises without values: switch Instant Readout on in its app",
    "model": "the adverts do not say which model it is: set the option `model`, or scan actively",
    "garbage": "an advert has values that cannot be",
    "checksum": "an advert has a wrong checksum",
    "encrypted": "the adverts are encrypted and no key is configured",
    "plain": "an advert without encryption came, though a key is configured",
    "key": "the key does not open the adverts",
    "replay": "an old encrypted advert came again",
    "library": "opening these adverts needs a package that is not installed: pip install cryptography",
}


class Field(NamedTuple):
    """One value of a payload, as a row of a table.

    Read as `form` of struct at `byte`, shifted right by `shift`, masked by `mask`; not there where that is in `absent`;
    a word of `names` where it has one, else divided by `divisor`, plus `offset`.
    """

    quantity: Quantity
    byte: int
    form: str = "B"
    divisor: float = 1
    offset: float = 0
    shift: int = 0
    mask: int = -1
    names: Names | None = None
    absent: tuple[int, ...] = ()

    def read(self, data: bytes) -> Said:
        """The value; `data` is known to be long enough."""
        (raw,) = struct.unpack_from(self.form, data, self.byte)
        return meaning(self.quantity, (raw >> self.shift) & self.mask, self)


class Scale(NamedTuple):
    """What a raw number is worth, where it is not a Field that says so."""

    divisor: float = 1
    offset: float = 0
    names: Names | None = None
    absent: tuple[int, ...] = ()


def meaning(quantity: Quantity, number: int, scale: Field | Scale) -> Said:
    """The value of a raw number."""
    if number in scale.absent:
        return quantity, None, ABSENT
    if scale.names is not None:
        word = scale.names.get(number)
        return quantity, word, "" if word is not None else f"the device sends {number}, which is not known here"
    if scale.divisor == 1:
        return quantity, number + scale.offset, ""
    if scale.offset or scale.divisor % 1:  # 1.97 + 1.0 would carry the noise of binary fractions onto the wire
        return quantity, round(number / scale.divisor + scale.offset, 6), ""
    return quantity, number / scale.divisor, ""


def flag(name: str | Quantity, byte: int, bit: int, names: Names = YES) -> Field:
    """One bit that says yes (or, with NO, no)."""
    return Field(state(name) if isinstance(name, str) else name, byte, shift=bit, mask=1, names=names)


class Layout:
    """A payload of fixed places: its fields, in the order in which they are told."""

    __slots__ = ("fields", "size")

    def __init__(self, *fields: Field, size: int = 0) -> None:
        self.fields = fields
        self.size = max(size, *(field.byte + struct.calcsize(field.form) for field in fields))

    def __call__(self, data: bytes) -> Iterator[Said]:
        """The values. Raises RefusedError where there are fewer bytes than places."""
        if len(data) < self.size:
            raise RefusedError("truncated")
        for field in self.fields:
            yield field.read(data)

    def __add__(self, other: "Layout") -> "Layout":
        return Layout(*self.fields, *other.fields, size=max(self.size, other.size))
