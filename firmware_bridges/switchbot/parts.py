"""SwitchBot: what stands in its payloads, part by part.

Source: pySwitchbot 3.1.0 (MIT), `adv_parsers/`. Manufacturer data begins with six bytes of address and one that counts;
service data with the model.
"""

from collections.abc import Iterator
from typing import NamedTuple

from edge_agent.core.reading import ChannelKind
from firmware_bridges.payload import (
    BATTERY,
    CO2,
    HUMIDITY,
    POWER,
    TEMPERATURE,
    Decode,
    Field,
    Layout,
    Quantity,
    RefusedError,
    Said,
    flag,
    state,
)

TARGET = Quantity("target_temperature", "Cel")
POSITION = Quantity("position", "%")  # 100: open
LIGHT_LEVEL = Quantity("light_level", kind=ChannelKind.STATE)
ON = state("on")


class Part(NamedTuple):
    """What one of the two payloads says, where it has at least `size` bytes."""

    size: int
    decode: Decode


class Model(NamedTuple):
    """A model: what stands in its manufacturer data and in its service data. What both say, the first says."""

    name: str
    manufacturer: Part | None = None
    service: Part | None = None

    def decode(self, manufacturer: bytes, service: bytes) -> Iterator[Said]:
        """The values. Raises RefusedError where neither payload is long enough."""
        said: set[str] = set()
        heard = False
        for part, data in ((self.manufacturer, manufacturer), (self.service, service)):
            if part is None or len(data) < part.size:
                continue
            heard = True
            for value in part.decode(data):
                if value[0].name not in said:
                    said.add(value[0].name)
                    yield value
        if not heard:
            raise RefusedError("truncated")


def of(*fields: Field) -> Part:
    """A part of fixed places."""
    layout = Layout(*fields)
    return Part(layout.size, layout)


def climate(place: int, *more: Field) -> Part:
    """Tenths, degrees with a sign (set: above zero), humidity. Without a sensor, all are zero."""
    layout = Layout(*more) if more else None
    size = max(place + 3, layout.size if layout else 0)

    def decode(data: bytes) -> Iterator[Said]:
        temperature = (data[place + 1] & 0x7F) + (data[place] & 0x0F) / 10
        humidity = data[place + 2] & 0x7F
        if temperature or humidity:
            yield TEMPERATURE, temperature if data[place + 1] & 0x80 else -temperature, ""
            yield HUMIDITY, humidity, ""
        else:
            yield TEMPERATURE, None, "no sensor is connected"
            yield HUMIDITY, None, "no sensor is connected"
        if layout is not None:
            yield from layout(data)

    return Part(size, decode)


def with_co2(data: bytes) -> Iterator[Said]:
    """A meter with carbon dioxide in its last two bytes."""
    yield from climate(8).decode(data)
    ppm = int.from_bytes(data[13:15])
    outside = ppm > 9999  # the sensor's own limit; what is above comes and goes
    yield CO2, None if outside else ppm, "the device sends more than its sensor can measure" if outside else ""


def radiator(data: bytes) -> Iterator[Said]:
    """A radiator's thermostat: tenths of both temperatures share a byte."""
    yield from RADIATOR.decode(data)
    temperature = (data[9] & 0x7F) + (data[8] & 0x0F) / 10
    target = (data[10] & 0x7F) + (data[8] >> 4) / 10
    yield TEMPERATURE, temperature if data[9] & 0x80 else -temperature, ""
    yield TARGET, target if data[10] & 0x80 else -target, ""


def humidifier(data: bytes) -> Iterator[Said]:
    """Climate only with a meter bound to it: humidity first, then degrees, then tenths."""
    yield from HUMIDIFIER.decode(data)
    if data[9] & 0x80 and data[9] & 0x7F <= 100:
        temperature = (data[10] & 0x7F) + (data[11] >> 4) / 10
        yield HUMIDITY, data[9] & 0x7F, ""
        yield TEMPERATURE, temperature if data[10] & 0x80 else -temperature, ""


def battery(byte: int) -> Field:
    """Per cents; the top bit is something else."""
    return Field(BATTERY, byte, mask=0x7F)


def meter_service(data: bytes) -> Iterator[Said]:
    """The battery; climate only of the older meters, the others have it in the manufacturer data."""
    if len(data) >= 6:
        yield from climate(3).decode(data)
    yield from IN_SERVICE.decode(data)


