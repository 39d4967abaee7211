"""Every object of BTHome: what it is called here, how long it is, and what its number is worth.

Source: bthome.io/format (repository home-assistant/bthome.io, `src/format.html` of 2026-04-30). Names are the
specification's, except that a yes-or-no object has another name than the measurement it would be confused with
(`power_on`, `battery_low`, `gas_detected`, `wet`, `light`).
"""

from enum import Enum
from typing import NamedTuple

from edge_agent.core.reading import ChannelKind


class Form(Enum):
    """How the bytes of an object are read."""

    UNSIGNED = "unsigned"
    SIGNED = "signed"
    FLOAT = "float"  # only in version 1, where the device chooses
    FLAG = "flag"
    TEXT = "text"  # a length byte, then UTF-8
    RAW = "raw"  # a length byte, then bytes, shown as hexadecimal
    VERSION = "version"  # 4.2.1.0, the least significant byte last
    BUTTON = "button"
    DIMMER = "dimmer"
    COMMAND = "command"  # a length byte that does not count the opcode, the opcode, arguments


class Object(NamedTuple):
    """One object: `size` bytes (0: the first byte says), value = number * `step` / `divisor`."""

    name: str
    unit: str
    form: Form
    size: int
    divisor: int = 1
    kind: ChannelKind = ChannelKind.GAUGE
    step: int = 1


def _unsigned(name: str, unit: str, size: int, divisor: int = 1, kind: ChannelKind = ChannelKind.GAUGE) -> Object:
    return Object(name, unit, Form.UNSIGNED, size, divisor, kind)


def _signed(name: str, unit: str, size: int, divisor: int = 1, kind: ChannelKind = ChannelKind.GAUGE) -> Object:
    return Object(name, unit, Form.SIGNED, size, divisor, kind)


PACKET_ID = 0x00

_COUNTER = ChannelKind.COUNTER
_STATE = ChannelKind.STATE
_ANGLE = ChannelKind.ANGLE

_FLAGS = {
    0x0F: "generic", 0x10: "power_on", 0x11: "opening", 0x15: "battery_low", 0x16: "battery_charging",
    0x17: "carbon_monoxide", 0x18: "cold", 0x19: "connectivity", 0x1A: "door", 0x1B: "garage_door",
    0x1C: "gas_detected", 0x1D: "heat", 0x1E: "light", 0x1F: "lock", 0x20: "wet", 0x21: "motion", 0x22: "moving",
    0x23: "occupancy", 0x24: "plug", 0x25: "presence", 0x26: "problem", 0x27: "running", 0x28: "safety",
    0x29: "smoke", 0x2A: "sound", 0x2B: "tamper", 0x2C: "vibration", 0x2D: "window",
}  # fmt: skip

