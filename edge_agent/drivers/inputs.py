"""GPIO inputs that bridges read: levels of contacts and detectors, and pulses of meters.

For levels, edges only wake: they are stamped in gpiozero's thread, and the level is read again in the loop, shortly
after the last edge and once a second, so that neither a bounce nor a lost edge can make or hide a level. Pulses are
counted in that thread, since each of them matters.
"""

import asyncio
import contextlib
from typing import Any, ClassVar, NamedTuple

from edge_agent.config.model import GpioInput
from edge_agent.core.errors import DriverError
from edge_agent.core.health import Health
from edge_agent.core.reading import Level, Pulses
from edge_agent.drivers.condition import Condition
from edge_agent.drivers.device import Device
from edge_agent.drivers.lines import EdgeInput, Line
from edge_agent.drivers.survey import Kind
from edge_agent.texts import Said

# A level is taken when it was quiet for debounce_ms (contacts bounce for 1 to 10 ms), or has not come to rest in so
# many times that: a chattering contact is read all the same.
CHATTER_TIMES = 10


class Input:
    """A contact or detector: its level goes to the device's bridge at start and whenever it has changed."""

    kind: ClassVar[Kind] = "contact"

    def __init__(self, settings: GpioInput, device: Device) -> None:
        self.name = device.name
        self.device = device
        self.wiring = settings
        self._input: EdgeInput | None = None
        self._level: bool | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._first_at = self._edge_at = 0.0
        self._settle_s = settings.debounce_ms / 1000
        self._chatter_s = CHATTER_TIMES * self._settle_s

    @property
    def condition(self) -> Condition:
        """The device's."""
        return self.device.condition

    @property
    def health(self) -> Health:
        """The device's."""
        return self.device.health

    @property
    def is_open(self) -> bool:
        """Whether the line is held."""
        return self._input is not None

    @property
    def line(self) -> Line | None:
        """The line while it is held."""
        return None if self._input is None else self._input.line

    def open(self, factory: Any) -> None:
        """Take the line. Raises DriverError."""
        wiring = self.wiring
        self._level = None
        self._input = EdgeInput(
            wiring.line, wiring.pull, active_high=wiring.active == "high", factory=factory, on_edge=self._edge
        )
        self.device.up(Said("port.listening", where=f"GPIO{wiring.line}"))

    def close(self) -> None:
        """Give the line back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._input is not None:
            self._input.close()
            self._input = None

    def down(self, error: DriverError) -> None:
        """Say that the line cannot be had."""
        self.device.down("line", error.args[0], error.fix, asyncio.get_running_loop().time())

    def look(self) -> None:
        """Read the level, unless an edge is just being waited out."""
        if self._timer is None:
            self._read(asyncio.get_running_loop().time())

    def _edge(self, at: float) -> None:
        loop = asyncio.get_running_loop()
        self._edge_at = loop.time()
        if self._timer is None:
            self._first_at = at
            self._timer = loop.call_later(self._settle_s, self._settle)

    def _settle(self) -> None:
        loop = asyncio.get_running_loop()
        quiet_at = self._edge_at + self._settle_s
        if loop.time() < min(quiet_at, self._first_at + self._chatter_s):
            self._timer = loop.call_at(quiet_at, self._settle)
            return
        self._timer = None
        self._read(self._first_at)

    def _read(self, at: float) -> None:
        if self._input is None:
            return
        try:
            level = self._input.active()
        except DriverError as error:
            self.close()
            self.down(error)
            return
        if level != self._level:
            self._level = level
            self.device.feed(Level(level), at)


class _Seen(NamedTuple):
    """What was counted: pulses since the line was taken, and the last one by the chip's and by the loop's clock."""

    total: int
    ticks: Any
    at: float


class Counter:
    """Counts pulses, and hands what came to the device's bridge once a second.

    A level counts when it has lasted for debounce_ms, so that neither a spike nor the bounces of a contact, at the
    beginning of a pulse, in its midst or at its end, make one. A pulse is told when it is over.
    """

    kind: ClassVar[Kind] = "pulses"

    def __init__(self, settings: GpioInput, device: Device) -> None:
        self.name = device.name
        self.device = device
        self.wiring = settings
        self._debounce_s = settings.debounce_ms / 1000
        self._line: Line | None = None
        self._factory: Any = None
        self._edge_ticks: Any = None
        self._steady = False  # the last level that lasted
        self._seen = _Seen(0, None, 0.0)  # written by gpiozero's thread only, whole
        self._told = _Seen(0, None, 0.0)

    @property
    def condition(self) -> Condition:
        """The device's."""
        return self.device.condition

    @property
    def health(self) -> Health:
        """The device's."""
        return self.device.health

    @property
    def is_open(self) -> bool:
        """Whether the line is held."""
        return self._line is not None

    @property
    def line(self) -> Line | None:
        """The line while it is held."""
        return self._line

    def open(self, factory: Any) -> None:
        """Take the line. Raises DriverError."""
        wiring = self.wiring
        self._factory, self._edge_ticks = factory, None
        self._seen = self._told = _Seen(0, None, 0.0)
        self._loop = asyncio.get_running_loop()
        self._line = Line(wiring.line, active_high=wiring.active == "high", factory=factory)
        try:
            self._line.as_input(wiring.pull, self._edge)
            self._steady = self._line.active
        except DriverError:
            self.close()
            raise
        self.device.up(Said("port.counting", where=f"GPIO{wiring.line}"))

    def close(self) -> None:
        """Give the line back."""
        if self._line is not None:
            line, self._line = self._line, None
            with contextlib.suppress(DriverError):
                line.close()

    def down(self, error: DriverError) -> None:
        """Say that the line cannot be had."""
        self.device.down("line", error.args[0], error.fix, asyncio.get_running_loop().time())

    def look(self) -> None:
        """Tell what came since the last look, and notice when the line cannot be read any more."""
        if self._line is None:
            return
        try:
            _ = self._line.active
        except DriverError as error:
            self.close()
            self.down(error)
            return
        seen, told = self._seen, self._told
        self._told = seen
        count = seen.total - told.total
        span_s = self._factory.ticks_diff(seen.ticks, told.ticks) if count and told.ticks is not None else 0.0
        self.device.feed(Pulses(count, float(span_s)), seen.at if count else self._loop.time())

    def _edge(self, ticks: Any, state: Any) -> None:
        """In gpiozero's thread, for both edges: what ends here was a level that lasted, or a bounce."""
        last, self._edge_ticks = self._edge_ticks, ticks
        ended = bool(state) != (self.wiring.active == "high")
        lasted = last is None or self._factory.ticks_diff(ticks, last) >= self._debounce_s
        if lasted and ended != self._steady:
            self._steady = ended
            if ended:
                self._seen = _Seen(self._seen.total + 1, ticks, self._loop.time())
