from functools import reduce
from operator import xor

import pytest

from edge_agent.core.reading import ChannelKind, Reading
from firmware_bridges.nmea0183.bridge import MAX_CHANNELS
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


@pytest.mark.parametrize("latitude", ["", "9141.9980", "4899.0", "-5241.9980", "48"])
def test_a_position_that_cannot_be_is_none(latitude: str) -> None:
    items = feed(make("nmea0183"), [gga("120000", latitude)])
    assert {name for name, _ in gaps(items)} == {"latitude", "longitude"}


@pytest.mark.parametrize("latitude", ["a", "nan", "inf", "5_2", "0x10", "1e5", "5241 .9", "--5241.0"])
def test_a_field_that_is_no_number_costs_its_sentence_and_no_more(latitude: str) -> None:
    items = feed(make("nmea0183"), [gga("120000", latitude), gga("120001")])
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
    assert {name for name, _ in gaps(items)} == {"wind_angle", "wind_speed", "true_wind_speed"}
    assert only(items, "true_wind_angle") == [("true_wind_angle", 214.8)]  # only the speed's unit is unknown


def test_of_a_compass_and_a_log_that_knows_the_heading_too_the_compass_is_listened_to() -> None:
    log, compass = sentence("VWVHW,180.0,T,182.0,M,5.0,N,9.3,K"), sentence("HEHDT,179.5,T")
    items = feed(make("nmea0183"), [log, compass, log, compass])
    assert only(items, "heading") == [("heading", 180.0), ("heading", 179.5), ("heading", 179.5)]
    assert only(items, "heading_magnetic", "water_speed") == [("heading_magnetic", 182.0), ("water_speed", 2.572)] * 2


def test_a_log_without_a_compass_tells_no_heading_and_takes_none_away() -> None:
    log = sentence("VWVHW,,T,,M,5.0,N,9.3,K")
    items = feed(make("nmea0183"), [log, sentence("HEHDT,179.5,T"), log, log, log])
    assert [name for name, _ in only(items, "heading", "heading_magnetic")] == ["heading"]
    assert gaps(items) == []


def test_of_two_that_say_the_same_the_one_with_a_value_is_listened_to() -> None:
    blind, sees = sentence("SDDPT,,0.5"), sentence("SDDBT,7.8,f,2.4,M,1.3,F")
    items = feed(make("nmea0183"), [blind, sees] * 3)
    assert only(items, "depth") == [("depth", 2.4)] * 3
    assert gaps(items) == [("depth", "no echo")]  # once, before the other was heard
    items = feed(make("nmea0183"), [sees, sentence("SDDPT,2.5,0.5"), blind, blind])
    assert only(items, "depth") == [("depth", 2.4), ("depth", 2.5)]
    assert gaps(items) == [("depth", "no echo")]


def test_a_compass_that_gives_its_heading_no_more_is_a_gap() -> None:
    items = feed(make("nmea0183"), [sentence("VWVHW,180.0,T,182.0,M,5.0,N,9.3,K"), sentence("VWVHW,,T,,M,,N,,K")])
    assert {name for name, _ in gaps(items)} == {"heading", "heading_magnetic", "water_speed"}


@pytest.mark.parametrize(
    ("content", "heading"),
    [("358.5,3.0,E,10.0,W", 1.5), ("1.0,3.0,W,,", 358.0), ("51.5,,,,", 51.5), ("51.5,3.0,,,", 51.5)],
)
def test_the_deviation_that_a_compass_gives_belongs_to_its_heading(content: str, heading: float) -> None:
    items = feed(make("nmea0183"), [sentence(f"HCHDG,{content}")])
    assert only(items, "heading_magnetic") == [("heading_magnetic", heading)]


@pytest.mark.parametrize("content", ["HEHDT,361.0,T", "HEHDT,-1000,T", "HETHS,10.0,V", "HETHS,10.0,S", "HETHS,10.0"])
def test_a_heading_that_is_none_is_a_gap(content: str) -> None:
    assert gaps(feed(make("nmea0183"), [sentence(content)]))[0][0] == "heading"


@pytest.mark.parametrize(
    ("fields", "speed"),
    [("154,R,,,5.0,M,,", 5.0), ("154,R,,,,,18.0,K", 5.0), ("154,R,1.0,N,,,,", 0.514), ("24,L,18,N,,,,", 9.26)],
)
def test_a_speed_is_taken_from_whichever_unit_is_filled(fields: str, speed: float) -> None:
    assert only(feed(make("nmea0183"), [sentence(f"IIVWR,{fields}")]), "wind_speed") == [("wind_speed", speed)]


