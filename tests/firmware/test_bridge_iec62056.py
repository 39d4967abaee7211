"""IEC 62056-21: check characters, parity in the eighth bit, and the sign-on as a table of times."""

from functools import reduce
from operator import xor

import pytest

from edge_agent.core.errors import ConfigError
from edge_agent.core.reading import Codes, Fault, Send
from firmware_bridges.iec62056.bridge import MAX_LINE, MAX_LINES
from firmware_bridges.iec62056.signon import RETRY_S, SILENCE_S, WARM_UP_S, even, offered
from tests.firmware.support import codes, feed, make, said, single_bytes

NAME = b"/LGZ5\\2ZMD4054459.B40\r\n"
LINES = b"F.F(00000000)\r\n1.8.0(0302.8260*kWh)\r\n1.8.0*12(0075.5341*kWh)\r\n!\r\n\x03"
BLOCK = b"\x02" + LINES + bytes([reduce(xor, LINES)])
SAID = [("energy_import", 302.826, "kWh")]


def listening():
    return make("iec62056", mode="listen")


@pytest.mark.parametrize("coded", [bytes, even], ids=["eight bits", "seven bits and parity"])
def test_a_readout_is_believed_when_its_check_character_is_right(coded) -> None:
    assert said(feed(listening(), [coded(NAME + BLOCK)])) == SAID
    assert said(feed(listening(), single_bytes(coded(NAME + BLOCK)))) == SAID


def test_a_readout_says_nothing_before_its_check_character() -> None:
    assert feed(listening(), [NAME + BLOCK[:-1]]) == []


@pytest.mark.parametrize("place", [5, 20, 30, len(BLOCK) - 1])
def test_a_readout_with_a_character_changed_gives_nothing(place: int) -> None:
    wrong = BLOCK[:place] + bytes([BLOCK[place] ^ 1]) + BLOCK[place + 1 :]
    items = feed(listening(), [NAME + wrong])
    assert said(items) == []
    assert codes(items) == ["checksum"]


def test_a_bit_that_fell_over_is_seen_in_its_parity_and_costs_its_readout() -> None:
    good = even(NAME + BLOCK)
    wrong = bytearray(good)
    wrong[40] ^= 8
    bridge = listening()
    items = feed(bridge, [bytes(wrong) + good])
    assert codes(items) == ["parity"]
    assert said(items) == SAID


def test_noise_of_a_wrong_baud_is_a_few_faults() -> None:
    bridge = listening()
    items = feed(bridge, [bytes(range(256)) * 40])
    assert set(codes(items)) <= {"parity", "garbage", "overflow", "checksum"}
    assert said(items) == []
    assert said(feed(bridge, [even(NAME + BLOCK)])) == SAID


def test_a_meter_that_has_sent_a_check_character_is_not_believed_without() -> None:
    bridge = listening()
    feed(bridge, [NAME + BLOCK])
    assert said(feed(bridge, [NAME + b"1.8.0(0999.0000*kWh)\r\n!\r\n"])) == []


def test_a_line_and_a_readout_without_end_are_given_up() -> None:
    bridge = listening()
    items = feed(bridge, [b"1" * (MAX_LINE + 50) + b"\r\n1.8.0(1.0*kWh)\r\n"])
    assert codes(items) == ["overflow"]
    assert said(items) == [("energy_import", 1.0, "kWh")]
    feed(bridge, [b"\x02" + b"1.8.0(1.0*kWh)\r\n" * (MAX_LINES + 50)])
    assert len(bridge._lines) <= MAX_LINES
    assert said(feed(bridge, [NAME + BLOCK])) == SAID


def test_an_error_register_is_a_trouble_code_and_zeros_are_none() -> None:
    (none,) = [i for i in feed(listening(), [NAME + BLOCK]) if isinstance(i, Codes)]
    assert none.codes == ()
    (some,) = [i for i in feed(listening(), [b"F.F(00000040)\r\n"]) if isinstance(i, Codes)]
    assert [code.code for code in some.codes] == ["F.F 00000040"]


def test_registers_in_other_units_than_theirs_and_without_value_give_nothing() -> None:
    lines = b"1.8.0(12.5*kW)\r\n2.8.0()\r\n3.8.0(????)\r\n14.7(50.0*Hz)\r\n"
    assert said(feed(listening(), [lines])) == [("frequency", 50.0, "Hz")]


