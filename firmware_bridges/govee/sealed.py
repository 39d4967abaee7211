"""Govee's 512x series: motion, door, vibration, button and pressure sensors. The key is part of each advert."""

from collections.abc import Iterator

from edge_agent.core.errors import ConfigError
from firmware_bridges.cipher import Blocks
from firmware_bridges.payload import BATTERY, BUTTON, RefusedError, Said, event, state

SIZE = 24
_KEY = slice(2, 6)
_BODY = slice(6, 22)

_WINDOW, _MOTION, _BUTTON_1, _VIBRATION, _BUTTON_6, _BUTTON_2, _MAT = 2, 3, 8, 9, 10, 11, 13
_MODELS = frozenset({_WINDOW, _MOTION, _BUTTON_1, _VIBRATION, _BUTTON_6, _BUTTON_2, _MAT})


def fits(data: bytes) -> bool:
    """Whether the checksum (CRC-16, polynomial 1021, from 1D0F) is right: what tells it from other payloads."""
    crc = 0x1D0F
    for byte in data[_BODY]:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc == int.from_bytes(data[_BODY.stop :])


def decode(data: bytes) -> Iterator[Said]:
    """Battery and what happened. Raises RefusedError for a model that is not known, or without `cryptography`."""
    key = bytes(12) + data[_KEY][::-1]
    try:
        plain = Blocks("a Govee sensor", key).decrypt(data[_BODY][::-1])[::-1]
    except ConfigError as error:
        raise RefusedError("library") from error
    model, battery, what = plain[2], plain[4], plain[5]
    if model not in _MODELS:
        raise RefusedError("unsupported")
    yield BATTERY, battery, ""
    if model == _WINDOW:
        yield state("window"), what == 2, ""
    elif model in {_MOTION, _VIBRATION}:
        if what == 1:
            yield event("motion" if model == _MOTION else "vibration"), True, ""
    elif model == _MAT:
        yield state("occupancy"), bool(what & 1), ""
        if what & 0x10:
            yield BUTTON, "press", ""
    else:
        yield BUTTON.of(what + 1), "press", ""
