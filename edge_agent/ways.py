"""The other ways to the desk, made from the configuration: what each kind needs is imported for it alone."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edge_agent import settings
from edge_agent.config.model import HelpChannel as Table
from edge_agent.core.event import Event
from edge_agent.core.mayday_timers import resend_after
from edge_agent.core.ports import HelpChannel
from edge_agent.core.wire import attributes
from edge_agent.services.fallback import FallBack
from edge_agent.uplink.connection import MqttSettings

if TYPE_CHECKING:
    from edge_agent.app import Agent

Heard = Callable[[bytes], None]
Told = Callable[[Event], Mapping[str, str]]


def fall_back(agent: "Agent", believe: Callable[[bytes], bool]) -> FallBack:
    """The service with all channels of the configuration, which may be none; `believe` takes what they bring."""
    timers = settings.timers(agent.config)
    service = FallBack(
        agent.clock,
        agent.gateway,
        waiting=agent.help.waiting_event,
        asking=agent.help.asking_event,
        live=lambda: agent.help.case is not None and agent.help.case.open,
        connected=lambda: agent.reach.uplink.connected,
        believe=believe,
        resend=lambda sent, waited_s, share: resend_after(sent, waited_s, timers, share),
    )
    service.add([_channel(table, agent, service) for table in agent.config.help.channels])
    return service


def _channel(table: Table, agent: "Agent", service: FallBack) -> HelpChannel:
    def told(event: Event) -> Mapping[str, str]:
        return attributes(event, agent.gateway, agent.clock.now(), historical=True, boots=agent.time.boots)

    def heard(payload: bytes) -> None:
        service.heard(table.name, payload)

    if table.kind == "broker":
        return _broker(table, agent, told, heard, service.wanted)
    return _https(table, told) if table.kind == "https" else _sms(table, agent, heard)


def _broker(table: Table, agent: "Agent", told: Told, heard: Heard, wanted: Callable[[], bool]) -> HelpChannel:
    from edge_agent.uplink.channels.broker import BrokerChannel  # noqa: PLC0415

    wire = MqttSettings(
        host=table.host or "",
        port=table.port,
        client_id=f"{agent.gateway}-help-{table.name}",
        username=table.username,
        password_file=table.password_file,
        keepalive_s=agent.config.broker.keepalive_s,
        tls=settings.tls_files(table.tls) if table.tls.enabled else None,
    )
    resend_s = table.resend_s or 10.0
    return BrokerChannel(table.name, wire, (agent.gateway, agent.config.broker.root), told, heard, wanted, resend_s)


def _https(table: Table, told: Told) -> HelpChannel:
    from edge_agent.uplink.channels.https import HttpsChannel, HttpsSettings  # noqa: PLC0415

    wire = HttpsSettings(
        table.name, table.url or "", table.token_file, settings.tls_files(table.tls), resend_s=table.resend_s or 10.0
    )
    return HttpsChannel(wire, told)


def _sms(table: Table, agent: "Agent", heard: Heard) -> HelpChannel:
    from edge_agent.drivers.port import PortFinder, open_modem  # noqa: PLC0415
    from edge_agent.drivers.registry import BY_ID  # noqa: PLC0415
    from edge_agent.uplink.channels.pin import Pin  # noqa: PLC0415
    from edge_agent.uplink.channels.sms import RESEND_S, SmsChannel, SmsSettings  # noqa: PLC0415

    refused = Path(settings.state_folder(agent.config.paths.state), f"pin-refused-{table.name}")
    wire = SmsSettings(
        table.name, table.number or "", table.text_number, agent.config.gateway.site, table.resend_s or RESEND_S
    )
    opened = partial(open_modem, PortFinder(table.modem or "", BY_ID), table.baud)
    return SmsChannel(wire, opened, Pin(table.pin_file, refused), heard)
