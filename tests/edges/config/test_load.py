import os
import stat
from pathlib import Path

import pytest

from edge_agent.config.load import load, parse
from edge_agent.config.mistakes import MAX_MISTAKES, ConfigProblems
from edge_agent.config.model import Config, SerialDevice
from edge_agent.config.options import complete_options
from edge_agent.config.source import MAX_BYTES
from edge_agent.core.errors import ConfigError

KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
GPS = '[[serial]]\nname = "gps"\nport = "/dev/gps"\nlanguage = "nmea0183"\n'
THERMOMETER = '[[ble.device]]\nname = "room"\naddress = "A4:C1:38:8D:18:B2"\nlanguage = "bthome"\n'


def texts(source, languages):
    with pytest.raises(ConfigProblems) as caught:
        parse(source, "home.toml", languages)
    return [mistake.text for mistake in caught.value.mistakes]


def test_an_empty_file_gives_the_defaults(languages):
    assert parse("", "home.toml", languages) == Config()


def test_whole_numbers_are_numbers_too(languages):
    config = parse("[help]\nhold_s = 2\ncancel_window_s = 5.0\n", "home.toml", languages)
    assert (config.help.hold_s, type(config.help.hold_s)) == (2.0, float)


def test_devices_of_a_file_become_structs(languages):
    config = parse(GPS + "baud = 9600\n[serial.options]\n[gpio.button]\nline = 17\n", "home.toml", languages)
    assert config.serial == (SerialDevice(name="gps", port="/dev/gps", language="nmea0183", baud=9600),)
    assert config.gpio.button
    assert config.gpio.button.pull == "up"


def test_a_ble_device_is_listened_to_or_connected_to_as_its_language_says(languages):
    config = parse(
        THERMOMETER + THERMOMETER.replace("room", "board").replace(":B2", ":B3").replace("bthome", "uart"),
        "home.toml",
        languages,
    )
    assert [device.language for device in config.ble.device] == ["bthome", "uart"]


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(languages, tmp_path):
    file = tmp_path / "home.toml"
    file.write_bytes(b'\xef\xbb\xbf[gateway]\r\nsite = "Z\xc3\xbcrich"\r\n[log]\r\nlevel = "loud"\r\n')
    with pytest.raises(ConfigProblems, match=r"home\.toml:4: log\.level"):
        load(file, languages)


