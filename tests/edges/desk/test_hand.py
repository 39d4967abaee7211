"""People at the desk: what they may do in a case, what they are shown first, and what the household answers."""

import time

import pytest
from desk_gateway import PRESSURE, Gateway, connected, new_id, until, working

from edge_agent.core import block
from edge_agent.core.errors import RefusedError
from edge_agent.core.reading import Reading
from edge_agent.core.wire import pack
from simulators.broker import Broker
from simulators.desk.cases import Case, CaseState
from simulators.desk.desk import Desk
from simulators.desk.policy import Policy
from simulators.desk.urgency import goals_of, urgency_of

BY_HAND = Policy(by_hand=True)
NOW = 1_790_000_000.0


@pytest.fixture
async def broker():
    async with Broker.find("mosquitto") as broker:
        yield broker
        await broker.kill()


@pytest.fixture
async def desk(broker):
    async with working(Desk(broker.host, broker.port, policy=BY_HAND)) as desk:
        yield desk


@pytest.fixture
async def gateway(broker, desk):
    async with connected(Gateway(broker.port, public=desk.key.public)) as gateway:
        yield gateway


async def raised(desk, gateway, **data):
    request = new_id()
    await gateway.help("raised", request, request, trigger="manual", product="home", **data)
    await until(lambda: any(case.request == request for case in desk.cases))
    return request


def lines(desk, number=1):
    return [line["text"] for line in desk.view.case(number, time.time())["timeline"]]


async def test_where_people_answer_the_desk_says_nothing_by_itself_but_that_things_arrived(desk, gateway):
    request = await raised(desk, gateway)
    await gateway.help("nudged", request, urgent=False, count=1)
    await until(lambda: desk.cases[0].nudges == 1)
    assert gateway.heard == []
    desk.hand.receive(1, time.time(), "first line")
    await gateway.help("nudged", request, urgent=True, count=2)
    await until(lambda: len(gateway.heard) == 2)
    note = gateway.heard[1]
    assert (note["type"], note["through"], "text" in note, "next_word_wall" in note) == (
        *("edge.help.message.v1", 3),
        *(False, False),
    )
    assert lines(desk) == [
        "The household asked for help.",
        "The household pressed again.",
        "first line acknowledged the request.",
        "The household pressed again, urgently.",
    ]


async def test_a_question_is_answered_once_and_the_answer_is_confirmed(desk, gateway):
    request = await raised(desk, gateway)
    desk.hand.engage(1, time.time(), "first line")
    desk.hand.ask(1, time.time(), "Which room?", ["kitchen", "bath"], expires_s=60.0)
    await until(lambda: gateway.types == ["received", "engaged", "question"])
    asked = gateway.heard[2]
    assert (asked["kind"], asked["options"], asked["purpose"]) == ("options", ["kitchen", "bath"], "")
    for answer in ("bath", "kitchen"):
        await gateway.help("answered", request, question=asked["question"], answer=answer, by="page")
    await until(lambda: len(gateway.heard) == 5)
    assert gateway.heard[-1]["through"] == 3
    (question,) = desk.view.case(1, time.time())["questions"]
    assert (question["answer"], question["by"], question["waits"]) == ("bath", "page", False)
    assert desk.cases[0].new_words == 2


async def test_a_question_that_nobody_answers_is_seen_to_have_expired(desk, gateway):
    request = await raised(desk, gateway)
    desk.hand.ask(1, time.time(), "Is somebody hurt?", expires_s=10.0)
    await until(lambda: gateway.heard)
    ident = gateway.heard[0]["question"]
    assert desk.view.case(1, time.time())["questions"][0]["waits"]
    assert not desk.view.case(1, time.time() + 11)["questions"][0]["waits"]
    await gateway.help("expired", request, question=ident)
    await until(lambda: desk.view.case(1, time.time())["questions"][0]["closed"])
    assert lines(desk)[-1] == "No answer came in time: Is somebody hurt?"
    await gateway.help("answered", request, question="other", answer="yes", by="button")
    await until(lambda: lines(desk)[-1] == "yes")
    assert desk.view.case(1, time.time())["questions"][0]["answer"] == ""


