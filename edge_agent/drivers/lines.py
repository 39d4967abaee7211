"""GPIO lines through gpiozero: the pin factory, and one line with its errors translated."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from gpiozero.devices import Device, GPIODevice
from gpiozero.exc import BadPinFactory, GPIOPinInUse, GPIOZeroError, PinFixedPull, PinInvalidPin, PinUnknownPi

from edge_agent.core.errors import DriverError
from edge_agent.drivers.trace import Edge, Trace

Pull = Literal["up", "down", "none"]

BACKLOG = 16  # edges on their way into the loop: a line that howls (an antenna, a broken wire) must not flood it

DEV = Path("/dev")

_PULLS = {"up": "up", "down": "down", "none": "floating"}

# What the factories of gpiozero let through: its own errors, the kernel's, and those of RPi.GPIO and pigpio.
_ERRORS: tuple[type[Exception], ...] = (GPIOZeroError, OSError, RuntimeError, ValueError)


def open_factory() -> tuple[Any, bool]:
    """The pin factory, and whether it was made here (and is to be closed by whoever called). Raises DriverError.

    GPIOZERO_PIN_FACTORY chooses, as everywhere with gpiozero; `module:Class` is taken there too, which spares the
    search through all that is installed (2 MB). Without it gpiozero would try four back ends in turn with a warning
    each and end with one that maps /dev/mem: only lgpio, which speaks to the kernel's own interface, is wanted here.
    """
    if Device.pin_factory is not None:
        return Device.pin_factory, False
    chosen = os.environ.get("GPIOZERO_PIN_FACTORY", "")
    try:
        if ":" in chosen:
            Device.pin_factory = _at(chosen)()
        elif chosen:
            Device.ensure_pin_factory()
        else:
            Device.pin_factory = _lgpio()
    except BadPinFactory as error:
        raise DriverError(f"GPIO cannot be used: {error}", fix="Correct or unset GPIOZERO_PIN_FACTORY") from error
    except PinUnknownPi as error:
        raise DriverError(
            "This is not a Raspberry Pi, so its GPIO lines are not known",
            fix="Set GPIOZERO_PIN_FACTORY to a factory for this board, or take [gpio] out of the config",
        ) from error
    except ImportError as error:
        raise DriverError(
            f"GPIO cannot be used: {error}", fix="Install it: sudo apt install python3-lgpio, or pip install lgpio"
        ) from error
    except PermissionError as error:
        raise _denied(error) from error
    except _ERRORS as error:
        raise DriverError(f"GPIO cannot be used: {error}", fix=f"Look what stops {chosen or 'lgpio'}") from error
    return Device.pin_factory, True


def close_factory(factory: Any) -> None:
    """Give the chip back; the next open_factory() makes a new one."""
    Device.pin_factory = None
    factory.close()


def _denied(error: Exception) -> DriverError:
    return DriverError(
        f"The GPIO chip may not be opened: {error}",
        fix="Add the agent's user to the group gpio: sudo usermod -aG gpio USER, then start it again",
    )


def _at(path: str) -> Any:
    module, _, name = path.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise BadPinFactory(str(error)) from error


def _lgpio() -> Any:
    if not any(DEV.glob("gpiochip*")):
        raise DriverError(
            "This computer has no GPIO chip (/dev/gpiochip0)",
            fix="Run on a board with GPIO lines, or take [gpio] out of the config",
        )
    try:
        import lgpio  # noqa: PLC0415  # heavy, starts a thread, and makes a pipe in the working directory
        from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415
    except FileNotFoundError as error:
        raise DriverError(
            "lgpio cannot make its pipe in the working directory", fix="Start the agent in a folder it may write to"
        ) from error
    try:
        return LGPIOFactory()
    except lgpio.error as error:
        raise _denied(error) from error


@contextlib.contextmanager
def translated(number: int, *, taking: bool = False) -> Iterator[None]:
    """Turns what gpiozero and its back ends raise for a line into DriverError; one that is being taken may be held."""
    try:
        yield
    except PinInvalidPin as error:
        raise DriverError(f"GPIO{number} is not a line of this board", fix="Correct the line in the config") from error
    except GPIOPinInUse as error:
        raise DriverError(f"GPIO{number} is used twice", fix="Give each its own line in the config") from error
    except PinFixedPull as error:
        raise DriverError(
            f"GPIO{number} has a resistor on the board that pulls it up", fix="Set pull to up, or take another line"
        ) from error
    except _line_errors() as error:
        who = _holder(number) if taking else ""
        raise DriverError(
            f"GPIO{number} cannot be used: {error}{who}", fix="See who uses the line: gpioinfo"
        ) from error


def _holder(number: int) -> str:
    """Who has the line, as the kernel knows it; nothing where lgpio, which can ask, is not the back end."""
    lgpio, chip = sys.modules.get("lgpio"), getattr(Device.pin_factory, "chip", None)
    if lgpio is None or chip is None:
        return ""
    try:
        handle = lgpio.gpiochip_open(chip)
        try:
            *_, user = lgpio.gpio_get_line_info(handle, number)
        finally:
            lgpio.gpiochip_close(handle)
    except lgpio.error:
        return ""
    return f", a program or driver that calls itself {user!r} has it" if user else ""


def _line_errors() -> tuple[type[Exception], ...]:
    """With lgpio's, a plain Exception that is known only where lgpio is the back end."""
    lgpio = sys.modules.get("lgpio")
    return _ERRORS if lgpio is None else (*_ERRORS, lgpio.error)