FIELDS = {
    # unknown keys and the nearest known one
    "[broker]\nprot = 1883": "2: broker.prot = 1883: unknown key; did you mean broker.port?",
    "[brokr]\nport = 1": "1: brokr = a table: unknown key; did you mean broker?",
    "port = 1883": "1: port = 1883: unknown key; did you mean broker.port?",
    "[broker]\nhold_s = 1": "2: broker.hold_s = 1: unknown key; did you mean help.hold_s?",
    "[outbox]\nzzz = 1": "2: outbox.zzz = 1: unknown key",
    '"a.b" = 1': "1: 'a.b' = 1: unknown key",
    "broker.tls.enabeld = true": "1: broker.tls.enabeld = true: unknown key; did you mean broker.tls.enabled?",
    GPS + "[serial.option]\n": "5: serial[0].option = a table: unknown key; did you mean serial[0].options?",
    # ranges
    "[outbox]\n\nblock_age_s = -3": "3: outbox.block_age_s = -3: expected a number from 0.1 to 600",
    "[outbox]\nblock_age_s = nan": "2: outbox.block_age_s = nan: expected a number from 0.1 to 600",
    "[broker]\nport = 0x1ffffffffffffffffff": (
        "2: broker.port = a very large number: expected a whole number from 1 to 65535"
    ),
    "[broker]\nport = 1883.0": "2: broker.port = 1883.0: expected a whole number from 1 to 65535",
    "[broker]\nport = true": "2: broker.port = true: expected a whole number from 1 to 65535",
    '[broker]\nport = "1883"': '2: broker.port = "1883": expected a whole number from 1 to 65535',
    "[help]\nhold_s = 1e999": "2: help.hold_s = inf: expected a number from 1 to 10",
    # words
    '[log]\nlevel = "warn"': '2: log.level = "warn": expected debug, error, info or warning; did you mean warning?',
    "[control]\nenabled = 1": "2: control.enabled = 1: expected true or false",
    "[gateway]\nid = 7": "2: gateway.id = 7: expected letters, digits, _ . -, at most 64",
    '[gateway]\nsite = "a\\nb"': '2: gateway.site = "a\\nb": expected text on one line, at most 80 characters',
    '[broker]\nhost = "mqtt://x"': (
        '2: broker.host = "mqtt://x": expected a host name or address, without mqtt:// and port'
    ),
    # tables
    "broker = 1": "1: broker = 1: expected a table",
    "[[broker]]\n": "1: broker = a list of 1: expected a table",
    "[serial]\n": "1: serial = a table: expected tables that begin with [[serial]]",
    '[help]\nrules = "x"': '2: help.rules = "x": expected tables that begin with [[help.rules]]',
    '[broker]\nfallback = "b2"': (
        '2: broker.fallback = "b2": expected a list in [ ], each a host such as "broker.example", '
        'or "broker.example:8883"'
    ),
    "serial = [\n1]": "2: serial[0] = 1: expected a table",
    # missing keys
    GPS.replace('port = "/dev/gps"\n', ""): (
        "1: serial[0].port: missing; expected a path such as /dev/serial/by-id/..."
    ),
    "[gpio.button]\n": "1: gpio.button.line: missing; expected a whole number from 0 to 1023",
}  # fmt: skip


@pytest.mark.parametrize("source", FIELDS)
def test_a_wrong_field_is_told_with_line_value_and_what_was_expected(source, languages):
    assert texts(source, languages) == [f"home.toml:{FIELDS[source]}"]


