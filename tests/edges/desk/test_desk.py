"""The desk at a real mosquitto, seen from a gateway."""

import time

import pytest
from desk_gateway import Gateway, connected, new_id, until, working

from edge_agent.core.wire import pack
from simulators.broker import Broker
from simulators.desk.cases import CaseState
from simulators.desk.desk import Desk
from simulators.desk.policy import Policy

AT_ONCE = Policy(received_after_s=0.0, engaged_after_s=0.05, resolved_after_s=0.1)
ONLY_RECEIVED = Policy(received_after_s=0.0, engaged_after_s=None, resolved_after_s=None)


@pytest.fixture
async def broker():
    async with Broker.find("mosquitto") as broker:
        yield broker
        await broker.kill()  # a polite end takes mosquitto a tenth of a second


@pytest.fixture
async def desk(broker):
    async with working(Desk(broker.host, broker.port, policy=ONLY_RECEIVED)) as desk:
        yield desk


@pytest.fixture
async def gateway(broker, desk):
    async with connected(Gateway(broker.port, public=desk.key.public)) as gateway:
        yield gateway


async def test_an_event_that_is_sent_twice_is_stored_once(desk, gateway):
    ident = await gateway.block(sequence=1)
    await gateway.block(ident=ident, sequence=1)
    await until(lambda: desk.redelivered == 1)
    assert (desk.events_received, desk.readings_received, desk.gaps) == (1, 3, [])


async def test_readings_have_their_channel_value_and_time(desk, gateway):
    before = time.time()
    ident = await gateway.block(count=2, start=-5.0)
    await until(lambda: desk.readings_received)
    first, second = desk.held()
    assert (first.gateway, first.channel, first.value, first.event_id) == ("gw-1", "boiler.pressure", 1.5, ident)
    assert first.wall == pytest.approx(before - 5.0, abs=2.0)
    assert second.wall - first.wall == pytest.approx(1.0, abs=0.002)
    assert first.uptime_s == pytest.approx(95.0)


async def test_the_same_readings_under_two_ids_are_seen(desk, gateway):
    await gateway.block(count=3)
    await gateway.block(count=3)
    await until(lambda: desk.readings_received == 6)
    assert len(desk.twice()) == 3


async def test_what_is_missing_in_a_lane_is_seen(desk, gateway):
    for sequence in (1, 2, 5, 9):
        await gateway.block(sequence=sequence)
    await until(lambda: desk.events_received == 4)
    assert [(gap.lane, gap.first, gap.last) for gap in desk.gaps] == [("telemetry", 3, 4), ("telemetry", 6, 8)]
    await gateway.block(sequence=3)
    await until(lambda: desk.events_received == 5)
    assert [(gap.first, gap.last) for gap in desk.gaps] == [(4, 4), (6, 8)]


async def test_a_lane_that_does_not_begin_with_one_lacks_its_beginning(desk, gateway):
    await gateway.block(sequence=3)
    await until(lambda: desk.events_received)
    assert [(gap.first, gap.last) for gap in desk.gaps] == [(1, 2)]


async def test_a_help_request_is_answered_with_a_signature_that_pynacl_verifies(desk, gateway):
    request = await gateway.press()
    await until(lambda: gateway.heard)
    body = gateway.heard[0]
    assert body["type"] == "edge.help.received.v1"
    assert (body["aud"], body["event"], body["case"], body["through"]) == ("gw-1", request, "K7MPX23Q", 1)
    assert (body["reference"], body["receiver"], body["sequence"]) == ("SD-00001", "service desk", 1)
    assert body["exp"] - body["iat"] <= 600 < body["next_word_wall"] - time.time() + 5
    assert gateway.arrivals[0].topic == "edge/v1/gw-1/down/help"
    assert gateway.forged == 0


async def test_the_policy_takes_a_case_to_its_end_in_order(desk, gateway):
    desk.policy = Policy(0.0, 0.05, 0.15, says=((0.1, "Please close the main valve."),))
    await gateway.press()
    await until(lambda: len(gateway.heard) == 4)
    assert gateway.types == ["received", "engaged", "message", "resolved"]
    assert gateway.heard[1]["helper"] == "service desk, first line"
    assert gateway.heard[2]["text"] == "Please close the main valve."
    (case,) = desk.cases
    assert case.state is CaseState.RESOLVED
    assert 0.0 <= case.seconds_to(CaseState.RECEIVED) <= case.seconds_to(CaseState.RESOLVED) < 5.0


