"""Tier 0 of a help request: everything the law lists, and never more than 1 KiB of it."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.first_message import MAX_BYTES, fitted
from edge_agent.core.wire import pack, unpack

FIXED = {
    "gateway": "g" * 64,
    "language": "de",
    "agent": "0.10.10",
    "uptime_s": 31_622_400.0,
    "queue": 1_000_000,
    "consent": ["assist", "diagnostics", "findings", "help_ready", "telemetry"],
    "path": "none over wlp0s20f3u1",
    "power": "battery",
    "battery_pct": 100,
    "undervoltage": True,
    "schema": 1,
    "trigger": "automatic",
    "rule": "r" * 32,
    "pressed_time": 1_790_000_000.123,
    "pressed_age_s": 12345.678,
    "clock_trusted": False,
    "request": "01a0c450-6c00-773e-8d8f-ab5f5bdb99ec",
    "case": "XC5WNMX9",
}


def whole(text, sentence, channel="boiler.flow_temperature"):
    finding = {"channel": channel, "kind": "range", "sentence": sentence, "frame": bytes(16)}
    return FIXED | {
        **dict.fromkeys(("site", "product", "contact"), text[:80]),
        "location": text[:120],
        "text": text[:120],
        "position": [[48.123456, 11.123456, 61.5]] * 3,
        "tried": [{"what": "restart serial:boiler", "how": "12345 times"}] * 3,
        "findings": [finding] * 5,
    }


def test_what_fits_is_left_as_it_is():
    data = whole("12 Mill Lane", "")
    data["findings"] = data["findings"][:2]
    assert len(pack(data)) <= MAX_BYTES
    assert fitted(data) is not data
    assert fitted(data) == data


def test_an_ordinary_home_with_five_findings_keeps_all_of_them():
    data = FIXED | {
        "gateway": "gw-6nrbqhuhar",
        "site": "12 Mill Lane",
        "product": "heating and power",
        "location": "ground floor, cupboard under the stairs",
        "contact": "ring the door bell first",
        "rule": "",
        "text": "",
        "tried": [{"what": "test", "how": "passed", "ago_s": 43210}],
        "findings": whole("", "Boiler flow temperature is 91.5 °C; it should be at most 85 °C.")["findings"],
    }
    found = fitted(data)
    assert [each["channel"] for each in found["findings"]] == ["boiler.flow_temperature"] * 5
    assert found["findings"][0]["sentence"].startswith("Boiler flow temperature is 91.5 °C")
    assert len({each["frame"] for each in found["findings"]}) == 1


@given(st.text(min_size=120, max_size=120), st.text(max_size=120), st.text(min_size=1, max_size=60))
def test_it_never_is_larger_than_the_law_allows_and_never_loses_what_names_the_case(text, sentence, channel):
    found = fitted(whole(text, sentence, channel))
    packed = pack(found)
    assert len(packed) <= MAX_BYTES
    assert unpack(packed) == found
    assert {name: found[name] for name in FIXED} == FIXED


@given(st.integers(600, 1400))
def test_less_room_takes_more_away_and_never_something_else(most):
    data = whole("somewhere " * 12, "It is wrong. " * 9)
    smaller, larger = fitted(data, most), fitted(data, most + 100)
    assert len(pack(smaller)) <= len(pack(larger))
    assert len(smaller["findings"]) <= len(larger["findings"])