CROSS = {
    GPS + GPS.replace("/dev/gps", "/dev/b"): (
        '6: serial[1].name = "gps": the same as in line 2; expected another name for each device'
    ),
    GPS + GPS.replace('"gps"', '"other"'): (
        '7: serial[1].port = "/dev/gps": the same as in line 3; expected one device on a port'
    ),
    THERMOMETER + THERMOMETER.replace("room", "hall").replace("A4", "a4"): (
        '7: ble.device[1].address = "a4:C1:38:8D:18:B2": the same as in line 3; expected one device with an address'
    ),
    "[gpio.button]\nline = 17\n[gpio.lamp]\nline = 17": (
        "4: gpio.lamp.line = 17: the same as in line 2; expected a line that nothing else uses"
    ),
    '[gpio.lamp]\nred = 4\n[[gpio.input]]\nname = "door"\nline = 4': (
        "5: gpio.input[0].line = 4: the same as in line 2; expected a line that nothing else uses"
    ),
    "[gpio.lamp]\n": "1: gpio.lamp: it has no line; expected line for one colour, or some of red, green, blue",
    "[gpio.lamp]\nline = 1\nred = 2": (
        "1: gpio.lamp: it has both a line and colours; expected line for one colour, or some of red, green, blue"
    ),
    "[gpio.buzzer]\nred = 2": "2: gpio.buzzer.red = 2: a buzzer has no colours; expected line",
    "[gpio.buzzer]\n": "1: gpio.buzzer: it has no line; expected line",
    GPS.replace("nmea0183", "nmea083"): (
        '4: serial[0].language = "nmea083": unknown language; '
        "expected modbus, nmea0183 or textline; did you mean nmea0183?"
    ),
    GPS.replace("nmea0183", "bthome"): (
        '4: serial[0].language = "bthome": this language is for ble, not for serial'
    ),
    GPS.replace("nmea0183", "uart"): (
        '4: serial[0].language = "uart": this language is for ble, not for serial'
    ),
    GPS.replace("nmea0183", "broken"): (
        '4: serial[0].language = "broken": the package of broken cannot be imported. Install it'
    ),
    GPS + "options = { rate = 1 }": (
        "5: serial[0].options.rate = 1: nmea0183 has no such option; expected none"
    ),
    GPS.replace("nmea0183", "textline") + "[serial.options]\nunit = {}": (
        "6: serial[0].options.unit = a table: textline has no such option; expected separator or units; "
        "did you mean units?"
    ),
    GPS.replace("nmea0183", "modbus"): (
        "1: serial[0].options.unit_id: missing; expected a whole number: the device's address, 1 to 247"
    ),
    GPS.replace("nmea0183", "modbus") + 'options = { unit_id = "1" }': (
        '5: serial[0].options.unit_id = "1": expected a whole number: the device\'s address, 1 to 247'
    ),
    GPS.replace("nmea0183", "modbus") + "options = { unit_id = 1, swap = 1 }": (
        "5: serial[0].options.swap = 1: expected true or false: the words are the other way round"
    ),
    GPS.replace("nmea0183", "textline") + "[serial.options.units]\n\"\" = 'V'": (
        "5: serial[0].options: units: a quantity without a name. Give each unit a quantity"
    ),
    THERMOMETER + 'bindkey = "00"': (
        "5: ble.device[0].bindkey = (hidden, 2 characters): unknown key; did you mean ble.device[0].options.bindkey?"
    ),
    GPS + '[[check]]\nchannel = "gps.speed"\nkind = "range"': (
        "5: check[0]: a range check without a limit; expected min or max, or both"
    ),
    GPS + '[[check]]\nchannel = "gps.*"\nkind = "rate"': (
        "5: check[0].per_s: missing; expected the largest change a second: a rate check needs it"
    ),
    GPS + '[[check]]\nchannel = "*"\nkind = "silent"': (
        "5: check[0].window_s: missing; expected how long it may say nothing: a silent check needs it"
    ),
    GPS + '[[check]]\nchannel = "g*"\nkind = "stuck"': (
        "5: check[0].window_s: missing; expected how long a value may stay the same: a stuck check needs it"
    ),
    GPS + '[[check]]\nchannel = "gps.speed"\nkind = "silent"\nwindow_s = 9\nmax = 1': (
        "9: check[0].max = 1.0: a silent check has no use for it"
    ),
    GPS + '[[check]]\nchannel = "gps.speed"\nkind = "range"\nmin = 5\nmax = 2': (
        "8: check[0].min = 5.0: more than max in line 9; expected at most 2"
    ),
    GPS + '[[check]]\nchannel = "gsp.speed"\nkind = "range"\nmin = 5': (
        '6: check[0].channel = "gsp.speed": there is no device gsp; expected gps; did you mean gps.speed?'
    ),
    GPS + '[[check]]\nchannel = "speed"\nkind = "range"\nmin = 5': (
        '6: check[0].channel = "speed": expected device.quantity, such as boiler.pressure, or boiler.*'
    ),
    GPS + '[[check]]\nchannel = "x*"\nkind = "range"\nmin = 5': (
        '6: check[0].channel = "x*": no device\'s name begins so'
    ),
    '[[check]]\nchannel = "a.b"\nkind = "range"\nmin = 5': (
        '2: check[0].channel = "a.b": there is no device a; expected a configured device: there is none'
    ),
    '[help]\nbutton_channel = "panel.help"': (
        '2: help.button_channel = "panel.help": there is no device panel; expected a configured device: there is none'
    ),
    '[broker]\nhost = "x.example.org"': (
        '2: broker.host = "x.example.org": without the desk\'s key its answers cannot be believed, so that no help '
        "request is ever acknowledged; expected a key in [desk.keys], or desk.unsigned = true for a test"
    ),
    '[broker]\nhost = "x"\n[desk.keys]\nmain = "abcd"': (
        "4: desk.keys.main = (hidden, 4 characters): expected the desk's Ed25519 public key, 64 hex digits"
    ),
    "[desk]\nkeys = { main = 7 }": "2: desk.keys.main = (hidden, 1 characters): expected text on one line",
    '[broker]\npassword_file = "/nowhere/password"': (
        '2: broker.password_file = "/nowhere/password": no such file or directory; '
        "expected the absolute path of a file that this user can read"
    ),
    '[broker]\npassword_file = "hunter2"': (
        "2: broker.password_file = (hidden, 7 characters): not an absolute path; "
        "expected the absolute path of a file that this user can read"
    ),
    '[broker.tls]\nca_file = "/"': (
        '2: broker.tls.ca_file = "/": not a file; expected the absolute path of a file that this user can read'
    ),
    '[broker.tls]\ncert_file = "/etc/hostname"': (
        '2: broker.tls.cert_file = "/etc/hostname": it needs key_file too; expected both or neither'
    ),
    '[broker.tls]\nkey_file = "/etc/hostname"': (
        '2: broker.tls.key_file = "/etc/hostname": it needs cert_file too; expected both or neither'
    ),
    '[broker]\npassword = "hunter2"': (
        "2: broker.password = (hidden, 7 characters): unknown key: a password stands in a file of its own, so that "
        "this one can be shown to others; did you mean broker.password_file?"
    ),
    "[outbox]\nin_flight = 2": (
        "1: outbox.reserved_for_help = 3: nothing is left for the rest; expected less than in_flight, which is 2"
    ),
    '[paths]\nstate = "state"': '2: paths.state = "state": expected an absolute path',
    '[control]\nsocket = "./x"': '2: control.socket = "./x": expected an absolute path',
}  # fmt: skip


