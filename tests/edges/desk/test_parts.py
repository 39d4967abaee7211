"""Events in parts, at the desk."""

import random

import pytest
from desk_gateway import Gateway

from edge_agent.core import block
from edge_agent.core.errors import WireError
from edge_agent.core.reading import Channel, Reading
from edge_agent.uplink.connection import Arrival
from simulators.desk.desk import Desk

PRESSURE = Channel("boiler.pressure", "bar")
TOPIC = "edge/v1/gw-1/up/telemetry"


def in_parts(count=500, length=250):
    """The arrivals of a block that was cut, and its id."""
    chance = random.Random(5)  # values that cannot be deflated
    payload = block.pack(
        [Reading(PRESSURE, chance.randrange(10**6) / 100, i + chance.random()) for i in range(count)], 0
    )
    whole = Gateway(1).attributes("edge.telemetry.block.v1")
    slices = [payload[i : i + length] for i in range(0, len(payload), length)]
    parts = [
        Arrival.of(TOPIC, piece, whole | {"id": f"{whole['id']}-{n}", "part": str(n), "parts": str(len(slices))})
        for n, piece in enumerate(slices, 1)
    ]
    return parts, Arrival.of(TOPIC, payload, whole), whole["id"]


@pytest.fixture
def desk():
    desk = Desk("127.0.0.1", 1)
    yield desk
    desk.close()


def give(desk, *arrivals):
    for arrival in arrivals:
        desk._arrived(arrival)
    while desk._in.waiting:
        desk._turn()


def test_parts_in_any_order_and_twice_make_one_event(desk):
    parts, _, ident = in_parts()
    assert len(parts) > 2
    shuffled = [*parts, *parts]
    random.Random(1).shuffle(shuffled)
    give(desk, *shuffled)
    assert (desk.events_received, desk.readings_received, desk.refused) == (1, 500, 0)
    assert {held.event_id for held in desk.held()} == {ident}
    give(desk, *parts)
    assert (desk.events_received, desk.readings_received) == (1, 500)


def test_while_a_part_is_missing_there_is_no_event_and_a_gap_shows(desk):
    parts, whole, _ = in_parts()
    give(desk, *parts[:-1])
    assert desk.events_received == 0
    give(desk, whole)  # another link carried it whole
    give(desk, parts[-1])
    assert (desk.events_received, desk.readings_received) == (1, 500)


def test_parts_outlive_the_desk_and_are_shared_by_all_that_use_its_database(tmp_path):
    parts, _, _ = in_parts()
    path = str(tmp_path / "desk.db")
    for n, arrivals in enumerate((parts[:2], parts[2:])):
        desk = Desk("127.0.0.1", 1, db=path)
        give(desk, *arrivals)
        assert desk.events_received == n
        desk.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"part": "0"},
        {"part": "9999"},
        {"parts": "0"},
        {"parts": "99999999"},
        {"part": "x"},
        {"part": "²"},
        {"id": "x"},
        {"parts": ""},
    ],
)
def test_what_is_no_part_is_refused(desk, wrong):
    parts, _, _ = in_parts()
    told = {**parts[0].attributes, **wrong}
    with pytest.raises(WireError):
        desk._in._parts.join("gw-1", Arrival.of(TOPIC, b"x", told))
    give(desk, Arrival.of(TOPIC, b"x", told))
    assert desk.refused == 1


def test_parts_that_never_become_whole_are_bounded(desk, monkeypatch):
    monkeypatch.setattr("simulators.desk.parts._MAX_WAITING", 10)
    for _ in range(20):
        give(desk, in_parts()[0][0])
    assert desk._store.db.execute("SELECT count(*) FROM parts").fetchone() == (10,)
