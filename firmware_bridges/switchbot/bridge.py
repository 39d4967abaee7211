"""SwitchBot: meters, contacts, motion and leak sensors, locks, curtains and what else it makes."""

from collections.abc import Mapping
from typing import Any

from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import Advert, uuid
from firmware_bridges.adverts import AdvertBridge, Found
from firmware_bridges.switchbot.models import BY_CODE, BY_NAME, BY_SUFFIX
from firmware_bridges.switchbot.parts import Model

_SERVICE, _OLD_SERVICE = uuid(0xFD3D), uuid(0x0D00)
_WOAN = 0x0969


def _payloads(advert: Advert) -> tuple[bytes, bytes] | None:
    """Manufacturer and service data, either of them empty; None where neither is SwitchBot's."""
    manufacturer = advert.manufacturer_data.get(_WOAN, b"")
    service = advert.service_data.get(_SERVICE, advert.service_data.get(_OLD_SERVICE, b""))
    return (manufacturer, service) if manufacturer or service else None


def _model(service: bytes) -> Model | None:
    """The model that the service data names."""
    if not service:
        return None
    for suffix in (service[-3:], service[-4:-1]) if len(service) > 5 else ():
        if suffix in BY_SUFFIX:
            return BY_SUFFIX[suffix]
    return BY_CODE.get(service[0] & 0x7F)


class SwitchBot(AdvertBridge):
    """Adverts in, readings out. A model that was heard once, or is configured, counts where an advert says none."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        name = options["model"]
        if name and name not in BY_NAME:
            raise ConfigError(
                f"{device}: there is no SwitchBot model {name!r}", fix=f"model is one of: {', '.join(sorted(BY_NAME))}"
            )
        self._model = BY_NAME.get(name)
        super().__init__(device, self._found)

    def _found(self, advert: Advert) -> Found | str | None:
        payloads = _payloads(advert)
        if payloads is None:
            return None
        manufacturer, service = payloads
        model = self._model = _model(service) or self._model
        if model is None:
            return "unsupported" if service else "model"
        return Found(model.name, manufacturer + service, lambda _: model.decode(manufacturer, service))


def _recognise(advert: Advert) -> str | None:
    payloads = _payloads(advert)
    if payloads is None:
        return None
    model = _model(payloads[1])
    return model.name if model else "SwitchBot" if payloads[0] else None


SPEC = LanguageSpec(
    name="switchbot",
    transports=frozenset({"ble"}),
    make=SwitchBot,
    options={"model": Option(str, "", "the model, where adverts do not say it (passive scanning)")},
    doc="SwitchBot meters, contact, motion and leak sensors, locks, curtains, plugs and others",
    recognise=_recognise,
)