@pytest.mark.parametrize("source", CROSS)
def test_settings_that_do_not_fit_together_are_told_at_the_line_to_change(source, languages):
    assert texts(source, languages) == [f"home.toml:{CROSS[source]}"]


SYNTAX = {
    'a = "x\nb = 1': "1:5: the text that begins here has no end; expected the same quotation mark behind it",
    "a = 'x\nb = 1": "1:5: the text that begins here has no end; expected the same quotation mark behind it",
    'a = """x\nb = 1': "1:7: the text that begins here has no end; expected the same quotation mark behind it",
    "a = 'x": "1:5: the text that begins here has no end; expected the same quotation mark behind it",
    "[broker]\nport = 1\nhost = ''\nport = 2": "4: broker.port: set before, in line 2; expected each key once",
    "[log]\n[help]\n[log]\n": "3: log: set before, in line 1; expected each key once",
    "a = {b = 1, b = 2}": "1: a.b: set before, in line 1; expected each key once",
    "[serial]\n[[serial]]\n": "2:9: this key or table was set before; expected each key once",
    "a = yes": '1:5: this is no value; expected a number, true or false, a list in [ ], or text in "quotation marks"',
    "port 1883": "1:6: a key without a value; expected key = value",
    "a = 1 2": "1:7: something stands behind the value; expected one key = value on a line",
    "a = [1\nb = 2": "2:1: a list is not closed; expected a comma or ]",
    "a = {b = 1 c = 2}": "1:12: a table is not closed; expected a comma or }",
    "[log\nlevel = 1": "1:5: the table's name is not closed; expected [table] or [[table]] on a line of its own",
    "= 1": "1:1: neither a key nor a table begins here; expected key = value or [table]",
    "[a.]\n": "1:4: a key is missing or not closed; expected letters, digits, _ or -",
    'a = "C:\\dir"': (
        "1:10: a backslash that means nothing; expected \\\\ for a backslash, or the text in 'single quotes'"
    ),
    "a = 2026-02-31": "1:5: there is no such date or time; expected a date such as 2026-01-31",
}  # fmt: skip


