"""BTHome: every object of the specification, repeats, encryption, and adverts that lie."""

import sys
from importlib import import_module

import pytest

from edge_agent.core.errors import ConfigError
from edge_agent.core.reading import Advert, ChannelKind, Reading
from firmware_bridges.adverts import ALIVE_S, REPEAT_S, RESTART_RUN, Rising
from firmware_bridges.bthome.objects import OBJECTS
from tests.firmware.support import advert, codes, feed, make, said

# Object, example and result as printed at bthome.io/format (home-assistant/bthome.io, src/format.html, 2026-04-30).
TABLE = """
518756 acceleration 22.151 m/s2
630057D0FF acceleration -3.123456 m/s2
0161 battery 97 %
6001 channel 1
12E204 co2 1250 ppm
56E803 conductivity 1000 uS/cm
0960 count 96
3D0960 count 24585
3E2A2C0960 count 1611213866
59EA count -22
5AEAEA count -5398
5BEA0234EA count -365690134
434E34 current 13.39 A
5D02EA current -5.63 A
08CA06 dew_point 17.38 Cel
5E9F8C direction 359.99 deg
400C00 distance 12 mm
414E00 distance 7.8 m
424E3400 duration 13.39 s
4D12138A14 energy 344593.17 kWh
0A138A14 energy 1346.067 kWh
4B138A14 gas 1346.067 m3
4C41018A01 gas 25821.505 m3
528756 gyroscope 22.151 deg/s
03BF13 humidity 50.55 %
2E23 humidity 35 %
05138A14 illuminance 13460.67 lx
6402 light_level 2
065E1F mass 80.3 kg
073E1D mass 74.86 lb
14020C moisture 30.74 %
2F23 moisture 35 %
0D120C pm25 3090 ug/m3
0E021C pm10 7170 ug/m3
0B021B00 power 69.14 W
5C02FBFFFF power -12.78 W
5FA00F precipitation 400.0 mm
04138A01 pressure 1008.83 hPa
540C48656C6C6F20576F726C6421 raw 48656c6c6f20576f726c6421
3F020C rotation 307.4 deg
61AC0D rotational_speed 3500 1/min
6503 settings_revision 3
444E34 speed 133.9 m/s
624099DFFF speed -2.123456 m/s
57EA temperature -22 Cel
58EA temperature -7.7 Cel
451101 temperature 27.3 Cel
02CA09 temperature 25.06 Cel
530948656C6C6F2D4F6B21 text Hello-Ok!
505D396164 timestamp 1684093277 s
133301 tvoc 307 ug/m3
0C020C voltage 3.074 V
4A020C voltage 307.4 V
4E87562A01 volume 19551.879 L
478756 volume 2215.1 L
48DC87 volume 34780 mL
5587562A01 volume_storage 19551.879 L
49DC87 volume_flow_rate 34.78 m3/h
4632 uv_index 5.0
4F87562A01 water 19551.879 L
1501 battery_low True
1601 battery_charging True
1700 carbon_monoxide False
1801 cold True
1900 connectivity False
1A00 door False
1B01 garage_door True
1C01 gas_detected True
0F01 generic True
1D00 heat False
1E01 light True
1F01 lock True
2001 wet True
2100 motion False
2201 moving True
2301 occupancy True
1100 opening False
2400 plug False
1001 power_on True
2500 presence False
2601 problem True
2701 running True
2800 safety False
2901 smoke True
2A00 sound False
2B00 tamper False
2C01 vibration True
2D01 window True
3A01 button press
3A02 button double_press
3A03 button triple_press
3A04 button long_press
3A05 button long_double_press
3A06 button long_triple_press
3A80 button hold_press
3B0000 command off
3B0001 command on
3B0002 command toggle
3B010305 command step_up_5
3B010405 command step_down_5
3C0103 dimmer -3
3C020A dimmer 10
F00100 device_type 1
F100010204 firmware 4.2.1.0
F2000106 firmware 6.1.0
"""
ROWS = [line.split() for line in TABLE.split("\n") if line]
KEY = "231d39c1d7cc1ab1aee224cd096db932"  # of the example at bthome.io/encryption
SEALED = bytes.fromhex("41e445f3c9962b332211006c7c4519")


