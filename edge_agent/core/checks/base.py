"""What every check is: a pure function with state over one channel."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from edge_agent.core.finding import Verdict
from edge_agent.core.reading import Reading
from edge_agent.units import spoken

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


_DAY_S = 86_400.0


def _plain(key: str, **_: object) -> str:
    """Without texts there are no sentences."""
    return key


def _unknown(_key: str, otherwise: str) -> str:
    return otherwise


class Words(NamedTuple):
    """How a person of this house says things: `say` a text of `edge_agent.texts`, `word` one that may not be there."""

    say: Callable[..., str] = _plain
    word: Callable[[str, str], str] = _unknown

    def amount(self, value: float, unit: str, digits: int | None = None) -> str:
        """A value with its unit: at most four significant digits, or so many digits after the point."""
        text = f"{value:.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
        if digits is not None:
            text = f"{round(value, digits) + 0.0:.{digits}f}"
        text = text.replace(".", self.word("number.decimal", "."))
        gap = "" if unit == "deg" else " "
        return f"{text}{gap}{spoken(unit)}" if unit else text

    def about(self, number: float) -> str:
        """About so many: two digits that count, and a narrow space between thousands."""
        size = max(0, len(str(round(number))) - 2)
        return f"{round(number, -size):,.0f}".replace(",", "\u202f")

    def name(self, channel: str) -> str:
        """`boiler.flow_temperature` as `Boiler flow temperature`; a device by itself as `Boiler`."""
        device, _, quantity = channel.partition(".")
        device = _words(device)
        device = device[:1].upper() + device[1:]
        if not quantity:
            return device
        quantity = self.word(f"quantity.{quantity}", _words(quantity))
        name = self.word("finding.channel", "{device} {quantity}").format(device=device, quantity=quantity)
        return name[:1].upper() + name[1:]

    def length(self, seconds: float) -> str:
        """`40 s`, `5 min`, `3 h`, `2 days`, rounded down."""
        if seconds >= 2 * _DAY_S:
            return self.word("time.days", "{n} days").format(n=int(seconds // _DAY_S))
        for size, name in ((3600, "h"), (60, "min")):
            if seconds >= size:
                return f"{int(seconds // size)} {name}"
        return f"{seconds:.0f} s"


PLAIN = Words()


def _words(name: str) -> str:
    return name.replace(".", " ").replace("_", " ")
