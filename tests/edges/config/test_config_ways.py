"""`[[help.channels]]`: what each kind needs and takes, with every mistake at its line."""

import pytest

from edge_agent.check_config import summary
from edge_agent.config.load import parse
from edge_agent.config.mistakes import ConfigProblems
from edge_agent.config.options import Languages
from firmware_bridges import registry

LANGUAGES = Languages(registry.language, registry.languages)
DESK = '[desk.keys]\nmain = "' + "ab" * 32 + '"\n'
GOOD = {
    "broker": 'name = "backup"\nkind = "broker"\nhost = "backup.example"\n',
    "https": 'name = "web"\nkind = "https"\nurl = "https://desk.example/help"\n',
    "sms": 'name = "phone"\nkind = "sms"\nmodem = "/dev/ttyUSB2"\nnumber = "+491700000001"\n',
}


def mistakes(text):
    try:
        parse(text, "agent.toml", LANGUAGES)
    except ConfigProblems as error:
        return [str(mistake) for mistake in error.mistakes]
    return []


def channels(*tables, before=DESK):
    return before + "".join(f"[[help.channels]]\n{table}" for table in tables)


def test_one_of_each_kind_is_well():
    config = parse(channels(*GOOD.values()), "agent.toml", LANGUAGES)
    assert [table.kind for table in config.help.channels] == ["broker", "https", "sms"]
    assert config.help.channels[2].baud == 115_200
    assert summary(config)["ways"] == {"backup": "broker", "web": "https", "phone": "sms"}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('name = "a"\nkind = "broker"\n', "host"),
        ('name = "a"\nkind = "https"\n', "url"),
        ('name = "a"\nkind = "sms"\nmodem = "/dev/x"\n', "number"),
        ('name = "a"\nkind = "sms"\nnumber = "+4917"\n', "modem"),
        ('name = "a"\n', "kind"),
        ('kind = "sms"\n', "name"),
        (GOOD["https"].replace("https://", "http://"), "https://"),
        (GOOD["https"].replace("desk.example", "user@desk.example"), "https://"),
        (GOOD["sms"].replace("+491700000001", "call me"), "phone number"),
        (GOOD["sms"].replace("sms", "smss"), "sms"),
        (GOOD["sms"] + 'url = "https://desk.example"\n', "no use"),
        (GOOD["https"] + 'number = "+491700000001"\n', "no use"),
        (GOOD["broker"] + "baud = 9600\n", "no use"),
        (GOOD["https"] + "tls.enabled = false\n", "always encrypted"),
        (GOOD["broker"] + 'password_file = "/nowhere/at/all"\n', "no such file"),
        (GOOD["sms"] + 'pin_file = "pin"\n', "not an absolute path"),
        (GOOD["https"] + 'tls.cert_file = "/etc/hostname"\n', "key_file"),
        (GOOD["sms"] + 'password = "x"\n', "unknown key"),
        (GOOD["sms"] + "resend_s = 1\n", "from 5 to 3600"),
    ],
)
def test_a_mistake_is_told_at_its_line(table, said):
    found = mistakes(channels(table))
    assert any(said in mistake for mistake in found), found


def test_all_mistakes_are_told_at_once():
    found = mistakes(channels(GOOD["sms"], GOOD["sms"], 'name = "x"\nkind = "https"\n', before=""))
    assert len(found) == 4, found
    assert any("another name" in mistake for mistake in found)
    assert any("one channel for a modem" in mistake for mistake in found)
    assert any("no answer can be believed" in mistake for mistake in found)


def test_a_modem_and_a_device_share_no_port():
    device = '[[serial]]\nname = "meter"\nport = "/dev/ttyUSB2"\nlanguage = "dsmr"\n'
    assert any("a device has this port" in mistake for mistake in mistakes(channels(GOOD["sms"]) + device))
