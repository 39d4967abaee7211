"""Every setting, its type, range and default. `config/agent.example.toml` shows them all and is tested against this.

Ranges stand in `Meta`, meanings in the example file. Durations are seconds, rates per second, ports are paths. The
tables of help and of devices have rooms of their own, and are known from here.
"""

from typing import Annotated, Literal

from msgspec import Meta, field

from edge_agent.config.device_model import (
    Ble,
    BleDevice,
    CanDevice,
    FileInput,
    Gpio,
    GpioButton,
    GpioInput,
    GpioOut,
    GpioRelay,
    SerialDevice,
)
from edge_agent.config.help_model import Help, HelpChannel, HelpRule
from edge_agent.config.sections import HOST, Name, Place, Port, Seconds, Section, Tls

__all__ = [
    "Ble", "BleDevice", "Broker", "CanDevice", "Channel", "Check", "Config", "ConsentTable", "Console", "Control",
    "Desk", "FileInput", "Gateway", "Gpio", "GpioButton", "GpioInput", "GpioOut", "GpioRelay", "Help", "HelpChannel",
    "HelpRule", "Log", "Outbox", "Paths", "Playbooks", "SerialDevice", "Tls",
]  # fmt: skip


class Gateway(Section, frozen=True):
    """Who this gateway is; an empty id is made once and kept in the state folder."""

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{0,64}$", description="letters, digits, _ . -, at most 64")] = ""
    site: Annotated[str, Meta(max_length=80)] = ""
    product: Annotated[str, Meta(max_length=80)] = ""
    location: Annotated[str, Meta(max_length=120)] = ""
    language: Annotated[str, Meta(pattern=r"^[a-z]{2}$", description="two letters, such as en")] = "en"
    contact: Annotated[str, Meta(max_length=80)] = ""
    power: Literal["auto", "mains", "battery"] = "auto"
    position_from: Name | None = None


class Paths(Section, frozen=True):
    """Folders; empty means /var/lib/edge-agent and /run/edge-agent for a service, the XDG folders for a user."""

    state: str = ""
    runtime: str = ""


class ConsentTable(Section, frozen=True):
    """What may leave; see core.consent.PURPOSES."""

    help_ready: bool = False
    telemetry: bool = False
    findings: bool = False
    diagnostics: bool = False
    assist: bool = False
    effort: bool = False


class Log(Section, frozen=True):
    """`auto` is colour on a terminal and JSON otherwise."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Broker(Section, frozen=True):
    """The way to the service; no host: everything stays local."""

    host: Annotated[str, Meta(pattern=HOST, description="a host name or address, without mqtt:// and port")] = ""
    port: Port = 8883
    fallback: tuple[Place, ...] = ()
    username: str = ""
    password_file: str = ""
    root: Annotated[str, Meta(pattern=r"^[^/#+$][^#+]{0,63}$", description="a topic without # and +")] = "edge/v1"
    keepalive_s: Annotated[int, Meta(ge=5, le=1200)] = 15
    heartbeat_s: Annotated[float, Meta(ge=5.0, le=86400.0)] = 60.0
    tls: Tls = Tls()


class Desk(Section, frozen=True):
    """The desk's Ed25519 public keys by id, 64 hex digits each; `unsigned` believes anybody and is for tests."""

    keys: dict[str, str] = field(default_factory=dict)
    unsigned: bool = False


class Outbox(Section, frozen=True):
    """How readings become blocks and how much may wait. `durability_window_s` is what a power cut may cost."""

    durability_window_s: Annotated[float, Meta(ge=0.1, le=600.0)] = 10.0
    block_age_s: Annotated[float, Meta(ge=0.1, le=600.0)] = 30.0
    block_readings: Annotated[int, Meta(ge=1, le=10_000)] = 2000
    quota_mb: Annotated[float, Meta(ge=0.0625, le=1_000_000.0)] = 256.0
    segment_kb: Annotated[int, Meta(ge=16, le=65_536)] = 1024
    free_floor_mb: Annotated[float, Meta(ge=0.0, le=1_000_000.0)] = 32.0
    free_floor_inodes: Annotated[int, Meta(ge=0, le=1_000_000)] = 100
    help_reserve_kb: Annotated[int, Meta(ge=0, le=65_536)] = 1024
    in_flight: Annotated[int, Meta(ge=2, le=100)] = 20
    reserved_for_help: Annotated[int, Meta(ge=1, le=10)] = 3
    messages_per_s: Annotated[float, Meta(ge=1.0, le=100_000.0)] = 1000.0


