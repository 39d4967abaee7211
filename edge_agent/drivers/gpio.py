"""The GPIO header: inputs read by bridges, the help button, lamp, buzzer and relays."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from edge_agent.config.model import GpioButton
from edge_agent.core.errors import DriverError
from edge_agent.core.health import Health
from edge_agent.core.ports import DeviceCounts
from edge_agent.core.rhythm import until_next
from edge_agent.drivers.condition import Condition
from edge_agent.drivers.indicators import Output
from edge_agent.drivers.inputs import Counter, Input
from edge_agent.drivers.lines import EdgeInput, Line, close_factory, ignore, open_factory
from edge_agent.drivers.survey import HeaderSurvey, Kind
from edge_agent.texts import Said
from edge_agent.texts.starting import STARTING

LOOK_S = 1.0
RETRY_S = 5.0  # a single line that could not be had is tried again


class Button:
    """The help button.

    Set `on_edge`, called in the loop with the time of every raw edge, and read the level with `is_pressed`: at the
    debounce deadline and once a second.
    """

    name = "button"
    kind: ClassVar[Kind] = "help_button"

    def __init__(self, settings: GpioButton) -> None:
        self.wiring = settings
        self.on_edge: Callable[[float], None] = ignore
        self.condition = Condition(self.name)
        self._input: EdgeInput | None = None

    @property
    def health(self) -> Health:
        """Whether a press can be seen at all."""
        return self.condition.health

    @property
    def is_open(self) -> bool:
        """Whether the line is held."""
        return self._input is not None

    @property
    def line(self) -> Line | None:
        """The line while it is held."""
        return None if self._input is None else self._input.line

    def is_pressed(self) -> bool:
        """The level now; a line that cannot be read is not pressed (and `health` is not ready)."""
        if self._input is None:
            return False
        try:
            return self._input.active()
        except DriverError as error:
            self.close()
            self.down(error)
            return False

    def open(self, factory: Any) -> None:
        """Take the line. Raises DriverError."""
        wiring = self.wiring
        self._input = EdgeInput(
            wiring.line, wiring.pull, active_high=wiring.active == "high", factory=factory, on_edge=self._edge
        )
        self.condition.up(Said("port.listening", where=f"GPIO{wiring.line}"))
        # Who was told of no edge while the line was away, or before it was there, looks at the level now.
        asyncio.get_running_loop().call_soon(self._edge, asyncio.get_running_loop().time())

    def close(self) -> None:
        """Give the line back."""
        if self._input is not None:
            self._input.close()
            self._input = None

    def down(self, error: DriverError) -> None:
        """Say that the line cannot be had."""
        self.condition.down("line", error.args[0], error.fix)

    def look(self) -> None:
        """Notice within a second when the line cannot be read any more."""
        self.is_pressed()

    def _edge(self, at: float) -> None:
        self.on_edge(at)


class GpioDriver:
    """Holds the lines of button, lamp, buzzer and inputs.

    `run` raises DriverError when the chip or the pin factory cannot be had, and when no line at all can; a single
    line that cannot is a state of its part, tried again every RETRY_S.
    """

    name = "gpio"

    def __init__(self, button: Button | None, outputs: Sequence[Output], inputs: Sequence[Input | Counter]) -> None:
        self.health: Health = STARTING
        self._inputs = inputs
        buttons = [] if button is None else [button]
        self._parts: list[Button | Output | Input | Counter] = [*buttons, *outputs, *inputs]
        self.survey = HeaderSurvey([*buttons, *inputs])

    def devices(self) -> Sequence[DeviceCounts]:
        """One row an input."""
        return [part.device.counts() for part in self._inputs]

    async def run(self) -> None:
        """Hold the lines until cancelled."""
        loop = asyncio.get_running_loop()
        stopped = Health(False, Said("part.stopped"))
        factory: Any = None
        made = False
        retry_at = 0.0
        try:
            factory, made = open_factory()
            while True:
                if loop.time() >= retry_at or not self._any_open():
                    self._take(factory)
                    retry_at = loop.time() + RETRY_S
                self.survey.look(loop.time())
                for part in self._parts:
                    loop.call_soon(part.look)  # apart: a bridge that raises must not end the others
                await asyncio.sleep(until_next(loop.time(), LOOK_S))
        except DriverError as error:
            stopped = Health(False, error.args[0], error.fix)
            raise
        finally:
            self._stop(stopped)
            if made:
                close_factory(factory)

    def _any_open(self) -> bool:
        return any(part.is_open for part in self._parts)

    def _take(self, factory: Any) -> None:
        """Open what is not open. Raises the first DriverError when nothing is open then."""
        errors = []
        for part in self._parts:
            if not part.is_open:
                try:
                    part.open(factory)
                except DriverError as error:
                    part.down(error)
                    errors.append(error)
        if errors and not self._any_open():
            raise errors[0]
        self.health = Health(True, Said("part.running"))

    def _stop(self, health: Health) -> None:
        self.health = health
        for part in self._parts:
            part.close()
            part.condition.health = health
