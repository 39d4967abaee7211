"""Files that are read on a beat: sensors that the kernel shows as files (1-Wire, hwmon, thermal zones, batteries)."""

import asyncio
import errno
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from edge_agent.config.model import FileInput
from edge_agent.core.health import Health
from edge_agent.core.ports import DeviceCounts
from edge_agent.core.reading import Content
from edge_agent.core.rhythm import until_next
from edge_agent.drivers.device import Device
from edge_agent.texts import Said
from edge_agent.texts.starting import STARTING
from edge_agent.threads import in_thread

MAX_BYTES = 4096  # a page: what a file of sysfs can hold
# A probe on 1-Wire measures for 750 ms (DS18B20 data sheet), and several wait for one another.
ANSWER_S = 10.0


class FileError(Exception):
    """A file that cannot be read now; `code` is one word of `missing several denied hangs failed`."""

    def __init__(self, code: str, sentence: str, fix: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.fix = code, sentence, fix


class FileDriver:
    """Reads one file every `every_s`, in a thread, and feeds all that was in it to the device.

    `run` ends only by cancellation: a file that is not there, or that cannot be read, is a state of the device.
    """

    def __init__(self, settings: FileInput, device: Device) -> None:
        self.name = f"file:{device.name}"
        self.health: Health = STARTING
        self._settings = settings
        self._device = device
        self._reading: asyncio.Task[bytes] | None = None

    def devices(self) -> Sequence[DeviceCounts]:
        """The one device of this file."""
        return (self._device.counts(),)

    async def run(self) -> None:
        """Read on the beat, until cancelled."""
        loop = asyncio.get_running_loop()
        self.health = Health(True, Said("part.running"))
        try:
            while True:
                try:
                    content = await self._read()
                except FileError as error:
                    self._device.down(error.code, error.sentence, error.fix, loop.time())
                else:
                    self._device.up(Said("port.reading", where=self._settings.path))
                    # apart: a bridge that raises must not end the driver
                    loop.call_soon(self._device.feed, Content(content), loop.time())
                await asyncio.sleep(until_next(loop.time(), self._settings.every_s))
        finally:
            if self._reading is not None:
                self._reading.cancel()
            self.health = self._device.condition.health = Health(False, Said("part.stopped"))

    async def _read(self) -> bytes:
        """Raises FileError. One read at a time: a thread that hangs in the kernel is waited for, not doubled."""
        if self._reading is None:
            self._reading = asyncio.create_task(in_thread(partial(read, self._settings.path)))
        done, _ = await asyncio.wait({self._reading}, timeout=ANSWER_S)
        if not done:
            raise FileError("hangs", Said("port.file_hangs", path=self._settings.path), Said("port.file_hangs_fix"))
        reading, self._reading = self._reading, None
        return reading.result()


def read(path: str) -> bytes:
    """What is in the one file of this path, in which `*` may stand for any name. Raises FileError."""
    found = [path]
    if "*" in path:
        found = sorted(str(each) for each in Path("/").glob(path.lstrip("/")))
    if len(found) > 1:
        some = ", ".join(found[:4])
        said = Said("port.file_several", path=path, n=len(found), some=some)
        raise FileError("several", said, Said("port.file_several_fix"))
    if not found:
        raise FileError("missing", Said("port.file_missing", path=path), Said("port.file_missing_fix"))
    try:
        with open(found[0], "rb", buffering=0) as file:  # noqa: PTH123 (a page and no more, in one read)
            return file.read(MAX_BYTES) or b""
    except OSError as error:
        raise _translated(path, error) from error


def _translated(path: str, error: OSError) -> FileError:
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTDIR):
        return FileError("missing", Said("port.file_missing", path=path), Said("port.file_missing_fix"))
    if error.errno in (errno.EACCES, errno.EPERM):
        return FileError("denied", Said("port.file_denied", path=path), Said("port.file_denied_fix"))
    why = os.strerror(error.errno or errno.EIO)
    return FileError("failed", Said("port.file_failed", path=path, why=why), Said("port.file_failed_fix"))
