"""What every check is: a pure function with state over one channel."""

from typing import Protocol

from edge_agent.core.finding import Verdict
from edge_agent.core.reading import Reading

# a union in `isinstance` is made anew at every call and costs a third of a check
_NUMBERS = (int, float)


class Check(Protocol):
    """`see` takes each reading; `tick` what time alone can tell. None means: nothing to say now, the last word stands.

    A verdict that is bad carries one plain sentence with the value, the limit and the unit.
    """

    def see(self, reading: Reading) -> Verdict | None:
        """What this reading says."""

    def tick(self, now: float) -> Verdict | None:
        """What the time without a reading says."""


def number(reading: Reading) -> float | None:
    """The reading's value where it is a number; True and False count as 1 and 0."""
    value = reading.value
    return float(value) if isinstance(value, _NUMBERS) else None


# UCUM symbols that a person writes in another way
_SPOKEN = {"Cel": "°C", "m3": "m³", "deg": "°", "lx": "lux"}


def amount(value: float, unit: str) -> str:
    """A value as a person would say it: at most four significant digits, with its unit."""
    text = f"{value:.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    gap = "" if unit == "deg" else " "
    return f"{text}{gap}{_SPOKEN.get(unit, unit)}" if unit else text


def spoken(channel: str) -> str:
    """`boiler.flow_temperature` as `Boiler flow temperature`."""
    words = channel.replace(".", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def duration(seconds: float) -> str:
    """`40 s`, `5 min`, `3 h`, `2 days`, rounded down."""
    for size, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (seconds >= size and name != "days"):
            return f"{int(seconds // size)} {name}"
    return f"{seconds:.0f} s"
