"""A gpiozero pin factory whose header is the simulator's board.

Chosen with `GPIOZERO_PIN_FACTORY=edgesim` (an agent also takes `simulators.gpio.pins:SimulatedFactory`); the board's
socket stands in `EDGE_SIM_GPIO`. When the board goes away the levels just stay, as they do on a header that nothing
hangs on.
"""

import contextlib
import errno
import json
import os
import socket
import threading
import time
from typing import Any, Final

from gpiozero.exc import BadPinFactory, PinFixedPull, PinInvalidFunction, PinInvalidPull, PinSetInput, PinSPIUnsupported
from gpiozero.pins.pi import PiFactory, PiPin

VARIABLE: Final = "EDGE_SIM_GPIO"
# Raspberry Pi 4B 1.5, 4 GB: its revision gives gpiozero the 40-pin header.
REVISION: Final = 0xC03115
# The level of a new input must be right before the caller looks at it. A board in another process answers within a
# millisecond; one in the caller's own event loop cannot, and its answer then comes as a change.
ANSWER_TIMEOUT_S: Final = 0.25
MAX_MESSAGE_BYTES: Final = 4096


class SimulatedPin(PiPin):  # type: ignore[misc]  # gpiozero has no types
    """One line of the simulated header. Edges are reported from the factory's thread, as by other factories."""

    def __init__(self, factory: "SimulatedFactory", info: Any) -> None:
        super().__init__(factory, info)
        self._line = int(info.name[4:])
        self._function = "input"
        self._pull = info.pull or "floating"
        self._level: float = float(self._pull == "up")
        self._frequency: float | None = None
        self._bounce: float | None = None
        self._edges = "both"
        self._detect = False
        self._quiet_until = 0.0
        self._answered = threading.Event()
        self._busy = False

    def close(self) -> None:
        """Let go of the line."""
        self.when_changed = None
        self._function = "input"
        self._frequency = None
        self._tell({"function": "free"})

    def output_with_state(self, state: float) -> None:
        """Become an output that shows `state` from the first moment."""
        self._function = "output"
        self._level = float(state)
        self._tell_output()

    def input_with_pull(self, pull: str) -> None:
        """Become an input with this pull."""
        self._check_pull(pull)
        self._function = "input"
        self._pull = pull
        # until the board says more: a line that nobody drives rests at its pull
        self._level = float(pull == "up")
        self._tell_input()

    def take(self, level: bool, at: float, *, answer: bool) -> None:
        """The board says what the line is at (factory's thread)."""
        before, self._level = self._level, float(level)
        if answer:
            self._answered.set()
        if before == self._level or not self._detect or at < self._quiet_until:
            return
        if self._edges in ("both", "rising" if level else "falling"):
            self._quiet_until = at + (self._bounce or 0.0)
            self._call_when_changed(at, int(level))

    def refuse(self) -> None:
        """The board says that another program has the line (factory's thread)."""
        self._busy = True
        self._answered.set()

    def _tell(self, what: dict[str, object]) -> None:
        self._factory.send({"line": self._line, **what})

    def _tell_output(self) -> None:
        self._tell({"function": "output", "level": self._level, "at": time.monotonic()})

    def _tell_input(self) -> None:
        """Ask what the line is at, and wait for it unless this is the thread that would hear it.

        Raises OSError, as the kernel does, where another program has the line.
        """
        self._busy = False
        self._answered.clear()
        self._tell({"function": "input", "pull": self._pull, "ask": True})
        if self._factory.hears:
            self._answered.wait(ANSWER_TIMEOUT_S)
        if self._busy:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    def _check_pull(self, pull: str) -> None:
        if pull not in ("floating", "up", "down"):
            raise PinInvalidPull(f"pull must be floating, up or down, not {pull!r}")
        if self.info.pull and pull != self.info.pull:
            raise PinFixedPull(f"{self!r} has a fixed pull-{self.info.pull} resistor")

    def _get_function(self) -> str:
        return self._function

    def _set_function(self, value: str) -> None:
        if value not in ("input", "output"):
            raise PinInvalidFunction(f"function must be input or output, not {value!r}")
        self._function = value
        if value == "input":
            self._tell_input()
        else:
            self._tell_output()

    def _get_state(self) -> float:
        return self._level if self._frequency is not None else int(self._level > 0)

    def _set_state(self, value: float) -> None:
        if self._function != "output":
            raise PinSetInput(f"cannot set the state of {self!r}, an input")
        self._level = float(value)
        self._tell_output()

    def _get_pull(self) -> str:
        return self._pull

    def _set_pull(self, value: str) -> None:
        if self._function != "input":
            raise PinFixedPull(f"cannot set the pull of {self!r}, an output")
        self.input_with_pull(value)

    def _get_frequency(self) -> float | None:
        return self._frequency

    def _set_frequency(self, value: float | None) -> None:
        self._frequency = value
        if value is None and self._function == "output":
            self._level = 0.0
            self._tell_output()

    def _get_bounce(self) -> float | None:
        return self._bounce

    def _set_bounce(self, value: float | None) -> None:
        self._bounce = None if value is None else float(value)

    def _get_edges(self) -> str:
        return self._edges

    def _set_edges(self, value: str) -> None:
        self._edges = value

    def _enable_event_detect(self) -> None:
        self._detect = True

    def _disable_event_detect(self) -> None:
        self._detect = False


