"""The description of the control API: kept true, and its promises fuzzed over the real socket."""

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig

from edge_agent.control.client import Client
from edge_agent.control.openapi import description
from edge_agent.control.routes import ROUTES
from edge_agent.control.types import LIVE_KINDS
from tests.edges.control.conftest import house_at

PAGE = Path(__file__).parents[3] / "docs/openapi.json"
load_all_checks()


def test_the_page_is_what_the_code_says():
    assert PAGE.read_bytes() == description(), "run .venv/bin/python -m docs.made"


def test_the_description_is_served(house):
    with house.dial() as sock:
        sock.sendall(b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        heard = b""
        while piece := sock.recv(65536):
            heard += piece
    assert heard.partition(b"\r\n\r\n")[2] == PAGE.read_bytes()


def test_every_route_is_described_with_its_words_and_every_kind_of_event():
    told = json.loads(PAGE.read_text())
    for route in ROUTES:
        place = told["paths"][f"/v1/{route.name}"]["post" if route.writes else "get"]
        assert place["summary"] == route.summary
    events = told["paths"]["/v1/events"]["get"]
    assert events["parameters"][0]["schema"]["items"]["enum"] == list(LIVE_KINDS)
    assert all(kind in events["description"] for kind in (*LIVE_KINDS, "gap"))


@contextmanager
def over_tcp(path: Path) -> Iterator[int]:
    """A port on loopback behind which the Unix socket is, for tools that speak only TCP."""

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as far:
                far.connect(str(path))
                back = threading.Thread(target=_pump, args=(far, self.request))
                back.start()
                _pump(self.request, far)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address, daemon_threads, block_on_close = True, True, False

    with Server(("127.0.0.1", 0), Relay) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def _pump(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while piece := one.recv(65536):
            other.sendall(piece)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple[int, object]]:
    with house_at(tmp_path_factory.mktemp("fuzz") / "control.sock") as house, over_tcp(house.path) as port:
        yield port, house


# a line that is too long is refused before anybody looks at what it asks
REFUSED = ["400", "403", "404", "405", "409", "413", "415", "431", "5xx"]
CONFIG = SchemathesisConfig.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REFUSED}}})
schema = schemathesis.openapi.from_dict(json.loads(PAGE.read_text()), config=CONFIG).exclude(path="/v1/events")


@schema.parametrize()
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_whatever_is_asked_the_answer_is_as_described(case, served):
    port, house = served
    house.agent.held.clear()
    answer = case.call(base_url=f"http://localhost:{port}", headers={"Host": "localhost", "Connection": "close"})
    if answer.status_code == 431:
        assert "too" in answer.json()["error"], "what is too long is refused before it can be understood"
        return
    case.validate_response(answer)
    assert Client(house.path).lamp().pattern
