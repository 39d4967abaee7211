"""Adverts of Victron and Ruuvi decode to what the tests of victron-ble and ruuvitag-ble assert."""

from collections.abc import Iterator
from typing import Any

import pytest

from edge_agent.core.reading import Codes
from firmware_bridges.registry import recognise
from firmware_bridges.victron.records import RECORDS
from tests.firmware.captures.adverts import differences, manufacturer_advert
from tests.firmware.captures.table import count, note, rows
from tests.firmware.support import make, said

pytestmark = pytest.mark.captures

RUUVI = "ble/ruuvi.jsonl"


def test_what_ruuvitag_ble_asserts() -> None:
    for row in rows(RUUVI):
        chunk = manufacturer_advert(row)
        bridge: Any = make("ruuvi")
        got = {name: value for name, value, _ in said(bridge.feed(chunk, 0.0))}
        expected = {}
        for key, value in row["expected"].items():
            if key == "acceleration_total":
                note("ble ruuvi", "the sum of the accelerations is computed there; left out")
            elif value is None:
                note("ble ruuvi", "one missing axis takes the two others with it there; here they are told")
            elif key == "movement":
                expected["movements"] = value
            else:
                expected[key] = value / 1000 if key == "voltage" else value  # mV there
        wrong = differences(got, expected)
        count("ble ruuvi", 1, bool(got), bridge, len(wrong), compared=len(expected))
        assert wrong == {}, row["test"]
        assert set(recognise(chunk)) == {"ruuvi"}


VICTRON = "ble/victron_instant_readout.jsonl"
VICTRON_PLAIN = "ble/victron_decrypted_payloads.jsonl"
VICTRON_SAME = {
    "output_voltage1": "voltage",
    "output_current1": "current",
    "output_voltage": "voltage",
    "output_current": "current",
    "battery_voltage": "voltage",
    "battery_charging_current": "current",
    "battery_current": "current",
    "battery_temperature": "temperature",
    "charge_state": "state",
    "device_state": "state",
    "soc": "charge",
    "consumed_ah": "consumed",
    "remaining_mins": "time_to_go",
    "solar_power": "panel_power",
    "pv_power": "panel_power",
    "external_device_load": "load_current",
    "ac_out_power": "ac_power",
    "active_ac_out_power": "ac_power",
    "active_ac_in_power": "ac_in_power",
    "active_ac_in": "ac_input",
    "ac_in_state": "ac_input",
    "meter_type": "meter",
    "balancer_status": "balancer",
    "io_status": "io_flags",
    "output_state": "output",
}
VICTRON_WORDS = {
    "equalize manual": "equalise", "reason engine shutdown": "the engine is off", "ac in 1": "input 1",
    "generic source": "source", "dc dc charger": "DC-DC charger", "no alarm": "none", "no reason": "none",
}  # fmt: skip


def victron_expected(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in row["expected"].items():
        if key in {"model_name", "aux_mode", "charger_error", "error"} or value is None:
            continue  # errors are trouble codes, below
        if key == "alarm" and not str(value).startswith("AlarmNotification"):
            continue
        if key == "temperature" and value == 382.2:
            note("ble victron", "an auxiliary temperature of FFFF is 382.2 Cel in victron-ble; here there is none")
        elif key == "cell_voltages":
            yield from ((f"cell_{n}_voltage", volt) for n, volt in enumerate(value, 1) if volt is not None)
        elif key == "yield_today":
            yield key, value if "multirs" in row["test"] else value / 1000  # Wh there, except for the Multi RS
        elif key == "consumed_ah":
            yield "consumed", -abs(value)  # what is consumed is negative in VE.Direct, and not always in victron-ble
        elif isinstance(value, str):
            word = value.partition(".")[2].lower().replace("_", " ")
            word = "the engine is off" if word == "engine shutdown" else VICTRON_WORDS.get(word, word)
            yield VICTRON_SAME.get(key, key), word
        else:
            yield VICTRON_SAME.get(key, key), value


def victron_codes(items: list[Any]) -> list[str]:
    return [code.code for item in items if isinstance(item, Codes) for code in item.codes]


def test_what_victron_ble_asserts_of_adverts() -> None:
    pytest.importorskip("cryptography", reason="adverts of Victron are always encrypted")
    for row in rows(VICTRON):
        chunk = manufacturer_advert(row)
        bridge: Any = make("victron", key=row["bindkey"])
        items = list(bridge.feed(chunk, 0.0))
        got = {name: value for name, value, _ in said(items)}
        expected = dict(victron_expected(row))
        wrong = differences(got, expected)
        count("ble victron", 1, bool(got), bridge, len(wrong), compared=len(expected))
        assert (wrong, victron_codes(items)) == ({}, []), row["test"]
        assert set(recognise(chunk)) == {"victron"}


# The record of each test file of victron-ble.
KINDS = {
    "ac_charger": 0x08, "battery_monitor": 0x02, "battery_sense": 0x02, "dc_energy_meter": 0x0D, "dcdc_converter": 0x04,
    "lynx_smart_bms": 0x0A, "multirs": 0x0B, "smart_lithium": 0x05, "solar_charger": 0x01, "vebus": 0x0C,
    "orion_xs": 0x0F, "inverter": 0x03, "smart_battery_protect": 0x09,
}  # fmt: skip


def test_what_victron_ble_asserts_of_records() -> None:
    for row in rows(VICTRON_PLAIN):
        if row["decrypted_payload"] is None:
            note("ble victron", f"{row['test']}: neither advert nor payload in the row")
            continue
        kind = row["test"].removeprefix("test_").partition(".py")[0]
        said_ = {q.name: value for q, value, _ in RECORDS[KINDS[kind]].decode(bytes.fromhex(row["decrypted_payload"]))}
        expected = dict(victron_expected(row))
        wrong = differences(said_, expected)
        count("ble victron", 1, bool(said_), 0, len(wrong), compared=len(expected))
        assert wrong == {}, row["test"]
