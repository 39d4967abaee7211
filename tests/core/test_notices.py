"""Of what a person is told: the budget of notices, groups and digests."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.clock import Instant
from edge_agent.core.notices import A_DAY_S, A_WEEK_S, GROUP_S, PER_DAY, PER_WEEK, Notice, Notices


def at(seconds: float, boot_id: str = "boot", *, trusted: bool = True, wall: float = 1.8e9) -> Instant:
    return Instant(seconds, boot_id, wall + seconds, trusted)


def told(notices: Notices, start: float, seconds: float, step: float = 5.0) -> list[Notice]:
    steps = [start + n * step for n in range(int(seconds / step) + 1)]
    return [notice for notice in (notices.due(at(now)) for now in steps) if notice]


def test_what_comes_together_is_one_notice():
    notices = Notices()
    for n, key in enumerate("abc"):
        notices.offer(key, at(10.0 * n))
    assert told(notices, 0.0, GROUP_S - 5.0) == []
    assert told(notices, GROUP_S, 60.0) == [Notice(("a", "b", "c"))]


def test_what_is_over_or_explained_before_it_was_told_is_no_notice():
    notices = Notices()
    notices.offer("a", at(0.0))
    notices.withdraw("a")
    assert told(notices, 0.0, 3600.0) == []


def test_the_second_of_a_day_waits_and_comes_with_others_as_one_digest():
    notices = Notices()
    notices.offer("a", at(0.0))
    assert told(notices, 0.0, 120.0) == [Notice(("a",))]
    for n in range(5):
        notices.offer(f"b{n}", at(1000.0 * (n + 1)))
        assert told(notices, 1000.0 * (n + 1), 900.0) == []
    notices.withdraw("b0")
    (digest,) = told(notices, A_DAY_S - 600.0, 1200.0)
    assert digest == Notice(("b0", "b1", "b2", "b3", "b4"), digest=True), "also what is over by then is told of"


def test_the_fourth_of_a_week_waits_for_the_week_to_be_over():
    notices, found = Notices(), []
    for day in range(14):
        notices.offer(f"d{day}", at(day * A_DAY_S))
        found += [(day, n.keys) for n in told(notices, day * A_DAY_S, A_DAY_S - 60.0, 30.0)]
    assert [day for day, _ in found] == [0, 1, 2, 7, 8, 9]
    assert found[3][1] == ("d3", "d4", "d5", "d6", "d7")


def test_what_somebody_knows_of_is_in_no_digest():
    notices = Notices([at(0.0)], ["a", "b"])
    notices.drop("a")
    assert notices.due(at(A_DAY_S + 1.0)) == Notice(("b",), digest=True)


def test_a_clock_that_cannot_tell_keeps_nothing_quiet():
    told_before = at(5000.0, "earlier", trusted=False)
    assert Notices([told_before]).free(at(10.0))
    assert not Notices([at(5000.0, "earlier")]).free(at(10.0, wall=1.8e9 + 6000.0))


def test_it_is_the_same_after_a_restart():
    notices = Notices([at(0.0)], ["a"])
    notices.offer("b", at(5.0))
    again = Notices.from_record(notices.record(), at(6.0))
    assert again.record() == notices.record()


@given(st.lists(st.tuples(st.floats(0.0, 86_400.0), st.integers(0, 20), st.booleans()), max_size=80))
def test_whatever_comes_the_budget_holds_and_nothing_that_lasts_is_lost(steps):
    notices, now, history, offered, named = Notices(), 0.0, [], set(), set()
    for pause, key, goes in steps:
        now += pause
        if goes:
            notices.withdraw(str(key))
            offered -= {str(key)} & set(notices.fresh)
        else:
            notices.offer(str(key), at(now))
            offered.add(str(key))
        for later in (0.0, GROUP_S):
            notice = notices.due(at(now + later))
            if notice:
                history.append(now + later)
                named |= set(notice.keys)
    for moment in history:
        assert sum(moment - A_DAY_S < other <= moment for other in history) <= PER_DAY
        assert sum(moment - A_WEEK_S < other <= moment for other in history) <= PER_WEEK
    last = notices.due(at(now + A_WEEK_S + GROUP_S))
    named |= set(last.keys) if last else set()
    assert {key for key in offered if key not in named} == set()
