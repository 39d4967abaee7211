from functools import reduce
from operator import xor

import pytest

from edge_agent.core.reading import ChannelKind, Reading
from tests.firmware.support import codes, feed, gaps, make, said


def sentence(content: str) -> bytes:
    return f"${content}*{reduce(xor, content.encode(), 0):02X}\r\n".encode()


def gga(time: str, latitude: str = "5241.9980", quality: int = 1) -> bytes:
    return sentence(f"GPGGA,{time},{latitude},N,00517.5652,W,{quality},08,0.9,3.0,M,46.9,M,,")


def rmc(time: str, latitude: str = "5241.9980", status: str = "A", talker: str = "GP") -> bytes:
    return sentence(f"{talker}RMC,{time},{status},{latitude},N,00517.5652,W,10.0,84.4,230394,,,A")


def only(items, *quantities):
    return [(name, value) for name, value, _ in said(items) if name in quantities]


def test_a_cycle_of_rmc_gga_and_gll_gives_its_position_once() -> None:
    gll = sentence("GPGLL,5241.9980,N,00517.5652,W,120000,A")
    items = feed(make("nmea0183"), [rmc("120000"), gga("120000"), gll, rmc("120001"), gga("120001")])
    assert only(items, "longitude") == [("longitude", -5.292753)] * 2
    assert len(only(items, "satellites")) == 2


def test_a_receiver_that_changes_its_talker_in_the_middle_loses_no_position() -> None:
    items = feed(make("nmea0183"), [rmc("120000"), rmc("120001", talker="GN"), rmc("120002")])
    assert len(only(items, "latitude")) == 3


def test_speed_comes_from_vtg_only_where_there_is_no_rmc() -> None:
    vtg = sentence("GPVTG,84.4,T,,M,20.0,N,37.0,K,A")
    assert only(feed(make("nmea0183"), [vtg] * 3), "speed") == [("speed", 10.289)] * 3
    both = feed(make("nmea0183"), [rmc("120000"), vtg, rmc("120001"), vtg, rmc("120002"), vtg])
    assert only(both, "speed") == [("speed", 5.144)] * 3
    stopped = feed(make("nmea0183"), [rmc("120000"), vtg, vtg, vtg])
    assert only(stopped, "speed") == [("speed", 5.144), ("speed", 10.289), ("speed", 10.289)]


def test_depth_comes_from_one_sentence_where_the_sounder_sends_two() -> None:
    pair = sentence("SDDBT,7.8,f,2.4,M,1.3,F") + sentence("SDDPT,2.4,0.5")
    assert only(feed(make("nmea0183"), [pair] * 3), "depth") == [("depth", 2.4)] * 4  # DBT once, before DPT is known


def test_a_lost_fix_is_said_once_a_minute_and_with_every_sentence_by_the_fix_channel() -> None:
    bridge = make("nmea0183")
    items = [i for s in range(120) for i in bridge.feed(rmc(f"12{s // 60:02}{s % 60:02}", status="V"), float(s))]
    assert [reason for name, reason in gaps(items) if name == "latitude"] == ["no satellite fix"] * 2
    assert only(items, "fix") == [("fix", "none")] * 120
    assert not only(items, "latitude", "longitude", "speed", "course")


@pytest.mark.parametrize("quality", [0, 7, 8, 9])
def test_no_position_is_told_that_was_not_measured(quality: int) -> None:
    items = feed(make("nmea0183"), [gga("120000", quality=quality)])
    assert {name for name, _ in gaps(items)} == {"latitude", "longitude", "altitude", "hdop"}


@pytest.mark.parametrize("latitude", ["", "9141.9980", "nan", "inf", "abc", "48"])
def test_a_position_that_cannot_be_is_none(latitude: str) -> None:
    items = feed(make("nmea0183"), [gga("120000", latitude)])
    assert {name for name, _ in gaps(items)} == {"latitude", "longitude"}


def test_a_field_that_is_no_number_costs_its_sentence_and_no_more() -> None:
    items = feed(make("nmea0183"), [sentence("GPGGA,1200zz,a,N,b,W,x,y,z,,M,,M,,"), gga("120001")])
    assert codes(items) == ["malformed"]
    assert len(only(items, "latitude")) == 1


def test_two_sentences_on_one_line_are_two() -> None:
    items = feed(make("nmea0183"), [gga("120000").strip(), gga("120001")])
    assert len(only(items, "latitude")) == 2


def test_an_interrupted_sentence_does_not_spoil_the_next() -> None:
    items = feed(make("nmea0183"), [gga("120000"), gga("120001")[:30], gga("120002")])
    assert len(only(items, "latitude")) == 2
    assert codes(items) == ["garbage"]


def test_joining_in_the_middle_of_a_sentence_is_no_fault() -> None:
    assert codes(feed(make("nmea0183"), [gga("120000")[20:], gga("120001")])) == []


def test_sentences_nobody_listens_to_and_ships_of_others_are_passed_over() -> None:
    ais = b"!AIVDM,1,1,,A,13b?ED00000E2`dN1S9=oS0@00Sb,0*6E\r\n"
    assert feed(make("nmea0183"), [ais, sentence("GPGSV,1,1,00"), sentence("PUBX,00"), sentence("GPRMC")]) != []
    assert feed(make("nmea0183"), [ais, sentence("GPGSV,1,1,00"), sentence("PUBX,00")]) == []


def test_wind_that_the_instrument_does_not_vouch_for_is_none() -> None:
    items = feed(make("nmea0183"), [sentence("WIMWV,214.8,R,0.1,K,V"), sentence("WIMWV,214.8,T,0.1,X,A")])
    assert {name for name, _ in gaps(items)} == {"wind_angle", "wind_speed", "true_wind_angle", "true_wind_speed"}


def test_angles_are_angles() -> None:
    items = feed(make("nmea0183"), [rmc("120000"), sentence("WIMWV,214.8,R,0.1,K,A"), sentence("HEHDT,274.07,T")])
    kinds = {i.channel.name: i.channel.kind for i in items if isinstance(i, Reading)}
    assert kinds["thing.course"] is kinds["thing.wind_angle"] is kinds["thing.heading"] is ChannelKind.ANGLE
    assert kinds["thing.fix"] is ChannelKind.STATE
