import pytest

from edge_agent.core.errors import ConfigError
from edge_agent.core.reading import Channel, ChannelKind, Level, Reading
from tests.firmware.support import feed, make


@pytest.mark.parametrize(
    ("invert", "active", "value"),
    [(False, True, True), (False, False, False), (True, True, False), (True, False, True)],
)
def test_a_level_is_a_state(invert: bool, active: bool, value: bool) -> None:
    channel = Channel("thing.wet", "", ChannelKind.STATE)
    assert feed(make("contact", quantity="wet", invert=invert), [Level(active)], 3.0) == [Reading(channel, value, 3.0)]


@pytest.mark.parametrize("quantity", ["", "Open", "a.b", "1st", "x" * 33])
def test_a_quantity_that_is_no_name_is_refused(quantity: str) -> None:
    with pytest.raises(ConfigError, match="no name"):
        make("contact", quantity=quantity)
