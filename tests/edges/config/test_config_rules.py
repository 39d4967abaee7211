"""Help rules in the configuration: what each mistake is told as."""

import pytest

from edge_agent.config.load import parse
from edge_agent.config.mistakes import ConfigProblems
from edge_agent.config.options import Languages
from edge_agent.core.rules import Condition
from edge_agent.settings import rule_settings
from firmware_bridges import registry

LANGUAGES = Languages(registry.language, registry.languages)
HOME = """\
[[gpio.input]]
name = "leak"
line = 6
options = { quantity = "wet" }

[[check]]
channel = "leak.*"
kind = "range"
max = 0.5

[[help.rules]]
name = "flood"
"""


def told(rule):
    """The mistakes of a home with this rule, without the file's name."""
    with pytest.raises(ConfigProblems) as caught:
        parse(HOME + rule, "home.toml", LANGUAGES)
    return [mistake.text.removeprefix("home.toml:") for mistake in caught.value.mistakes]


def test_a_rule_becomes_what_core_takes():
    config = parse(HOME + 'channel = "leak.wet"\ncondition = "equals"\nvalue = true\ntext = "Water!"', "x", LANGUAGES)
    (rule,) = rule_settings(config)
    assert rule[:5] == ("flood", "leak.wet", Condition.EQUALS, "Water!", True)
    assert (rule.rearm_s, rule.cancel_window_s, rule.fall_back_at_once) == (300.0, 30.0, False)


def test_a_rule_on_a_finding_becomes_what_core_takes():
    (rule,) = rule_settings(parse(HOME + 'finding = "leak.wet:range"\ntext = "Water!"', "x", LANGUAGES))
    assert rule[:3] == ("flood", "leak.wet:range", Condition.FINDING)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ('channel = "leak.wet"\ncondition = "changes"', "help.rules[0].text: missing"),
        ('text = "x"', "it has neither a channel nor a finding"),
        ('text = "x"\nchannel = "leak.wet"\nfinding = "leak.wet:range"', "it has both a channel and a finding"),
        ('text = "x"\nchannel = "leek.wet"\ncondition = "changes"', "there is no device leek"),
        ('text = "x"\nchannel = "leak.*"\ncondition = "changes"', "expected one channel: a rule for each"),
        ('text = "x"\nchannel = "leak.wet"', "help.rules[0].condition: missing"),
        ('text = "x"\nchannel = "leak.wet"\ncondition = "above"', "expected a number, in the channel's unit"),
        ('text = "x"\nchannel = "leak.wet"\ncondition = "above"\nvalue = true', "expected a number"),
        (
            'text = "x"\nchannel = "leak.wet"\ncondition = "equals"\nvalue = [1]',
            "expected true, false, a number or a text",
        ),
        ('text = "x"\nchannel = "leak.wet"\ncondition = "changes"\nvalue = 1', "a change needs no value"),
        ('text = "x"\nchannel = "leak.wet"\ncondition = "changes"\nfor_s = 1', "a change does not last"),
        (
            'text = "x"\nchannel = "leak.wet"\ncondition = "equals"',
            "help.rules[0].value: missing; expected true, false",
        ),
        (
            'text = "x"\nchannel = "leak.wet"\ncondition = "equals"\nvalue = nan',
            "expected true, false, a number or a text",
        ),
        ('text = "x"\nchanel = "leak.wet"', "did you mean help.rules[0].channel?"),
        ('text = "x"\nfinding = "leak.wet:rate"', "no check makes this finding"),
        ('text = "x"\nfinding = "leak.wet:range"\nvalue = 1', "a finding has no use for it"),
        ('text = "x"\nchannel = "leak.wet"\ncondition = "changes"\ncancel_window_s = 999', "from 0 to 300"),
    ],
)
def test_each_mistake_of_a_rule_is_told_at_its_line(rule, expected):
    (said,) = told(rule)
    assert expected in said
    assert int(said.partition(":")[0]) >= 11


def test_all_mistakes_of_one_rule_are_told_at_once():
    said = told('channel = "leek.wet"\ncondition = "above"\nvalue = "high"\nfor_s = -1\ntext = ""')
    assert [line.partition(" = ")[0] for line in said] == [
        "13: help.rules[0].channel",
        "15: help.rules[0].value",
        "16: help.rules[0].for_s",
        "17: help.rules[0].text",
    ]


def test_one_channel_does_not_both_call_for_help_and_take_it_back():
    (said,) = told(
        'finding = "leak.wet:range"\ntext = "x"\n[help]\nbutton_channel = "leak.a"\ncancel_channel = "leak.a"'
    )
    assert "help.cancel_channel" in said
    assert "the same as in line 16; expected another channel" in said


def test_a_button_is_one_channel():
    (said,) = told('finding = "leak.wet:range"\ntext = "x"\n[help]\nbutton_channel = "leak.*"')
    assert "expected one channel, as device.quantity" in said


def test_two_rules_of_one_name_are_told():
    rule = 'channel = "leak.wet"\ncondition = "changes"\ntext = "x"\n'
    (said,) = told(f"{rule}[[help.rules]]\nname = 'flood'\n{rule}")
    assert "the same as in line 12" in said


def test_the_device_that_tells_the_position_must_be_there():
    (said,) = told('channel = "leak.wet"\ncondition = "changes"\ntext = "x"\n[gateway]\nposition_from = "gps"')
    assert "gateway.position_from" in said
    assert "there is no device gps; expected leak" in said
