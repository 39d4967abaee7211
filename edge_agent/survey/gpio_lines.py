"""Whose lines a survey looks at: those that the agent holds, through the agent; else this command takes them itself."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from edge_agent.config.load import load
from edge_agent.config.mistakes import ConfigProblems
from edge_agent.config.model import Config
from edge_agent.control.client import Client, ControlError
from edge_agent.control.types import GpioLine, GpioSurvey
from edge_agent.core.errors import AgentError
from edge_agent.drivers.registry import LANGUAGES
from edge_agent.drivers.survey import HeaderSurvey
from edge_agent.survey.gpio_taken import Pull, free, inputs, taken, told
from edge_agent.survey.lasting import KEEP_S

FREE = "Name a free line by its number: edge-agent survey gpio --line 17 --pull up"
# No process has the socket; every other mistake is made with an agent, and lines of an agent are never taken.
_NOBODY = (FileNotFoundError, NotADirectoryError, ConnectionRefusedError)
BY_AGENT = "The agent listens, and goes on with what it does."
Look = Callable[[], GpioSurvey]


class Wish(NamedTuple):
    """What was asked for: a line by name or number (empty: all), and the resistor of one that nobody knows."""

    line: str
    pull: Pull | None
    config: str

    def fits(self, line: GpioLine) -> bool:
        """Whether it is this line, or one of all."""
        return self.line in ("", line.name, str(line.line))


class Lines(NamedTuple):
    """How to look, whether it is the agent who listens, and a sentence on that."""

    look: Look
    of_agent: bool
    note: str


class NoLineError(AgentError):
    """There is nothing to look at. `unreached`: an agent would have helped."""

    def __init__(self, what: str, *, fix: str = FREE, unreached: bool = False) -> None:
        super().__init__(what, fix=fix)
        self.unreached = unreached


@contextmanager
def lines(socket: str | None, wish: Wish) -> Iterator[Lines]:
    """Until the end of the block. Raises NoLineError and DriverError, ControlError where there is an agent who says no.

    Looking may raise ControlError: the agent went, or one came.
    """
    client = Client(socket)
    try:
        reply = client.survey_gpio(KEEP_S)
    except ControlError as error:
        if not isinstance(error.__cause__, _NOBODY):
            raise
        with _without_agent(wish) as look:
            note = f"No agent answers ({error.args[0]}): this command listens by itself."
            yield Lines(partial(_unless_it_comes, socket, look), False, note)
        return
    if not (found := _fitting(wish, reply.lines)):
        with taken(Config(), [free(int(wish.line), wish.pull or "none")]) as look:
            yield Lines(look, False, f"The agent does not use GPIO{wish.line}: this command listens to it by itself.")
        return
    for line in found:
        _expect_held(line, wish)

    def ask() -> GpioSurvey:
        reply = client.survey_gpio(KEEP_S)
        reply.lines = _fitting(wish, reply.lines)
        return reply

    yield Lines(ask, True, BY_AGENT)


def _unless_it_comes(socket: str | None, look: Look) -> GpioSurvey:
    """A look, or ControlError where an agent came: it needs the lines, and no press is to be kept from it."""
    try:
        Client(socket).lamp()
    except ControlError as error:
        if isinstance(error.__cause__, _NOBODY):
            return look()
    raise ControlError("an agent has started, and has the lines now", fix="Begin again: it listens then")


@contextmanager
def _without_agent(wish: Wish) -> Iterator[Look]:
    config = _configured(wish)
    parts = list(inputs(config))
    numbers = {line.line for line in _fitting(wish, told(config, HeaderSurvey(parts)).lines)}
    chosen = [part for part in parts if part.wiring.line in numbers]
    with taken(config, chosen or [free(int(wish.line), wish.pull or "none")]) as look:
        yield look


def _configured(wish: Wish) -> Config:
    """What is configured; nothing where a line is named by its number and there is no file."""
    if wish.line.isdecimal() and not os.path.exists(wish.config):  # noqa: PTH110 - a name
        return Config()
    try:
        return load(wish.config, LANGUAGES)
    except ConfigProblems as error:
        what = f"No agent answers, and the configuration cannot be used: {str(error).splitlines()[0]}"
        raise NoLineError(what, unreached=True) from error


def _fitting(wish: Wish, known: Sequence[GpioLine]) -> list[GpioLine]:
    """Inputs that are wished; none where it is a number that nobody knows. Raises NoLineError."""
    found = [line for line in known if wish.fits(line)]
    listening = [line for line in found if line.kind != "output"]
    if listening:
        return listening
    if found and wish.line:
        raise NoLineError(f"GPIO{found[0].line} drives {found[0].name}: a survey only listens")
    if not wish.line:
        raise NoLineError("No GPIO input is configured")
    if not wish.line.isdecimal():
        names = ", ".join(line.name for line in known if line.kind != "output") or "none"
        raise NoLineError(f"No GPIO input is called {wish.line} (there are: {names})")
    return []


def _expect_held(line: GpioLine, wish: Wish) -> None:
    """Raises NoLineError where the agent was asked for this line and has it not, or not so."""
    if wish.line and not line.held:
        raise NoLineError(f"The agent cannot have GPIO{line.line}, {line.name}", fix=line.sentence)
    if wish.pull:
        raise NoLineError(
            f"The agent holds GPIO{line.line}, {line.name}, with pull {line.pull}", fix="Leave out --pull"
        )
