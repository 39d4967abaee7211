"""What is private appears nowhere in a document, in none of the forms that are made of it."""

import json
import re
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.redact import PATTERNS, PLACES, Kind, Known, Redactor, kind_of

MAC = "A4:C1:38:8D:18:B2"
SECRET = "correct-horse battery"


def shown(plain, *known: Known) -> str:
    return json.dumps(Redactor(known).document(plain))


@pytest.mark.parametrize(
    "form",
    [
        MAC,
        MAC.lower(),
        "a4c1388d18b2",
        "A4-C1-38-8D-18-B2",
        "dev_A4_C1_38_8D_18_B2",
        "B2188D38C1A4",  # as it travels in a frame
        "fe80::a6c1:38ff:fe8d:18b2",
        "a6c138fffe8d18b2",
        "LYWSD03MMC 8D18B2",
        "GVH5075_18B2",
        "sensor.a4c1388d18b2_temperature",
    ],
)
def test_an_address_is_struck_out_in_every_form_that_is_made_of_it(form):
    told = shown({"log": [f"found {form} again"], "config": {"ble": {"device": [{"address": MAC}]}}})
    for left in re.findall(r"[0-9A-Fa-f]{4,}", told):
        assert left.upper() not in MAC.replace(":", ""), told
    assert "[address 1]" in told


def test_one_value_has_one_label_everywhere_and_another_has_another():
    other = "11:22:33:44:55:66"
    told = Redactor().document({"log": [f"{MAC} a4c1388d18b2 {other}", "fe80::a6c1:38ff:fe8d:18b2"], "x": {"mac": MAC}})
    first, again, another = re.findall(r"\[.*?\]", told["log"][0])
    assert first == again == told["x"]["mac"] != another


@pytest.mark.parametrize(
    "form",
    [SECRET, SECRET.upper(), SECRET.encode().hex(), b64encode(SECRET.encode()).decode(), "correct-horse%20battery"],
)
def test_a_secret_is_struck_out_also_when_it_was_encoded(form):
    told = shown({"log": [f'"{form}"', {"deep": [form]}], form: 1}, Known(Kind.SECRET, SECRET))
    assert form not in told


@pytest.mark.parametrize(
    "form",
    ["48.137154", "48.1371543", "48.137", "48,13715", "4808.2292,N", "lat=48.13", "48.1372"],
)
def test_a_coordinate_is_struck_out_in_fewer_digits_and_as_nmea_writes_it(form):
    plain = {"channels": [{"name": "gps.latitude", "value": 48.137154, "unit": "deg"}], "log": [f"at {form} now"]}
    told = shown(plain)
    assert form not in told
    assert "48.1" not in told


def test_all_that_a_record_of_a_place_tells_is_hidden_and_other_channels_are_not():
    plain = {
        "channels": [{"name": "gps.longitude", "value": 11.575382}, {"name": "boiler.pressure", "value": 1.25}],
        "plots": [{"channel": "gps.latitude", "points": [[-1.0, 48.1]]}],
        "findings": [{"channel": "gps.latitude", "sentence": "it is 48.1", "latest": [[-1.0, 48.1]]}],
    }
    told = Redactor().document(plain)
    assert told["channels"][0] == {"name": "gps.longitude", "value": "[place]"}
    assert told["channels"][1] == {"name": "boiler.pressure", "value": 1.25}
    assert told["plots"][0]["points"] == told["findings"][0]["latest"] == told["findings"][0]["sentence"] == "[place]"


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ('{"ssid": "Villa Kunterbunt 5G"}', "Kunterbunt"),
        ("joined SSID=Villa5G on wlan0", "Villa5G"),
        ("from 203.0.113.9 to 192.168.1.5", "203.0.113.9"),
        ("2001:db8:1234:5678:9abc:def0:1234:5678", "9abc"),
        ("inet6 2001:db8::17/64", "2001:db8::17"),
        ("fix 48.13715, 11.57538 ok", "11.57538"),
        ("call +49 170 1234567 now", "1234567"),
        ("mail somebody@mail.example please", "somebody@mail.example"),
        ("https://user:pass1234@desk.example/x", "pass1234"),
        ("https://desk.example/help?token=abcdef&x=1", "abcdef"),
        ("/dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0 is away", "A50285BI"),
    ],
)
def test_what_looks_private_is_struck_out_though_nobody_knew_of_it(text, gone):
    assert gone not in shown({"log": [text]})


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-29T12:30:04.123Z ready",
        "192.168.1.5 answers after 12 ms",
        "edge-agent 0.1.0 on Python 3.11.7",
        "boiler.pressure:range at 1.2345 bar, 54.3 Cel",
        "12:34:56 the fault 0x1A2B",
        "/dev/ttyUSB0 is away",
    ],
)
def test_what_is_not_private_stays_as_it_is(text):
    assert Redactor().document({"log": [text]}) == {"log": [text]}


def test_every_place_in_the_table_hides_what_is_there():
    for kind, places in PLACES.items():
        for place in places:
            path = place.replace("*", "x").replace("x.", "some.")
            assert kind_of(path) is kind, place
    assert kind_of("config.broker.host") is None
    assert kind_of("config.desk.keys.main") is None
    assert {kind for kind, _ in PATTERNS} == set(Kind)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(
    st.dictionaries(st.text(max_size=10), PLAIN, max_size=5),
    st.text(st.characters(categories=["L", "N"]), min_size=6, max_size=20),
)
def test_whatever_the_document_is_what_is_known_is_not_in_it(plain, secret):
    redactor = Redactor([Known(Kind.SECRET, secret), Known(Kind.ADDRESS, MAC)])
    told = redactor.document({"a": plain, "b": [f"x {secret} y {MAC}", secret]})
    assert secret not in json.dumps(told["b"], ensure_ascii=False)
    assert not redactor.leaks(json.dumps(told["b"], ensure_ascii=False))


def test_much_text_takes_no_long_time():
    lines = [f"line {n} of boiler {MAC} and more words that say little" * 5 for n in range(400)]
    known = [Known(Kind.ADDRESS, f"A4:C1:38:00:00:{n:02X}") for n in range(50)]
    told = Redactor(known).document({"log": lines})
    assert len(told["log"]) == 400
