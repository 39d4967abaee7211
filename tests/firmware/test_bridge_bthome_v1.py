"""BTHome version 1: objects that say how they are written, and its own encryption."""

import pytest

from tests.firmware.support import advert, codes, feed, make, said

KEY = "231d39c1d7cc1ab1aee224cd096db932"  # of the example at bthome.io/encryption
V1 = "0000181c-0000-1000-8000-00805f9b34fb"
V1_SEALED = "0000181e-0000-1000-8000-00805f9b34fb"


# The first is the example of the old specification (bthome.io/v1); the others are put together by its rules.
@pytest.mark.parametrize(
    ("data", "readings"),
    [
        ("2302C4090303BF13", [("temperature", 25.0, "Cel"), ("humidity", 50.55, "%")]),
        ("4302004E", [("temperature", 0.24, "Cel")]),
        ("4502000020C1", [("temperature", -0.1, "Cel")]),
        ("0200B4021000030CBE0B", [("power_on", False, ""), ("voltage", 3.006, "V")]),
        ("023A04", [("button", "long_press", "")]),
        ("033C0103", [("dimmer", -3, "")]),
    ],
)
def test_version_1_says_with_each_object_how_it_is_written(data: str, readings: list[object]) -> None:
    items = feed(make("bthome"), [advert(bytes.fromhex(data), V1)])
    assert said(items)[:-1] == readings


def test_version_1_goes_on_behind_an_object_that_is_not_known() -> None:
    items = feed(make("bthome"), [advert(bytes.fromhex("02FE0102015D"), V1)])
    assert said(items)[0] == ("battery", 93, "%")
    assert codes(items) == ["object"]


@pytest.mark.parametrize("data", ["00", "01", "0102", "2302C4", "FF0102", "4302"])
def test_version_1_cut_short_is_truncated(data: str) -> None:
    items = feed(make("bthome"), [advert(bytes.fromhex(data), V1)])
    assert said(items) == []
    assert codes(items) == ["truncated"]


@pytest.mark.parametrize("data", ["4302007C", "430200FC", "4502 0000C07F", "4402000000"])
def test_a_float_of_version_1_that_is_no_number_gives_nothing(data: str) -> None:
    items = feed(make("bthome"), [advert(bytes.fromhex(data), V1)])
    assert said(items) == [("rssi", -60, "dBm")]


def test_an_encrypted_advert_of_version_1_opens() -> None:
    pytest.importorskip("cryptography", reason="the optional cryptography is not installed")
    raw = bytes.fromhex("fba435e4d3c312fb0011223357d90a99")  # bthome-ble, tests/test_parser_v1.py
    items = feed(make("bthome", key=KEY), [advert(raw, V1_SEALED)])
    assert said(items) == [("temperature", 25.06, "Cel"), ("humidity", 50.55, "%"), ("rssi", -60, "dBm")]
    assert codes(feed(make("bthome", key=KEY), [advert(bytes.fromhex("2302C409"), V1)])) == ["plain"]
    assert codes(feed(make("bthome"), [advert(raw, V1_SEALED)])) == ["encrypted"]
