"""The report on how findings behave, against what ISA-18.2 asks."""

import pytest

from edge_agent.core.hygiene import Episode, report

NOW, DAY = 1.8e9, 86_400.0


def figures(*episodes, notices=(), begun=NOW - 40 * DAY):
    found = report(episodes, notices, begun, NOW)
    return found, {figure.name: figure for figure in found.figures}


def episode(key, ago_s, lasts_s=60.0, severity="notice", quiet=""):
    return Episode(key, severity, NOW - ago_s, NOW - ago_s + lasts_s if lasts_s is not None else None, quiet)


def test_a_quiet_house_is_well_in_everything():
    found, by = figures(episode("a:range", 3 * DAY), episode("b:range", 20 * DAY))
    assert found.days == 30.0
    assert all(figure.good for figure in found.figures)
    assert by["findings"].value == 2
    assert by["a_day"].value == pytest.approx(0.07)


def test_what_is_older_than_a_month_does_not_count():
    _, by = figures(episode("a:range", 31 * DAY), episode("a:range", 29 * DAY))
    assert by["findings"].value == 1


def test_a_gateway_of_three_days_is_measured_by_three_days():
    found, by = figures(*(episode("a:range", n * 3600.0) for n in range(6)), begun=NOW - 3 * DAY)
    assert found.days == 3.0
    assert by["a_day"].value == 2.0


def test_a_flood_is_more_than_ten_in_ten_minutes():
    _, by = figures(*(episode(f"s{n}:range", 500.0 - n) for n in range(11)))
    assert (by["busiest_10_min"].value, by["busiest_10_min"].good) == (11, False)
    assert by["flooded_share"].value > 0.0
    assert by["flooded_share"].good, "less than one in a hundred"


def test_three_within_a_minute_chatter():
    found, by = figures(*(episode("door:open", 500.0 - 25 * n, 5.0) for n in range(3)), episode("a:range", 9.0))
    assert found.chattering == ("door:open",)
    assert not by["chattering"].good


def test_what_stands_for_more_than_a_day_is_stale_and_up_to_four_are_bearable():
    standing = [episode(f"s{n}:range", 2 * DAY, None) for n in range(5)]
    found, by = figures(*standing, episode("t:range", 9 * DAY, 3 * DAY))
    assert found.stale == ("s0:range", "s1:range", "s2:range", "s3:range", "s4:range", "t:range")
    assert (by["stale"].value, by["stale"].good) == (5, False)


def test_the_mix_counts_from_twenty_findings_on():
    few = figures(*(episode("a:range", n * DAY, severity="alarm") for n in range(5)))[1]
    many = figures(*(episode("a:range", n * DAY, severity="alarm") for n in range(25)))[1]
    assert few["alarm_share"].good
    assert not many["alarm_share"].good


def test_what_nobody_was_told_of_and_the_budget_are_counted():
    quiet = [episode("a:silent", DAY, quiet="cause"), episode("b:range", DAY, quiet="shelved")]
    _, by = figures(*quiet, notices=(NOW - 3 * DAY, NOW - 3 * DAY + 60.0, NOW - DAY, NOW - 2 * DAY))
    assert (by["explained"].value, by["shelved"].value) == (1, 1)
    assert (by["notices_busiest_day"].value, by["notices_busiest_day"].good) == (2, False)
    assert (by["notices_busiest_week"].value, by["notices_busiest_week"].good) == (4, False)


def test_the_most_frequent_come_first():
    found, _ = figures(*(episode("a:range", n * DAY) for n in range(3)), episode("b:range", 1.0))
    assert found.frequent == (("a:range", 3), ("b:range", 1))
