import operator
from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.reading import Advert, Fault, Reading
from firmware_bridges.checksums import crc16_arc
from firmware_bridges.registry import language
from simulators.emitters import BTHOME_SERVICE, EMITTERS, Bthome, Dsmr, Nmea0183, TextLine
from simulators.home_emitters import Sml

UTC_NOW = datetime(2026, 11, 22, 14, 3, 7, 250_000, tzinfo=UTC)


def read(name, chunk, **options):
    spec = language(name)
    bridge = spec.make("d", {key: option.default for key, option in spec.options.items()} | options)
    items = list(bridge.feed(chunk, 1.0))
    assert not [item for item in items if isinstance(item, Fault)]
    return {item.channel.name: item.value for item in items if isinstance(item, Reading)}


def test_the_crc_of_telegrams_is_the_one_that_meters_use():
    # The check value of CRC-16/ARC (Williams, A painless guide to CRC; reveng catalogue).
    assert crc16_arc(b"123456789") == 0xBB3D
    telegram = Dsmr().frame({"power_import": 1.234}, UTC_NOW)
    body, _, crc = telegram.rpartition(b"!")
    assert int(crc, 16) == crc16_arc(body + b"!")
    assert telegram.startswith(b"/SIM5\\2")
    assert telegram.endswith(b"\r\n")


@given(
    st.floats(0, 999_999).map(lambda v: round(v, 3)),
    st.floats(0, 99).map(lambda v: round(v, 3)),
    st.floats(0, 999).map(lambda v: round(v, 1)),
    st.integers(0, 999),
)
def test_a_telegram_is_read_back_to_the_values_it_was_made_of(energy, power, voltage, current):
    values = {"import_1": energy, "power_import": power, "voltage_l1": voltage, "current_l1": current, "gas": power}
    assert read("dsmr", Dsmr().frame(values, UTC_NOW)) == {
        "d.energy_import_t1": energy,
        "d.power_import": power,
        "d.voltage_l1": voltage,
        "d.current_l1": current,
        "d.gas": power,
    }


def test_a_gas_meter_has_a_new_value_every_five_minutes():
    meter = Dsmr()

    def gas(seconds, value):
        frame = meter.frame({"power_import": 0.1, "gas": value}, UTC_NOW + timedelta(seconds=seconds))
        return next(line for line in frame.split(b"\r\n") if line.startswith(b"0-1:24.2.1"))

    first = gas(0, 10.0)
    assert first == b"0-1:24.2.1(261122150000W)(00010.000*m3)"
    assert gas(60, 10.5) == first
    assert gas(200, 11.0) == b"0-1:24.2.1(261122150500W)(00011.000*m3)"


def test_a_receiver_says_two_sentences_whose_checksums_are_right():
    values = {
        "latitude": -33.8567844, "longitude": 151.2152967, "altitude_m": 4.2, "speed_knots": 12.34, "course_deg": 271.5,
        "satellites": 9, "hdop": 0.9,
    }  # fmt: skip
    frame = Nmea0183().frame(values, UTC_NOW)
    sentences = frame.split(b"\r\n")[:-1]
    assert [sentence[:6] for sentence in sentences] == [b"$GPGGA", b"$GPRMC"]
    for sentence in sentences:
        content, _, checksum = sentence[1:].partition(b"*")
        assert reduce(operator.xor, content) == int(checksum, 16)
        assert len(sentence) <= 80
    assert read("nmea0183", frame) == {
        "d.latitude": pytest.approx(-33.856784, abs=2e-7),
        "d.longitude": pytest.approx(151.215297, abs=2e-7),
        "d.fix": "gps",
        "d.altitude": 4.2,
        "d.satellites": 9,
        "d.hdop": 0.9,
        "d.speed": pytest.approx(12.34 * 1852 / 3600, abs=1e-3),
        "d.course": 271.5,
    }


def test_a_receiver_without_satellites_gives_no_position():
    values = dict.fromkeys(Nmea0183.KEYS, 1.0) | {"satellites": 0}
    found = read("nmea0183", Nmea0183().frame(values, UTC_NOW))
    assert found["d.fix"] == "none"
    assert found["d.latitude"] is None


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_position_survives_degrees_and_minutes(latitude, longitude):
    values = dict.fromkeys(Nmea0183.KEYS, 1.0) | {"latitude": latitude, "longitude": longitude, "satellites": 5}
    found = read("nmea0183", Nmea0183().frame(values, UTC_NOW))
    assert found["d.latitude"] == pytest.approx(latitude, abs=7e-7)
    assert found["d.longitude"] == pytest.approx(longitude, abs=7e-7)


@given(st.floats(-300, 300), st.floats(0, 100), st.integers(0, 100))
def test_a_thermometers_advert_is_read_back_and_its_packet_id_changes_with_the_values(temperature, humidity, battery):
    values = {"humidity": round(humidity, 2), "temperature": round(temperature, 2), "battery": battery}
    sensor = Bthome()
    first = sensor.frame(values, UTC_NOW)
    assert first == sensor.frame(values, UTC_NOW)
    assert sensor.frame(values | {"battery": 101}, UTC_NOW)[2] == first[2] + 1
    found = read("bthome", Advert("A4:C1:38:00:00:01", "x", -60, {BTHOME_SERVICE: first}, {}))
    assert found == {
        "d.battery": battery,
        "d.temperature": values["temperature"],
        "d.humidity": values["humidity"],
        "d.rssi": -60,
    }


def test_a_text_line_is_read_back_with_numbers_and_states():
    line = TextLine().frame({"pressure": 1.5, "starts": 3, "burner": True, "pump": False}, UTC_NOW)
    assert line == b"pressure=1.5 starts=3 burner=on pump=off\r\n"
    assert read("textline", line) == {"d.pressure": 1.5, "d.starts": 3, "d.burner": True, "d.pump": False}


def test_each_emitter_speaks_a_language_that_the_agent_knows():
    assert all(language(name).name == name for name in EMITTERS)


def test_an_sml_meter_says_what_its_values_are():
    values = {"import": 1234.5678, "export": 0.0, "power": -0.433, "voltage_l1": 231.4, "current_l1": 1.88}
    said = read("sml", Sml().frame({**values, "frequency": 49.9}, UTC_NOW))
    assert said == {
        "d.energy_import": 1234.5678,
        "d.energy_export": 0.0,
        "d.power": -0.433,
        "d.voltage_l1": 231.4,
        "d.current_l1": 1.88,
        "d.frequency": 49.9,
    }
