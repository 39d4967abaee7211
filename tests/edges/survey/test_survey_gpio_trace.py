"""The picture of a line, drawn with lines and in ASCII."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.types import GpioEdge
from edge_agent.survey.gpio_trace import ASCII, LINES, picture, strokes


def edges(*times_ms):
    """First to low."""
    return [GpioEdge(number + 1, at, number % 2 == 1) for number, at in enumerate(times_ms)]


PRESS = edges(100.0, 100.4, 102.0, 104.0, 104.2, 600.0)


def test_a_make_with_its_bounces_is_drawn_with_lines():
    assert list(picture(PRESS, 99.5, 105.0, LINES)) == [
        "high ──────┐     ┌────────────────────┐                          ┌──┐",
        "low        └─────┘                    └──────────────────────────┘  └──────────",
        "            0 ms         1             2            3             4",
    ]


def test_the_same_in_ascii_where_the_terminal_has_no_lines():
    assert list(picture(PRESS, 99.5, 105.0, ASCII)) == [
        "high ______       ____________________                            __",
        "low        |_____|                    |__________________________|  |__________",
        "            0 ms         1             2            3             4",
    ]
    assert strokes("utf-8") is LINES
    assert strokes("latin-1") is strokes("ascii") is strokes("no such encoding") is ASCII


def test_edges_that_are_closer_than_a_column_are_drawn_as_one_stroke_from_top_to_bottom():
    high, low, axis = picture(PRESS, 50.0, 650.0, LINES)
    assert high.startswith("high ──────┬")
    assert low.startswith("low        ┴────")
    assert high.rstrip("─").endswith("┌")
    assert axis.split() == ["0", "ms", "100", "200", "300", "400", "500"]


@given(
    st.lists(st.floats(0.01, 50.0), max_size=60),
    st.floats(-100.0, 1000.0),
    st.floats(0.01, 5000.0),
    st.sampled_from([LINES, ASCII]),
)
def test_every_picture_is_three_lines_of_at_most_eighty_columns(gaps, begin_ms, width_ms, signs):
    at, times = 0.0, []
    for gap in gaps:
        at += gap
        times.append(at)
    drawn = list(picture(edges(*times), begin_ms, begin_ms + width_ms, signs))
    assert len(drawn) == 3
    assert max(map(len, drawn)) <= 80


@pytest.mark.parametrize("level", [True, False])
def test_a_line_at_rest_is_one_stroke(level):
    high, low, _ = picture([GpioEdge(1, 0.0, level)], 10.0, 20.0, LINES)
    assert (high.count("─"), low.count("─")) == ((74, 0) if level else (0, 74))