class Check(Section, frozen=True):
    """One check of one channel (`*` at the end of `channel` means all that begin so)."""

    channel: Annotated[str, Meta(min_length=1, max_length=120)]
    kind: Literal["range", "rate", "stuck", "silent", "learned"]
    min: float | None = None
    max: float | None = None
    hysteresis: Annotated[float, Meta(ge=0.0)] = 0.0
    per_s: Annotated[float, Meta(gt=0.0)] | None = None
    window_s: Annotated[float, Meta(gt=0.0, le=366 * 86400.0)] | None = None
    level: bool | None = None
    confirm_s: Seconds = 0.0
    clear_s: Seconds = 0.0
    severity: Literal["notice", "warning", "alarm"] | None = None


class Channel(Section, frozen=True):
    """What is stored of a channel (`*` at the end of `name` means all that begin so): see core.thinning."""

    name: Annotated[str, Meta(min_length=1, max_length=120)]
    deadband: Annotated[float, Meta(ge=0.0)] | None = None
    at_least_every_s: Annotated[float, Meta(gt=0.0, le=366 * 86400.0)] = 600.0
    summary_s: Annotated[float, Meta(ge=1.0, le=86400.0)] | None = None


class Playbooks(Section, frozen=True):
    """Where playbooks are (empty: none), and which remedies the agent may use by itself; see docs/playbooks.md.

    A folder is looked for beside the configuration's own file when it is not absolute.
    """

    folder: str = ""
    may: tuple[Literal["read_again", "reopen_port", "restart_driver", "reset_device", "power_cycle"], ...] = (
        "read_again",
        "reopen_port",
        "restart_driver",
    )


class Control(Section, frozen=True):
    """The control socket; an empty path means `control.sock` in the runtime folder.

    Beside it is one for members of `read_group`, who may look and change nothing.
    """

    enabled: bool = True
    socket: str = ""
    read_group: Annotated[str, Meta(max_length=32)] = "edge-agent-read"


class Console(Section, frozen=True):
    """The page on site: who opens it besides the command, and where it is served. It is shut otherwise.

    `input_channel` opens it when its value turns true; `lan` lets that, and a yes to the desk, open it on the network.
    """

    input_channel: Annotated[str, Meta(max_length=120)] = ""
    lan: bool = False
    port: Port = 8443
    minutes: Annotated[float, Meta(ge=1.0, le=480.0)] = 15.0


class Config(Section, frozen=True):
    """The whole file."""

    gateway: Gateway = Gateway()
    paths: Paths = Paths()
    consent: ConsentTable = ConsentTable()
    log: Log = Log()
    broker: Broker = Broker()
    desk: Desk = field(default_factory=Desk)
    outbox: Outbox = Outbox()
    help: Help = Help()
    gpio: Gpio = Gpio()
    serial: tuple[SerialDevice, ...] = ()
    can: tuple[CanDevice, ...] = ()
    file: tuple[FileInput, ...] = ()
    ble: Ble = Ble()
    check: tuple[Check, ...] = ()
    channel: tuple[Channel, ...] = ()
    playbooks: Playbooks = Playbooks()
    control: Control = Control()
    console: Console = Console()

    @property
    def devices(self) -> tuple[GpioInput | SerialDevice | CanDevice | FileInput | BleDevice, ...]:
        """All devices, whatever they are connected by."""
        return (*self.gpio.input, *self.serial, *self.can, *self.file, *self.ble.device)