class SimulatedFactory(PiFactory):  # type: ignore[misc]  # gpiozero has no types
    """Pins behind the socket named by EDGE_SIM_GPIO. Raises BadPinFactory when nothing answers there."""

    def __init__(self) -> None:
        super().__init__()
        self.pin_class = SimulatedPin
        self._socket = _connect(os.environ.get(VARIABLE, ""))
        self._sending = threading.Lock()
        self._thread = threading.Thread(target=self._listen, name="edgesim-gpio", daemon=True)
        self._thread.start()

    @property
    def hears(self) -> bool:
        """Whether the board is still there and somebody but its own listener asks."""
        return self._thread.is_alive() and threading.current_thread() is not self._thread

    def close(self) -> None:
        """Let go of all lines and of the board."""
        super().close()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if threading.current_thread() is not self._thread:
            self._thread.join(1.0)
        self._socket.close()

    def send(self, message: dict[str, object]) -> None:
        """Tell the board; a board that has gone is nobody's concern."""
        with self._sending, contextlib.suppress(OSError):
            self._socket.sendall(json.dumps(message).encode() + b"\n")

    @staticmethod
    def ticks() -> float:
        """Monotonic seconds, as the ticks of edges."""
        return time.monotonic()

    @staticmethod
    def ticks_diff(later: float, earlier: float) -> float:
        """Seconds from `earlier` to `later`."""
        return later - earlier

    def spi(self, **spi_args: Any) -> None:
        """Not simulated: always PinSPIUnsupported."""
        raise PinSPIUnsupported(f"the simulated header has no SPI ({', '.join(spi_args) or 'no arguments'})")

    def _get_revision(self) -> int:
        return REVISION

    def _listen(self) -> None:
        rest = b""
        with contextlib.suppress(OSError):
            while chunk := self._socket.recv(MAX_MESSAGE_BYTES):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._take(json.loads(line))

    def _take(self, message: dict[str, Any]) -> None:
        pin = self.pins.get(next((info for _, info in self.board_info.find_pin(message["line"])), None))
        # An answer that was overtaken: meanwhile the line has become an output.
        if pin is not None and pin.function == "input":
            if "busy" in message:
                pin.refuse()
            else:
                pin.take(bool(message["level"]), float(message["at"]), answer="ask" in message)


def _connect(path: str) -> socket.socket:
    if not path:
        raise BadPinFactory(f"the simulated GPIO header is chosen, but {VARIABLE} names no socket")
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.connect(path)
    except OSError as error:
        made.close()
        raise BadPinFactory(f"no simulated GPIO header answers at {path}: {error.strerror or error}") from error
    return made
