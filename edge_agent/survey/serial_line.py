"""One port that is listened to and never written to, at one setting after another."""

import os
import select
import termios
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from edge_agent.config.model import SerialDevice
from edge_agent.drivers.port import PortError, lower_lines, mark_breaks, open_port
from edge_agent.drivers.serial import READ_BYTES
from edge_agent.survey.serial_hearing import Hearing, Setting
from edge_agent.survey.serial_turns import Turns

READS_A_LOOK = 16  # what came meanwhile, also of the fastest line, and yet a look has an end
CANDIDATES_EVERY_S = 0.5
TRIES = 3


class Line:
    """A port of our own. Raises PortError where it cannot be had; one that goes away later is told by `gone`."""

    silent_fix = "Some speak only while DTR is on (boards with USB of their own, heads that take power from it): --dtr"
    unknown_fix = "Listen longer (--for 5m) and look at --hex; it may speak another language, or at an unusual speed"
    trouble = ""
    cut = 0

    def __init__(self, path: str, now: float, *, raised: bool = False) -> None:
        self.hearings: dict[Setting, Hearing] = {}
        self.began = now
        self.gone = ""
        self._turns = Turns()
        self._setting = self._turns.setting
        settings = SerialDevice(name="survey", port=path, language="")
        with _as_it_is(path) as self._before:
            self._port: Any = open_port(path, settings, self._setting.baud)
        try:
            if not raised:
                lower_lines(self._port)
            mark_breaks(self._port)
        except PortError:
            self._release()
            raise
        self._poll = select.poll()
        self._poll.register(self._port.fd, select.POLLIN)
        self._looked_at = now
        self.hearing = Hearing(self._setting, now)

    @property
    def is_done(self) -> bool:
        """Whether there is nothing more to learn."""
        return bool(self.gone) or self._turns.is_done(self.hearing.seen)

    def look(self, now: float) -> None:
        """Take what came, and go on to another setting where it is time."""
        if self.is_done:
            return
        try:
            self.hearing.take(self._read(), now)
            if self.hearing.pauses(now) or now - self._looked_at >= CANDIDATES_EVERY_S:
                self._looked_at = now
                if self._turns.is_over(self.hearing, self.hearing.candidates(), now):
                    self._change(now)
        except (OSError, PortError, ValueError, termios.error) as error:
            self.gone = os.strerror(error.args[0]) if isinstance(error.args[0], int) else str(error)

    def close(self) -> None:
        """Let the port go, set as it was: a program that nobody saw may have it open too."""
        self._keep()
        self._release()

    def _release(self) -> None:
        if self._before is not None:
            with suppress(OSError, termios.error):  # it is gone
                termios.tcsetattr(self._port.fd, termios.TCSANOW, self._before)
        self._port.close()

    def _read(self) -> bytes:
        pieces: list[bytes] = []
        while len(pieces) < READS_A_LOOK and self._poll.poll(0):
            piece = os.read(self._port.fd, READ_BYTES)
            if not piece:  # ready, and yet nothing there
                raise OSError("it was unplugged")
            pieces.append(piece)
        return b"".join(pieces)

    def _change(self, now: float) -> None:
        """Another setting; one that the port does not take is passed over."""
        self._keep()
        for tries_left in reversed(range(TRIES)):
            self._setting = self._turns.go_on()
            try:
                parity = self._setting.parity[0].upper()
                self._port.apply_settings({"baudrate": self._setting.baud, "parity": parity})
                mark_breaks(self._port)
                break
            except (PortError, ValueError, termios.error):
                if not tries_left:
                    raise
        self._port.reset_input_buffer()  # what came at the other speed
        self.hearing = Hearing(self._setting, now)

    def _keep(self) -> None:
        """Of two hearings at a setting the better one stays."""
        before = self.hearings.get(self._setting)
        if before is None or _worth(self.hearing) >= _worth(before):
            self.hearings[self._setting] = self.hearing


@contextmanager
def _as_it_is(path: str) -> Iterator[list[Any] | None]:
    """How a port is set before we set it; None: that cannot be told. It stays open, so that DTR is raised once."""
    with ExitStack() as stack:
        before = None
        with suppress(OSError, termios.error):  # who opens it next says why
            fd = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
            stack.callback(os.close, fd)
            before = termios.tcgetattr(fd)
        yield before


def _worth(hearing: Hearing) -> tuple[float, int]:
    return max((each.score.evidence * each.score.share for each in hearing.candidates()), default=0.0), hearing.count
