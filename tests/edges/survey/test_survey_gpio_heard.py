"""What a survey of the header keeps of its looks, and how it is told."""

import pytest

from edge_agent.control.types import GpioEdge, GpioLine, GpioSurvey
from edge_agent.survey.gpio_heard import MAX_EDGES, Heard, held_since
from edge_agent.survey.gpio_text import event, so_far, verdict, warnings

DOOR = 5


def edges(*times_ms, number=1):
    """Of a contact to ground that was open before the first."""
    return [GpioEdge(number + index, at, (number + index) % 2 == 0) for index, at in enumerate(times_ms)]


def look(since_ms, told=(), **more):
    """One line at this time; `told` are the newest edges."""
    high = told[-1].high if told else True
    usual = {"pull": "up", "active": "low", "debounce_ms": 5.0, "held": True, "high": high}
    line = GpioLine(
        "door", DOOR, "contact", **{**usual, **more}, count=told[-1].number if told else 0, edges=list(told)
    )
    return GpioSurvey(3.0, 10.0, since_ms, [line])


def heard(*looks):
    found = Heard()
    for each in looks:
        found.see(each)
    return found


def moves(events):
    return [[burst.move for burst in each.bursts] for each in events]


def test_a_press_is_told_once_and_only_when_it_has_come_to_rest():
    found = heard(look(0.0), look(130.0, edges(100.0, 101.0, 102.0)))
    assert moves(found.events()) == []
    found.see(look(400.0, edges(100.0, 101.0, 102.0, 350.0)))
    assert moves(found.events()) == [["make", "break"]]
    found.see(look(600.0, edges(100.0, 101.0, 102.0, 350.0)))
    assert moves(found.events()) == []
    assert moves(found.events(end=True)) == []


def test_a_press_that_lasts_is_told_at_the_end():
    found = heard(look(0.0), look(900.0, edges(100.0)))
    assert moves(found.events()) == []
    (press,) = found.events(end=True)
    assert (press.number, press.long_ms) == (1, None)


def test_a_spike_while_it_is_pressed_is_told_and_the_rest_too():
    found = heard(look(0.0), look(900.0, edges(100.0, 300.0, 300.4, 500.0)))
    assert moves(found.events()) == [["make"], ["spike"], ["break"]]


def test_what_was_there_before_the_first_look_is_somebody_elses():
    old = edges(10.0, 20.0)
    found = heard(look(100.0, old), look(900.0, [*old, *edges(300.0, 600.0, number=3)]))
    assert [edge.number for edge in found.survey.lines[0].edges] == [3, 4]
    assert moves(found.events()) == [["make", "break"]]


def test_edges_that_came_too_fast_to_be_kept_are_counted_and_a_survey_that_began_anew_is_followed():
    found = heard(look(0.0), look(900.0, edges(800.0, 850.0, number=301)))
    assert found.missed == 300
    found.see(look(10.0))
    found.see(look(500.0, edges(100.0, 300.0)))
    assert [edge.at_ms for edge in found.survey.lines[0].edges] == [100.0, 300.0]
    assert found.missed == 300


def test_a_line_that_howls_for_minutes_does_not_fill_the_memory():
    found = heard(look(0.0))
    for number in range(0, 2 * MAX_EDGES, 250):
        told = edges(*(number + index for index in range(250)), number=number + 1)
        found.see(look(number + 250.0, told))
    assert len(found.survey.lines[0].edges) == MAX_EDGES
    assert found.missed == 0
    assert verdict(found.survey.lines[0])[1].startswith("it does not come to rest")


@pytest.mark.parametrize("hertz", [50, 60])
def test_a_line_that_hums_with_the_mains_says_so(hertz):
    told = edges(*(number * 500.0 / hertz for number in range(100)))
    good, said = verdict(heard(look(0.0), look(2000.0, told)).survey.lines[0])
    assert not good
    assert f"{hertz} times a second, as the mains do" in said


def test_a_help_button_that_is_down_is_counted_and_what_a_press_does_is_said_before():
    found = heard(look(0.0), look(1700.0, edges(500.0), does="help"))
    assert so_far(found.survey) == "door is down for 1.2 s: at 3 s it calls for help"
    said = list(warnings(found.survey, of_agent=True, is_open=True))
    assert "A help request is open" in said[0]
    assert "HELD FOR 3 s IT CALLS FOR HELP" in said[1]
    for does, expected in (
        ("cancel", "takes back"),
        ("page", "opens the page"),
        ("rule", "may call for help by itself"),
    ):
        (told,) = warnings(look(0.0, does=does), of_agent=True, is_open=False)
        assert expected in told


@pytest.mark.parametrize(
    ("since_ms", "told", "held"),
    [
        (3400.0, (500.0,), None),
        (3500.0, (500.0,), 500.0),
        (3600.0, (500.0, 3510.0), 500.0),  # let go between two looks
        (3600.0, (500.0, 1500.0, 1500.2, 3510.0), 500.0),
        (3600.0, (500.0, 3490.0), None),
        (9000.0, (500.0, 3510.0), None),  # long ago: what is open now may be another request
        (6000.0, (500.0, 3510.0, 5900.0), None),
    ],
)
def test_a_hold_that_has_called_is_known_also_when_it_ended_between_two_looks(since_ms, told, held):
    assert held_since(heard(look(0.0), look(since_ms, edges(*told), does="help")).survey) == held
    assert held_since(heard(look(0.0), look(since_ms, edges(*told))).survey) is None


def test_a_name_that_steers_the_terminal_is_shown_and_not_obeyed():
    found = heard(look(0.0), look(900.0, edges(100.0, 300.0)))
    found.survey.lines[0].name = "\x1b[2Jdoor"
    (press,) = found.events()
    assert "\x1b" not in "".join(event(press, None))