async def test_an_agent_that_asks_again_is_answered_again_with_the_same_id(desk, gateway):
    request = await gateway.press(sequence=1)
    await until(lambda: gateway.heard)
    await gateway.help("raised", request, request, sequence=1)
    await until(lambda: len(gateway.heard) == 2)
    assert gateway.heard[0]["id"] == gateway.heard[1]["id"]
    assert len(desk.cases) == 1


async def test_a_nudge_is_counted_and_answered_and_opens_no_second_case(desk, gateway):
    request = await gateway.press()
    await until(lambda: gateway.heard)
    await gateway.help("nudged", request, urgent=True, count=1)
    await until(lambda: len(gateway.heard) == 2)
    assert (gateway.types[1], gateway.heard[1]["through"]) == ("message", 2)
    assert [case.nudges for case in desk.cases] == [1]


async def test_an_answer_covers_only_what_came_without_a_gap(desk, gateway):
    request = await gateway.press(sequence=1)
    await until(lambda: gateway.heard)
    await gateway.help("nudged", request, sequence=3, urgent=False, count=2)
    await until(lambda: len(gateway.heard) == 2)
    assert gateway.heard[1]["through"] == 1


async def test_a_gateway_that_counts_from_one_again_gets_nothing_acknowledged_that_it_sent_in_its_life_before(
    desk, gateway
):
    old = await gateway.press(sequence=1)
    for sequence in (2, 3):
        await gateway.help("nudged", old, sequence=sequence, urgent=False, count=1)
    await until(lambda: len(gateway.heard) == 3)
    assert gateway.heard[-1]["through"] == 3
    gateway.code = "Z3DWKRMV"
    request = await gateway.press(sequence=1)
    await until(lambda: len(gateway.heard) == 4)
    assert (gateway.heard[-1]["event"], gateway.heard[-1]["through"]) == (request, 1)
    await gateway.help("nudged", request, sequence=2, urgent=False, count=1)
    await until(lambda: len(gateway.heard) == 5)
    assert gateway.heard[-1]["through"] == 2


async def test_a_cancelled_request_is_acknowledged_and_goes_no_further(desk, gateway):
    request = await gateway.press()
    await gateway.help("cancelled", request)
    await until(lambda: "cancel_received" in gateway.types)
    desk.policy = AT_ONCE
    await gateway.block(sequence=1)
    await until(lambda: desk.events_received == 3)
    assert [case.state for case in desk.cases] == ["cancelled"]
    assert gateway.heard[-1]["through"] == 2


async def test_a_cancellation_that_comes_before_its_request_is_acknowledged_too(desk, gateway):
    request = new_id()
    await gateway.help("cancelled", request, sequence=2)
    await until(lambda: gateway.types == ["cancel_received"])
    await gateway.help("raised", request, request, sequence=1, trigger="manual")
    await until(lambda: desk.cases[0].trigger == "manual")
    assert [case.state for case in desk.cases] == ["cancelled"]


async def test_a_reopened_case_starts_again(desk, gateway):
    desk.policy = Policy(0.0, None, 0.0)
    request = await gateway.press()
    await until(lambda: gateway.types == ["received", "resolved"])
    desk.policy = ONLY_RECEIVED
    await gateway.help("reopened", request)
    await until(lambda: len(gateway.heard) == 3)
    assert gateway.types[2] == "received"
    assert [case.state for case in desk.cases] == ["received"]


async def test_the_end_of_the_round_before_does_not_end_a_reopened_case(desk, gateway):
    desk.policy = Policy(0.0, None, 0.0)
    request = await gateway.press(sequence=1)
    await until(lambda: gateway.types == ["received", "resolved"])
    desk.policy = ONLY_RECEIVED
    await gateway.help("reopened", request, sequence=3)
    await until(lambda: len(gateway.heard) == 3)
    await gateway.help("closed", request, sequence=2)
    await until(lambda: len(gateway.heard) == 4)
    assert gateway.heard[-1]["through"] == 3
    assert [case.state for case in desk.cases] == ["received"]


async def test_a_reopening_that_comes_behind_its_cancellation_opens_nothing(desk, gateway):
    desk.policy = Policy(0.0, None, 0.0)
    request = await gateway.press(sequence=1)
    await until(lambda: gateway.types == ["received", "resolved"])
    desk.policy = AT_ONCE
    await gateway.help("cancelled", request, sequence=3)
    await until(lambda: "cancel_received" in gateway.types)
    await gateway.help("reopened", request, sequence=2)
    await until(lambda: len(gateway.heard) == 4)
    assert gateway.heard[-1]["through"] == 3
    assert [case.state for case in desk.cases] == ["cancelled"]


