"""Adverts of Xiaomi decode to what the tests of xiaomi-ble assert."""

from collections.abc import Iterator
from typing import Any

import pytest

from firmware_bridges.registry import recognise
from tests.firmware.captures.adverts import advert, differences
from tests.firmware.captures.table import count, note, rows
from tests.firmware.support import codes, make, said

pytestmark = pytest.mark.captures

XIAOMI = "ble/xiaomi_ble.jsonl"
XIAOMI_SAME = {
    "mass_non_stabilized": "mass_unsteady",
    "stabilized": "steady",
    "profile_id": "profile",
    "toothbrush": "brushing",
    "counter": "count",
    "device_forcibly_removed": "removed",
    "pry_the_door": "door_pried",
    "lock": "unlocked",
    "moisture": "wet",
    "bottom_submersion": "wet_below",
    "top_splash": "wet_above",
    "occupancy_close_range": "occupancy_close",
    "duration_detected": "occupied",
    "duration_cleared": "unoccupied",
    "pressure_present_duration": "occupied",
    "pressure_not_present_duration": "unoccupied",
    "wearing": "worn",
    "charging_state": "charging",
    "key_method": "key",
}


def xiaomi_expected(row: dict[str, Any], model: str) -> Iterator[tuple[str, Any]]:
    """What a row asserts, under the names of here."""
    for key, value in row["expected"].items():
        if key == "signal_strength":
            continue
        if key == "voltage":
            note("ble xiaomi", "voltage is computed from the battery's per cent there; left out")
        elif model == "MMC-T201-1" and key == "temperature":
            note("ble xiaomi", "MMC-T201-1: body temperature is computed there; here are the two that it sends")
        elif model == "MS1BB" and key == "device_forcibly_removed":
            note("ble xiaomi", "MS1BB: a door that closes resets 'removed' there; it is not in the bytes")
        elif key == "power":
            note("ble xiaomi", "YLYK01YL: the state of the lamp is guessed from its remote there; left out")
        elif model == "DSL-C08" and key == "lock":
            note("ble xiaomi", "DSL-C08: 'lock' is there the state that its event contradicts (locked from outside)")
        elif key == "fingerprint":
            continue  # whether it matched, which the event says as well
        elif key.startswith("event:dimmer"):
            steps = (value["props"] or {}).get("steps")
            yield ("button", value["type"]) if steps is None else ("dimmer", -steps)
        elif key.startswith("event:"):
            name = {"lock": "lock_action"}.get(key.removeprefix("event:"), key.removeprefix("event:"))
            kind = {"motion_detected": True, "low_quality_too_light_fuzzy": "too_light_or_fuzzy"}
            yield name, kind.get(value["type"], value["type"])
        elif key == "key_id":
            yield key, {"unknown operator": "unknown"}.get(value, value.lower().replace(" key id", ""))
        elif key == "moisture" and not isinstance(value, bool):
            yield key, value
        elif model in {"LYWSD03MMC", "MHO-C401"} and key == "humidity":
            yield key, pytest.approx(value, abs=0.91)  # cut to whole per cents there
        elif key == "charging_state":
            yield "charging", value.lower()
        else:
            yield XIAOMI_SAME.get(key, key), bool(value) if key in {"asleep", "wearing"} else value


@pytest.mark.parametrize("encrypted", [False, True])
def test_what_xiaomi_ble_asserts(encrypted: bool) -> None:
    if encrypted:
        pytest.importorskip("cryptography", reason="rows with a key need the optional cryptography")
    bridge: Any = None
    state: dict[str, Any] = {}
    mismatches: dict[str, Any] = {}
    for row in rows(XIAOMI):
        if bool(row["bindkey"]) is not encrypted:
            continue
        if row["i"] == 0:  # the rows of a test speak of one device after another, and state what is known then
            bridge, state = make("xiaomi", key=row["bindkey"] or ""), {}
        model = (recognise(advert(row)) or {}).get("xiaomi", "")
        items = list(bridge.feed(advert(row), 10.0 * row["i"]))
        state |= {name: value for name, value, _ in said(items)}
        expected = dict(xiaomi_expected(row, model))
        wrong = differences(state, expected)
        if wrong or codes(items):
            mismatches[row["test"]] = (wrong, codes(items))
        count("ble xiaomi", 1, bool(said(items)), len(codes(items)), len(wrong), compared=len(expected))
    assert mismatches == {}


def test_every_advert_of_xiaomi_is_recognised_and_by_no_other_language() -> None:
    for row in rows(XIAOMI):
        (model,) = recognise(advert(row)).items()
        assert model[0] == "xiaomi", row["test"]
