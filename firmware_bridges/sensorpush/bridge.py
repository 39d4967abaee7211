"""SensorPush: HT.w, HTP.xw, TC.x and the older HT1."""

from collections.abc import Iterator
from typing import NamedTuple

from edge_agent.core.reading import Advert
from firmware_bridges.adverts import Found, listener
from firmware_bridges.payload import HUMIDITY, PRESSURE, TEMPERATURE, Quantity, RefusedError, Said

_SERVICE = "ef090000-11d6-42ba-93b8-9dd7ec090ab0"
_HT1_SERVICE = "ef090000-11d6-42ba-93b8-9dd7ec090aa9"


class _Range(NamedTuple):
    """A value: from `low` in steps. All values of a device together are one number of mixed radix."""

    quantity: Quantity
    low: float
    high: float
    step: float
    divisor: float = 1

    @property
    def radix(self) -> int:
        """How many numbers there are; the maker adds half a step's value here, not half a step."""
        return int((self.high - self.low) / self.step + self.step / 2) + 1


_MODELS: dict[int, tuple[str, tuple[_Range, ...]]] = {
    64: (
        "HTP.xw",
        (
            _Range(TEMPERATURE, -40, 140, 0.0025),
            _Range(HUMIDITY, 0, 100, 0.0025),
            _Range(PRESSURE, 30000, 125000, 1, 100),
        ),
    ),
    65: ("HT.w", (_Range(TEMPERATURE, -40, 125, 0.0025), _Range(HUMIDITY, 0, 100, 0.0025))),
    66: ("TC.x", (_Range(TEMPERATURE, -200, 1800, 0.0625),)),
}


def _decode(data: bytes) -> Iterator[Said]:
    number = int.from_bytes(data[1:], "little")
    for part in _MODELS[64 + (data[0] >> 2)][1]:
        number, steps = divmod(number, part.radix)
        yield part.quantity, round((steps * part.step + part.low) / part.divisor, 4), ""


def _ht1(data: bytes) -> Iterator[Said]:
    """Numbers of the sensor chip (Sensirion SHT21, its formulas): 12 bits of humidity, 14 of temperature."""
    number = int.from_bytes(data[:4], "little")
    if number >> 26 & 0x1F != 1:
        raise RefusedError("unsupported")
    yield TEMPERATURE, round(-46.85 + 175.72 * (number >> 12 & 0x3FFF) / 2**14, 2), ""
    yield HUMIDITY, round(min(max(-6 + 125 * (number & 0xFFF) / 2**12, 0.0), 100.0), 2), ""


def _find(advert: Advert) -> Found | str | None:
    old = _HT1_SERVICE in advert.services
    if not old and _SERVICE not in advert.services and not advert.name.startswith("SensorPush"):
        return None
    for company, payload in advert.manufacturer_data.items():
        data = company.to_bytes(2, "little") + payload
        if old:
            return Found("HT1", data, _ht1) if len(data) >= 4 else "truncated"
        if data[0] & 0x03:
            return None  # another page, not of values
        model = _MODELS.get(64 + (data[0] >> 2))
        return "unsupported" if model is None else Found(model[0], data, _decode)
    return None


SPEC = listener(
    "sensorpush", "SensorPush thermometers and barometers (HT.w, HTP.xw, TC.x, HT1)", _find, ids_are_data=True
)
