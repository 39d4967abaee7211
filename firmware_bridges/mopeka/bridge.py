"""Mopeka Pro: ultrasonic tank sensors for gas bottles and tanks."""

from collections.abc import Iterator, Mapping
from typing import Any

from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import Advert, uuid
from firmware_bridges.adverts import AdvertBridge, Found, address_bytes, recogniser
from firmware_bridges.payload import TEMPERATURE, VOLTAGE, Field, Layout, Quantity, Said, flag, state

_NORDIC = 0x0059  # the maker of the radio, whose id others use as well
_SERVICE = uuid(0xFEE5)
_MODELS = {
    0x03: "Pro Check", 0x04: "Pro-200", 0x05: "Pro Check H2O", 0x06: "Lippert BottleCheck", 0x08: "Pro Plus",
    0x09: "Pro Plus", 0x0A: "TD40/TD200", 0x0B: "TD40/TD200", 0x0C: "Pro Check Universal", 0x12: "Pro-200B",
}  # fmt: skip
_SIZE = 10
LEVEL = Quantity("level", "mm")
_NO_ECHO = "the sensor hears no clear echo"

# Millimetres a step of the echo, by temperature (as sent): a + b T + c T^2. From the maker's nRF example, as published
# in mopeka_pro_check and mopeka-iot-ble (MIT).
_WATER = (0.600592, 0.003124, -0.00001368)
_OIL = (0.7373417462, -0.001978229885, 0.00000202162)
MEDIA: dict[str, tuple[float, float, float]] = {
    "propane": (0.573045, -0.002822, -0.00000535),
    "air": (0.153096, 0.000327, -0.000000294),
    "water": _WATER,
    "diesel": _OIL,
    "gasoline": _OIL,
    "oil": _OIL,
    "lng": _OIL,
}

_VALUES = Layout(
    Field(TEMPERATURE, 2, mask=0x7F, offset=-40),
    Field(VOLTAGE, 1, divisor=32),
    Field(Quantity("quality"), 4, shift=6),
    flag(state("button_held"), 2, 7),
    size=_SIZE,
)


class Mopeka(AdvertBridge):
    """Adverts in, readings out; the level is that of the configured medium."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        factors = MEDIA.get(options["medium"])
        if factors is None:
            raise ConfigError(
                f"{device} cannot measure {options['medium']!r}", fix=f"medium is one of: {', '.join(MEDIA)}"
            )
        self._factors = factors
        super().__init__(device, self._found)

    def _found(self, advert: Advert) -> Found | str | None:
        found = _find(advert)
        return found._replace(decode=self._decode) if isinstance(found, Found) else found

    def _decode(self, data: bytes) -> Iterator[Said]:
        yield from _VALUES(data)
        echo = (data[4] << 8 | data[3]) & 0x3FFF
        constant, slope, curve = self._factors
        warmth = data[2] & 0x7F
        level = round(echo * (constant + slope * warmth + curve * warmth**2))
        yield (LEVEL, level, "") if data[4] >> 6 else (LEVEL, None, _NO_ECHO)


def _find(advert: Advert) -> Found | str | None:
    data = advert.manufacturer_data.get(_NORDIC)
    if data is None or not data:
        return None
    ends_alike = len(data) == _SIZE and data[5:8] == address_bytes(advert)[3:]
    if not ends_alike and _SERVICE not in advert.services:
        return None
    model = _MODELS.get(data[0])
    return "unsupported" if model is None else Found(model, data, _VALUES)


SPEC = LanguageSpec(
    name="mopeka",
    transports=frozenset({"ble"}),
    make=Mopeka,
    options={"medium": Option(str, "propane", f"what is in the tank: {', '.join(MEDIA)}")},
    doc="Mopeka Pro tank sensors",
    recognise=recogniser(_find),
)