def test_rudders_and_turns_that_the_instrument_does_not_vouch_for_are_none() -> None:
    items = feed(make("nmea0183"), [sentence("RIRSA,10.0,V,3.0,V"), sentence("HEROT,35.6,V")])
    assert {name for name, _ in gaps(items)} == {"rudder", "rate_of_turn"}  # a port rudder was never there


def test_engines_and_shafts_are_told_apart_by_their_number() -> None:
    lines = ["E,0,800,,A", "E,1,2418.2,10.5,A", "E,2,2400.0,,A", "S,1,900.0,10.5,A", "X,1,1,1,A", "E,33,1,1,A", "E,1"]
    told = [(name, value) for name, value, _ in said(feed(make("nmea0183"), [sentence(f"IIRPM,{x}") for x in lines]))]
    assert told == [
        ("engine_speed", 800.0),
        ("engine_speed_1", 2418.2),
        ("propeller_pitch_1", 10.5),
        ("engine_speed_2", 2400.0),
        ("shaft_speed_1", 900.0),
        ("propeller_pitch_1", 10.5),
    ]


def test_an_engine_that_the_instrument_does_not_vouch_for_is_none() -> None:
    assert gaps(feed(make("nmea0183"), [sentence("IIRPM,E,1,2418.2,10.5,V")])) == [
        ("engine_speed_1", "the instrument says that it is not valid")
    ]


def test_transducers_of_one_name_are_told_apart_by_what_they_measure() -> None:
    engine = sentence("YXXDR,C,88.5,C,ENGINE#0,P,405300,P,ENGINE#0,U,14.1,V,ENGINE#0,T,3400,R,ENGINE#0")
    assert said(feed(make("nmea0183"), [engine])) == [
        ("engine_0_temperature", 88.5, "Cel"),
        ("engine_0_pressure", 405300.0, "Pa"),
        ("engine_0_voltage", 14.1, "V"),
        ("engine_0_speed", 3400.0, "1/min"),
    ]


def test_transducers_without_names_are_told_apart_by_their_order() -> None:
    items = feed(make("nmea0183"), [sentence("WIXDR,C,22.0,C,,C,18.5,C,,H,40.0,P,")] * 2)
    assert said(items) == [("temperature", 22.0, "Cel"), ("temperature_2", 18.5, "Cel"), ("humidity", 40.0, "%")] * 2


def test_a_transducer_with_a_wrong_number_a_foreign_unit_or_no_name_costs_the_others_nothing() -> None:
    items = feed(make("nmea0183"), [sentence("IIXDR,A,-1.-3,D,TRIM,C,70.0,F,AIR,Q,1,Q,Q,A,1.0,D,,A,0.5,D,HEEL,A,1")])
    assert said(items) == [("heel", 0.5, "deg")]
    assert gaps(items) == [("trim", "the instrument sends no number")]


def test_a_transducer_that_is_named_as_something_else_does_not_take_its_place() -> None:
    xdr = sentence("IIXDR,G,12.0,,LATITUDE,A,33.0,D,HEADING,C,18.0,C,WATER,S,1,,BILGE,P,1.0,B,OIL,P,1.0,P,OIL")
    items = feed(make("nmea0183"), [xdr, gga("120000"), sentence("IIMTW,17.9,C"), xdr, xdr])
    assert only(items, "latitude") == [("latitude", 52.699967)]
    assert only(items, "heading") == []
    assert only(items, "bilge_switch") == [("bilge_switch", True)] * 3
    assert [unit for name, _, unit in said(items) if name == "oil_pressure"] == ["bar"] * 3
    # both are the water's temperature: the thermometer's own sentence is the better one
    assert only(items, "water_temperature")[:2] == [("water_temperature", 18.0), ("water_temperature", 17.9)]


def test_names_without_end_keep_no_memory() -> None:
    bridge = make("nmea0183")
    items = [i for n in range(500) for i in bridge.feed(sentence(f"IIXDR,C,20.0,C,T{n}"), float(n))]
    assert len({name for name, _, _ in said(items)}) == MAX_CHANNELS
    assert "overflow" in codes(items)


def test_angles_are_angles() -> None:
    items = feed(make("nmea0183"), [rmc("120000"), sentence("WIMWV,214.8,R,0.1,K,A"), sentence("HEHDT,274.07,T")])
    kinds = {i.channel.name: i.channel.kind for i in items if isinstance(i, Reading)}
    assert kinds["thing.course"] is kinds["thing.wind_angle"] is kinds["thing.heading"] is ChannelKind.ANGLE
    assert kinds["thing.fix"] is ChannelKind.STATE
