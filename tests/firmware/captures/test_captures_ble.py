"""Adverts that were received decode to what the tests of ble_monitor assert."""

from collections.abc import Iterator
from typing import Any

import pytest

from firmware_bridges.registry import recognise
from tests.firmware.captures.adverts import advert, differences
from tests.firmware.captures.table import count, note, path_of, rows
from tests.firmware.support import codes, make, said

pytestmark = pytest.mark.captures

# The parsers of ble_monitor, and the language of each here.
PARSERS = {
    "atc": "atc",
    "govee": "govee",
    "inkbird": "inkbird",
    "michelin": "tpms",
    "miscale": "xiaomi",
    "mocreo": "mocreo",
    "oral_b": "oralb",
    "qingping": "qingping",
    "sensorpush": "sensorpush",
    "switchbot": "switchbot",
    "teltonika": "teltonika",
    "thermobeacon": "thermobeacon",
    "thermopro": "thermopro",
    "xiaogui": "xiaogui",
}
NO_READING = {"firmware", "mac", "packet", "rssi", "type", "weight unit", "sensor id", "text", "number of sectors"}
SAME = {
    "pm2.5": "pm25",
    "water leak": "wet",
    "toothbrush": "brushing",
    "toothbrush state": "state",
    "weight": "mass",
    "non-stabilized weight": "mass_unsteady",
    "stabilized": "steady",
    "weight removed": "removed",
    "steps": "step",
}


def hci_expected(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a row asserts, under the names and in the units of here."""
    kind = row["expected"]["type"]
    for key, value in row["expected"].items():
        if key in NO_READING:
            continue
        if kind.startswith("Lanyard") and key == "battery":
            note("ble thermobeacon", "battery is computed from the voltage there; here is the voltage alone")
        elif kind == "TMS" and key == "pressure":
            yield "absolute_pressure", value / 1000  # mbar there
        elif key == "counter" and kind.startswith("SmartSeries"):
            yield "duration", (value >> 8) * 60 + (value & 0xFF)  # minutes and seconds, read there as one number
        elif key == "pressure" and isinstance(value, str):
            yield "pressure_high", False  # "unknown pressure 40": bit 7 is not set
        elif key == "sector":
            yield "sector", "last"  # "sector 55": its lower three bits are 7
        elif key == "sector timer":
            note("ble oralb", "sector timer: nobody knows its unit, left out")
        elif key.startswith("temperature alarm") and value == 0.0:
            note("ble govee", "an alarm that is not set is 0 degrees there; here there is none")
        elif key == "battery low":
            yield "battery_level", "low" if value else "full"
        elif kind == "Blue Puck T" and key == "temperature" and row["adv"]["manufacturer_data"] == {"1879": "f10d"}:
            note("ble teltonika", "temperature in a second structure of one company id: BlueZ keeps only the last")
        elif kind.startswith("IBS-TH") and key == "temperature probe 1":
            yield "temperature_probe", value
        else:
            name = key.replace("temperature alarm probe", "alarm temperature").replace(
                "temperature probe", "temperature"
            )
            outdoor = "_outdoor" if kind.endswith("-outdoor") else ""
            yield SAME.get(name, name).replace(" ", "_") + outdoor, value


HCI = "ble/ble_monitor_hci.jsonl"


def hci_rows() -> list[Any]:
    try:
        return [pytest.param(row, id=row["test"].partition("::")[2]) for row in rows(HCI)]
    except pytest.skip.Exception:
        return [pytest.param({}, id="none")]


@pytest.mark.parametrize("row", hci_rows())
def test_what_ble_monitor_asserts(row: dict[str, Any]) -> None:
    path_of(HCI)
    language = PARSERS[row["test"].removeprefix("test_").partition("_parser")[0].partition(".py")[0]]
    compare(f"ble {language}", language, row, dict(hci_expected(row)), key=row["bindkey"])


def compare(protocol: str, language: str, row: dict[str, Any], expected: dict[str, Any], key: str | None) -> None:
    """Feed the row's advert to a new bridge and hold what it says against what the row asserts."""
    bridge: Any = make(language, key=key) if key else make(language)
    items = list(bridge.feed(advert(row), 0.0))
    got = {name: value for name, value, _ in said(items)}
    wrong = differences(got, expected)
    count(protocol, 1, bool(got), bridge, len(wrong), compared=len(expected))
    assert codes(items) == []
    assert wrong == {}, row["test"]
    assert got.pop("rssi") == row["adv"]["rssi"]


@pytest.mark.parametrize("row", hci_rows())
def test_no_language_claims_the_advert_of_another(row: dict[str, Any]) -> None:
    path_of(HCI)
    language = PARSERS[row["test"].removeprefix("test_").partition("_parser")[0].partition(".py")[0]]
    assert set(recognise(advert(row))) == {language}
