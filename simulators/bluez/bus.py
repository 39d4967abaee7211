"""A private message bus: Debian's dbus-daemon with a configuration of its own, gone when it is closed."""

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path

from edge_agent.core.errors import DriverError
from simulators.broker import tied

START_TIMEOUT_S = 5.0
STOP_TIMEOUT_S = 2.0
# Everybody on this bus belongs to the simulation, so everything is allowed; it listens in its own folder only.
CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:dir={folder}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class PrivateBus:
    """One dbus-daemon. `address` is valid between `start` and `stop`."""

    def __init__(self) -> None:
        self.address = ""
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> str:
        """Start the daemon and give its address. Raises DriverError when it is not installed or does not start."""
        self._folder = tempfile.TemporaryDirectory(prefix="edge-dbus-")
        try:
            return await self._launch(Path(self._folder.name))
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the daemon and remove its folder; may be called twice."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
            except TimeoutError:
                process.kill()
                await process.wait()
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()

    async def _launch(self, folder: Path) -> str:
        program = shutil.which("dbus-daemon")
        if program is None:
            raise DriverError(
                "Simulated Bluetooth needs dbus-daemon, which is not installed",
                fix="Install the Debian package dbus-daemon (sudo apt install dbus-daemon)",
            )
        configuration = folder / "bus.conf"
        configuration.write_text(CONFIGURATION.format(folder=folder), encoding="utf-8")
        self._process = await asyncio.create_subprocess_exec(
            *tied(),
            program,
            f"--config-file={configuration}",
            "--nofork",
            "--nopidfile",
            "--print-address=1",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # Ctrl-C in the terminal is for the program, which then ends the bus in order.
            start_new_session=True,
        )
        assert self._process.stdout is not None
        line = b""
        with contextlib.suppress(TimeoutError):
            line = await asyncio.wait_for(self._process.stdout.readline(), START_TIMEOUT_S)
        self.address = line.decode("ascii", "replace").strip()
        if not self.address:
            raise DriverError("dbus-daemon did not start", fix="Run `dbus-daemon --session --print-address` to see why")
        return self.address
