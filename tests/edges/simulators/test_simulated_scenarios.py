import pytest
import tomli

from edge_agent.core.errors import ConfigError
from simulators.scenario import load_scenario, scenario_names

GOOD = """
title = "One boiler"
[[model]]
name = "boiler"
kind = "boiler"
[[device]]
name = "boiler"
transport = "serial"
language = "textline"
values = { pressure = "boiler.pressure_bar" }
"""


def mistakes_of(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_scenario(str(path))
    return str(caught.value)


def test_the_scenarios_of_the_package_have_all_three_transports_and_a_help_button():
    assert scenario_names() == ["flood", "home", "vehicle"]
    for name in scenario_names():
        scenario = load_scenario(name)
        assert {device.transport for device in scenario.devices} == {"serial", "ble", "gpio"}
        assert scenario.lines.button >= 0
        assert (scenario.story.press_at_s is None) == (name == "flood"), "there nobody is at home"
        assert scenario.checks


def test_a_file_by_its_path_is_read_with_defaults(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    scenario = load_scenario(str(path))
    assert (scenario.name, scenario.speed, scenario.story.press_at_s) == ("mine", 1.0, None)
    assert scenario.devices[0].cadence_s == 1.0
    assert scenario.lines.button == -1


def test_an_unknown_scenario_says_which_there_are():
    with pytest.raises(ConfigError, match=r"no scenario 'hoem'.*home, vehicle"):
        load_scenario("hoem")


def test_a_file_that_is_no_toml_says_where(tmp_path):
    assert "line 2" in mistakes_of(tmp_path, 'title = "x"\nspeed = = 3\n')


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('title = "One boiler"', ""), "title: is missing; expected a text"),
        (('kind = "boiler"', 'kind = "boilr"'), "model[1].kind: 'boilr' is not known; did you mean 'boiler'?"),
        (
            ('kind = "boiler"', 'kind = "boiler"\npower = 3'),
            "model[1].power: a boiler has no such option; did you mean",
        ),
        (('kind = "boiler"', 'kind = "boiler"\npower_kw = "big"'), "model[1].power_kw: must be like 18.0, not 'big'"),
        (('"textline"', '"textlines"'), "device[1].language: 'textlines' is not known; did you mean 'textline'?"),
        (('"serial"', '"ble"'), "device[1].address: is missing"),
        (('"boiler.pressure_bar"', '"boiler.presure"'), "boiler has no value 'presure'; did you mean 'pressure_bar'?"),
        (('"boiler.pressure_bar"', '"kettle.x"'), "there is no model 'kettle'; known are boiler"),
        (("values = {", "cadence_s = 0\nvalues = {"), "device[1].cadence_s: must be a number from 0.1 to 3600, not 0"),
        (("values = {", "cadense_s = 1\nvalues = {"), "device[1].cadense_s: is not known; did you mean 'cadence_s'?"),
        (("[[device]]", '[[fault]]\nmodel = "boiler"\nkind = "lake"\nat_s = 1\n[[device]]'), "did you mean 'leak'?"),
        (
            ("[[device]]", '[[fault]]\ndevice = "boiler"\nkind = "leak"\nat_s = 1\n[[device]]'),
            "boiler has no fault 'leak'",
        ),
        (
            ("[[device]]", '[[fault]]\nkind = "leak"\nat_s = 1\n[[device]]'),
            "a fault is either of a model or of a device",
        ),
        (("[[device]]", "[story]\noutage_from_s = 5\n[[device]]"), "an outage needs both"),
        (("[[device]]", "[story]\noutage_from_s = 5\noutage_to_s = 4\n[[device]]"), "must be later than outage_from_s"),
        (("[[device]]", "[lines]\nbutton = 99\n[[device]]"), "lines.button: must be a GPIO line from 0 to 27, not 99"),
        (("[[device]]", "[lines]\nred = 5\ngreen = 5\n[[device]]"), "lines: 'GPIO5' is there more than once"),
        (('[[device]]\nname = "boiler"', "[[device]]\nname = 3"), "device[1].name: must be a text, not 3"),
        (("[[model]]", "[model]"), "model: must be tables, each headed [[model]]"),
        (('"textline"\nvalues = { pressure', '"dsmr"\nvalues = { presure'), "dsmr cannot say this"),
        (('"textline"\nvalues = { pressure', '"dsmr"\nvalues = { gas'), "dsmr needs power_import"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_was_expected(tmp_path, change, said):
    assert change[0] in GOOD
    assert said in mistakes_of(tmp_path, GOOD.replace(*change, 1))


def test_all_mistakes_are_told_at_once(tmp_path):
    text = GOOD.replace('kind = "boiler"', 'kind = "x"').replace("textline", "y") + "\n[lines]\nbutton = true\n"
    said = mistakes_of(tmp_path, text)
    assert said.count("\n") == 3
    assert all(place in said for place in ("model[1].kind", "device[1].language", "lines.button"))


def test_home_shows_at_least_twenty_sensors():
    scenario = load_scenario("home")
    assert sum(len(device.values) for device in scenario.devices) >= 20
    assert {check["channel"].partition(".")[0] for check in scenario.checks} <= {d.name for d in scenario.devices}


def test_the_files_are_plain_toml():
    for name in scenario_names():
        assert tomli.loads((load_scenario.__globals__["FOLDER"] / f"{name}.toml").read_text())
