"""What is found and mended without anybody: how buses and devices are, playbooks at work, and what remedies may use."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from edge_agent.core.causes import AWAY
from edge_agent.core.errors import DriverError
from edge_agent.core.event import EventKind
from edge_agent.core.finding import Finding
from edge_agent.core.playbook import Deed, Diagnosis, Playbook, Remedy
from edge_agent.core.ports import Driver, Indicator, Port
from edge_agent.core.reading import Value
from edge_agent.core.rhythm import until_next
from edge_agent.services.diagnoses import Diagnoses
from edge_agent.services.remedies import Remedies, Senses, Tool, Try, Wait, tries_from
from edge_agent.store.record import RecordFile
from edge_agent.supervisor import Job

if TYPE_CHECKING:
    from edge_agent.app import Agent

REMEDIES = "remedies"
# The kind of what carries other devices: a radio, the GPIO header.
BUS = "bus"
ROUND_S = 5.0


class Mending:
    """`diagnoses` and `remedies`, with a small file of its own in the state folder. Built by app."""

    def __init__(self, agent: "Agent", playbooks: Sequence[Playbook], kinds: Mapping[str, str]) -> None:
        self._agent = agent
        watches, register = agent.sampling.watches, agent.found.register
        self._buses = [driver for driver in agent.hardware.drivers if ":" not in driver.name]
        for bus in self._buses:
            watches.buses.update({row.device: bus.name for row in bus.devices()})
        file = RecordFile(agent.folder / REMEDIES)
        self.remedies = Remedies(
            agent.clock,
            self._tools(agent.hardware.relays),
            agent.config.playbooks.may,
            Senses(self._value, agent.sampling.quiet_since),
            agent.panel.texts,
            save=file.save,
            tries=file.load(tries_from, [], agent.problems, "remedies are counted anew") if playbooks else (),
            told=self._tried,
            gave_up=self._offer,
        )
        self.diagnoses = Diagnoses(
            playbooks,
            {**dict.fromkeys((bus.name for bus in self._buses), BUS), **kinds},
            register,
            agent.clock,
            agent.events.new_id,
            agent.panel.texts,
            self.remedies.begin,
        )
        self.restart: Callable[[str], None] = lambda _: None

    def looks_for(self, finding: Finding) -> bool:
        """Whether a diagnosis, or a driver's word of a bus or device, could say that this finding is over."""
        names = {bus.name for bus in self._buses} | {
            row.device for driver in self._agent.hardware.drivers for row in driver.devices()
        }
        return self.diagnoses.looks_for(finding) or (finding.kind == AWAY and finding.channel in names)

    def jobs(self) -> Iterator[Job]:
        """What runs beside the rest."""
        yield "conditions", self._look
        if self._agent.config.playbooks.folder:
            yield "remedies", self.remedies.run

    def see(self, finding: Finding) -> None:
        """A finding was confirmed or cleared."""
        self.diagnoses.see(finding)

    async def _look(self) -> None:
        """How buses and devices are, by their drivers, until cancelled."""
        clock, watches = self._agent.clock, self._agent.sampling.watches
        while True:
            for bus in self._buses:
                watches.condition(bus.name, bus.health)
            for driver in self._agent.hardware.drivers:
                for row in driver.devices():
                    watches.condition(row.device, row.health)
            now = clock.now().monotonic
            self.diagnoses.tick(now)
            await asyncio.sleep(until_next(now, ROUND_S))

    def _offer(self, diagnosis: Diagnosis, tried: str) -> None:
        self.diagnoses.offer(diagnosis, tried)

    def _restart(self, name: str) -> None:
        self.restart(name)

    def _value(self, channel: str) -> Value | None:
        reading = self._agent.sampling.latest.get(channel)
        return None if reading is None else reading.value

    def _tried(self, ended: Try, sentence: str) -> None:
        """The service is told of every try."""
        if self._agent.consent.allows(EventKind.FINDING):
            data = {**asdict(ended), "state": "remedy", "sentence": sentence}
            subject = f"{ended.device}:{ended.playbook}"
            self._agent.post.put(self._agent.events.make(EventKind.FINDING, "remedy", subject, data))

    def _tools(self, relays: Mapping[str, Indicator]) -> dict[Deed, Tool]:
        driver = partial(_driver_of, self._agent.hardware.drivers)
        return {
            Deed.READ_AGAIN: Wait(),
            Deed.REOPEN_PORT: _Reopen(driver),
            Deed.RESET_DEVICE: _Reset(driver),
            Deed.RESTART_DRIVER: _Restart(driver, self._restart),
            Deed.POWER_CYCLE: _PowerCycle(relays),
        }


Find = Callable[[str], Driver | None]


def _driver_of(drivers: Sequence[Driver], name: str) -> Driver | None:
    """The driver of a device, or of this name itself."""
    for driver in drivers:
        if driver.name == name or any(row.device == name for row in driver.devices()):
            return driver
    return None


class _PortTool:
    """A tool for devices with a port of their own."""

    def __init__(self, find: Find) -> None:
        self._find = find

    def why_not(self, device: str) -> str:
        """Radios and lines have no port."""
        return "" if isinstance(self._find(device), Port) else "it has no port of its own"

    def _port(self, device: str) -> Port:
        port = self._find(device)
        if not isinstance(port, Port):
            raise DriverError(f"{device} has no port of its own")
        return port


class _Reopen(_PortTool):
    async def do(self, device: str, remedy: Remedy) -> None:  # noqa: ARG002 - the Tool contract
        """Close the port; its driver opens it anew."""
        self._port(device).reopen()


class _Reset(_PortTool):
    async def do(self, device: str, remedy: Remedy) -> None:  # noqa: ARG002 - the Tool contract
        """By the port's own reset line."""
        await self._port(device).reset()


class _Restart:
    def __init__(self, find: Find, restart: Callable[[str], None]) -> None:
        self._find = find
        self._restart = restart

    def why_not(self, device: str) -> str:
        """Every device has a driver, unless it is none."""
        return "" if self._find(device) else "it has no driver"

    async def do(self, device: str, remedy: Remedy) -> None:  # noqa: ARG002 - the Tool contract
        """In place, with all devices of that driver."""
        driver = self._find(device)
        if driver is not None:
            self._restart(driver.name)


class _PowerCycle:
    def __init__(self, relays: Mapping[str, Indicator]) -> None:
        self._relays = relays

    def why_not(self, device: str) -> str:
        """Only with a relay."""
        return "" if device in self._relays else "no relay feeds it"

    async def do(self, device: str, remedy: Remedy) -> None:
        """Off and on; the power comes back however this ends."""
        relay = self._relays[device]
        relay.show(True, "")
        try:
            await asyncio.sleep(remedy.off_s)
        finally:
            relay.show(False, "")
