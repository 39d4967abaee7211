"""Every setting, its type, range and default. `config/agent.example.toml` shows them all and is tested against this.

Ranges stand in `Meta`, meanings in the example file. Durations are seconds, rates per second, ports are paths.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]{0,31}$",
        description="a lower-case letter, then lower-case letters, digits or _, at most 32 in all",
    ),
]
Seconds = Annotated[float, Meta(ge=0.0, le=366 * 86400.0)]
Line = Annotated[int, Meta(ge=0, le=1023)]
# A name or an IPv4 address of at most 253 characters (RFC 1035 §2.3.4), or an IPv6 address (at least two colons).
HOST = r"^([\w.-]{0,253}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{0,36}(%\w{1,15})?)$"
Port = Annotated[int, Meta(ge=1, le=65535)]
# A host, with a port of at most five digits behind it or without; an IPv6 address stands in brackets.
_PORT = r"(:[1-9]\d{0,4})?"
PLACE = rf"^([\w.-]{{1,253}}|\[[0-9A-Fa-f]{{0,4}}:[0-9A-Fa-f:.]{{1,41}}(%\w{{1,15}})?\]){_PORT}$"
Place = Annotated[str, Meta(pattern=PLACE, description='a host such as "broker.example", or "broker.example:8883"')]


# Hours and minutes, 00:00 to 23:59, from and until; or none.
_TIME = r"([01]\d|2[0-3]):[0-5]\d"
QUIET = rf"^({_TIME}-{_TIME})?$"

URL = r"^https://(\[[0-9A-Fa-f:.]{2,41}\]|[\w.-]{1,253})(:[1-9]\d{0,4})?(/[!-~]*)?$"
# E.164: at most 15 digits; short numbers of an operator have three and more.
NUMBER = r"^(\+?\d{3,15})?$"


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all tables."""


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


class Tls(Section, frozen=True):
    """TLS is on unless the broker is told to do without; empty `ca_file` means the system's certificates."""

    enabled: bool = True
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


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


class HelpRule(Section, frozen=True):
    """A rule that calls for help by itself: see core.rules. Of `channel` and `finding` it has one."""

    name: Name
    text: Annotated[str, Meta(min_length=1, max_length=120)]
    channel: Annotated[str, Meta(min_length=1, max_length=120)] | None = None
    finding: Annotated[str, Meta(min_length=1, max_length=140)] | None = None
    condition: Literal["above", "below", "equals", "changes"] | None = None
    value: Any = None
    hysteresis: Annotated[float, Meta(ge=0.0)] = 0.0
    for_s: Seconds = 0.0
    rearm_s: Seconds = 300.0
    stale_s: Annotated[float, Meta(gt=0.0, le=366 * 86400.0)] | None = None
    cancel_window_s: Annotated[float, Meta(ge=0.0, le=300.0)] = 30.0
    fall_back_at_once: bool = False


class HelpChannel(Section, frozen=True):
    """Another way to the desk, used when the broker brings no answer; config.ways knows which kind takes what."""

    name: Name
    kind: Literal["broker", "https", "sms"]
    host: Annotated[str, Meta(pattern=HOST, description="a host name or address, without a port")] | None = None
    port: Port = 8883
    username: str = ""
    password_file: str = ""
    url: Annotated[str, Meta(pattern=URL, description='an address such as "https://desk.example/help"')] | None = None
    token_file: str = ""
    tls: Tls = Tls()
    modem: Annotated[str, Meta(min_length=1, description="a path such as /dev/serial/by-id/...")] | None = None
    baud: Annotated[int, Meta(ge=1200, le=4_000_000)] = 115_200
    pin_file: str = ""
    number: Annotated[str, Meta(pattern=NUMBER, description="a phone number such as +491701234567")] | None = None
    text_number: Annotated[str, Meta(pattern=NUMBER, description="a phone number such as +491701234567")] = ""
    resend_s: Annotated[float, Meta(ge=5.0, le=3600.0)] | None = None