def bot(data: bytes) -> Iterator[Said]:
    """It is on or off only where it was set up as a switch."""
    yield BATTERY, data[2] & 0x7F, ""
    if data[1] & 0x80:
        yield ON, not data[1] & 0x40, ""


def opened(byte: int) -> Field:
    """How far something is open: the device counts what is closed."""
    return Field(POSITION, byte, mask=0x7F, divisor=-1, offset=100)


IN_SERVICE = of(battery(2))
METER = climate(8)
METER_SERVICE = Part(3, meter_service)
CHARGING = flag("charging", 7, 7)
WORDS = {
    0: "locked", 1: "unlocked", 2: "locking", 3: "unlocking", 4: "locking_stopped", 5: "unlocking_stopped",
    6: "not_fully_locked", 7: "half_locked",
}  # fmt: skip
LOCK_LITE = (
    Field(state("lock"), 7, shift=4, mask=0x07, names=WORDS),
    flag("calibrated", 7, 7),
    flag("unlocked_alarm", 8, 4),
)
LOCK_2 = (
    Field(state("lock"), 7, shift=3, mask=0x0F, names=WORDS),
    flag("calibrated", 7, 7),
    flag("door", 8, 4),
    battery(9),
    flag("unclosed_alarm", 11, 7),
    flag("unlocked_alarm", 11, 6),
)
LOCK_PRO = of(*LOCK_2, flag("low_temperature_alarm", 11, 5))
LIGHT = of(flag(ON, 7, 7), Field(Quantity("brightness", "%"), 7, mask=0x7F))
RELAY = of(flag(ON, 7, 7))
RELAY_POWER = of(flag(ON, 7, 7), Field(POWER, 10, ">H"))
PLUG = of(Field(ON, 7, names={0x80: True, 0x00: False}), Field(POWER, 10, ">H", 10, mask=0x7FFF))
VACUUM = of(Field(BATTERY, 12), Field(state("work_status"), 13, mask=0x3F))
VACUUM_K = of(battery(8), Field(state("work_status"), 7, shift=4, mask=0x01))
KEYPAD = of(
    battery(7),
    CHARGING,
    flag("lockout_alarm", 8, 0),
    flag("tamper", 8, 1),
    flag("duress_alarm", 8, 2),
    flag("doorbell", 12, 3),
)
RADIATOR = of(battery(7), flag(ON, 7, 7), flag("door", 12, 0), Field(state("fault"), 12, shift=1, mask=0x07))
HUMIDIFIER = of(
    flag(ON, 7, 7),
    flag("child_lock", 8, 5),
    flag("tank_removed", 8, 2),
    flag("tilted", 8, 1),
    flag("filter_missing", 8, 0),
    Field(state("water_level"), 11, mask=0x03, names={0: "empty", 1: "low", 2: "medium", 3: "high"}),
    Field(Quantity("target_humidity", "%"), 16, mask=0x7F),
)
PURIFIER = of(
    flag(ON, 7, 7),
    Field(Quantity("speed", "%"), 9, mask=0x7F),
    flag("child_lock", 8, 1),
    Field(Quantity("filter_used", "h"), 11, ">H"),
    Field(state("fault"), 13),
)
FAN = of(flag(ON, 7, 7), battery(8), Field(Quantity("speed", "%"), 9, mask=0x7F))
CONTACT = of(
    Field(state("opening"), 7, shift=4, mask=0x03, names={0: False, 1: True, 2: True, 3: True}),
    flag("door_left_open", 7, 5),
    flag("motion", 7, 7),
    flag("light", 7, 6),
    Field(state("presses"), 12, mask=0x0F),
)
CONTACT_SERVICE = of(
    battery(2),
    Field(state("opening"), 3, shift=1, mask=0x03, names={0: False, 1: True, 2: True, 3: True}),
    flag("door_left_open", 3, 2),
    flag("motion", 1, 6),
    flag("light", 3, 0),
    Field(state("presses"), 8, mask=0x0F),
)
CURTAIN = of(opened(8), flag("moving", 8, 7), Field(LIGHT_LEVEL, 9, shift=4))
CURTAIN_3 = of(opened(8), flag("moving", 8, 7), Field(LIGHT_LEVEL, 9, shift=4), battery(12))
CURTAIN_SERVICE = of(
    battery(2), flag("calibrated", 1, 6), opened(3), flag("moving", 3, 7), Field(LIGHT_LEVEL, 4, shift=4)
)
