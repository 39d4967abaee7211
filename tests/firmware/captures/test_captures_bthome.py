"""BTHome adverts decode to what bthome-ble's own tests assert."""

import json
from typing import Any

import pytest

from edge_agent.core.reading import Advert
from tests.firmware.captures.table import captures, count
from tests.firmware.support import make, said

pytestmark = pytest.mark.captures

SAME = {"signal_strength": "rssi", "carbon_dioxide": "co2", "volatile_organic_compounds": "tvoc"}
FLAGS = {"power": "power_on", "battery": "battery_low", "gas": "gas_detected", "moisture": "wet"}


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """A row's values under the bridge's names. The packet id is no reading; times are seconds here, dates there."""
    result: dict[str, Any] = {}
    for key, value in row["expected"].items():
        if key.startswith("event:"):
            steps = (value["props"] or {}).get("steps")
            sign = -1 if value["type"] == "rotate_left" else 1
            result[key.removeprefix("event:")] = value["type"] if steps is None else sign * steps
        elif key == "timestamp":
            result[key] = 1684093277  # 2023-05-14 19:41:17 UTC in both rows
        elif key != "packet_id":
            name = FLAGS.get(key, key) if isinstance(value, bool) else SAME.get(key, key)
            result[name.removesuffix("_1")] = value
    return result


@pytest.mark.parametrize("encrypted", [False, True])
def test_adverts_decode_to_what_bthome_ble_asserts(encrypted: bool) -> None:
    file = captures() / "ble" / "bthome_ble.jsonl"
    if encrypted:
        pytest.importorskip("cryptography", reason="rows with a key need the optional cryptography")
    bridge: Any = None
    state: dict[str, Any] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if bool(row["bindkey"]) is not encrypted:
            continue
        if row["i"] == 0:  # the rows of a test speak of one device after another, and state what is known then
            bridge, state = make("bthome", key=row["bindkey"] or ""), {}
        adv = row["adv"]
        data = {uuid: bytes.fromhex(raw) for uuid, raw in adv["service_data"].items()}
        chunk = Advert(adv["address"], adv["name"], adv["rssi"], data, {})
        state = {name: value for name, value in state.items() if name not in {"button", "dimmer"}}
        before = sum(bridge.faults.counts.values())
        state |= {name: value for name, value, _ in said(bridge.feed(chunk, float(row["i"])))}
        rejected = sum(bridge.faults.counts.values()) - before
        count("bthome", 1, 1, rejected, state != expected(row), compared=len(state))
        assert state == expected(row), row["test"]
