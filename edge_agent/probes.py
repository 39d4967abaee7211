"""Probes that need no agent: of this machine, of its ports, and of every way to who is called, step by step."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from edge_agent import __version__, machine, settings
from edge_agent.config.model import Config, HelpChannel
from edge_agent.core.health import Severity
from edge_agent.core.selftest import Found, fail, ok
from edge_agent.services.selftest import computer, disk
from edge_agent.services.selftest.runner import Probe
from edge_agent.texts import Said
from edge_agent.uplink.probe import Way
from edge_agent.uplink.reasons import of_socket

DNS_S, TCP_S, TLS_S = 11.0, 10.0, 12.0


class Target(NamedTuple):
    """Who is called by one way; the main one has no `name`."""

    name: str
    way: Way

    def step(self, code: str) -> str:
        """The name of a probe: `tcp`, or `tcp web` of another way."""
        return f"{code} {self.name}" if self.name else code


def local_probes(config: Config, folder: Path) -> Iterator[Probe]:
    """All that can be told where no agent runs."""
    yield from of_machine(config, folder)
    for row in config.serial:
        yield Probe(f"serial:{row.name}", partial(_port, row.port))
    for channel in config.help.channels:
        if channel.modem:
            yield Probe(f"channel {channel.name}", partial(_port, channel.modem))
    yield from of_ways(config, lambda: False)


def of_machine(config: Config, folder: Path) -> Iterator[Probe]:
    """The computer and its disk."""
    outbox = config.outbox
    yield Probe("version", in_loop(partial(ok, Said("probe.version", version=__version__))))
    yield Probe("power", lambda: computer.power(machine.told(config.gateway.power, machine.power())))
    yield Probe("temperature", computer.temperature)
    yield Probe("memory", computer.memory)
    yield Probe("space", lambda: disk.space(folder, outbox.free_floor_mb, outbox.free_floor_inodes))
    yield Probe("wear", lambda: disk.wear(folder))
    yield Probe("disk", lambda: disk.latency(folder), 10.0)


def of_ways(config: Config, connected: Callable[[], bool]) -> Iterator[Probe]:
    """The steps to the broker, but for logging in, and those to whoever is called where the broker fails."""
    targets = [*_brokers(config, connected), *_others(config)]
    away = next((target.way for target in targets if not target.way.here), None)
    if targets:
        first = away or targets[0].way
        yield Probe("link", first.link)
        yield Probe("address", first.address)
    for target in targets:
        yield from _steps(target)
    if targets and not targets[0].name:
        main = targets[0].way
        yield Probe("portal", main.portal, TCP_S, after=("tcp", "tls"), needs=() if main.here else None)


def last_steps(name: str, config: Config) -> tuple[str, ...] | None:
    """What the broker or another way needs of the steps to it; None: what its condition says."""
    if name == "service" and config.broker.fallback:
        return ()  # any of its brokers will do
    for channel in config.help.channels:
        if name == f"channel {channel.name}" and channel.kind != "sms":
            return (f"tcp {channel.name}", f"tls {channel.name}")
    return None


def in_loop(look: Callable[[], Found]) -> Callable[[], Awaitable[Found]]:
    """What looks at the agent's own state is asked in its loop, not in a thread."""

    async def run() -> Found:
        return look()

    return run


def _steps(target: Target) -> Iterator[Probe]:
    """One behind the other. What is on this machine needs no network; another way that fails is no alarm."""
    way, severity = target.way, Severity.WARNING if target.name else None
    dns, tcp, tls = (target.step(code) for code in ("dns", "tcp", "tls"))
    yield Probe(dns, way.dns, DNS_S, needs=() if way.here else ("address",), severity=severity)
    yield Probe(tcp, way.tcp, TCP_S, needs=(dns,), severity=severity)
    if way.secure:
        yield Probe(tls, way.tls, TLS_S, needs=(tcp,), severity=severity)


def _brokers(config: Config, connected: Callable[[], bool]) -> Iterator[Target]:
    if not config.broker.host:
        return
    wire = settings.mqtt_settings(config, "")
    yield Target("", Way(wire.host, wire.port, wire.tls, connected))
    for host, port in dict.fromkeys(wire.fallback):
        yield Target(f"{host}:{port}", Way(host, port, wire.tls))


def _others(config: Config) -> Iterator[Target]:
    for channel in config.help.channels:
        if channel.kind == "broker" and channel.host:
            tls = settings.tls_files(channel.tls) if channel.tls.enabled else None
            explain = partial(of_socket, table=f"[[help.channels]] {channel.name}")
            yield Target(channel.name, Way(channel.host, channel.port, tls, explain=explain))
        elif channel.url:
            yield Target(channel.name, _posted(channel, channel.url))


def _posted(channel: HelpChannel, address: str) -> Way:
    from edge_agent.uplink.channels.http import Url  # noqa: PLC0415 - where such a channel is configured
    from edge_agent.uplink.channels.https import in_words  # noqa: PLC0415

    url, tls = Url.of(address), settings.tls_files(channel.tls)
    return Way(url.host, url.port, tls, explain=lambda error, host, _port: in_words(error, host))


def _port(port: str) -> Found:
    path = Path(port)
    if not path.exists():
        return fail(Said("probe.no_port", port=port), Said("probe.no_port_fix"))
    return ok(Said("probe.port", port=port))