async def test_a_nudge_that_comes_before_its_request_does_not_acknowledge_it(desk, gateway):
    request = new_id()
    await gateway.help("nudged", request, sequence=3, urgent=False, count=2)
    await until(lambda: gateway.types == ["received"])
    assert gateway.heard[0]["through"] == 0
    await gateway.help("raised", request, request, sequence=1, trigger="manual")
    await until(lambda: len(gateway.heard) == 2)
    assert gateway.heard[1]["through"] == 1
    await gateway.help("nudged", request, sequence=2, urgent=False, count=1)
    await until(lambda: len(gateway.heard) == 3)
    assert gateway.heard[2]["through"] == 3


async def test_what_was_acknowledged_once_stays_acknowledged_when_an_older_event_comes_late(desk, gateway):
    request = new_id()
    await gateway.help("cancelled", request, sequence=3)
    await until(lambda: gateway.types == ["cancel_received"])
    await gateway.help("raised", request, request, sequence=1, trigger="manual")
    await until(lambda: desk.cases[0].trigger == "manual" and len(gateway.heard) == 2)
    assert [body["through"] for body in gateway.heard] == [3, 3]


async def test_a_household_that_missed_the_end_is_told_it_anew_when_it_asks(desk, gateway):
    desk.policy = Policy(0.0, None, 0.0)
    request = await gateway.press()
    await until(lambda: gateway.types == ["received", "resolved"])
    await gateway.help("asked", request)
    await until(lambda: len(gateway.heard) == 3)
    assert gateway.types[2] == "resolved"
    assert gateway.heard[2]["id"] != gateway.heard[1]["id"]


async def test_a_gateway_that_missed_the_end_is_told_it_when_it_comes_back(desk, gateway):
    desk.policy = Policy(0.0, None, 0.0)
    request = await gateway.press()
    await until(lambda: gateway.types == ["received", "resolved"])
    birth = gateway.attributes("edge.state.birth.v1", sequence=0)
    told = {"cases": [{"id": request, "state": "RECEIVED"}], "last_down_sequence": 1}
    await gateway.publish("state/birth", pack(told), birth)
    await until(lambda: gateway.types == ["received", "resolved", "resolved"])


async def test_a_test_press_is_received_and_ended_by_itself(desk, gateway):
    request = new_id()
    await gateway.help("raised", request, request, trigger="test")
    await until(lambda: gateway.types == ["received", "resolved"])
    assert desk.cases[0].is_test


async def test_a_gateway_that_comes_back_gets_what_it_missed(desk, gateway):
    desk.policy = Policy(0.0, 0.0, None)
    request = await gateway.press()
    await until(lambda: len(gateway.heard) == 2)
    birth = gateway.attributes("edge.state.birth.v1", sequence=1)
    birth_data = {"cases": [{"id": request, "code": "K7MPX23Q", "state": "RECEIVED"}], "last_down_sequence": 1}
    await gateway.publish("state/birth", pack(birth_data), birth)
    await until(lambda: len(gateway.heard) == 3)
    assert gateway.types[2] == "engaged"
    assert gateway.heard[2]["id"] == gateway.heard[1]["id"]


async def test_a_gateway_that_heard_more_than_this_desk_knows_of_gets_everything_again(desk, gateway):
    await gateway.press()
    await until(lambda: gateway.heard)
    birth = gateway.attributes("edge.state.birth.v1", sequence=0)
    await gateway.publish("state/birth", pack({"cases": [], "last_down_sequence": 57}), birth)
    await until(lambda: len(gateway.heard) == 2)
    assert gateway.types == ["received", "received"]


async def test_a_household_that_asks_is_told_how_it_stands_and_when_the_next_word_comes(desk, gateway):
    request = await gateway.press()
    await until(lambda: gateway.heard)
    await gateway.help("asked", request)
    await until(lambda: len(gateway.heard) == 2)
    assert gateway.heard[1]["text"] == "We are still on it."
    assert gateway.heard[1]["next_word_wall"] > time.time()