OBJECTS: dict[int, Object] = {
    PACKET_ID: _unsigned("packet_id", "", 1),
    0x01: _unsigned("battery", "%", 1),
    0x02: _signed("temperature", "Cel", 2, 100),
    0x03: _unsigned("humidity", "%", 2, 100),
    0x04: _unsigned("pressure", "hPa", 3, 100),
    0x05: _unsigned("illuminance", "lx", 3, 100),
    0x06: _unsigned("mass", "kg", 2, 100),
    0x07: _unsigned("mass", "lb", 2, 100),
    0x08: _signed("dew_point", "Cel", 2, 100),
    0x09: _unsigned("count", "", 1, 1, _COUNTER),
    0x0A: _unsigned("energy", "kWh", 3, 1000, _COUNTER),
    0x0B: _unsigned("power", "W", 3, 100),
    0x0C: _unsigned("voltage", "V", 2, 1000),
    0x0D: _unsigned("pm25", "ug/m3", 2),
    0x0E: _unsigned("pm10", "ug/m3", 2),
    0x12: _unsigned("co2", "ppm", 2),
    0x13: _unsigned("tvoc", "ug/m3", 2),
    0x14: _unsigned("moisture", "%", 2, 100),
    0x2E: _unsigned("humidity", "%", 1),
    0x2F: _unsigned("moisture", "%", 1),
    0x3A: Object("button", "", Form.BUTTON, 1, kind=_STATE),
    0x3B: Object("command", "", Form.COMMAND, 0, kind=_STATE),
    0x3C: Object("dimmer", "", Form.DIMMER, 2),
    0x3D: _unsigned("count", "", 2, 1, _COUNTER),
    0x3E: _unsigned("count", "", 4, 1, _COUNTER),
    0x3F: _signed("rotation", "deg", 2, 10),
    0x40: _unsigned("distance", "mm", 2),
    0x41: _unsigned("distance", "m", 2, 10),
    0x42: _unsigned("duration", "s", 3, 1000),
    0x43: _unsigned("current", "A", 2, 1000),
    0x44: _unsigned("speed", "m/s", 2, 100),
    0x45: _signed("temperature", "Cel", 2, 10),
    0x46: _unsigned("uv_index", "", 1, 10),
    0x47: _unsigned("volume", "L", 2, 10),
    0x48: _unsigned("volume", "mL", 2),
    0x49: _unsigned("volume_flow_rate", "m3/h", 2, 1000),
    0x4A: _unsigned("voltage", "V", 2, 10),
    0x4B: _unsigned("gas", "m3", 3, 1000, _COUNTER),
    0x4C: _unsigned("gas", "m3", 4, 1000, _COUNTER),
    0x4D: _unsigned("energy", "kWh", 4, 1000, _COUNTER),
    0x4E: _unsigned("volume", "L", 4, 1000),
    0x4F: _unsigned("water", "L", 4, 1000, _COUNTER),
    0x50: _unsigned("timestamp", "s", 4),  # Unix time by the device's own clock
    0x51: _unsigned("acceleration", "m/s2", 2, 1000),
    0x52: _unsigned("gyroscope", "deg/s", 2, 1000),
    0x53: Object("text", "", Form.TEXT, 0, kind=ChannelKind.TEXT),
    0x54: Object("raw", "", Form.RAW, 0, kind=ChannelKind.TEXT),
    0x55: _unsigned("volume_storage", "L", 4, 1000),
    0x56: _unsigned("conductivity", "uS/cm", 2),
    0x57: _signed("temperature", "Cel", 1),
    0x58: Object("temperature", "Cel", Form.SIGNED, 1, 100, step=35),
    0x59: _signed("count", "", 1),
    0x5A: _signed("count", "", 2),
    0x5B: _signed("count", "", 4),
    0x5C: _signed("power", "W", 4, 100),
    0x5D: _signed("current", "A", 2, 1000),
    0x5E: _unsigned("direction", "deg", 2, 100, _ANGLE),
    0x5F: _unsigned("precipitation", "mm", 2, 10),
    0x60: _unsigned("channel", "", 1, 1, _STATE),
    0x61: _unsigned("rotational_speed", "1/min", 2),
    0x62: _signed("speed", "m/s", 4, 1_000_000),
    0x63: _signed("acceleration", "m/s2", 4, 1_000_000),
    0x64: _unsigned("light_level", "", 1, 1, _STATE),
    0x65: _unsigned("settings_revision", "", 1, 1, _STATE),
    0xF0: _unsigned("device_type", "", 2, 1, _STATE),
    0xF1: Object("firmware", "", Form.VERSION, 4, kind=ChannelKind.TEXT),
    0xF2: Object("firmware", "", Form.VERSION, 3, kind=ChannelKind.TEXT),
} | {code: Object(name, "", Form.FLAG, 1, kind=_STATE) for code, name in _FLAGS.items()}

BUTTON = {
    0x01: "press", 0x02: "double_press", 0x03: "triple_press", 0x04: "long_press", 0x05: "long_double_press",
    0x06: "long_triple_press", 0x80: "hold_press",
    0xFE: "hold_press",  # Shelly BLU H&T before firmware 1.0.20 (shelly-api-docs.shelly.cloud/docs-ble/Devices/ht)
}  # fmt: skip
# Steps to the left are negative, so that one number says it.
DIMMER = {0x01: -1, 0x02: 1}
COMMAND = {0x00: "off", 0x01: "on", 0x02: "toggle", 0x03: "step_up", 0x04: "step_down"}
EVENTS = frozenset({Form.BUTTON, Form.DIMMER, Form.COMMAND})