@pytest.mark.parametrize("row", ROWS, ids=[" ".join(row[:2]) for row in ROWS])
def test_every_object_is_worth_what_the_specification_prints(row: list[str]) -> None:
    example, name, value, *unit = row
    items = feed(make("bthome"), [advert(bytes.fromhex("40" + example))])
    got_name, got, got_unit = said(items)[0]
    assert (got_name, str(got).replace(" ", "_"), got_unit) == (name, value, "".join(unit))
    assert said(items)[1:] == [("rssi", -60, "dBm")]


def test_the_table_has_every_object_that_the_codec_knows() -> None:
    assert {int(row[0][:2], 16) for row in ROWS} | {0} == set(OBJECTS)


def test_no_two_objects_of_a_name_differ_in_kind_of_thing() -> None:
    for first in OBJECTS.values():
        for second in OBJECTS.values():
            if first.name == second.name:
                assert (first.kind is ChannelKind.STATE) == (second.kind is ChannelKind.STATE)


@pytest.mark.parametrize("example", ["3A00", "3A77", "3C0000", "3C0905", "3B0009"])
def test_an_event_that_is_none_gives_no_reading(example: str) -> None:
    assert said(feed(make("bthome"), [advert(bytes.fromhex("40" + example))])) == [("rssi", -60, "dBm")]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_an_object_cut_short_anywhere_is_truncated(row: list[str]) -> None:
    raw = bytes.fromhex(row[0])
    for size in range(1, len(raw)):
        items = feed(make("bthome"), [advert(b"\x40" + raw[:size])])
        assert not [name for name, _, _ in said(items) if name != "rssi"]
        assert codes(items) == ["truncated"]


def test_a_press_that_is_sent_several_times_is_one_press() -> None:
    bridge = make("bthome")
    press = advert(bytes.fromhex("440052 0164 3A01".replace(" ", "")))
    items = [item for tenth in range(60) for item in bridge.feed(press, tenth / 10)]
    assert [value for name, value, _ in said(items) if name == "button"] == ["press"]
    later = list(bridge.feed(press, 6.0 + REPEAT_S + 0.1))  # the same id again: the device began to count anew
    assert [value for name, value, _ in said(later) if name == "button"] == ["press"]


def test_a_press_without_packet_id_is_one_press_while_it_is_repeated() -> None:
    bridge = make("bthome")
    items = [item for tenth in range(20) for item in bridge.feed(advert(bytes.fromhex("403A01")), tenth / 10)]
    assert [value for name, value, _ in said(items) if name == "button"] == ["press"]


def test_a_value_that_does_not_change_is_told_once_a_minute() -> None:
    bridge = make("bthome")
    same = advert(bytes.fromhex("40000902CA09"))
    items = [item for second in range(181) for item in bridge.feed(same, float(second))]
    assert [i.at for i in items if isinstance(i, Reading) and i.channel.name == "thing.temperature"] == [
        0.0,
        ALIVE_S,
        2 * ALIVE_S,
        3 * ALIVE_S,
    ]


def test_an_older_packet_that_comes_late_is_left_out() -> None:
    bridge = make("bthome")
    order = [(1, "CA09"), (3, "CC09"), (2, "CB09"), (4, "CD09")]
    items = [
        i
        for n, (id_, raw) in enumerate(order)
        for i in bridge.feed(advert(bytes.fromhex(f"4000{id_:02X}02{raw}")), n / 10)
    ]
    assert [value for name, value, _ in said(items) if name == "temperature"] == [25.06, 25.08, 25.09]


def test_the_packet_id_comes_round() -> None:
    bridge = make("bthome")
    items = [i for n in range(600) for i in bridge.feed(advert(bytes([0x40, 0, n % 256, 1, n % 100])), n / 10)]
    assert len([1 for name, _, _ in said(items) if name == "battery"]) == 600


def test_hundreds_of_objects_of_one_type_make_a_few_channels() -> None:
    bridge = make("bthome")
    feed(bridge, [advert(b"\x40" + bytes.fromhex("0161") * 120)])
    assert len(bridge._channels) == 9


