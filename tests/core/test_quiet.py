"""The hours in which a household is not reminded."""

import pytest

from edge_agent.core.quiet import QuietHours


@pytest.mark.parametrize(
    ("text", "quiet", "loud"),
    [
        ("22:00-07:00", ["22:00", "23:59", "00:00", "06:59"], ["07:00", "12:00", "21:59"]),
        ("13:00-15:30", ["13:00", "15:29"], ["12:59", "15:30", "00:00"]),
        ("08:00-08:00", [], ["08:00", "20:00"]),
        ("", [], ["00:00", "12:00"]),
    ],
)
def test_quiet_hours_begin_and_end_as_they_are_written_also_over_midnight(text, quiet, loud) -> None:
    hours = QuietHours.parse(text)

    def minute(time: str) -> int:
        return int(time[:2]) * 60 + int(time[3:])

    assert all(hours.contains(minute(time)) for time in quiet)
    assert not any(hours.contains(minute(time)) for time in loud)