@pytest.mark.parametrize("source", SYNTAX)
def test_what_is_not_toml_is_told_with_line_and_column_in_plain_words(source, languages):
    assert texts(source, languages) == [f"home.toml:{SYNTAX[source]}"]


def test_all_mistakes_of_a_file_come_at_once_in_the_order_of_its_lines(languages):
    source = f"""\
[gateway]
langage = "en"
[[check]]
channel = "boiler.pressure"
kind = "rage"
[broker]
host = "x.example.org"
port = 99999
password = "hunter2"
[[serial]]
name = "Boiler"
port = "/dev/a"
language = "textlin"
[[serial]]
name = "gps"
port = "/dev/a"
language = "nmea0183"
baud = "fast"
[outbox]
block_age_s = -3
{THERMOMETER}options = {{ bindkey = 1 }}
"""
    found = texts(source, languages)
    assert [text.split(": ")[1].split(" = ")[0] for text in found] == [
        "gateway.langage",
        "check[0].kind",
        "broker.host",
        "broker.port",
        "broker.password",
        "serial[0].name",
        "serial[0].language",
        "serial[1].port",
        "serial[1].baud",
        "outbox.block_age_s",
        "ble.device[0].options.bindkey",
    ]
    assert [int(text.split(":")[1]) for text in found] == [2, 5, 7, 8, 9, 11, 13, 16, 18, 20, 25]
    assert "hunter2" not in "".join(found)


def test_a_mistake_is_plain_data_too(languages):
    with pytest.raises(ConfigProblems) as caught:
        parse("[broker]\nprot = 1883\n", "home.toml", languages)
    (mistake,) = caught.value.mistakes
    assert (mistake.file, mistake.line, mistake.column) == ("home.toml", 2, 1)
    assert (mistake.key, mistake.value, mistake.expected, mistake.nearest) == ("broker.prot", "1883", "", "broker.port")
    assert isinstance(caught.value, ConfigError)
    assert str(caught.value) == mistake.text


def test_more_mistakes_than_anybody_reads_are_counted(languages):
    with pytest.raises(ConfigProblems) as caught:
        parse("".join(f"wrong{i} = 1\n" for i in range(5000)), "home.toml", languages)
    assert (len(caught.value.mistakes), caught.value.more) == (MAX_MISTAKES, 5000 - MAX_MISTAKES)
    assert str(caught.value).endswith("and 4900 more")


def test_two_links_to_one_port_are_one_port(languages, tmp_path):
    (tmp_path / "ttyUSB0").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "ttyUSB0")
    source = GPS.replace("/dev/gps", f"{tmp_path}/ttyUSB0") + GPS.replace("/dev/gps", f"{tmp_path}/by-id")
    found = texts(source.replace('"gps"', '"other"', 1), languages)
    assert len(found) == 1
    assert found[0].startswith("home.toml:7: serial[1].port = ")
    assert "the same as in line 3" in found[0]


def test_a_right_broker_has_no_mistakes(languages, tmp_path):
    password = tmp_path / "password"
    password.write_text("hunter2\n")
    source = f'[broker]\nhost = "x"\npassword_file = "{password}"\n[desk.keys]\nmain = "{KEY}"\n'
    assert parse(source, "home.toml", languages).desk.keys == {"main": KEY}
    assert parse('broker.host = "fe80::1%eth0"\ndesk.unsigned = true', "home.toml", languages).broker.host


