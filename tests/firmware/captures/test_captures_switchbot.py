"""Adverts of SwitchBot decode to what the tests of pySwitchbot assert."""

from collections.abc import Iterator
from typing import Any

import pytest

from firmware_bridges.registry import recognise
from tests.firmware.captures.adverts import advert, differences
from tests.firmware.captures.table import count, note, rows
from tests.firmware.support import codes, make, said

pytestmark = pytest.mark.captures

SWITCHBOT = "ble/switchbot.jsonl"
# pySwitchbot's names of models that are called otherwise here.
MODELS = {
    "WoCurtain": "Curtain", "WoContact": "Contact Sensor", "WoHand": "Bot", "WoBulb": "Color Bulb",
    "WoSensorTH": "Meter", "WoHub2": "Hub 2", "WoPresence": "Motion Sensor", "WoTHP": "Meter Pro",
    "WoTHPc": "Meter Pro CO2", "WoKeypad": "Keypad", "WoRemote": "Remote", "Hub3": "Hub 3", "WoLock": "Lock",
    "WoLockPro": "Lock Pro", "WoBlindTilt": "Blind Tilt", "WoHumi": "Humidifier", "WoCeiling": "Ceiling Light",
    "Air Purifier US": "Air Purifier", "Air Purifier Table JP": "Air Purifier",
}  # fmt: skip
SWITCHBOT_SAME = {
    "inMotion": "moving",
    "lightLevel": "light_level",
    "contact_timeout": "door_left_open",
    "contact_open": "opening",
    "motion_detected": "motion",
    "is_light": "light",
    "isOn": "on",
    "leak": "wet",
    "tampered": "tamper",
    "low_battery": "battery_low",
    "status": "lock",
    "door_open": "door",
    "battery_charging": "charging",
    "tamper_alarm": "tamper",
    "tilted_alert": "tilted",
    "child_lock": "child_lock",
    "err_code": "fault",
    "fault_code": "fault",
    "filter element working time": "filter_used",
    "button_count": "presses",
    "calibration": "calibrated",
}
# Settings, counters of the format, values that are computed there, and what nobody has named.
SWITCHBOT_LEFT = {
    "deviceChain", "tested", "fahrenheit", "temp", "sequence_number", "seq_number", "color_mode", "delay", "loop_index",
    "preset", "cw", "network_state", "iot", "led", "light_intensity", "sense_distance", "attempt_state", "switchMode",
    "soc_version", "step", "mqtt_connected", "dusbin_connected", "dustbin_bound", "network_connected", "isAqiValid",
    "aqi_level", "mode", "last_mode", "sensor_inserted", "humidity_alarm", "temperature_alarm", "illuminance",
    "double_lock_mode", "night_latch", "update_from_secondary_lock", "auto_lock_paused", "power_alarm",
    "door_open_from_secondary_lock", "is_secondary_lock", "left_battery_compartment_alarm", "battery_status",
    "right_battery_compartment_alarm", "manual_unlock_linkage", "low_temperature", "high_temperature", "doorbell_seq",
    "radar_triggered_distance", "radar_triggered_level", "pir_triggered_level", "display_mode", "display_size",
    "image_index", "last_network_status", "adaptive_state", "battery_range", "led_state", "trigger_flag", "restarted",
    "need_update_temp", "filter_run_time", "filter_alert", "is_meter_binded", "over_humidify_protection", "level",
}  # fmt: skip
LOCKS = {0: "locked", 1: "unlocked"}


def switchbot_expected(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in row["expected"].items():
        if key in SWITCHBOT_LEFT or value is None:
            continue
        if key == "isOn" and row["model"] == "Garage Door Opener":
            continue  # whether its relay clicks
        if row["model"] != "WoBulb" or key != "speed":
            yield SWITCHBOT_SAME.get(key, key), LOCKS[value] if key == "status" else value


def test_what_pyswitchbot_asserts() -> None:
    mismatches: dict[str, Any] = {}
    note(
        "ble switchbot",
        f"settings, counters of the format and what nobody has named: {len(SWITCHBOT_LEFT)} keys left out",
    )
    for row in rows(SWITCHBOT):
        chunk = advert(row)
        expected = dict(switchbot_expected(row))
        if not chunk.service_data and not expected:
            note("ble switchbot", f"{row['model']}: nothing in manufacturer data of {sorted(chunk.manufacturer_data)}")
            continue
        name = MODELS.get(row["model"], row["model"])
        bridge: Any = make("switchbot", model="" if chunk.service_data else name)
        items = list(bridge.feed(chunk, 0.0))
        got = {quantity: value for quantity, value, _ in said(items)}
        wrong = differences(got, expected)
        if wrong or codes(items):
            mismatches[f"{row['test']} {row['model']}"] = (wrong, codes(items))
        count("ble switchbot", 1, bool(got), bridge, len(wrong), compared=len(expected))
        if chunk.service_data:
            assert recognise(chunk) == {"switchbot": name}, row["test"]
        else:
            assert recognise(chunk) in ({"switchbot": "SwitchBot"}, {}), row["test"]
    assert mismatches == {}
