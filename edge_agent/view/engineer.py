"""What an engineer on site asks for: the configuration in force, the log, and raw bytes of a device."""

from itertools import islice

from edge_agent import logs
from edge_agent.control import types
from edge_agent.core.errors import RefusedError
from edge_agent.drivers.device import Device
from edge_agent.drivers.tap import Tap
from edge_agent.settings import in_force
from edge_agent.view.seen import Seen


class EngineerView(Seen):
    """Configuration, log, raw frames."""

    __slots__ = ()

    def config_in_force(self) -> types.InForce:
        """The configuration with its defaults, without what is secret."""
        return types.InForce(in_force(self.config))

    def log(self, ask: types.Tail) -> types.Log:
        """The newest lines of the log."""
        newest = logs.recent.count
        fresh = max(0, newest - ask.after)
        lines = logs.recent.lines()
        return types.Log(newest, lines[max(0, len(lines) - min(fresh, ask.lines)) :] if fresh else [])

    def raw(self, ask: types.OfDevice) -> types.Raw:
        """What came from this device lately, where somebody has asked to keep it."""
        tap, now = self._device(ask.device).tap, self.clock.now().monotonic
        if tap is None:
            return types.Raw(ask.device, 0.0, [])
        known = max(0, ask.after - (tap.count - len(tap.frames))) if ask.after <= tap.count else 0
        frames = [types.Frame(round(now - f.at, 3), f.way, f.shown, f.size) for f in islice(tap.frames, known, None)]
        return types.Raw(ask.device, round(max(0.0, tap.until - now), 1), frames, tap.count)

    async def watch(self, ask: types.Watch) -> types.Raw:
        """Keep what comes from this device for a while; a watch that is on goes on with what it has."""
        device, until = self._device(ask.device), self.clock.now().monotonic + ask.seconds
        if not ask.seconds:
            device.tap = None
        elif device.tap is None:
            device.tap = Tap(until)
        else:
            device.tap.until = until
        return self.raw(types.OfDevice(ask.device))

    def _device(self, name: str) -> Device:
        found = {device.name: device for device in self.hardware.devices}
        if name not in found:
            fix = f"Ask for one of {', '.join(sorted(found))}." if found else "Configure one first."
            raise RefusedError(f"no device is called {name!r}", code="no_device", fix=fix)
        return found[name]
