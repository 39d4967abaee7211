"""Devices on serial ports: one driver a device, so that each is lost, found and restarted alone.

pyserial opens and sets the port; reading and writing are plain calls on its descriptor from the loop's selector.
No thread, no task a chunk.
"""

import asyncio
import errno
import os
import termios
from typing import Any

from edge_agent.config.model import SerialDevice
from edge_agent.core.backoff import Backoff
from edge_agent.core.errors import DriverError
from edge_agent.core.reading import Send
from edge_agent.drivers.asker import Asker
from edge_agent.drivers.device import Device
from edge_agent.drivers.kept import KeptOpen
from edge_agent.drivers.port import PortError, PortFinder, mark_breaks, open_port
from edge_agent.texts import Said

READ_BYTES = 4096  # the tty layer holds as much (N_TTY_BUF_SIZE of Linux), so one call empties it
OUT_BYTES = 4096  # four seconds of 9600 baud: a device that takes no more than this back is not listening
RESET_S = 0.25  # the capacitor before the reset pin of such boards is charged within milliseconds
DRAIN_LOOK_S = 0.005  # a character of 2400 baud; a change of speed waits for what is still on its way out
MAX_LATER = 16  # Sends that wait for a change of speed

# A port that comes back is found in 5 s at most; one attempt is an open() that fails, about 30 us.
LOOK_AGAIN = Backoff(base_s=0.5, cap_s=5.0, stable_s=10.0)


class SerialDriver(KeptOpen):
    """Keeps one port open and its device fed."""

    def __init__(
        self,
        settings: SerialDevice,
        device: Device,
        baud: int,
        *,
        backoff: Backoff,
        finder: PortFinder,
        marks_breaks: bool = False,
    ) -> None:
        super().__init__(f"serial:{device.name}", device, backoff)
        self._settings = settings
        self._baud = baud
        self._finder = finder
        self._marks_breaks = marks_breaks
        self._port: Any = None
        self._out = bytearray()
        self._later: list[Send] = []
        self._asker = Asker(device, self._send)

    def reopen(self) -> None:
        """Close the port; `run` opens it again. Raises DriverError where it is not open."""
        if self._port is None:
            raise DriverError(f"the port of {self._device.name} is not open")
        self._close()
        self._lost.set()

    async def reset(self) -> None:
        """Drop DTR for a moment: boards that are programmed over their port start anew. Raises DriverError."""
        if self._port is None:
            raise DriverError(f"the port of {self._device.name} is not open")
        try:
            self._port.dtr = False
            await asyncio.sleep(RESET_S)
            if self._port is not None:
                self._port.dtr = True
        except OSError as error:
            raise DriverError(f"the port of {self._device.name} has no line for that") from error

    def _open(self) -> bool:
        path = self._finder.path()
        try:
            self._port = open_port(path, self._settings, self._baud)
            if self._marks_breaks:
                mark_breaks(self._port)
        except PortError as error:
            self._device.down(error.code, *self._finder.explain(error), self._loop.time())
            return False
        self._finder.opened()
        self._loop.add_reader(self._port.fd, self._readable)
        self._device.up(Said("port.listening_at", where=path, baud=self._baud))
        self._asker.start()
        return True

    def _close(self) -> None:
        self._asker.stop()
        self._out.clear()
        self._later.clear()
        if self._port is not None:
            self._loop.remove_reader(self._port.fd)
            self._loop.remove_writer(self._port.fd)
            self._port.close()
            self._port = None

    def _lose(self, why: str) -> None:
        """The descriptor is dead. Closing it at once lets the kernel give the same name to what is plugged in next."""
        self._close()
        self._device.down("missing", *self._finder.explain(PortError("missing", why)), self._loop.time())
        self._lost.set()

    def _readable(self) -> None:
        try:
            chunk = os.read(self._port.fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(os.strerror(error.errno or errno.EIO))
            return
        if not chunk:  # ready, and yet nothing there: hung up
            self._lose("it was unplugged")
            return
        for send in self._device.feed(chunk, self._loop.time()):
            self._send(send)
        self._asker.ask()

    def _send(self, send: Send) -> None:
        if self._later or (send.baud and self._is_sending()):
            if len(self._later) == MAX_LATER:
                self._device.fault("overflow", "The device does not take what is sent to it", self._loop.time())
                return
            if not self._later:
                self._loop.call_later(DRAIN_LOOK_S, self._drained)
            self._later.append(send)
            return
        if send.baud:
            self._set_baud(send.baud)
        self._write(send.payload)

    def _drained(self) -> None:
        """Look whether all has left, and go on with what waits for that."""
        if self._is_sending():
            self._loop.call_later(DRAIN_LOOK_S, self._drained)
            return
        later, self._later = self._later, []
        for send in later:
            self._send(send)

    def _is_sending(self) -> bool:
        try:
            return self._port is not None and bool(self._out or self._port.out_waiting)
        except OSError:
            return False  # the port is going away, which the reader is about to notice

    def _set_baud(self, baud: int) -> None:
        try:
            if self._port is not None:
                self._port.baudrate = baud
        except (OSError, ValueError, termios.error):
            self._device.fault("settings", f"The port cannot be set to {baud} baud", self._loop.time())

    def _write(self, payload: bytes) -> None:
        if self._port is None or not payload:
            return
        if len(self._out) + len(payload) > OUT_BYTES:
            self._device.fault("overflow", "The device does not take what is sent to it", self._loop.time())
            return
        self._out += payload
        self._writable()

    def _writable(self) -> None:
        try:
            written = os.write(self._port.fd, self._out)
        except BlockingIOError:
            written = 0
        except OSError as error:
            self._lose(os.strerror(error.errno or errno.EIO))
            return
        del self._out[:written]
        if self._out:
            self._loop.add_writer(self._port.fd, self._writable)
        else:
            self._loop.remove_writer(self._port.fd)
