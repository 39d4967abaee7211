"""Every object of MiBeacon that a sensor sends: its number, its size, and what it says.

Source: Xiaomi's object definitions (iot.mi.com, BLE object definition; miot-spec.org for numbers from 4800), as in
xiaomi-ble 1.21.2 (Apache-2.0). Nothing is computed that a device does not send.
"""

import math
import struct
from collections.abc import Callable, Iterator

from edge_agent.core.reading import ChannelKind
from firmware_bridges.payload import (
    BATTERY,
    BATTERY_LOW,
    HUMIDITY,
    ILLUMINANCE,
    MASS,
    MOTION,
    NO,
    STEADY,
    TEMPERATURE,
    WET,
    Field,
    Layout,
    Names,
    Quantity,
    Said,
    event,
    state,
)
from firmware_bridges.xiaomi import buttons, locks

Decode = Callable[[bytes, str], Iterator[Said]]

_OPENING, _LEFT_OPEN = state("opening"), state("door_left_open")
_OCCUPANCY = state("occupancy")
_LIGHT = state("light")
_IDLE = Quantity("motionless", "s")
_SCORE = Quantity("score")
_PROFILE = Quantity("profile", kind=ChannelKind.STATE)
_HEART_RATE = Quantity("heart_rate", "1/min")
_BOOL: Names = {number: number > 0 for number in range(256)}


def _layout(*fields: Field) -> Decode:
    layout = Layout(*fields)

    def decode(body: bytes, _: str) -> Iterator[Said]:
        yield from layout(body)

    return decode


def _flag(name: str, names: Names = _BOOL) -> Decode:
    return _layout(Field(state(name), 0, names=names))


def _float(quantity: Quantity, digits: int) -> Decode:
    def decode(body: bytes, _: str) -> Iterator[Said]:
        (number,) = struct.unpack_from("<f", body)
        if math.isfinite(number):
            yield quantity, round(number, digits), ""
        else:
            yield quantity, None, "the device sends what is no number"

    return decode


def _press(how: str) -> Decode:
    return lambda body, model: buttons.press_of(how, body, model)


def _motion(_: bytes, __: str) -> Iterator[Said]:
    yield event("motion"), True, ""


def _moving_with_light(body: bytes, model: str) -> Iterator[Said]:
    yield MOTION, True, ""
    number = int.from_bytes(body[:3], "little")
    if model == "CGPR1":
        yield ILLUMINANCE, number, ""
    elif model in {"MJYD02YL", "RTCGQ02LM"}:  # two levels only, 100 or 256 is bright
        yield _LIGHT, number >= 100, ""


def _illuminance(body: bytes, model: str) -> Iterator[Said]:
    number = int.from_bytes(body[:3], "little")
    if model in {"MJYD02YL", "MCCGQ02HL"}:
        yield _LIGHT, number == 100, ""
    else:
        yield ILLUMINANCE, number, ""


def _motionless(body: bytes, _: str) -> Iterator[Said]:
    """Seconds without motion; up to thirty, the maker's app still shows motion."""
    seconds = int.from_bytes(body[:4], "little")
    yield _IDLE, seconds, ""
    yield MOTION, seconds <= 30, ""


def _no_motion(body: bytes, _: str) -> Iterator[Said]:
    yield _IDLE, int.from_bytes(body[:4], "little"), ""
    yield MOTION, False, ""


def _opening(names: dict[int, tuple[bool, bool]]) -> Decode:
    """Open, and left open; numbers that are not named say something else (a reset)."""

    def decode(body: bytes, _: str) -> Iterator[Said]:
        if body[0] in names:
            opened, left_open = names[body[0]]
            yield _OPENING, opened, ""
            yield _LEFT_OPEN, left_open, ""

    return decode


def _removed(body: bytes, _: str) -> Iterator[Said]:
    yield state("removed"), body[0] == 1, ""