async def test_the_question_how_easy_it_was_comes_after_its_time_where_the_household_agreed(broker):
    policy = Policy(0.0, None, 0.0, effort_after_s=0.3)
    async with (
        working(Desk(broker.host, broker.port, policy=policy)) as desk,
        connected(Gateway(broker.port, "gw-1", desk.key.public)) as yes,
        connected(Gateway(broker.port, "gw-2", desk.key.public)) as no,
    ):
        request = await raised(desk, yes, consent=["effort"])
        await raised(desk, no, consent=["telemetry"])
        await until(lambda: "question" in yes.types)
        asked = yes.heard[-1]
        assert (asked["purpose"], asked["options"]) == ("effort", ["1", "2", "3", "4", "5"])
        await yes.help("answered", request, question=asked["question"], answer="4", by="page")
        await until(lambda: desk.cases[0].effort == "4")
        assert no.types == ["received", "resolved"]
        assert yes.types.count("question") == 1
        with pytest.raises(RefusedError, match="did not agree"):
            desk.hand.ask_effort(2, time.time())
        with pytest.raises(RefusedError, match="asked already"):
            desk.hand.ask_effort(1, time.time())


async def test_a_test_press_goes_the_whole_way_and_opens_no_case(desk, gateway):
    test = new_id()
    attributes = gateway.attributes("edge.help.test.v1", subject="test")
    for times in (1, 2):
        await gateway.publish("help", pack({"test": test, "scheduled": True}), attributes)
        await until(lambda times=times: gateway.types == ["test_received"] * times)
    first, again = gateway.heard
    assert (first["event"], first["through"], first["id"]) == (test, 1, again["id"])
    assert desk.cases == []
    assert [(told["gateway"], told["scheduled"]) for told in desk.view.queue(time.time())["tests"]] == [("gw-1", True)]


async def test_a_stranger_signs_with_a_key_that_no_gateway_knows(desk, gateway):
    desk.policy = Policy(0.0, None, None, stranger=True)
    await gateway.press()
    await until(lambda: gateway.forged)
    assert gateway.heard == []


async def test_the_script_asks_and_tells_how_it_goes_on(desk, gateway):
    desk.policy = Policy.parse("received=0,engaged=never,resolved=0.4,asks=0.2,progress=0.1")
    await gateway.press()
    await until(lambda: gateway.types == ["received", "progress", "question", "resolved"])
    assert gateway.heard[1]["next_word_wall"] > time.time()


