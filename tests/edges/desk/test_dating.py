"""What the desk makes of gateways that do not know the time."""

import pytest

from edge_agent.core.event import EventKind, Lane
from edge_agent.core.ids import uuid7, uuid_text
from edge_agent.core.reading import Channel, Reading
from edge_agent.core.wire import rfc3339
from simulators.desk import news
from simulators.desk.challenges import MAX_KEPT, Challenges
from simulators.desk.intake import DeskEvent
from simulators.desk.keys import DeskKey
from simulators.desk.store import Store

NOW = 1_800_000_000.0
PRESSURE = Channel("boiler.pressure", "bar")


def event(number, uptime_s, *, boot="b", wall=None, trusted=False, arrived=NOW, live=True, type_="", data=None):
    told = {"clocktrusted": "true" if trusted else "false", "historical": "false" if live else "true"}
    if wall is not None:
        told["time"] = rfc3339(wall)
    return DeskEvent(
        gateway="gw",
        kind=EventKind.TELEMETRY,
        lane=Lane.TELEMETRY,
        id=uuid_text(uuid7(NOW, number.to_bytes(10, "big"))),
        type=type_ or "edge.telemetry.block.v1",
        subject="block",
        sequence=number,
        boot_id=boot,
        uptime_s=uptime_s,
        wall=wall,
        arrived=arrived,
        attributes=told,
        payload=b"",
        readings=[Reading(PRESSURE, float(number), 0.0)],
        data=data or {},
    )


@pytest.fixture
def store():
    store = Store()
    yield store
    store.close()


def taken(store, *events):
    with store.batch():
        store.take(events)
    return {int(row.value): row.wall for row in store.held()}


def test_a_right_clock_is_used_as_it_is(store):
    assert taken(store, event(1, 50.0, wall=NOW - 7.0, trusted=True)) == {1: NOW - 7.0}
    assert store.corrected() == []


def test_what_comes_at_once_dates_what_waited_in_the_same_boot(store):
    found = taken(
        store,
        event(1, 100.0, wall=100.0, live=False, arrived=NOW + 4.0),
        event(2, 3600.0, wall=3600.0, arrived=NOW + 2.0),
        event(3, 3602.0, wall=3602.0, arrived=NOW + 2.5),  # the quickest one tells most
    )
    assert found == {1: NOW - 3499.5, 2: NOW + 0.5, 3: NOW + 2.5}
    told = {(row.told, row.dated, row.by) for row in store.corrected()}
    assert (100.0, NOW - 3499.5, "arrival") in told
    assert len(told) == 3


def test_a_boot_that_learns_the_time_later_dates_all_of_it(store):
    found = taken(
        store,
        event(1, 100.0, wall=100.0, arrived=NOW + 50.0),
        event(2, 3600.0, wall=NOW, trusted=True, arrived=NOW + 50.0),
    )
    assert found == {1: NOW - 3500.0, 2: NOW}
    assert [(row.by, row.dated) for row in store.corrected()] == [("boot", NOW - 3500.0)]


def test_of_a_boot_that_only_waited_its_own_word_is_all_there_is(store):
    found = taken(
        store,
        event(1, 10.0, boot="old", wall=NOW - 5e5, live=False),
        event(2, 20.0, boot="1970", wall=20.0, live=False),
    )
    assert found == {1: NOW - 5e5, 2: None}
    assert [(row.told, row.dated, row.by) for row in store.corrected()] == [(20.0, None, "nothing")]


def test_the_news_say_that_a_clock_is_wrong():
    wrong = news.of_event(event(1, 20.0, wall=20.0), again=False).text
    assert wrong.endswith("[its clock was not known to be right and says 1970-01-01T00:00:20.000Z]")
    assert "clock" not in news.of_event(event(1, 20.0, wall=NOW, trusted=True), again=False).text


def test_a_refused_command_is_sent_again_with_the_gateways_number():
    challenges, key = Challenges(), DeskKey.make()
    body = {"id": "c1", "type": "edge.command.resend.v1", "aud": "gw", "iat": 1, "exp": 2, "first": 5}
    challenges.sent(key.sign(body))
    asked = {"for": "c1", "ok": False, "code": "clock", "challenge": "ab"}
    challenges.hear(event(1, 1.0, type_="edge.reply.challenge.v1", data=asked))
    again = challenges.waiting.popleft()
    assert again.gateway == "gw"
    assert again.body(NOW) == {**body, "iat": NOW, "exp": NOW + 600, "challenge": "ab"}


def test_a_birth_with_a_number_gets_the_time_and_what_has_none_gets_nothing():
    challenges = Challenges()
    challenges.hear(event(1, 1.0, type_="edge.state.birth.v1", data={"challenge": "ab"}))
    told = challenges.waiting.popleft().body(NOW)
    assert (told["type"], told["challenge"], told["aud"], told["iat"]) == ("edge.command.time.v1", "ab", "gw", NOW)
    challenges.hear(event(1, 1.0, type_="edge.state.birth.v1", data={"challenge": 7}))
    challenges.hear(event(1, 1.0, data={"challenge": "ab"}))
    assert not challenges.waiting


def test_what_the_desk_keeps_for_that_is_bounded():
    challenges, key = Challenges(), DeskKey.make()
    for number in range(MAX_KEPT + 5):
        challenges.sent(key.sign({"id": f"c{number}", "type": "t", "aud": "gw"}))
    assert len(challenges._sent) == MAX_KEPT
