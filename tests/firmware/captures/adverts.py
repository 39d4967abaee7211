"""Adverts out of rows of the captures, and when two values are the same."""

from typing import Any

import pytest

from edge_agent.core.reading import Advert


def advert(row: dict[str, Any]) -> Advert:
    """The advert of a row, as a driver hands it over."""
    adv = row["adv"]
    return Advert(
        adv["address"],
        adv["name"] or "",
        adv["rssi"],
        {uuid: bytes.fromhex(raw) for uuid, raw in adv["service_data"].items()},
        {int(company): bytes.fromhex(raw) for company, raw in adv["manufacturer_data"].items()},
        tuple(adv["service_uuids"]),
    )


def manufacturer_advert(row: dict[str, Any]) -> Advert:
    data = {row["manufacturer_id"]: bytes.fromhex(row["manufacturer_data"])}
    return Advert("C8:25:2D:8E:9C:2C", "", -60, {}, data)


def alike(got: Any, stated: Any) -> bool:
    """Equal, as far as the two were rounded."""
    if isinstance(stated, float) and isinstance(got, int | float):
        return got == pytest.approx(stated, abs=0.0051)
    return bool(got == stated)


def differences(got: dict[str, Any], stated: dict[str, Any]) -> dict[str, Any]:
    """What is stated and was told otherwise: both values by name."""
    return {name: (value, got.get(name)) for name, value in stated.items() if not alike(got.get(name), value)}
