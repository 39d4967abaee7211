"""[[file]] devices, and inputs that count pulses: what is checked of them."""

import pytest

from edge_agent.config.load import parse
from edge_agent.config.mistakes import ConfigProblems
from edge_agent.drivers.registry import LANGUAGES

PROBE = '[[file]]\nname = "{name}"\npath = "{path}"\nlanguage = "{language}"\n'


def texts(source: str) -> list[str]:
    with pytest.raises(ConfigProblems) as caught:
        parse(source, "agent.toml", LANGUAGES)
    return [mistake.text for mistake in caught.value.mistakes]


def test_a_probe_and_a_meter_with_pulses_load_with_their_defaults():
    source = PROBE.format(name="cellar", path="/sys/bus/w1/devices/28-*/w1_slave", language="ds18b20")
    source += '[[gpio.input]]\nname = "meter"\nline = 5\nlanguage = "pulses"\noptions = { per_unit = 1000 }\n'
    config = parse(source, "agent.toml", LANGUAGES)
    assert [device.name for device in config.devices] == ["meter", "cellar"]
    assert config.file[0].every_s == 10.0
    assert config.gpio.input[0].debounce_ms == 5.0


def test_a_file_belongs_to_one_device():
    source = PROBE.format(name="a", path="/sys/x", language="number")
    source += PROBE.format(name="b", path="/sys/x", language="number")
    assert texts(source) == [
        'agent.toml:7: file[1].path = "/sys/x": the same as in line 3; expected one device for a file'
    ]


def test_a_path_is_absolute():
    (text,) = texts(PROBE.format(name="a", path="sys/x", language="number"))
    assert "expected an absolute path" in text


@pytest.mark.parametrize("language", ["sml", "contact", "bthome"])
def test_a_language_of_another_transport_is_refused(language):
    (text,) = texts(PROBE.format(name="a", path="/sys/x", language=language))
    assert "not for file" in text


def test_a_language_of_files_is_not_for_a_line_of_the_header():
    (text,) = texts('[[gpio.input]]\nname = "a"\nline = 5\nlanguage = "ds18b20"\n')
    assert text == 'agent.toml:4: gpio.input[0].language = "ds18b20": this language is for file, not for gpio'


def test_what_a_device_map_has_wrong_is_told_with_its_own_lines(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('title = "x"\nsource = "x"\n[[register]]\nname = "a"\nadress = 1\n', encoding="utf-8")
    source = f'[[serial]]\nname = "m"\nport = "/dev/m"\nlanguage = "modbus"\noptions = {{ map = "{own}" }}\n'
    (text,) = texts(source)
    assert f"{own}:5: register[0].adress = 1: unknown key; did you mean address?" in text