async def test_two_cases_with_one_code_are_told_apart(broker, desk, gateway):
    async with connected(Gateway(broker.port, "gw-2", desk.key.public)) as other:
        await raised(desk, gateway)
        await raised(desk, other)
        first, second = desk.cases
        assert (first.code, first.label, second.label) == ("K7MPX23Q", "K7MPX23Q", "K7MPX23Q/2")
        assert desk.find("k7mp-x23q/2").gateway == "gw-2"
        assert desk.find("k7mp-x23q/1").gateway == "gw-1"
        assert desk.view.case(1, NOW)["twins"] == ["K7MPX23Q/2"]
        desk.hand.receive(2, time.time(), "first line")
        await until(lambda: other.types == ["received"])
        assert other.heard[0]["reference"] == "SD-00002"
        assert gateway.heard == []


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda hand: hand.tell(1, NOW, "  "), "write the message"),
        (lambda hand: hand.tell(1, NOW, "x" * 1001), "At most 1000"),
        (lambda hand: hand.receive(1, NOW, "\x1b"), "write the name"),
        (lambda hand: hand.receive(7, NOW, "first line"), "no such case"),
        (lambda hand: hand.ask(1, NOW, "Well?", ["one"], expires_s=60.0), "two to 6"),
        (lambda hand: hand.ask(1, NOW, "Well?", ["a", "a"], expires_s=60.0), "two to 6"),
        (lambda hand: hand.ask(1, NOW, "Well?", expires_s=float("nan")), "ten seconds"),
        (lambda hand: hand.ask(1, NOW, "Well?", expires_s=60.0, purpose="effort"), "not known"),
        (lambda hand: hand.progress(1, NOW, "Soon.", float("nan")), "within a week"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words_and_leaves_no_trace(desk, gateway, act, why):
    await raised(desk, gateway)
    with pytest.raises(RefusedError, match=why):
        act(desk.hand)
    assert lines(desk) == ["The household asked for help."]


async def test_a_case_is_acknowledged_once_and_one_that_is_over_is_left_alone(desk, gateway):
    await raised(desk, gateway)
    desk.hand.receive(1, time.time(), "first line")
    with pytest.raises(RefusedError, match="already"):
        desk.hand.receive(1, time.time(), "second line")
    desk.hand.resolve(1, time.time(), "The valve is shut.")
    with pytest.raises(RefusedError, match="over"):
        desk.hand.tell(1, time.time(), "Hello?")
    await until(lambda: gateway.types == ["received", "resolved"])
    assert gateway.heard[1]["text"] == "The valve is shut."


def case(state=CaseState.RAISED, **told):
    return Case(1, "gw", "r", "CODE", "manual", state, NOW, 1, **told)


@pytest.mark.parametrize(
    ("one", "after_s", "marks"),
    [
        (case(), 1.0, ("new",)),
        (case(), 16.0, ("overdue", "new")),
        (case(new_urgent=1, new_nudges=2), 1.0, ("urgent", "new", "nudged")),
        (case(CaseState.RECEIVED, received=NOW + 2), 20.0, ("waiting",)),
        (case(CaseState.RECEIVED, received=NOW + 2), 41.0, ("overdue", "waiting")),
        (case(CaseState.ENGAGED, received=NOW, engaged=NOW, new_words=1), 99.0, ("wrote", "in hand")),
        (case(CaseState.ENGAGED, engaged=NOW, next_word=NOW + 5), 6.0, ("promise broken", "in hand")),
        (case(CaseState.RESOLVED, new_urgent=1), 1.0, ("over",)),
    ],
)
def test_urgency_is_told_in_words(one, after_s, marks):
    assert urgency_of(one, NOW + after_s).marks == marks


def test_the_goals_count_what_was_in_time_and_what_still_waits_too_long():
    done = [case(CaseState.ENGAGED, engaged=NOW + seconds) for seconds in (5.0, 20.0, 50.0)]
    cancelled = case(CaseState.CANCELLED, cancelled=NOW + 1)
    told = goals_of([*done, case(), cancelled], NOW + 41.0)
    assert told == (4, 1, 2, 20.0)
    assert goals_of([case()], NOW + 5.0) == (0, 0, 0, None)


async def test_evidence_is_drawn_and_told_in_lines(desk, gateway):
    request = await raised(desk, gateway)
    pressure = block.pack([Reading(PRESSURE, 1.5, 0.0), Reading(PRESSURE, 0.7, 60.0)], 0.0)
    log = '{"event": "connected", "level": "info", "host": "broker", "timestamp": "12:00"}'
    pieces = [
        {"part": "before", "block": pressure},
        {"part": "after", "block": b"no block"},
        {"part": "log", "lines": ["plain words", log, "{broken"]},
        {"part": "selftest", "parts": [["help", True, "a press is recorded"], ["store", False, "full"]]},
        {"part": "freeze", "findings": [{"sentence": "It leaks.", "freeze_frame": [[1.0, 2.0]] * 9}]},
        {"part": "deep", "a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"i": 1}}}}}}}}},
    ]
    for piece in pieces:
        attributes = gateway.attributes("edge.finding.evidence.v1", subject=gateway.code)
        await gateway.publish("finding", pack({"request": request, "case": gateway.code, **piece}), attributes)
    await until(lambda: desk.events_received == 1 + len(pieces))
    told = desk.view.case(1, time.time())
    (track,) = told["tracks"]
    assert (track.channel, [value for _, value in track.points]) == ("boiler.pressure", [1.5, 0.7])
    texts = dict(told["evidence"])
    assert texts["log"] == "plain words\n12:00 info connected host=broker\n{broken"
    assert texts["selftest"] == "help, yes, a press is recorded\nstore, no, full"
    assert texts["freeze"].startswith("sentence: It leaks.\nfreeze_frame:\n")
    assert "and more" in texts["deep"]
