"""What is in each characteristic: one row each.

Source: GATT Specification Supplement (Bluetooth SIG, 2024-12) for formats, Assigned Numbers for UUIDs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edge_agent.core.reading import ChannelKind
from firmware_bridges.gatt.measured import battery_status, blood_pressure, body_temperature, heart_rate
from firmware_bridges.gatt.numbers import Reader, sfloat
from firmware_bridges.payload import (
    BATTERY,
    CO2,
    HUMIDITY,
    ILLUMINANCE,
    PRESSURE,
    TEMPERATURE,
    Names,
    Quantity,
    Said,
    Scale,
    meaning,
    state,
)

_ANGLE = ChannelKind.ANGLE
_TRENDS: Names = {
    1: "falls and rises again", 2: "falls", 3: "falls fast", 4: "rises and falls again", 5: "rises", 6: "rises fast",
    7: "steady", 8: "falls more slowly", 9: "rises more slowly",
}  # fmt: skip
_LOCATIONS: Names = {0: "other", 1: "chest", 2: "wrist", 3: "finger", 4: "hand", 5: "ear lobe", 6: "foot"}
_PLAIN = Scale()
_TEXT_BYTES = 64  # the Supplement sets no bound; names that are longer are noise


@dataclass(frozen=True, slots=True)
class Number:
    """A characteristic that is one whole number."""

    quantity: Quantity
    size: int
    scale: Scale = _PLAIN
    signed: bool = False

    def __call__(self, data: bytes) -> Iterator[Said]:
        """Its value. Raises RefusedError."""
        yield meaning(self.quantity, Reader(data).take(self.size, signed=self.signed), self.scale)


@dataclass(frozen=True, slots=True)
class Share:
    """A characteristic that is an SFLOAT of kilograms in a cubic metre."""

    name: str

    def __call__(self, data: bytes) -> Iterator[Said]:
        """Its value in ug/m3. Raises RefusedError."""
        quantity, value = Quantity(self.name, "ug/m3"), sfloat(Reader(data).take(2))
        yield (quantity, None, value) if isinstance(value, str) else (quantity, round(value * 1e9, 3), "")


@dataclass(frozen=True, slots=True)
class Text:
    """A characteristic that is UTF-8; some devices end it with zeros."""

    name: str

    def __call__(self, data: bytes) -> Iterator[Said]:
        """Its words, where there are any."""
        words = data[:_TEXT_BYTES].decode("utf-8", "replace").rstrip("\0 ")
        if words:
            yield Quantity(self.name, kind=ChannelKind.TEXT), words, ""


Decode = Callable[[bytes], Iterator[Said]]

MEASURED: dict[int, Decode] = {0x2A1C: body_temperature, 0x2A35: blood_pressure, 0x2A37: heart_rate}
BATTERY_LEVEL = 0x2A19
POWER: dict[int, Decode] = {
    BATTERY_LEVEL: Number(BATTERY, 1, Scale(absent=tuple(range(101, 256)))),
    0x2BED: battery_status,
}
INFORMATION: dict[int, Decode] = {
    0x2A24: Text("model"),
    0x2A26: Text("firmware"),
    0x2A27: Text("hardware"),
    0x2A28: Text("software"),
    0x2A29: Text("manufacturer"),
    0x2A38: Number(state("sensor_location"), 1, Scale(names=_LOCATIONS)),
}
ENVIRONMENT: dict[int, Decode] = {
    0x2A6C: Number(Quantity("elevation", "m"), 3, Scale(100), signed=True),
    0x2A6D: Number(PRESSURE, 4, Scale(1000)),
    0x2A6E: Number(TEMPERATURE, 2, Scale(100, absent=(-0x8000,)), signed=True),
    0x2A6F: Number(HUMIDITY, 2, Scale(100, absent=(0xFFFF,))),
    0x2A70: Number(Quantity("wind_speed", "m/s"), 2, Scale(100)),
    0x2A71: Number(Quantity("wind_direction", "deg", _ANGLE), 2, Scale(100)),
    0x2A72: Number(Quantity("apparent_wind_speed", "m/s"), 2, Scale(100)),
    0x2A73: Number(Quantity("apparent_wind_direction", "deg", _ANGLE), 2, Scale(100)),
    0x2A74: Number(Quantity("gust_factor"), 1, Scale(10)),
    0x2A75: Number(Quantity("pollen", "1/m3"), 3),
    0x2A76: Number(Quantity("uv_index"), 1),
    0x2A77: Number(Quantity("irradiance", "W/m2"), 2, Scale(10)),
    0x2A78: Number(Quantity("precipitation", "mm", ChannelKind.COUNTER), 2),
    0x2A79: Number(Quantity("wind_chill", "Cel"), 1, signed=True),
    0x2A7A: Number(Quantity("heat_index", "Cel"), 1, signed=True),
    0x2A7B: Number(Quantity("dew_point", "Cel"), 1, signed=True),
    0x2AA3: Number(state("pressure_trend"), 1, Scale(names=_TRENDS, absent=(0,))),
    0x2AFB: Number(ILLUMINANCE, 3, Scale(100, absent=(0xFFFFFF,))),
    0x2B8C: Number(CO2, 2, Scale(absent=(0xFFFF,))),
    0x2BCF: Share("ammonia"),
    0x2BD0: Share("carbon_monoxide_share"),
    0x2BD1: Share("methane"),
    0x2BD2: Share("nitrogen_dioxide"),
    0x2BD3: Share("voc_not_methane"),
    0x2BD4: Share("ozone"),
    0x2BD5: Share("pm1"),
    0x2BD6: Share("pm25"),
    0x2BD7: Share("pm10"),
    0x2BD8: Share("sulphur_dioxide"),
    0x2BE4: Number(Quantity("sound_level", "dB"), 1, Scale(absent=(0xFF,))),
    0x2BE7: Number(Quantity("voc", "ppb"), 2, Scale(absent=(0xFFFF,))),
}
VALUES: dict[int, Decode] = MEASURED | POWER | INFORMATION | ENVIRONMENT
