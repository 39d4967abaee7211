"""Air sensors: frames in noise, sums, models, and a sensor that does not answer."""

import pytest

from edge_agent.core.errors import ConfigError
from edge_agent.core.reading import Send
from firmware_bridges.mhz19.bridge import ANSWER_S, ASK
from tests.firmware.support import codes, feed, gaps, make, random_pieces, said, single_bytes

PMS = bytes.fromhex("424d001c00000008000800000008000800d20046002d001e00000000970002c5")
PMS_T = bytes.fromhex("424d001c001700270029001600230029100804a90116000c00d400e09a0004aa")
SDS = bytes.fromhex("aac00900090058d943ab")
CO2 = bytes.fromhex("ff86027c42000000ba")
FRAMES = {"pms": PMS, "sds011": SDS, "mhz19": CO2}


@pytest.mark.parametrize("name", FRAMES)
def test_any_byte_of_a_frame_that_changes_costs_that_frame_alone(name: str) -> None:
    frame = FRAMES[name]
    wanted = said(feed(make(name), [frame]))
    assert wanted
    for place in range(len(frame)):
        wrong = frame[:place] + bytes([frame[place] ^ 0x40]) + frame[place + 1 :]
        items = feed(make(name), single_bytes(wrong + frame + frame + bytes(40)))
        assert said(items) in (wanted, 2 * wanted), place


@pytest.mark.parametrize("name", FRAMES)
def test_a_head_inside_a_damaged_frame_is_not_lost(name: str) -> None:
    frame = FRAMES[name]
    for cut in range(2, len(frame)):
        assert said(feed(make(name), [frame[:cut] + frame + bytes(40)])) == said(feed(make(name), [frame]))


@pytest.mark.parametrize("name", FRAMES)
def test_noise_is_one_fault_a_kilobyte_and_kept_bounded(name: str) -> None:
    bridge = make(name)
    items = feed(bridge, random_pieces(b"\x55" * 5000, 2))
    assert codes(items) == ["garbage"]
    assert bridge.faults.counts == {"garbage": 4}
    assert len(bridge._frames._rest) < 2
    assert said(feed(bridge, [FRAMES[name]]))


def test_a_sensor_with_a_thermometer_has_other_words_in_the_same_frame() -> None:
    told = {name: value for name, value, _ in said(feed(make("pms", model="pms5003t"), [PMS_T]))}
    assert (told["temperature"], told["humidity"], told["particles_2_5"]) == (21.2, 22.4, 0.12)
    assert "particles_5" not in told


def test_below_zero_is_below_zero() -> None:
    body = bytearray(PMS_T[:-2])
    body[24:26] = (-55).to_bytes(2, "big", signed=True)
    frame = bytes(body) + (sum(body) & 0xFFFF).to_bytes(2, "big")
    assert ("temperature", -5.5, "Cel") in said(feed(make("pms", model="pms5003t"), [frame]))


def test_a_frame_of_another_length_than_the_models_is_a_fault() -> None:
    body = b"BM\x00\x24" + bytes(34)
    frame = body + (sum(body) & 0xFFFF).to_bytes(2, "big")
    assert codes(feed(make("pms"), [frame])) == ["model"]
    assert ("formaldehyde", 0.0, "mg/m3") in said(feed(make("pms", model="pms5003st"), [frame]))
    assert codes(feed(make("pms", model="pms5003st"), [PMS])) == ["model"]


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ConfigError, match="pms5003t"):
        make("pms", model="pms9000")


def test_a_carbon_dioxide_sensor_is_asked_on_its_beat() -> None:
    bridge = make("mhz19", every_s=10.0)
    assert bridge.next(0.0) == (ANSWER_S, Send(ASK))
    assert said(feed(bridge, [CO2], 0.1)) == [("co2", 636, "ppm")]
    assert bridge.next(0.1) == (10.0, None)
    assert bridge.next(10.0) == (10.0 + ANSWER_S, Send(ASK))


def test_a_carbon_dioxide_sensor_that_does_not_answer_is_a_gap_once_a_minute() -> None:
    bridge = make("mhz19", every_s=10.0)
    told, now = [], 0.0
    while now < 130.0:
        deadline, item = bridge.next(now)
        assert deadline is not None
        if item is not None and not isinstance(item, Send):
            told.append(item)
        now = max(deadline, now + 0.001)
    assert gaps(told) == 3 * [("co2", "the sensor does not answer")]
    assert said(feed(bridge, [CO2], now)) == [("co2", 636, "ppm")]


def test_the_question_has_the_sum_of_the_data_sheet() -> None:
    assert -sum(ASK[1:8]) & 0xFF == ASK[8]


@pytest.mark.parametrize("every_s", [0.0, 1e6])
def test_a_beat_that_makes_no_sense_is_refused(every_s: float) -> None:
    with pytest.raises(ConfigError):
        make("mhz19", every_s=every_s)
