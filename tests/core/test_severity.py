"""How much a finding matters where nobody said so."""

import pytest

from edge_agent.core.finding import Severity
from edge_agent.core.severity import usual_severity


@pytest.mark.parametrize(
    ("channel", "check", "severity"),
    [
        ("kitchen.smoke", "range", Severity.ALARM),
        ("cellar.wet", "range", Severity.ALARM),
        ("cellar.wet", "silent", Severity.WARNING),
        ("bedroom.battery", "range", Severity.NOTICE),
        ("boiler.pressure", "range", Severity.WARNING),
        ("smoke", "silent", Severity.WARNING),
    ],
)
def test_what_a_channel_measures_says_how_much_it_matters(channel, check, severity):
    assert usual_severity(channel, check) is severity
