"""GPIO lines that the command takes by itself, to listen: those that no agent holds."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Literal

from edge_agent.config.model import Config, GpioButton, GpioInput
from edge_agent.control.types import GpioSurvey
from edge_agent.core.health import Health
from edge_agent.drivers.registry import LANGUAGES
from edge_agent.drivers.survey import HeaderSurvey, Kind
from edge_agent.texts.starting import STARTING

if TYPE_CHECKING:
    from edge_agent.drivers.lines import Line

NEVER_S = 86_400.0
Pull = Literal["up", "down", "none"]


class _Taken:
    """A line and its wiring, as a survey of the header wants it; `name` is what the configuration calls it."""

    kind: ClassVar[Kind] = "contact"
    health: Health = STARTING

    def __init__(self, wiring: GpioButton | GpioInput, name: str) -> None:
        self.wiring = wiring
        self.name = name
        self.line: Line | None = None


class _Button(_Taken):
    kind: ClassVar[Kind] = "help_button"


class _Pulses(_Taken):
    kind: ClassVar[Kind] = "pulses"


def inputs(config: Config) -> Iterator[_Taken]:
    """What is configured to be listened to."""
    if config.gpio.button is not None:
        yield _Button(config.gpio.button, "button")
    for row in config.gpio.input:
        yield (_Pulses if "pulses" in LANGUAGES.spec(row.language).transports else _Taken)(row, row.name)


def free(number: int, pull: Pull) -> _Taken:
    """A line that nobody has configured: what pulls it up is taken for a contact to ground."""
    return _Taken(GpioInput("free", number, pull, "high" if pull == "down" else "low"), "free line")


def told(config: Config, survey: HeaderSurvey) -> GpioSurvey:
    """What the survey saw, in the words of the agent."""
    from edge_agent.view.gpio import gpio_survey  # noqa: PLC0415 - only where no agent listens

    return gpio_survey(config, survey, time.monotonic())


@contextmanager
def taken(config: Config, parts: Sequence[_Taken]) -> Iterator[Callable[[], GpioSurvey]]:
    """How to look at these lines, which are given back at the end. Raises DriverError."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LG_WD"] = folder  # lgpio makes a pipe where it is told to, else in the working directory
        # gpiozero, and lgpio where it is the back end
        from edge_agent.drivers.lines import Line, close_factory, ignore_edge, open_factory  # noqa: PLC0415

        factory, made = open_factory()
        try:
            for part in parts:
                wiring = part.wiring
                part.line = Line(wiring.line, active_high=wiring.active == "high", factory=factory)
                part.line.as_input(wiring.pull, ignore_edge)
            survey = HeaderSurvey(parts)
            survey.prolong(NEVER_S, time.monotonic)
            yield lambda: _without_outputs(told(config, survey))
        finally:
            for part in parts:
                if part.line is not None:
                    part.line.close()
            if made:
                close_factory(factory)


def _without_outputs(reply: GpioSurvey) -> GpioSurvey:
    reply.lines = [line for line in reply.lines if line.kind != "output"]
    return reply
