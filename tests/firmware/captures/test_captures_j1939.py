"""Lists of trouble codes of real trucks, and a short log, give what their sources state."""

import pytest

from edge_agent.core.reading import Codes, Frame
from tests.firmware.captures.table import count, note, path_of, rows, stated
from tests.firmware.support import codes, feed, make, said
from tests.firmware.test_bridge_j1939 import parcels

pytestmark = pytest.mark.captures

LAMPS = {"MIL": "mil", "RSL": "stop_lamp", "AWL": "warning_lamp", "PL": "protect_lamp"}


def test_lists_of_trouble_codes_are_those_of_the_source() -> None:
    for row in rows("j1939/dm_frames.jsonl"):
        can_id, data, expected = int(row["id"], 16), bytes.fromhex(row["data"]), row["expected"]
        frames = [Frame(can_id, data)] if len(data) <= 8 else parcels(can_id >> 8 & 0x3FFFF, data, can_id & 0xFF)
        bridge = make("j1939")
        items = feed(bridge, frames)
        (told,) = [i for i in items if isinstance(i, Codes)]
        assert told.memory == str(expected["sa"])
        assert [code.code for code in told.codes] == [f"SPN {c['spn']} FMI {c['fmi']}" for c in expected["dtcs"]]
        lit = {name.partition("_3")[0].partition("_1")[0]: value for name, value, _ in said(items)}
        stated_lamps = {LAMPS[key]: value for key, value in expected.items() if key in LAMPS}
        for lamp, state in stated_lamps.items():
            assert {True: "on", False: "off", None: "not supported"}[lit.get(lamp)] == state
        count("j1939", len(frames), len(frames), bridge, compared=1 + len(told.codes) + len(stated_lamps))


def test_a_log_gives_what_the_index_states() -> None:
    name = "j1939/simplecandump.log"
    raw = path_of(name).read_bytes()
    bridge = make("j1939")
    items = feed(bridge, [raw])
    assert codes(items) == []
    told = {quantity: value for quantity, value, _ in said(items)}
    expected = stated(name)["expected"]
    assert told["engine_speed"] == expected["0CF00400 engine speed rpm"]
    # 00685CB0 times 0.125 km (SPN 245): the index has another number, which these bytes do not give.
    assert told["distance"] == 0x00685CB0 * 0.125 == 854934.0
    note("j1939", f"18FEE000 is 854934 km by SPN 245, where the index has {expected['18FEE000 total distance km']:.0f}")
    count("j1939", raw.count(b"\n"), raw.count(b"\n"), bridge, compared=2)
