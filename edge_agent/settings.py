"""From the configuration to what the rooms take: settings, folders, checks."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from msgspec import to_builtins

from edge_agent.config.model import Config, Tls
from edge_agent.config.playbooks import load_folder
from edge_agent.control.paths import default_socket
from edge_agent.core.finding import Severity
from edge_agent.core.mayday_timers import Timers
from edge_agent.core.playbook import Playbook
from edge_agent.core.ports import Clock
from edge_agent.core.quiet import QuietHours
from edge_agent.core.rules import Condition, RuleSetting
from edge_agent.core.thinning import ThinSetting
from edge_agent.core.wire import down_topics
from edge_agent.logs import HIDDEN, secret_name
from edge_agent.services.sampling import BlockLimits
from edge_agent.services.watch import CheckSetting
from edge_agent.uplink.mqtt import MqttSettings, TlsFiles


def mqtt_settings(config: Config, gateway: str) -> MqttSettings:
    """The agent's own connection."""
    broker, tls = config.broker, config.broker.tls
    return MqttSettings(
        host=broker.host,
        fallback=tuple(place(text, broker.port) for text in broker.fallback),
        port=broker.port,
        client_id=gateway,
        username=broker.username,
        password_file=broker.password_file,
        keepalive_s=broker.keepalive_s,
        tls=tls_files(tls) if tls.enabled else None,
        subscribe=(down_topics(broker.root, gateway),),
    )


def tls_files(tls: Tls) -> TlsFiles:
    """The files of a `tls` table."""
    return TlsFiles(tls.ca_file, tls.cert_file, tls.key_file)


def place(text: str, port: int) -> tuple[str, int]:
    """Host and port of `host`, `host:port` or `[address]:port`."""
    host, colon, last = text.rpartition(":")
    if colon and not (text.startswith("[") and text.endswith("]")):
        return host.strip("[]"), int(last)
    return text.strip("[]"), port


def check_settings(config: Config) -> tuple[CheckSetting, ...]:
    """The `[[check]]` tables as the watches take them."""
    return tuple(
        CheckSetting(
            check.channel,
            check.kind,
            {name: getattr(check, name) for name in ("min", "max", "hysteresis", "per_s", "window_s", "level")},
            check.confirm_s,
            check.clear_s,
            Severity(check.severity) if check.severity else None,
        )
        for check in config.check
    )


def playbooks(config: Config) -> tuple[Playbook, ...]:
    """The playbooks of the folder that is configured. Raises ConfigProblems; `load` has found them right before."""
    return load_folder(config.playbooks.folder) if config.playbooks.folder else ()


def kinds(config: Config) -> dict[str, str]:
    """What kind of thing each device is; where nothing else is said, its name says so."""
    return {row.name: row.kind or row.name for row in config.devices}


def thin_settings(config: Config) -> tuple[ThinSetting, ...]:
    """The `[[channel]]` tables as sampling takes them."""
    return tuple(ThinSetting(c.name, c.deadband, c.at_least_every_s, c.summary_s) for c in config.channel)


def rule_settings(config: Config) -> tuple[RuleSetting, ...]:
    """The `[[help.rules]]` tables as the rules take them."""
    return tuple(
        RuleSetting(
            r.name,
            r.channel or r.finding or "",
            Condition(r.condition or "finding"),
            r.text,
            r.value,
            r.hysteresis,
            r.for_s,
            r.rearm_s,
            r.stale_s,
            r.cancel_window_s,
            r.fall_back_at_once,
        )
        for r in config.help.rules
    )


def block_limits(config: Config) -> BlockLimits:
    """When a block is closed, and what a power cut may cost."""
    outbox = config.outbox
    return BlockLimits(outbox.block_age_s, outbox.block_readings, outbox.durability_window_s)


def timers(config: Config) -> Timers:
    """The timers of a help request. Without a broker there is no first channel whose time is waited for."""
    h = config.help
    timers = Timers(**{name: getattr(h, name) for name in Timers._fields if name != "quiet_s"})
    return timers if config.broker.host else timers._replace(fallback_after_s=0.0, fallback_queued_s=0.0)


def outside_quiet_hours(config: Config, clock: Clock) -> Callable[[], bool]:
    """Whether the household may be reminded now, by its local time; a clock that may be wrong knows no hours."""
    quiet = QuietHours.parse(config.help.quiet_hours)

    def outside() -> bool:
        now = clock.now()
        local = time.localtime(now.wall)
        return not now.trusted or not quiet.contains(local.tm_hour * 60 + local.tm_min)

    return outside


def secrets(config: Config) -> tuple[str, ...]:
    """What stands in the configuration and must never stand in the log: the keys of encrypted devices."""
    tables = [device.options for device in config.devices]
    return tuple(str(value) for options in tables for name, value in options.items() if secret_name(name) and value)


def in_force(config: Config) -> dict[str, Any]:
    """The whole configuration as plain data; what is secret reads `***`, also behind the host of an address."""
    return cast("dict[str, Any]", _hidden(to_builtins(config)))


def _hidden(plain: Any, name: str = "") -> Any:
    if isinstance(plain, dict):
        return {key: _hidden(value, key) for key, value in plain.items()}
    if isinstance(plain, list | tuple):
        return [_hidden(value, name) for value in plain]
    if plain and secret_name(name) and not name.endswith("_file"):
        return HIDDEN
    if isinstance(plain, str) and name == "url":
        return _without_path(plain)
    return plain


def _without_path(url: str) -> str:
    """An address without what is behind its host: a path or a query may be as good as a password."""
    scheme, _, rest = url.partition("//")
    host, _, path = rest.partition("/")
    return f"{scheme}//{host}/{HIDDEN}" if path else url


def control_socket(config: Config) -> Path:
    """Where those on site ask this agent."""
    return Path(config.control.socket or default_socket(config.paths.runtime))


def state_folder(configured: str) -> Path:
    """Where the state is: as configured, as systemd made it, or the usual place for root or for a user."""
    given = configured or os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    if os.geteuid() == 0:
        return Path("/var/lib/edge-agent")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "edge-agent"
