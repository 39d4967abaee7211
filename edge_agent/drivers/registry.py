"""From a Config to drivers. Each driver's module, and with it its library, is imported only when it is configured.

The one place in the agent that knows firmware_bridges.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edge_agent.config.model import (
    Ble,
    BleDevice,
    CanDevice,
    Config,
    FileInput,
    Gpio,
    GpioInput,
    GpioOut,
    GpioRelay,
    SerialDevice,
)
from edge_agent.config.options import Languages, complete_options
from edge_agent.core.ports import Deliver, Driver, Indicator, Keep, LanguageSpec
from edge_agent.drivers.device import Device
from firmware_bridges.registry import language, languages

if TYPE_CHECKING:
    from edge_agent.drivers.ble import BleDriver
    from edge_agent.drivers.gpio import Button
    from edge_agent.drivers.indicators import Output
    from edge_agent.drivers.survey import HeaderSurvey

# For config.load, which asks it what a device's options may be.
LANGUAGES = Languages(language, languages)

# udev keeps a link a device there, named after its maker, model and serial number: it survives renumbering.
BY_ID = Path("/dev/serial/by-id")


class Hardware(NamedTuple):
    """What is configured: drivers for the supervisor to run, and what services use of the GPIO header, if it is there.

    All of it may be used before its driver runs and while it is away: a button is then not pressed, a lamp remembers
    what it was told, and `health` says why. `relays` by device: each cuts its power while it is shown on.
    """

    drivers: tuple[Driver, ...] = ()
    button: "Button | None" = None
    lamp: "Output | None" = None
    buzzer: Indicator | None = None
    relays: Mapping[str, Indicator] = {}
    ble: "BleDriver | None" = None
    devices: tuple[Device, ...] = ()
    survey: "HeaderSurvey | None" = None


def build(
    config: Config,
    deliver: Deliver,
    known: Languages = LANGUAGES,
    *,
    by_id: Path = BY_ID,
    keep: Keep = lambda _: False,
) -> Hardware:
    """Drivers, devices and bridges of a configuration that `config.load` let through; nothing is opened yet.

    `deliver` gets every Reading and Fault by a plain call in the loop's thread, `keep` every Handover. Raises
    ConfigError where a device's language is unknown or its options make no sense.
    """
    maker = _Maker(deliver, known, keep, [])
    gpio = config.gpio
    hardware = maker.gpio(gpio) if gpio.button or gpio.lamp or gpio.buzzer or gpio.input or gpio.relay else Hardware()
    drivers = [*hardware.drivers, *(maker.serial(settings, by_id) for settings in config.serial)]
    drivers += [maker.can(settings) for settings in config.can]
    drivers += [maker.file(settings) for settings in config.file]
    ble = maker.ble(config.ble) if config.ble.device else None
    if ble is not None:
        drivers.append(ble)
    return hardware._replace(drivers=tuple(drivers), ble=ble, devices=tuple(maker.made))


class _Maker(NamedTuple):
    deliver: Deliver
    known: Languages
    keep: Keep
    made: list[Device]

    def device(
        self, settings: SerialDevice | CanDevice | FileInput | BleDevice | GpioInput
    ) -> tuple[Device, LanguageSpec]:
        """The device with a bridge in its language."""
        spec = self.known.spec(settings.language)
        bridge = spec.make(settings.name, complete_options(spec, settings.options))
        device = Device(settings.name, bridge, self.deliver, self.keep)
        self.made.append(device)
        return device, spec

    def serial(self, settings: SerialDevice, by_id: Path) -> Driver:
        """One driver for one port."""
        from edge_agent.drivers.port import PortFinder  # noqa: PLC0415  # pyserial, only when configured
        from edge_agent.drivers.serial import LOOK_AGAIN, SerialDriver  # noqa: PLC0415

        device, spec = self.device(settings)
        finder = PortFinder(settings.port, by_id)
        return SerialDriver(
            settings,
            device,
            settings.baud or spec.baud,
            backoff=replace(LOOK_AGAIN),
            finder=finder,
            marks_breaks=spec.marks_breaks,
        )

    def can(self, settings: CanDevice) -> Driver:
        """One driver for what is heard on one interface."""
        from edge_agent.drivers.can import LOOK_AGAIN, CanDriver  # noqa: PLC0415  # only when configured

        return CanDriver(settings, self.device(settings)[0], backoff=replace(LOOK_AGAIN))

    def file(self, settings: FileInput) -> Driver:
        """One driver for one file."""
        from edge_agent.drivers.file import FileDriver  # noqa: PLC0415  # only when configured

        return FileDriver(settings, self.device(settings)[0])

    def ble(self, settings: Ble) -> "BleDriver":
        """One driver for all that is near by Bluetooth."""
        from edge_agent.drivers.ble import LOOK_AGAIN, BleDriver, Nearby  # noqa: PLC0415  # bleak, only when configured
        from edge_agent.drivers.link import CONNECT_AGAIN, Link  # noqa: PLC0415

        devices = {}
        for row in settings.device:
            device, spec = self.device(row)
            link = None if spec.gatt is None else Link(device, spec.gatt, replace(CONNECT_AGAIN))
            devices[row.address.upper()] = Nearby(device, "ble" in spec.transports, link)
        return BleDriver(
            devices,
            adapter=settings.adapter,
            silence_s=settings.silence_s,
            backoff=replace(LOOK_AGAIN),
            passive=settings.scan == "passive",
        )

    def gpio(self, settings: Gpio) -> Hardware:
        """One driver for the header, and what hangs on it."""
        from edge_agent.drivers.gpio import Button, GpioDriver  # noqa: PLC0415  # gpiozero, only when configured
        from edge_agent.drivers.indicators import Output  # noqa: PLC0415
        from edge_agent.drivers.inputs import Counter, Input  # noqa: PLC0415

        button = None if settings.button is None else Button(settings.button)
        lamp = None if settings.lamp is None else Output("lamp", settings.lamp)
        buzzer = None if settings.buzzer is None else Output("buzzer", settings.buzzer)
        relays = {row.feeds: Output(f"relay of {row.feeds}", _output(row)) for row in settings.relay}
        inputs: list[Input | Counter] = []
        for row in settings.input:
            device, spec = self.device(row)
            inputs.append(Counter(row, device) if "pulses" in spec.transports else Input(row, device))
        outputs = [output for output in (lamp, buzzer) if output is not None]
        driver = GpioDriver(button, [*outputs, *relays.values()], inputs)
        return Hardware((driver,), button, lamp, buzzer, relays, survey=driver.survey)


def _output(relay: GpioRelay) -> GpioOut:
    return GpioOut(line=relay.line, active=relay.active)
