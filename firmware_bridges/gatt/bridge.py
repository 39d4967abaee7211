"""Connected BLE devices that keep to the Bluetooth SIG's own services."""

from collections.abc import Iterator

from edge_agent.core.ports import Gatt, LanguageSpec
from edge_agent.core.reading import Advert, Chunk, Item, Notify, uuid
from firmware_bridges.base import ListeningBridge
from firmware_bridges.gatt.values import BATTERY_LEVEL, ENVIRONMENT, INFORMATION, MEASURED, POWER, VALUES
from firmware_bridges.payload import REFUSED, RefusedError

_DECODERS = {uuid(number): decode for number, decode in VALUES.items()}
_STAMPED = frozenset({uuid(0x2A1C), uuid(0x2A35)})
_HAS_TIME = 0x02

# A battery changes within days; the air within minutes, and those that notify do so at once.
_BATTERY_EVERY_S = 3600.0
_AIR_EVERY_S = 60.0

GATT = Gatt(
    subscribe=tuple(uuid(number) for number in (*MEASURED, *POWER, *ENVIRONMENT)),
    read={uuid(number): 0.0 for number in INFORMATION}
    | {uuid(BATTERY_LEVEL): _BATTERY_EVERY_S}
    | {uuid(number): _AIR_EVERY_S for number in ENVIRONMENT},
)

_SERVICES = {
    uuid(0x180D): "Heart Rate",
    uuid(0x1810): "Blood Pressure",
    uuid(0x1809): "Health Thermometer",
    uuid(0x181A): "Environmental Sensing",
}


class Standard(ListeningBridge):
    """Values of characteristics in, readings out. One that stays away is told as a gap."""

    def __init__(self, device: str) -> None:
        super().__init__(device)
        self._stamped: dict[str, bytes] = {}

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What a value says; a measurement that carries its time and comes again is told once."""
        if not isinstance(chunk, Notify):
            yield from self.unsupported(chunk, at)
            return
        decode = _DECODERS.get(chunk.characteristic)
        if decode is None:
            yield from self.faults.say("unsupported", "a characteristic that this language does not know", at)
            return
        if chunk.characteristic in _STAMPED and chunk.payload[:1] and chunk.payload[0] & _HAS_TIME:
            if self._stamped.get(chunk.characteristic) == chunk.payload:
                return
            self._stamped[chunk.characteristic] = chunk.payload
        try:
            for quantity, value, reason in decode(chunk.payload):
                channel = self.channel(quantity.name, quantity.unit, quantity.kind)
                if channel.unit != quantity.unit:  # a monitor that was switched from mm[Hg] to kPa
                    channel = self._channels[quantity.name] = channel._replace(unit=quantity.unit)
                if value is None:
                    yield from self.absent(channel, reason, at)
                else:
                    yield self.present(channel, value, at)
        except RefusedError as refused:
            yield from self.faults.say(refused.code, REFUSED[refused.code], at)


def _recognise(advert: Advert) -> str | None:
    """By the services that it lists; one with values in its adverts needs no connection."""
    if advert.service_data:
        return None
    return next((name for service, name in _SERVICES.items() if service in advert.services), None)


SPEC = LanguageSpec(
    name="gatt",
    transports=frozenset({"gatt"}),
    make=lambda device, _: Standard(device),
    options={},
    doc="the Bluetooth SIG's own services: battery, environment, heart rate, blood pressure, body temperature",
    gatt=GATT,
    recognise=_recognise,
)