def _brushing(body: bytes, _: str) -> Iterator[Said]:
    yield state("brushing"), body[0] == 0, ""
    if len(body) > 1:
        yield (Quantity("count", kind=ChannelKind.COUNTER) if body[0] == 0 else _SCORE), body[1], ""


def _brushed(body: bytes, _: str) -> Iterator[Said]:
    if body[0] in (0, 1):
        yield state("brushing"), body[0] == 0, ""
    if len(body) == 6:
        yield _SCORE, body[5], ""


def _water_alarm(body: bytes, _: str) -> Iterator[Said]:
    """Alarm and all-clear, below and above."""
    if body[0] in range(4):
        yield WET.of("below" if body[0] < 2 else "above"), body[0] in (0, 2), ""


def _wet(body: bytes, model: str) -> Iterator[Said]:
    yield WET.of("below") if model in {"SJWS02LM", "zhiee.flood.sj01"} else WET, body[0] > 0, ""


def _occupied(body: bytes, model: str) -> Iterator[Said]:
    """Nobody, or somebody (of some models, more than one way of it); the XMOSB01XS has 2 for: nobody any more."""
    yield _OCCUPANCY, body[0] == 1 if model == "XMOSB01XS" else body[0] > 0, ""


def _scale_s200(body: bytes, _: str) -> Iterator[Said]:
    profile, hundredths, _time = struct.unpack_from("<BII", body)
    if hundredths:
        yield MASS, hundredths / 100, ""
        yield STEADY, True, ""
        yield _PROFILE, profile, ""


def _scale_s400(body: bytes, _: str) -> Iterator[Said]:
    """First mass, pulse and the impedance at 50 kHz, then the impedance at 250 kHz, in the end nothing."""
    profile, number = struct.unpack_from("<BI", body)
    mass, pulse, impedance = number & 0x7FF, number >> 11 & 0x7F, number >> 18
    yield _PROFILE, profile, ""
    if mass not in (0, 0x7FF):
        yield MASS, mass / 10, ""
    if 0 < pulse < 0x7F:
        yield _HEART_RATE, pulse + 50, ""
    last = mass in (0, 0x7FF) and not pulse
    if impedance:
        yield Quantity("impedance_high" if last else "impedance_low", "Ohm"), impedance / 10, ""
    yield STEADY, bool(impedance) if last else not impedance, ""


_ACTIVE = {0: (True, False), 1: (False, False), 2: (True, True)}
_STATE = {1: (True, False), 2: (False, False)}
_TEMPERATURE = _layout(Field(TEMPERATURE, 0, "<h", 10))
_BATTERY = _layout(Field(BATTERY, 0))
_PERCENT = _layout(Field(HUMIDITY, 0))
_LOW = _layout(Field(BATTERY_LOW, 0, names=_BOOL))