class Line:
    """One line while it is open. `active` is the logical level, whatever the wiring; errors are DriverError."""

    def __init__(self, number: int, *, active_high: bool, factory: Any) -> None:
        self._number = number
        self._active_high = active_high
        with translated(number, taking=True):
            self._pin_device = GPIODevice(number, pin_factory=factory)
        self._pin: Any = self._pin_device.pin
        self._on_edge: Edge = ignore_edge
        self.trace: Trace | None = None
        self._ended: Trace | None = None

    def as_input(self, pull: Pull, on_edge: Edge) -> None:
        """Listen; `on_edge(ticks, state)` runs in gpiozero's thread."""
        self._on_edge = on_edge
        with translated(self._number):
            self._pin.input_with_pull(_PULLS[pull])
            self._pin.bounce = None  # lgpio's filter swallows edges; levels are read again instead
            self._pin.edges = "both"
            self._pin.when_changed = on_edge

    def as_output(self, active: bool) -> None:
        """Drive the line to this level from the first moment on."""
        with translated(self._number):
            self._pin.output_with_state(active == self._active_high)

    @property
    def active(self) -> bool:
        """The level now."""
        with translated(self._number):
            return bool(self._pin.state) == self._active_high

    @active.setter
    def active(self, active: bool) -> None:
        with translated(self._number):
            self._pin.state = active == self._active_high

    @property
    def high(self) -> bool:
        """The electric level now."""
        with translated(self._number):
            return bool(self._pin.state)

    def begin_trace(self, clock: Callable[[], float]) -> None:
        """Keep the edges too: the pin goes on listening with another callback, which calls the first."""
        if self.trace is None:
            trace = Trace(self._on_edge, self._pin_device.pin_factory.ticks_diff, clock)
            with translated(self._number):
                self._pin.when_changed = trace.see
            self.trace = trace

    def end_trace(self) -> None:
        """Keep no more edges: an edge takes the way again that it took before."""
        if self.trace is not None:
            with translated(self._number):
                self._pin.when_changed = self._on_edge
            # An edge may be on its way to it: gpiozero holds it weakly, and would stop listening where it is gone.
            self._ended, self.trace = self.trace, None
            self._ended.forget()

    def close(self) -> None:
        """Stop listening or driving; the line is an input again."""
        with translated(self._number):
            self._pin.when_changed = None
            self._pin_device.close()


class EdgeInput:
    """A line that listens. `on_edge(at)` is called in the loop with the time of the edge, in order, never blocking."""

    def __init__(
        self, number: int, pull: Pull, *, active_high: bool, factory: Any, on_edge: Callable[[float], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_edge = on_edge
        self._sent = 0  # written by gpiozero's thread only
        self._arrived = 0  # written by the loop only: no lock, and no count that drifts
        self.line = Line(number, active_high=active_high, factory=factory)
        self.line.as_input(pull, self._stamp)

    def active(self) -> bool:
        """The level now. Raises DriverError."""
        return self.line.active

    def close(self) -> None:
        """Stop listening; edges on their way are dropped."""
        self._on_edge = ignore
        with contextlib.suppress(DriverError):
            self.line.close()

    def _stamp(self, _ticks: object, _state: object) -> None:
        if self._sent - self._arrived < BACKLOG:
            self._sent += 1
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self._arrive, self._loop.time())

    def _arrive(self, at: float) -> None:
        self._arrived += 1
        self._on_edge(at)


def ignore(_at: float) -> None:
    """What an edge means to nobody."""


def ignore_edge(_ticks: Any, _state: Any) -> None:
    """The same in gpiozero's thread."""
