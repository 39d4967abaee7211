"""Values of connected devices decode to what their owners said they were."""

from typing import Any

import pytest

from edge_agent.core.reading import Advert, Notify, uuid
from firmware_bridges.registry import recognise
from tests.firmware.captures.table import count, note, rows
from tests.firmware.support import make, said

pytestmark = pytest.mark.captures

VALUES = "gatt/values.jsonl"


def test_heart_rates_of_real_belts() -> None:
    for row in rows(VALUES):
        if row["char"] == "advert":
            note("gatt", "a row is an advert and has no value: it is recognised, and decoded after a connection")
            continue
        bridge: Any = make("gatt")
        got = said(bridge.feed(Notify(uuid(int(row["char"], 16)), bytes.fromhex(row["value"])), 0.0))
        rates = [value for name, value, _ in got if name == "heart_rate"]
        intervals = [value for name, value, _ in got if name.startswith("rr_interval")]
        expected = row["expected"]
        count("gatt", 1, bool(got), bridge, [rates, intervals] != [[expected["bpm"]], expected["rr_ms"]], compared=2)
        assert rates == [expected["bpm"]]
        assert intervals == pytest.approx(expected["rr_ms"], abs=0.051)


def test_the_advert_of_a_belt_is_recognised() -> None:
    (row,) = (row for row in rows(VALUES) if row["char"] == "advert")
    service = uuid(int(row["expected"]["service"], 16))
    advert = Advert("00:22:D0:00:00:01", row["expected"]["name"], -60, {}, {0x006B: b"\x00"}, (service,))
    assert recognise(advert) == {"gatt": "Heart Rate"}