async def test_that_a_resolution_arrived_is_acknowledged_without_words(desk, gateway):
    desk.policy = Policy(0.0, None, 0.0)
    request = await gateway.press()
    await until(lambda: gateway.types == ["received", "resolved"])
    await gateway.help("closed", request)
    await gateway.help("something_new", request)
    await until(lambda: len(gateway.heard) == 4)
    assert [(body["type"], body["through"], body.get("text")) for body in gateway.heard[2:]] == [
        ("edge.help.message.v1", 2, None),
        ("edge.help.message.v1", 3, None),
    ]
    assert [case.state for case in desk.cases] == ["resolved"]


async def test_a_silent_desk_keeps_the_case_and_says_nothing_until_it_is_told_to(desk, gateway):
    desk.policy = Policy(received_after_s=0.0, silent=True)
    request = await gateway.press()
    await gateway.help("nudged", request, count=1)
    await until(lambda: desk.events_received == 2)
    assert [case.state for case in desk.cases] == ["raised"]
    assert not gateway.arrivals
    desk.policy = ONLY_RECEIVED
    await until(lambda: gateway.types == ["received"])
    assert gateway.heard[0]["through"] == 2


async def test_a_lying_desk_signs_with_another_key(desk, gateway):
    desk.policy = Policy(received_after_s=0.0, engaged_after_s=None, lies=True)
    await gateway.press()
    await until(lambda: gateway.forged == 1)
    assert not gateway.heard


async def test_a_repeating_desk_sends_the_same_id_again(desk, gateway):
    desk.policy = Policy(received_after_s=0.0, engaged_after_s=None, repeats=3)
    await gateway.press()
    await until(lambda: len(gateway.heard) == 3)
    assert len({body["id"] for body in gateway.heard}) == 1


async def test_a_confused_desk_names_a_request_that_nobody_raised_and_can_still_put_it_right(desk, gateway):
    desk.policy = Policy(received_after_s=0.0, engaged_after_s=None, wrong_case=True)
    request = await gateway.press(sequence=1)
    await until(lambda: gateway.heard)
    assert gateway.heard[0]["event"] != request
    desk.policy = ONLY_RECEIVED
    await gateway.help("raised", request, request, sequence=1)
    await until(lambda: len(gateway.heard) == 2)
    assert gateway.heard[1]["event"] == request
    assert gateway.heard[1]["id"] != gateway.heard[0]["id"]


async def test_a_delaying_desk_answers_after_its_time(desk, gateway):
    desk.policy = Policy(received_after_s=0.3, engaged_after_s=None)
    began = time.monotonic()
    await gateway.press()
    await until(lambda: gateway.heard)
    assert time.monotonic() - began >= 0.29


async def test_a_person_at_the_desk_can_speak_and_end_a_case(desk, gateway):
    await gateway.press()
    await until(lambda: gateway.heard)
    case = desk.find("k7mp-x23q")
    desk.say(case, "Is the flame out?")
    desk.advance(case, CaseState.ENGAGED)
    desk.advance(case, CaseState.RESOLVED)
    await until(lambda: len(gateway.heard) == 4)
    assert gateway.types[1:] == ["message", "engaged", "resolved"]


async def test_two_desks_that_share_the_work_take_each_event_once(broker, tmp_path):
    path = str(tmp_path / "desk.sqlite")
    async with (
        working(Desk(broker.host, broker.port, db=path)) as one,
        working(Desk(broker.host, broker.port, db=path)) as other,
        connected(Gateway(broker.port)) as gateway,
    ):
        for _ in range(10):
            await gateway.block(count=1)
        await until(lambda: one.events_received == 10)
        assert (one.redelivered, other.events_received) == (0, 10)


async def test_a_desk_with_a_name_and_a_file_goes_on_where_it_stopped(broker, tmp_path):
    path = str(tmp_path / "desk.sqlite")
    first = Desk(broker.host, broker.port, db=path, name="one", policy=Policy(received_after_s=None))
    async with connected(Gateway(broker.port)) as gateway:
        async with working(first):
            request = await gateway.press()
            await until(lambda: first.cases)
        await gateway.block(sequence=1)
        second = Desk(broker.host, broker.port, db=path, name="one", key=first.key, policy=ONLY_RECEIVED)
        gateway.public = first.key.public
        async with working(second):
            await until(lambda: gateway.heard and second.events_received == 2)
    assert gateway.heard[0]["event"] == request


async def test_thousands_of_readings_a_second_are_taken_in(desk, gateway):
    began = time.monotonic()
    for start in range(40):
        await gateway.block(count=500, start=start * 500.0)
    await until(lambda: desk.readings_received == 20_000, 10)
    assert 20_000 / (time.monotonic() - began) > 5_000