# Number of the object: the least bytes that it must have, and its decoder.
OBJECTS: dict[int, tuple[int, Decode]] = {
    0x0003: (0, _motion),
    0x0006: (5, locks.fingerprint),
    0x0007: (1, locks.door),
    0x0008: (1, locks.armed),
    0x000A: (2, _layout(Field(TEMPERATURE, 0, "<h", 100))),
    0x000B: (9, locks.locked),
    0x000F: (3, _moving_with_light),
    0x0010: (1, _brushing),
    0x1001: (3, buttons.pressed),
    0x1004: (2, _TEMPERATURE),
    0x1005: (2, _layout(Field(state("power_on"), 0, names=_BOOL), Field(TEMPERATURE, 1))),
    0x1006: (2, _layout(Field(HUMIDITY, 0, "<H", 10))),
    0x1007: (3, _illuminance),
    0x1008: (1, _layout(Field(Quantity("moisture", "%"), 0))),
    0x1009: (2, _layout(Field(Quantity("conductivity", "uS/cm"), 0, "<H"))),
    0x100A: (1, _BATTERY),
    0x100D: (4, _layout(Field(TEMPERATURE, 0, "<h", 10), Field(HUMIDITY, 2, "<H", 10))),
    0x100E: (1, locks.attributes),
    0x100F: (1, _flag("door")),
    0x1010: (2, _layout(Field(Quantity("formaldehyde", "mg/m3"), 0, "<H", 100))),
    0x1012: (1, _flag("power_on")),
    0x1013: (1, _layout(Field(Quantity("consumable", "%"), 0))),
    0x1014: (1, _wet),
    0x1015: (1, _flag("smoke")),
    0x1016: (1, _flag("gas_detected")),
    0x1017: (4, _motionless),
    0x1018: (1, _flag("light")),
    0x1019: (1, _opening(_ACTIVE)),
    0x101B: (4, _no_motion),
    0x2000: (
        5,
        _layout(Field(TEMPERATURE.of(1), 0, "<h", 100), Field(TEMPERATURE.of(2), 2, "<h", 100), Field(BATTERY, 4)),
    ),
    0x3003: (1, _brushed),
    0x4801: (4, _float(TEMPERATURE, 2)),
    0x4802: (1, _PERCENT),
    0x4803: (1, _BATTERY),
    0x4804: (1, _opening(_STATE)),
    0x4805: (4, _float(ILLUMINANCE, 1)),
    0x4806: (1, _wet),
    0x4808: (4, _float(HUMIDITY, 2)),
    0x480C: (1, _flag("opening", NO)),
    0x4818: (2, _motionless),
    0x483C: (1, _flag("occupancy")),
    0x483D: (4, _layout(Field(Quantity("occupied", "s"), 0, "<I"))),
    0x483E: (4, _layout(Field(Quantity("unoccupied", "s"), 0, "<I"))),
    0x484E: (1, _occupied),
    0x4851: (1, _layout(Field(Quantity("occupied", "min"), 0))),
    0x4852: (1, _layout(Field(Quantity("unoccupied", "min"), 0))),
    0x487B: (1, _layout(Field(WET.of("above"), 0, names=_BOOL))),
    0x4A01: (1, _LOW),
    0x4A08: (4, lambda body, model: iter([(MOTION, True, ""), *_float(ILLUMINANCE, 1)(body, model)])),
    0x4A0C: (0, _press("press")),
    0x4A0D: (0, _press("double_press")),
    0x4A0E: (0, _press("long_press")),
    0x4A0F: (1, _removed),
    0x4A12: (1, _opening(_STATE)),
    0x4A13: (1, _press("press")),
    0x4A1A: (1, _opening({1: (True, True)})),
    0x4A68: (1, _water_alarm),
    0x4C01: (4, _float(TEMPERATURE, 2)),
    0x4C02: (1, _PERCENT),
    0x4C03: (1, _BATTERY),
    0x4C08: (4, _float(HUMIDITY, 2)),
    0x4C14: (1, _layout(Field(Quantity("mode", kind=ChannelKind.STATE), 0))),
    0x4E01: (1, _LOW),
    0x4E0C: (0, _press("press")),
    0x4E0D: (0, _press("double_press")),
    0x4E0E: (0, _press("long_press")),
    0x4E16: (9, _scale_s200),
    0x5003: (1, _BATTERY),
    0x5413: (1, _layout(Field(_OCCUPANCY.of("close"), 0, names=_BOOL))),
    0x5422: (1, _layout(Field(state("charging"), 0, names={0: "charging", 1: "not_charging", 2: "full"}))),
    0x560C: (0, _press("press")),
    0x560D: (0, _press("double_press")),
    0x560E: (0, _press("long_press")),
    0x5810: (1, _flag("asleep", NO)),
    0x6461: (1, _flag("worn", NO)),
    0x6E16: (5, _scale_s400),
}
# What says nothing that could be measured: a reset, a mode without a meaning.
SILENT = frozenset({0x0001, 0x0002, 0x4E1C, 0x5414})
