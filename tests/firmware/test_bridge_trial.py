"""Which language is spoken on a line: each language knows its own vectors, and nobody claims noise."""

import random
from datetime import UTC, datetime

import pytest

from firmware_bridges.registry import language
from firmware_bridges.trial import asked, bauds, ranked
from simulators.emitters import Dsmr
from simulators.home_emitters import Otgw, Pms, Sml
from tests.edges.survey.serial_wire import resampled
from tests.firmware.support import vectors

UTC_NOW = datetime(2026, 1, 1, tzinfo=UTC)
STREAMS = {
    "dsmr": Dsmr().frame({"power_import": 1.234, "import_1": 4213.447, "gas": 2188.305}, UTC_NOW) * 2,
    "ems": b"".join(v.chunk for v in vectors("ems") if isinstance(v.chunk, bytes)),
    "iec62056": b"".join(v.chunk for v in vectors("iec62056") if isinstance(v.chunk, bytes)),
    "modbus": b"".join(v.chunk for v in vectors("modbus") if isinstance(v.chunk, bytes)),
    "otgw": Otgw().frame({"flow_temperature": 61.5, "pressure": 1.25}, UTC_NOW),
    "pms": Pms().frame({"pm25": 8}, UTC_NOW) * 3,
    "sds011": bytes.fromhex("aac00900090058d943ab") * 3,
    "mhz19": bytes.fromhex("ff86027c42000000ba") * 3,
    "sml": Sml().frame({"import": 1.5, "power": -0.25}, UTC_NOW) * 2,
    "nmea0183": b"".join(v.chunk for v in vectors("nmea0183") if isinstance(v.chunk, bytes)),
    "textline": b"temperature=21.5 humidity=45\r\n" * 5,
}


@pytest.mark.parametrize("name", STREAMS)
def test_each_language_is_recognised_by_its_own_bytes(name: str) -> None:
    assert ranked({9600: STREAMS[name]})[0].language == name


@pytest.mark.parametrize("name", STREAMS)
def test_the_right_speed_is_the_one_at_which_something_was_read(name: str) -> None:
    noise = random.Random(3)
    heard = {baud: noise.randbytes(2000) for baud in (300, 4800, 115200)} | {9600: STREAMS[name]}
    best = ranked(heard)[0]
    assert (best.language, best.baud) == (name, 9600)


@pytest.mark.parametrize("seed", range(8))
def test_nobody_claims_noise(seed: int) -> None:
    assert ranked({9600: random.Random(seed).randbytes(20_000), 300: b"", 4800: bytes(5000)}) == []


def test_text_that_says_nothing_is_no_language() -> None:
    assert ranked({9600: b"Booting...\r\nhello world\r\nready\r\n" * 20}) == []


def test_a_line_that_is_damaged_in_places_is_recognised_all_the_same() -> None:
    chance = random.Random(4)
    for name in ("otgw", "sml", "pms", "nmea0183"):
        raw = bytearray(STREAMS[name] * 20)
        for _ in range(len(raw) // 400):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        best = ranked({9600: bytes(raw)})[0]
        assert best.language == name
        assert 0.0 < best.share <= 1.0


def test_speeds_to_listen_at_begin_with_the_usual_one_and_have_every_languages_own() -> None:
    assert bauds()[0] == 9600
    assert {language(name).baud for name in STREAMS} <= set(bauds())


def test_no_more_is_looked_at_than_a_minute_of_a_line_has() -> None:
    first = ranked({9600: b"x" * 70_000 + STREAMS["sds011"]})
    assert first == []


@pytest.mark.parametrize("name", STREAMS)
def test_nobody_understands_a_line_at_another_speed(name: str) -> None:
    for heard in bauds():
        if heard != 9600:
            assert ranked({heard: resampled(STREAMS[name], 9600, heard)}) == []


def test_languages_of_devices_that_wait_for_a_question_are_known() -> None:
    assert asked() == ["daly", "iec62056", "jbd", "mhz19", "modbus", "obd2"]