def test_what_an_optical_head_echoes_is_no_fault() -> None:
    assert feed(listening(), [even(b"/?!\r\n\x06050\r\n/?12345678!\r\n")]) == []


@pytest.mark.parametrize(
    ("letter", "mode", "baud"),
    [("0", "C", 300), ("5", "C", 9600), ("6", "C", 19200), ("A", "B", 600), ("F", "B", 19200), ("Z", "A", 300)],
)
def test_the_letter_in_a_name_says_mode_and_speed(letter: str, mode: str, baud: int) -> None:
    assert offered(letter) == (mode, baud)


class Meter:
    """A bridge in mode `ask`, walked along its own deadlines."""

    def __init__(self, **options) -> None:
        self.bridge = make("iec62056", **options)
        self.now = self.bridge.next(0.0)[0]

    def step(self):
        deadline, item = self.bridge.next(self.now)
        assert deadline is not None
        at, self.now = self.now, deadline
        return at, item


def test_mode_c_asks_at_300_acknowledges_and_changes_the_speed_when_that_has_left() -> None:
    meter = Meter()
    assert meter.step() == (WARM_UP_S, Send(even(b"/?!\r\n"), baud=300))
    assert feed(meter.bridge, [even(NAME)], 2.0) == []
    meter.now = meter.bridge.next(2.0)[0]
    assert meter.step() == (pytest.approx(2.2), Send(even(b"\x06050\r\n")))
    assert meter.step() == (pytest.approx(2.4), Send(b"", baud=9600))
    assert said(feed(meter.bridge, [even(BLOCK)], 3.0)) == SAID
    assert meter.bridge.next(3.0) == (WARM_UP_S + 60.0, None)


def test_a_head_that_is_slow_is_not_asked_to_be_fast() -> None:
    meter = Meter(max_baud=2400)
    meter.step()
    feed(meter.bridge, [even(NAME)], 2.0)
    meter.now = meter.bridge.next(2.0)[0]
    assert meter.step()[1] == Send(even(b"\x06030\r\n"))
    assert meter.step()[1] == Send(b"", baud=2400)


@pytest.mark.parametrize(("letter", "baud"), [(b"D", 4800), (b"?", 300)])
def test_modes_a_and_b_are_not_acknowledged(letter: bytes, baud: int) -> None:
    meter = Meter()
    meter.step()
    feed(meter.bridge, [even(b"/ABC" + letter + b"X\r\n")], 2.0)
    assert meter.bridge.next(2.0)[1] == Send(b"", baud=baud)
    assert said(feed(meter.bridge, [even(b"1.8.0(1.5*kWh)\r\n!\r\n")], 2.5)) == [("energy_import", 1.5, "kWh")]
    assert meter.bridge.next(2.5) == (WARM_UP_S + 60.0, None)


def test_a_meter_that_does_not_answer_is_a_fault_and_asked_again_later() -> None:
    meter = Meter()
    meter.step()
    at, fault = meter.step()
    assert isinstance(fault, Fault)
    assert fault.code == "silent"
    assert meter.now == pytest.approx(at + RETRY_S)
    assert meter.step()[1] == Send(even(b"/?!\r\n"), baud=300)


def test_a_readout_that_stops_is_given_up_after_a_silence_and_one_that_goes_on_is_not() -> None:
    meter = Meter()
    meter.step()
    feed(meter.bridge, [even(NAME)], 2.0)
    meter.now = meter.bridge.next(2.0)[0]
    meter.step(), meter.step()
    for second in range(3, 60, 2):
        feed(meter.bridge, [even(b"\x020")[second % 2 :]], float(second))
        assert meter.bridge.next(float(second)) == (second + SILENCE_S, None)
    assert meter.bridge.next(62.1)[1].code == "silent"


def test_several_meters_on_a_line_are_asked_by_number() -> None:
    assert Meter(address="12345678").step()[1] == Send(even(b"/?12345678!\r\n"), baud=300)


@pytest.mark.parametrize(
    "options", [{"mode": "shout"}, {"every_s": 1.0}, {"address": "1!\r\n"}, {"address": "é"}, {"max_baud": 100}]
)
def test_options_that_make_no_sense_are_refused(options) -> None:
    with pytest.raises(ConfigError):
        make("iec62056", **options)


def test_a_listening_bridge_never_asks() -> None:
    assert listening().next(0.0) == (None, None)
