"""What the server answers, whatever is said to it."""

import json
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.control import bounds, server
from edge_agent.control.client import Client
from edge_agent.control.types import LIVE_KINDS, Gap, Lamp, Live
from tests.edges.control.conftest import IDLE, READY, everything, until

MISSING, NEW = Live("gap", Gap(3, ["lamp"])), Live("lamp", READY, "ab-12")
GET = b"GET /v1/%s HTTP/1.1\r\nHost: localhost\r\n\r\n"


def split(answer: bytes):
    """Status code and JSON body of an answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def is_alive(house) -> bool:
    return split(house.say(GET % b"lamp"))[0] == 200


@pytest.mark.parametrize("route", ["status", "queue", "findings", "help", "lamp", "channels"])
def test_every_read_answers_json(house, route):
    answer = house.say(GET % route.encode())
    code, body = split(answer)
    assert code == 200
    assert body
    assert b"application/json" in answer


def test_a_press_is_held_as_long_as_asked(house):
    body = b'{"hold_s": 3.5}'
    code, said = split(
        house.say(b"POST /v1/press HTTP/1.1\r\nHost: edge-agent\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    )
    assert (code, said["state"]) == (200, "RECEIVED")
    assert house.agent.held == [3.5]


def post(route: bytes, body: bytes) -> bytes:
    return b"POST /v1/%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (route, len(body)) + body


BAD = {
    "garbage": (b"\x00\xff\x80 rubbish\r\n\r\n", 400),
    "an empty line": (b"\r\n\r\n", 400),
    "half a request line": (b"GET\r\n\r\n", 400),
    "a header without a colon": (b"GET /v1/lamp HTTP/1.1\r\nHost localhost\r\n\r\n", 400),
    "a version that is none": (b"GET /v1/lamp HTTP\r\nHost: localhost\r\n\r\n", 400),
    "a length that is none": (b"POST /v1/press HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400),
    "a negative length": (b"POST /v1/press HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
    "a broken escape": (b"GET /v1/lamp?a=%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "a long line": (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", 431),
    "a long header": (b"GET /v1/lamp HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", 431),
    "many headers": (b"GET /v1/lamp HTTP/1.1\r\n" + b"X: y\r\n" * 1000 + b"\r\n", 431),
    "a huge body announced": (b"POST /v1/press HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n", 413),
    "a body in chunks": (b"POST /v1/press HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
    "no host": (b"GET /v1/lamp HTTP/1.1\r\n\r\n", 403),
    "a foreign host": (b"GET /v1/lamp HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
    "a web page's origin": (b"GET /v1/lamp HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\r\n", 403),
    "the origin null": (b"GET /v1/lamp HTTP/1.1\r\nHost: localhost\r\norigin: null\r\n\r\n", 403),
    "a route that is none": (GET % b"secrets", 404),
    "a later version": (b"GET /v2/status HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    "a press by GET": (GET % b"press", 405),
    "a status by POST": (post(b"status", b"{}"), 405),
    "no JSON": (post(b"press", b"hold it"), 400),
    "JSON of the wrong shape": (post(b"press", b"[]"), 400),
    "a hold that is text": (post(b"press", b'{"hold_s": "long"}'), 400),
    "a hold too long": (post(b"press", b'{"hold_s": 1e9}'), 400),
    "a hold below nothing": (post(b"press", b'{"hold_s": -1}'), 400),
    "a hold that is no number": (post(b"press", b'{"hold_s": NaN}'), 400),
    "an unknown field": (post(b"press", b'{"hold": 3}'), 400),
    "text that is not UTF-8": (post(b"press", b'{"hold_s\xff": 3}'), 400),
    "a deep nest": (post(b"press", b"[" * 10_000), 400),
    "a cancel with content": (post(b"cancel", b'{"why": 1}'), 400),
    "a cancel of nothing": (post(b"cancel", b"{}"), 409),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_answered_counted_and_survived(house, name, capfd):
    words, expected = BAD[name]
    code, said = split(house.say(words))
    assert code == expected
    assert said["error"]
    assert house.counts.refused == 1
    assert house.agent.held == []
    assert is_alive(house)
    assert capfd.readouterr() == ("", ""), "nothing is printed for what a client does wrong"


def test_a_cancel_of_nothing_says_so_in_the_agents_words(house):
    assert split(house.say(post(b"cancel", b"")))[1]["error"] == "there is no help request to cancel"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.binary(max_size=300))
def test_no_bytes_stop_the_server(house, words):
    with house.dial() as sock:
        sock.sendall(words + b"\r\n\r\n")
        heard = everything(sock)
    assert not heard or heard.startswith(b"HTTP/1.0 4")
    assert is_alive(house)


def test_a_client_that_says_nothing_is_sent_away(house, monkeypatch):
    monkeypatch.setattr(server, "REQUEST_TIMEOUT_S", 0.1)
    with house.dial() as sock:
        code, said = split(everything(sock))
    assert code == 408
    assert "too long" in said["error"]


def test_a_client_that_drips_is_sent_away(house, monkeypatch):
    monkeypatch.setattr(server, "REQUEST_TIMEOUT_S", 0.2)
    with house.dial() as sock:
        for byte in b"GET /v1/lamp HT":
            sock.send(bytes([byte]))
            threading.Event().wait(0.01)
        assert split(everything(sock))[0] == 408
    assert is_alive(house)


def test_a_client_that_leaves_in_the_middle_is_counted(house):
    with house.dial() as sock:
        sock.sendall(b"POST /v1/press HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n{")
    until(lambda: house.counts.left == 1)
    assert house.agent.held == []
    assert is_alive(house)


def test_a_client_that_does_not_read_is_given_up(house, monkeypatch):
    monkeypatch.setattr(bounds, "WRITE_TIMEOUT_S", 0.1)
    house.agent.values = house.agent.values * 20_000
    with house.dial() as sock:
        sock.sendall(GET % b"channels")
        until(lambda: house.counts.left == 1)
    assert is_alive(house)


def test_silent_clients_leave_room_when_their_time_is_up_and_the_surplus_is_told(house, monkeypatch):
    monkeypatch.setattr(server, "REQUEST_TIMEOUT_S", 0.5)
    silent = [house.dial() for _ in range(server.MAX_CONNECTIONS)]
    try:
        assert split(house.say(GET % b"lamp"))[0] == 503
        assert Client(house.path).lamp().pattern == "ready", "the client waits for its turn"
    finally:
        for sock in silent:
            sock.close()


def test_a_hundred_clients_at_once_are_all_served(house):
    answers, clients = (
        [],
        [threading.Thread(target=lambda: answers.append(Client(house.path).lamp())) for _ in range(100)],
    )
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert answers == [READY] * 100


def test_a_mistake_in_the_agent_is_an_answer_and_goes_to_its_log(house, capfd, monkeypatch):
    async def broken():
        raise KeyError("oops")

    monkeypatch.setattr(house.agent, "cancel", broken)
    code, said = split(house.say(post(b"cancel", b"{}")))
    assert (code, said["error"]) == (500, "the agent made a mistake while answering")
    assert "KeyError: 'oops'" in capfd.readouterr().err
    assert is_alive(house)


def test_the_stream_delivers_events_and_ends_when_the_client_leaves(house):
    with house.dial() as sock:
        sock.sendall(GET % b"events")
        until(lambda: house.agent.listeners)
        house.emit(Live(kind="lamp", data=READY))
        heard = b""
        while b"data: " not in heard or not heard.endswith(b"\n\n"):
            heard += sock.recv(4096)
        assert b"text/event-stream" in heard
        assert b'event: lamp\ndata: {"pattern":"ready"' in heard
    until(lambda: not house.agent.listeners)
    assert is_alive(house)


def test_a_listener_hears_only_the_kinds_it_asks_for(house):
    with house.dial() as sock:
        sock.sendall(GET % b"events?kinds=lamp,help")
        until(lambda: house.agent.listeners)
        assert house.agent.asked == {"lamp", "help"}
    until(lambda: not house.agent.listeners)


def test_a_listener_that_names_no_kinds_hears_all(house):
    for words in (GET % b"events", GET % b"events?kinds="):
        with house.dial() as sock:
            sock.sendall(words)
            until(lambda: house.agent.listeners)
            assert house.agent.asked == set(LIVE_KINDS)
        until(lambda: not house.agent.listeners)


@pytest.mark.parametrize("asked", [b"lamps", b"lamp,,help", b"lamp,\xc3\xa9", b"%2e"])
def test_a_kind_that_does_not_exist_is_refused_and_the_known_ones_are_named(house, asked):
    code, said = split(house.say(GET % (b"events?kinds=" + asked)))
    assert code == 400
    assert "no events of the kind" in said["error"]
    assert "reading,finding,notice,help,lamp" in said["fix"]
    assert not house.agent.listeners


def test_a_quiet_stream_says_that_it_is_there(house, monkeypatch):
    monkeypatch.setattr(server, "HEARTBEAT_S", 0.05)
    with house.dial() as sock:
        sock.sendall(GET % b"events")
        heard = b""
        while heard.count(b": still here") < 2:
            heard += sock.recv(4096)
        house.emit(Live(kind="help", data=IDLE))
        while b"event: help" not in heard:
            heard += sock.recv(4096)


def test_a_stream_ends_when_the_agent_ends_it(house):
    with house.dial() as sock:
        sock.sendall(GET % b"events")
        until(lambda: house.agent.listeners)
        house.emit(None)
        assert everything(sock).endswith(b": listening\n\n")


def test_a_listener_that_does_not_read_is_given_up(house, monkeypatch):
    monkeypatch.setattr(bounds, "WRITE_TIMEOUT_S", 0.1)
    big = Live(kind="lamp", data=Lamp(pattern="ready", colour="green", rhythm=[], sentence="x" * 100_000))
    with house.dial() as sock:
        sock.sendall(GET % b"events")
        until(lambda: house.agent.listeners)
        for _ in range(20):
            house.emit(big)
        until(lambda: not house.agent.listeners)
    assert is_alive(house)


def test_listeners_leave_room_for_questions(house):
    open_ones = [house.dial() for _ in range(server.MAX_LISTENERS)]
    try:
        for sock in open_ones:
            sock.sendall(GET % b"events")
        until(lambda: len(house.agent.listeners) == server.MAX_LISTENERS)
        assert split(house.say(GET % b"events"))[0] == 503
        assert is_alive(house)
    finally:
        for sock in open_ones:
            sock.close()
    until(lambda: not house.agent.listeners)


def test_a_head_request_for_the_stream_leaves_nothing_behind(house):
    answer = house.say(b"HEAD /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert not house.agent.listeners


def test_who_comes_back_says_what_it_had_and_each_event_has_an_id(house):
    with house.dial() as sock:
        sock.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: ab-7\r\n\r\n")
        until(lambda: house.agent.listeners)
        assert house.agent.after == "ab-7"
        house.emit(Live("lamp", READY, "ab-8"))
        heard = b""
        while b"event: lamp" not in heard:
            heard += sock.recv(4096)
        assert b"id: ab-8\nevent: lamp\n" in heard
    until(lambda: not house.agent.listeners)


def test_a_client_that_comes_back_is_told_of_the_gap(house):
    stream = Client(house.path).events(["lamp"], after="ab-8")
    told = threading.Thread(target=lambda: (until(lambda: house.agent.listeners), house.emit(MISSING), house.emit(NEW)))
    told.start()
    assert [next(stream), next(stream)] == [MISSING, NEW]
    told.join()
    stream.close()
    until(lambda: not house.agent.listeners)


def test_another_method_is_told_which_ones_there_are(house):
    answer = house.say(b"PUT /v1/raw HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
    assert split(answer) == (405, {"error": "this route does not take that method", "fix": "Ask it with GET or POST."})
    assert b"\r\nAllow: GET, POST\r\n" in answer
    assert b"\r\nAllow: GET\r\n" in house.say(b"DELETE /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")


def test_a_query_that_is_not_understood_says_what_is_wrong_with_it(house):
    for query in (
        b"raw",
        b"raw?device=",
        b"log?lines=many",
        b"log?lines=0",
        b"log?after=-1",
        b"lamp?colour=red",
        b"log?after=1&after=2",
    ):
        code, said = split(house.say(GET % query))
        assert code == 400
        assert said["error"].startswith("the query is not what was expected: ")
    assert split(house.say(GET % b"log?lines=1")) == (200, {"newest": 2, "lines": ["two"]})
    assert split(house.say(GET % b"raw?device=oven"))[1]["fix"] == "Ask for boiler."
