"""Lamp, buzzer and relays on GPIO lines."""

import contextlib
from typing import Any

from edge_agent.config.model import GpioOut
from edge_agent.core.errors import DriverError
from edge_agent.core.health import Health
from edge_agent.drivers.condition import Condition
from edge_agent.drivers.lines import Line
from edge_agent.texts import Said


class Output:
    """A lamp, a buzzer or a relay: an Indicator that remembers what it was told while its lines are away.

    It never raises.
    """

    def __init__(self, name: str, settings: GpioOut) -> None:
        self.name = name
        self.condition = Condition(name)
        self._numbers = {
            colour: number
            for colour in ("line", "red", "green", "blue")
            if (number := getattr(settings, colour)) is not None
        }
        self._active_high = settings.active == "high"
        self._lines: dict[str, Line] = {}
        self._wanted: frozenset[str] = frozenset()

    @property
    def health(self) -> Health:
        """Whether it can be lit at all."""
        return self.condition.health

    @property
    def is_open(self) -> bool:
        """Whether all its lines are held."""
        return bool(self._lines)

    def show(self, on: bool, colour: str) -> None:
        """Light the lines that make this colour, or none. A colour it does not have is shown with what it has."""
        self._wanted = lit(colour, self._numbers) if on else frozenset()
        try:
            for name, line in self._lines.items():
                line.active = name in self._wanted
        except DriverError as error:
            self.close()
            self.down(error)

    def open(self, factory: Any) -> None:
        """Take the lines and show what was last wanted. Raises DriverError."""
        try:
            for name, number in self._numbers.items():
                self._lines[name] = Line(number, active_high=self._active_high, factory=factory)
                self._lines[name].as_output(name in self._wanted)
        except DriverError:
            self.close()
            raise
        lines = ", ".join(f"GPIO{number}" for number in self._numbers.values())
        self.condition.up(Said("port.on", where=lines))

    def close(self) -> None:
        """Dark, and give the lines back: a dark lamp is a fault, and an agent that has stopped is one."""
        for line in self._lines.values():
            with contextlib.suppress(DriverError):
                line.active = False
            with contextlib.suppress(DriverError):
                line.close()
        self._lines.clear()

    def down(self, error: DriverError) -> None:
        """Say that a line cannot be had."""
        self.condition.down("line", error.args[0], error.fix)

    def look(self) -> None:
        """Nothing to look at."""


_MIX = {"red": {"red"}, "green": {"green"}, "blue": {"blue"}, "amber": {"red", "green"}}


def lit(colour: str, have: dict[str, int]) -> frozenset[str]:
    """Which of the lines `have` to drive for a colour. On is never dark: rhythm carries the meaning, not colour."""
    mixed = _MIX.get(colour, set()) & have.keys() or have.keys() - {"line"}
    return frozenset(mixed) | (have.keys() & {"line"})