def test_a_channel_setting_says_one_thing_of_a_device_that_exists_once(languages):
    source = GPS + (
        '[[channel]]\nname = "gps.speed"\n'
        '[[channel]]\nname = "gsp.*"\ndeadband = 1\n'
        '[[channel]]\nname = "gps.course"\ndeadband = 1\nsummary_s = 60\n'
        '[[channel]]\nname = "gps.speed"\nsummary_s = 60\n'
    )
    assert texts(source, languages) == [
        "home.toml:5: channel[0]: it says nothing; expected deadband or summary_s",
        'home.toml:8: channel[1].name = "gsp.*": there is no device gsp; expected gps; did you mean gps.*?',
        "home.toml:10: channel[2]: it has both deadband and summary_s; expected deadband or summary_s",
        'home.toml:15: channel[3].name = "gps.speed": the same as in line 6; expected one table for a channel',
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told(languages, tmp_path):
    password = tmp_path / "password"
    password.write_text("hunter2\n")
    password.chmod(stat.S_IWUSR)
    assert "permission denied" in texts(f'[broker]\npassword_file = "{password}"\n', languages)[0]


def test_an_empty_password_file_is_told(languages, tmp_path):
    password = tmp_path / "password"
    password.touch()
    assert "the file is empty" in texts(f'[broker]\npassword_file = "{password}"\n', languages)[0]


FILES = {
    "missing": (None, "cannot be read: no such file or directory"),
    "large": (b"#" * (MAX_BYTES + 1), "too large; expected a TOML file of at most 1 MiB"),
    "latin": (b"a = 1\nb = '\xfc'\n", "2:6: the byte 0xfc is not UTF-8; expected a text file saved as UTF-8"),
    "deep": (b"a = " + b"[" * 5000, "lists or tables are nested too deep to be read; expected"),
    "digits": (b"a = " + b"1" * 5000, "a number has too many digits to be read"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_read_is_one_clear_mistake(name, languages, tmp_path):
    content, expected = FILES[name]
    file = tmp_path / "home.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigProblems) as caught:
        load(file, languages)
    (mistake,) = caught.value.mistakes
    separator = "" if mistake.line else " "
    assert mistake.text.startswith(f"{file}:{separator}{expected}")


def test_a_folder_is_no_file(languages, tmp_path):
    with pytest.raises(ConfigProblems, match="cannot be read: is a directory"):
        load(tmp_path, languages)


def test_a_name_that_no_file_can_have_is_told(languages):
    with pytest.raises(ConfigProblems, match="cannot be read: embedded null byte"):
        load("a\0b", languages)


def test_a_password_is_never_shown_wherever_it_stands(languages):
    secret = "correct horse"
    sources = [
        f'password = "{secret}"',
        f'[broker]\npasword = "{secret}"',
        f'[broker]\nusername = ["{secret}"]',
        f'[broker]\nport = {{ password = "{secret}" }}',
        f'[broker]\nhost = "mqtts://me:{secret}@host"',
        f'[broker]\npassword_file = "{secret}"',
        f'[broker.tls]\nkey_file = "{secret}"',
        THERMOMETER + f'options = {{ key = "{secret}", api_token = "{secret}" }}',
        THERMOMETER + f'[ble.device.options]\nbindkey = ["{secret}"]',
        f'[desk.keys]\nmain = "{secret}"',
    ]
    for source in sources:
        assert secret not in "".join(texts(source, languages)), source


def test_options_are_completed_with_defaults_and_the_declared_types(languages):
    spec = languages.spec("modbus")
    assert complete_options(spec, {"unit_id": 3, "every_s": 2}) == {"unit_id": 3, "every_s": 2.0, "swap": False}
    assert type(complete_options(spec, {"unit_id": 3, "every_s": 2})["every_s"]) is float


def test_options_that_load_would_not_let_through_cannot_be_completed(languages):
    with pytest.raises(ConfigError, match=r"options of modbus: units is unknown; unit_id is missing"):
        complete_options(languages.spec("modbus"), {"units": 1})


def test_a_right_file_lists_no_languages_and_looks_for_no_nearest_words(languages):
    def names():
        pytest.fail("listing imports the packaging machinery")

    parse(GPS, "home.toml", languages._replace(names=names))


def test_the_file_of_a_mistake_is_named_as_it_was_given(languages, tmp_path, monkeypatch):
    (tmp_path / "home.toml").write_text("port = 1\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigProblems, match=r"^home\.toml:1: port"):
        load(Path("home.toml"), languages)
