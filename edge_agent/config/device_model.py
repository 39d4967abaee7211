"""The tables of what is wired, plugged in or near: GPIO, serial, CAN, files and BLE."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from edge_agent.config.sections import Line, Name, Section


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