@pytest.mark.parametrize("data", ["", "00", "20016101", "60016101", "FF"])
def test_another_version_is_unsupported(data: str) -> None:
    items = feed(make("bthome"), [advert(bytes.fromhex(data))])
    assert said(items) == []
    assert codes(items) == ["unsupported"]


def test_adverts_of_other_makers_are_none_of_ours() -> None:
    other = Advert("54:48:E6:8F:80:A5", "", -60, {"0000fe95-0000-1000-8000-00805f9b34fb": b"x"}, {0x004C: b"y"})
    assert feed(make("bthome"), [other]) == []


def test_an_encrypted_device_without_key_is_a_fault_once_in_a_while() -> None:
    bridge = make("bthome")
    items = [item for second in range(3600) for item in bridge.feed(advert(SEALED), float(second))]
    assert set(codes(items)) == {"encrypted"}
    assert len(items) < 12
    assert bridge.faults.counts == {"encrypted": 3600}


@pytest.mark.parametrize("key", ["12", "x" * 32, "23 1d"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="32 hexadecimal digits"):
        make("bthome", key=key)


def test_a_key_without_the_library_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(ConfigError, match="pip install cryptography"):
        make("bthome", key=KEY)


def test_a_counter_that_goes_on_rising_from_further_back_is_believed_in_the_end() -> None:
    rising = Rising()
    assert rising.hear(1_000_000)
    news = [rising.hear(500_000 + step) for step in range(RESTART_RUN + 2)]
    assert news == [False] * RESTART_RUN + [True, True]
    assert rising.hear(500_000) is False


class TestWithAKey:
    """Needs the optional `cryptography`; the example is that of bthome.io/encryption."""

    @pytest.fixture(autouse=True)
    def library(self) -> None:
        pytest.importorskip("cryptography", reason="the optional cryptography is not installed")

    def sealed(self, counter: int, plain: bytes = b"\x3a\x01") -> Advert:
        aead = import_module("cryptography.hazmat.primitives.ciphers.aead")
        tail = counter.to_bytes(4, "little")
        nonce = bytes.fromhex("5448E68F80A5D2FC41") + tail
        raw = aead.AESCCM(bytes.fromhex(KEY), tag_length=4).encrypt(nonce, plain, None)
        return advert(b"\x41" + raw[:-4] + tail + raw[-4:])

    def test_the_example_of_the_specification_opens(self) -> None:
        items = feed(make("bthome", key=KEY), [advert(SEALED)])
        assert said(items) == [("temperature", 25.06, "Cel"), ("humidity", 50.55, "%"), ("rssi", -60, "dBm")]

    def test_a_wrong_key_opens_nothing(self) -> None:
        assert codes(feed(make("bthome", key="00" * 16), [advert(SEALED)])) == ["key"]

    def test_a_plain_advert_is_not_believed(self) -> None:
        assert codes(feed(make("bthome", key=KEY), [advert(bytes.fromhex("402101"))])) == ["plain"]

    def test_a_recording_of_an_older_advert_is_not_believed(self) -> None:
        bridge = make("bthome", key=KEY)
        items = feed(bridge, [self.sealed(1000), self.sealed(1001, b"\x3a\x02")])
        again = feed(bridge, [self.sealed(1000)], 3600.0)
        assert [value for name, value, _ in said(items) if name == "button"] == ["press", "double_press"]
        assert codes(again) == ["replay"]

    def test_the_same_advert_is_told_once_however_often_it_comes(self) -> None:
        bridge = make("bthome", key=KEY)
        assert len(feed(bridge, [self.sealed(1000)])) == 2
        assert feed(bridge, [self.sealed(1000)], 3600.0) == []

    def test_a_new_battery_lets_the_counter_begin_anew(self) -> None:
        bridge = make("bthome", key=KEY)
        assert len(feed(bridge, [self.sealed(5000)])) == 2
        assert len(feed(bridge, [self.sealed(1, b"\x01\x61")], 60.0)) == 2

    @pytest.mark.parametrize("size", range(1, len(SEALED)))
    def test_a_sealed_advert_cut_short_opens_nothing(self, size: int) -> None:
        items = feed(make("bthome", key=KEY), [advert(SEALED[:size])])
        assert said(items) == []
        assert codes(items)[0] in {"truncated", "key"}