class Help(Section, frozen=True):
    """Timers of a help request; ranges are those of the law (docs/help.md)."""

    debounce_ms: Annotated[int, Meta(ge=5, le=200)] = 50
    hold_s: Annotated[float, Meta(ge=1.0, le=10.0)] = 3.0
    cancel_window_s: Annotated[float, Meta(ge=0.0, le=30.0)] = 5.0
    ack_wait_s: Annotated[float, Meta(ge=5.0, le=60.0)] = 10.0
    queued_after_s: Annotated[float, Meta(ge=1.0, le=60.0)] = 5.0
    burst_resends: Annotated[int, Meta(ge=1, le=30)] = 10
    burst_s: Annotated[float, Meta(ge=30.0, le=600.0)] = 120.0
    slow_resend_s: Annotated[float, Meta(ge=60.0, le=1800.0)] = 240.0
    slow_for_s: Annotated[float, Meta(ge=600.0, le=86400.0)] = 3600.0
    rare_resend_s: Annotated[float, Meta(ge=600.0, le=21600.0)] = 3600.0
    fallback_after_s: Annotated[float, Meta(ge=10.0, le=600.0)] = 120.0
    fallback_queued_s: Annotated[float, Meta(ge=1.0, le=300.0)] = 15.0
    reopen_s: Annotated[float, Meta(ge=0.0, le=86400.0)] = 3600.0
    silence_s: Annotated[float, Meta(ge=60.0, le=7200.0)] = 600.0
    stuck_s: Annotated[float, Meta(ge=20.0, le=600.0)] = 60.0
    button_channel: Annotated[str, Meta(max_length=120)] = ""
    cancel_channel: Annotated[str, Meta(max_length=120)] = ""
    recorder_s: Annotated[float, Meta(ge=10.0, le=3600.0)] = 300.0
    speech: bool = False
    quiet_hours: Annotated[str, Meta(pattern=QUIET, description='such as "22:00-07:00", or empty')] = "22:00-07:00"
    after_s: Annotated[float, Meta(ge=10.0, le=600.0)] = 60.0
    test_every_s: Annotated[float, Meta(ge=3600.0, le=3 * 86400.0)] = 86400.0
    test_wait_s: Annotated[float, Meta(ge=5.0, le=600.0)] = 120.0
    rules: tuple[HelpRule, ...] = ()
    channels: tuple[HelpChannel, ...] = ()


class GpioOut(Section, frozen=True):
    """A lamp or buzzer on GPIO lines; a one-colour lamp has only `line`, others name a line per colour."""

    line: Line | None = None
    red: Line | None = None
    green: Line | None = None
    blue: Line | None = None
    active: Literal["high", "low"] = "high"


class GpioButton(Section, frozen=True):
    """The help button."""

    line: Line
    pull: Literal["up", "down", "none"] = "up"
    active: Literal["high", "low"] = "low"


class GpioInput(Section, frozen=True):
    """A contact, detector or other level on a line, read by a bridge."""

    name: Name
    line: Line
    pull: Literal["up", "down", "none"] = "up"
    active: Literal["high", "low"] = "low"
    debounce_ms: Annotated[float, Meta(ge=0.0, le=1000.0)] = 5.0
    language: str = "contact"
    kind: Name | None = None
    options: dict[str, Any] = field(default_factory=dict)


class GpioRelay(Section, frozen=True):
    """A relay that takes the power from a device while it is active: so a dead gateway cuts nothing off."""

    feeds: Name
    line: Line
    active: Literal["high", "low"] = "high"


class Gpio(Section, frozen=True):
    """What hangs on the GPIO header."""

    button: GpioButton | None = None
    lamp: GpioOut | None = None
    buzzer: GpioOut | None = None
    input: tuple[GpioInput, ...] = ()
    relay: tuple[GpioRelay, ...] = ()


class SerialDevice(Section, frozen=True):
    """A device on a serial port; `baud` 0 means the language's usual one."""

    name: Name
    port: Annotated[str, Meta(min_length=1, description="a path such as /dev/serial/by-id/...")]
    language: str
    kind: Name | None = None
    baud: Annotated[int, Meta(ge=0, le=4_000_000)] = 0
    bits: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd"] = "none"
    stop: Literal[1, 2] = 1
    options: dict[str, Any] = field(default_factory=dict)


class CanDevice(Section, frozen=True):
    """A device, or all of a bus, on a CAN interface of Linux."""

    name: Name
    interface: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.-]{0,14}$", description="a CAN interface such as can0")]
    language: str
    kind: Name | None = None
    options: dict[str, Any] = field(default_factory=dict)


class FileInput(Section, frozen=True):
    """A file that is read on a beat, as those of the kernel in /sys; `*` in its path stands for what is not known."""

    name: Name
    path: Annotated[
        str, Meta(pattern=r"^/.+", description="an absolute path such as /sys/bus/w1/devices/28-*/w1_slave")
    ]
    language: str
    kind: Name | None = None
    every_s: Annotated[float, Meta(ge=0.1, le=86400.0)] = 10.0
    options: dict[str, Any] = field(default_factory=dict)


class BleDevice(Section, frozen=True):
    """A device near by, listened to or connected to as its language says.

    `address` is printed on it, or shown by `bluetoothctl`.
    """

    name: Name
    address: Annotated[
        str, Meta(pattern=r"^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$", description="an address such as A4:C1:38:8D:18:B2")
    ]
    language: str
    kind: Name | None = None
    options: dict[str, Any] = field(default_factory=dict)


class Ble(Section, frozen=True):
    """The BLE adapter, by name or address (empty: the first that is on), and what is near."""

    adapter: str = ""
    scan: Literal["active", "passive"] = "active"
    silence_s: Annotated[float, Meta(ge=10.0, le=86400.0)] = 120.0
    device: tuple[BleDevice, ...] = ()


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
