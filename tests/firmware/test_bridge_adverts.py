"""What languages of adverts share: repeats, values in the place of a company id, counters, and rows of tables."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.config.load import parse
from edge_agent.config.options import Languages
from edge_agent.core.errors import ConfigError
from edge_agent.core.reading import Advert, Reading
from firmware_bridges.adverts import ALIVE_S, REPEAT_S
from firmware_bridges.payload import NO, TEMPERATURE, Field, Layout, RefusedError, Scale, flag, meaning
from firmware_bridges.registry import LANGUAGES, language, languages, recognise
from tests.firmware.support import ROOT, codes, feed, gaps, make, said, vectors

BLE = sorted(name for name in LANGUAGES if language(name).transports & {"ble", "gatt"})
EVERY_ADVERT = [
    pytest.param(v, id=f"{v.language}: {v.name}") for name in BLE for v in vectors(name) if isinstance(v.chunk, Advert)
]
# What the vectors of a language have to be refused, and is nobody's: another's address inside, values that are spoiled.
NOBODYS = {"the address inside is another device's", "a wrong checksum", "Instant Readout is off"}


def manufacturer(data: dict[int, str], name: str = "", services: tuple[str, ...] = ()) -> Advert:
    raw = {company: bytes.fromhex(text) for company, text in data.items()}
    return Advert("A4:C1:38:00:00:01", name, -60, {}, raw, services)


@pytest.mark.parametrize("vector", EVERY_ADVERT)
def test_an_advert_is_recognised_by_its_own_language_and_by_no_other(vector: Any) -> None:
    found = set(recognise(vector.chunk))
    assert found == (set() if vector.name in NOBODYS else {vector.language})


class TestValuesInThePlaceOfACompanyId:
    """BlueZ keeps what came under every company id since it began to scan: an Inkbird warms up under its ears."""

    FIRST, SECOND, THIRD = {2204: "f41000ba4e6408"}, {2619: "f815018cbc6408"}, {2047: "00000031603306"}

    def test_only_the_entry_that_is_new_is_read(self) -> None:
        bridge = make("inkbird")
        first = said(bridge.feed(manufacturer(self.FIRST, "sps"), 0.0))
        second = said(bridge.feed(manufacturer(self.FIRST | self.SECOND, "sps"), 10.0))
        third = said(bridge.feed(manufacturer(self.FIRST | self.SECOND | self.THIRD, "sps"), 20.0))
        assert [rows[0] for rows in (first, second, third)] == [
            ("temperature", 22.04, "Cel"),
            ("temperature_probe", 26.19, "Cel"),
            ("temperature", 20.47, "Cel"),
        ]

    def test_of_several_that_are_new_at_once_none_is_believed_until_one_changes(self) -> None:
        bridge = make("inkbird")
        assert feed(bridge, [manufacturer(self.FIRST | self.SECOND, "sps")]) == []
        assert feed(bridge, [manufacturer(self.FIRST | self.SECOND, "sps")], 100.0) == []
        later = bridge.feed(manufacturer(self.FIRST | self.SECOND | self.THIRD, "sps"), 200.0)
        assert said(later)[0] == ("temperature", 20.47, "Cel")

    def test_entries_of_other_makers_beside_it_do_not_disturb(self) -> None:
        bridge = make("inkbird")
        apple = {0x004C: "02150000"}
        assert said(bridge.feed(manufacturer(self.FIRST | apple, "sps"), 0.0))[0] == ("temperature", 22.04, "Cel")

    def test_an_advert_in_which_nothing_is_new_keeps_the_device_alive(self) -> None:
        bridge = make("inkbird")
        both = manufacturer(self.FIRST | self.SECOND, "sps")
        feed(bridge, [manufacturer(self.FIRST, "sps")])
        feed(bridge, [both], 1.0)
        items = [item for second in range(2, 130) for item in bridge.feed(both, float(second))]
        times = [i.at for i in items if isinstance(i, Reading) and i.channel.name == "thing.temperature_probe"]
        assert times == [1 + ALIVE_S, 1 + 2 * ALIVE_S]


def test_what_is_measured_and_does_not_change_is_told_once_a_minute() -> None:
    bridge = make("switchbot")
    meter = next(v.chunk for v in vectors("switchbot") if v.name == "meter")
    items = [item for second in range(130) for item in bridge.feed(meter, float(second))]
    told = [item.at for item in items if isinstance(item, Reading) and item.channel.name == "thing.humidity"]
    assert told == [0.0, ALIVE_S, 2 * ALIVE_S]


def test_a_button_that_goes_on_repeating_is_pressed_once_and_after_a_pause_again() -> None:
    bridge = make("xiaomi")
    press = Advert("A4:C1:38:00:00:01", "", -60, {"0000fe95-0000-1000-8000-00805f9b34fb": XIAOMI_PRESS}, {})
    told = [item for tenth in range(700) for item in bridge.feed(press, tenth / 10)]
    assert [value for name, value, _ in said(told) if name == "button"] == ["press"]
    later = bridge.feed(press, 70.0 + REPEAT_S + 0.1)
    assert [value for name, value, _ in said(later) if name == "button"] == ["press"]


# YLAI003, a wireless switch: version 5, frame 22, its address, object 1001 (button 0, press).
XIAOMI_PRESS = bytes.fromhex("5050bf0722" + "01000038c1a4" + "011003000000")


@pytest.mark.parametrize("size", range(8))
def test_a_layout_that_is_cut_short_is_refused_before_anything_is_told(size: int) -> None:
    layout = Layout(Field(TEMPERATURE, 0, "<h", 100), flag("open", 7, 3))
    with pytest.raises(RefusedError, match="shorter than it says"):
        next(iter(layout(bytes(size))))


@given(st.integers(-(2**31), 2**31 - 1), st.sampled_from([1, 2, 10, 100, 200, 1000, 1000 / 9.80665, -1]))
def test_a_number_is_worth_what_its_row_says(raw: int, divisor: float) -> None:
    _, value, reason = meaning(TEMPERATURE, raw, Scale(divisor, -40))
    assert value == pytest.approx(raw / divisor - 40, abs=1e-6)
    assert reason == ""


def test_words_that_are_not_known_are_gaps_that_say_so() -> None:
    assert flag("door", 0, 2, NO).read(b"\x04")[1:] == (False, "")
    assert meaning(TEMPERATURE, 9, Scale(names={1: "one"}))[1:] == (None, "the device sends 9, which is not known here")


@pytest.mark.parametrize("name", [name for name in BLE if "key" in language(name).options])
@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("231d39c1d7cc1ab1aee224cd096db93", "has 31 digits"),
        ("231d39c1d7cc1ab1aee224cd096db93g", "has 'g' in it"),
        ("231d 39c1 d7cc 1ab1 aee2 24cd 096d b932", "has ' ' in it"),
    ],
)
def test_a_key_that_is_none_is_refused_with_what_is_wrong_and_where_the_right_one_is(
    name: str, key: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        make(name, key=key)
    assert "hexadecimal digits" in str(caught.value)
    assert len(caught.value.fix) > 20


def test_no_language_of_adverts_loads_a_cipher_before_a_key_is_configured() -> None:
    for name in BLE:
        for source in (ROOT / "firmware_bridges" / name).glob("*.py"):
            assert "import cryptography" not in source.read_text(encoding="utf-8"), source
    assert "import cryptography" not in Path(ROOT / "firmware_bridges" / "cipher.py").read_text(encoding="utf-8")


def test_a_configuration_with_a_wrong_key_says_so_with_its_line() -> None:
    text = (
        '[[ble.device]]\nname = "solar"\naddress = "C8:00:00:00:00:01"\nlanguage = "victron"\n'
        'options = { key = "0011223344" }\n'
    )
    with pytest.raises(ConfigError) as caught:
        parse(text, "agent.toml", Languages(language, languages))
    assert "agent.toml:5: ble.device[0].options: the key of solar has 10 digits" in str(caught.value)
    assert "VictronConnect" in str(caught.value)


def test_a_wrong_name_of_a_model_or_a_medium_is_answered_with_the_right_ones() -> None:
    with pytest.raises(ConfigError, match="no SwitchBot model 'Metre'") as caught:
        make("switchbot", model="Metre")
    assert "Meter Pro CO2" in caught.value.fix
    with pytest.raises(ConfigError, match="cannot measure 'beer'") as caught:
        make("mopeka", medium="beer")
    assert "propane" in caught.value.fix


class TestTraps:
    """Each of these is wrong in a library that is widely used."""

    def test_two_structures_of_one_company_id_are_one_in_bluez_and_the_rest_is_told(self) -> None:
        assert said(feed(make("teltonika"), [manufacturer({0x0757: "f10d"}, "P T EN 000001")])) == [
            ("battery", 13, "%"),
            ("rssi", -60, "dBm"),
        ]

    def test_short_payloads_of_a_ruuvitag_are_faults_and_raise_nothing(self) -> None:
        whole = "0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F"
        for size in range(1, 24):
            items = feed(make("ruuvi"), [manufacturer({0x0499: whole[: 2 * size]})])
            assert said(items) == []
            assert codes(items) == ["truncated"]

    def test_a_meat_probe_that_is_not_plugged_in_is_no_zero_degrees(self) -> None:
        one = manufacturer({0x5530: "4401000101e4018608340960 86ffffffff".replace(" ", "")}, services=(GOVEE_TWO,))
        items = feed(make("govee"), [one])
        assert gaps(items) == [("temperature_2", "no probe is plugged in")]
        assert ("alarm_temperature_1", 24.0, "Cel") in said(items)

    def test_a_lamp_with_the_company_id_of_a_presence_sensor_is_none(self) -> None:
        assert recognise(manufacturer({0x8843: "ec0003010101"})) == {}

    def test_another_s_payload_under_a_thermopro_s_name_is_none_of_its(self) -> None:
        strange = manufacturer({0x0001: "022c0000"}, "TP357 (0001)")
        assert recognise(strange) == {}
        assert codes(feed(make("thermopro"), [strange])) == ["unsupported"]

    def test_a_lock_of_nordic_s_company_id_is_no_tank(self) -> None:
        assert recognise(manufacturer({0x0059: "087046b6c3e0f509fae3"})) == {}

    def test_a_device_that_measures_no_current_has_none_of_two_thousand_amperes(self) -> None:
        pytest.importorskip("cryptography", reason="adverts of Victron are always encrypted")
        from firmware_bridges.victron.records import RECORDS  # noqa: PLC0415

        told = {q.name: value for q, value, _ in RECORDS[2].decode(bytes.fromhex("ffffc60400007d73feff7fffffffff12"))}
        assert told["current"] is None
        assert told["temperature"] == 22.5

    def test_a_thermometer_with_a_leading_sign_bit_of_its_own_is_below_zero(self) -> None:
        items = feed(make("ruuvi"), [manufacturer({0x0499: "03b28145ca20007a002603d0088f"})])
        assert ("temperature", -1.69, "Cel") in said(items)


GOVEE_TWO = "00008251-0000-1000-8000-00805f9b34fb"
