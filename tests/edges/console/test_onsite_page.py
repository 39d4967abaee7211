"""The page on site over HTTP: when it listens, who comes in, and what it may ask."""

import re
import stat
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from msgspec import structs

from edge_agent.console import cli
from edge_agent.console.web import address, site
from edge_agent.console.web.gate import MAX_SESSIONS, MAX_WRONG, Gate
from edge_agent.console.web.relay import DOES, LOOKS
from edge_agent.control.routes import ROUTES
from edge_agent.control.types import BleSurvey, Frame, HeardBle, Help, Live, Raw
from edge_agent.core.bounce import Move, Opinion
from edge_agent.core.errors import RefusedError
from edge_agent.units import SPOKEN
from tests.edges.control.conftest import AMBER, CASE, until

PIN = "042195"
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"


def test_nothing_listens_until_somebody_opens_it_and_nothing_after_it_was_shut(page):
    assert not page.served()
    page.open()
    assert page.served()
    page.client.console(0.0)
    until(lambda: not page.served())


def test_it_shuts_by_itself_when_its_time_is_up(page):
    page.open(seconds=0.3)
    until(lambda: not page.served())


def test_it_shuts_when_the_agent_leaves_for_nobody_knows_then_whether_it_may_be_open(page, house):
    page.open()
    house.emit(None)
    until(lambda: not page.served())


def test_on_loopback_it_listens_on_loopback_alone(page):
    page.open()
    (sock,) = page.keeper._server.sockets
    assert sock.getsockname()[0] == "127.0.0.1"


def test_on_the_network_it_is_served_over_tls_with_the_same_certificate_as_before(page):
    page.open(lan=True)
    first = address.certificate(page.port)
    assert re.fullmatch(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", address.fingerprint(first))
    cookie = page.enter(PIN, tls=True)
    assert page.ask("/api/status", tls=True, Cookie=cookie)[0] == 200
    page.client.console(0.0)
    until(lambda: not page.served())
    page.open(lan=True)
    assert address.certificate(page.port) == first
    (kept,) = page.folder.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_the_cookie_is_for_this_page_alone_and_over_tls_never_in_the_clear(page):
    page.open(lan=True)
    _, headers, _ = page.ask("/login", {"pin": PIN}, tls=True)
    for word in ("HttpOnly", "SameSite=Strict", "Secure", "Path=/"):
        assert word in headers["Set-Cookie"]


def test_opened_on_the_network_as_well_who_was_in_stays_in(page):
    page.open()
    cookie = page.enter(PIN)
    page.client.console(60.0, lan=True)
    until(lambda: page.keeper._site.tls)
    assert page.ask("/api/status", tls=True, Cookie=cookie)[0] == 200


def test_without_the_pin_only_the_way_in_is_shown(page):
    page.open()
    for path in ("/api/status", "/api/help", "/api/events", "/api/config"):
        assert page.ask(path)[0] == 401
    assert page.ask("/api/consent", {"purpose": "telemetry", "granted": True})[0] == 401
    assert 'id="pin"' in page.ask("/")[2]
    assert 'id="home"' in page.ask("/", Cookie=page.enter(PIN))[2]


def test_after_five_wrong_pins_the_page_is_shut_for_all(page):
    page.open()
    cookie = page.enter(PIN)
    for number in range(MAX_WRONG):
        assert page.ask("/login", {"pin": f"{number:06}"})[0] == 401
    until(lambda: not page.served())
    until(lambda: page.house.agent.page.left_s == 0.0)
    page.open()
    assert page.ask("/api/status", Cookie=cookie)[0] == 401


@pytest.mark.parametrize("body", [{}, {"pin": None}, {"pin": 42195}, {"pin": "٠٤٢١٩٥"}, [], "x", {"pin": "0" * 9000}])
def test_what_is_no_pin_opens_nothing(page, body):
    page.open()
    assert page.ask("/login", body)[0] in (400, 401)


def test_at_the_start_it_says_that_it_is_shut_and_how_to_open_it(capsys, page):
    page.open()
    told = "console: shut; edge-agent console open opens it\nconsole: open on this machine"
    assert told in capsys.readouterr().out


def test_half_a_character_is_a_wrong_pin_as_any_other(page):
    page.open()
    for _ in range(MAX_WRONG):
        assert page.ask("/login", {"pin": "\ud800"})[0] == 401
    until(lambda: not page.served())


def test_a_pin_that_was_guessed_at_opens_nothing_any_more_also_where_the_agent_could_not_be_told(page):
    page.open()
    tell, tried = page.house.agent.open_console, []

    async def refuses_once(ask):
        if ask.seconds == 0.0 and not tried:
            tried.append(ask)
            raise RefusedError("not now", code="later", fix="Again.")
        return await tell(ask)

    page.house.agent.open_console = refuses_once
    for number in range(MAX_WRONG):
        page.ask("/login", {"pin": f"{number:06}"})
    until(lambda: tried and not page.served())
    page.house.emit(Live("console", page.house.agent.console()))
    until(lambda: page.house.agent.page.left_s == 0.0)
    assert not page.served()
    page.open()


def test_a_few_right_ones_forget_the_wrong_ones_and_old_sessions_make_room():
    gate = Gate(PIN)
    for _ in range(3):
        for _ in range(MAX_WRONG - 1):
            assert gate.enter("000000") is None
        assert gate.enter(PIN)
    first = gate.enter(PIN)
    assert first is not None
    assert gate.knows(first)
    for _ in range(MAX_SESSIONS):
        gate.enter(PIN)
    assert not gate.knows(first)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Host": "[::1]:8443", "Origin": "http://[::1]:8443"}, 401),
        ({"Host": "192.168.4.1:8443"}, 401),
    ],
)
def test_a_foreign_page_cannot_knock(page, headers, status):
    page.open()
    assert page.ask("/api/status", **headers)[0] == status


def test_a_request_without_origin_changes_nothing(page):
    page.open()
    cookie = page.enter(PIN)
    assert page.ask("/api/cancel", {}, Cookie=cookie, Origin="")[0] == 403


def test_it_may_ask_only_what_it_needs_and_never_press(page):
    page.open()
    cookie = page.enter(PIN)
    assert "press" not in LOOKS | DOES
    assert page.ask("/api/press", {"hold_s": 4.0}, Cookie=cookie)[0] == 404
    assert page.ask("/api/console", {"seconds": 0}, Cookie=cookie)[0] == 404
    assert page.ask("/api/nothing", Cookie=cookie)[0] == 404
    assert page.house.agent.held == []


def test_what_it_may_ask_there_is():
    asked = {route.name for route in ROUTES if not route.writes}
    done = {route.name for route in ROUTES if route.writes}
    assert asked >= LOOKS
    assert done >= DOES


def test_what_the_agent_answers_is_handed_on_as_it_is_also_when_it_refuses(page):
    page.open()
    cookie = page.enter(PIN)
    assert page.ask("/api/raw?device=boiler", Cookie=cookie)[2]["device"] == "boiler"
    status, _, told = page.ask("/api/raw?device=nowhere", Cookie=cookie)
    assert (status, told["error"]) == (409, "no device is called 'nowhere'")
    assert page.ask("/api/help/say", {"text": "hello"}, Cookie=cookie)[0] == 409
    page.house.agent.now = Help(state="RECEIVED", case=CASE, lamp=AMBER)
    assert page.ask("/api/help/say", {"text": "hello"}, Cookie=cookie)[2]["case"]["notes"][-1]["text"] == "hello"


def test_of_a_survey_it_says_who_knows_each_device_and_begins_one_only_by_doing(page):
    page.open()
    cookie = page.enter(PIN)
    heard = HeardBle(
        "A4:C1:38:00:00:01", "public", "Bath", 4, 8.0, -58, -68, 20.0, 1.0, "", {BTHOME: "4002ca0903bf13"}, {}, []
    )
    page.house.agent.surveyed = BleSurvey(True, True, "scanning on hci0", heard=[heard])
    assert page.ask("/api/survey/ble", Cookie=cookie)[0] == 404
    status, _, told = page.ask("/api/survey/ble", {"seconds": 30.0}, Cookie=cookie)
    assert (status, told["left_s"]) == (200, 30.0)
    (row,) = told["heard"]
    assert row["known"] == [{"language": "bthome", "model": "BTHome v2", "needs_key": False}]
    assert (row["median_is"], row["p10_is"], row["lasting"]) == ("good", "fine", "public")
    status, _, told = page.ask("/api/survey/ble", {"seconds": 0.0}, Cookie=cookie)
    assert status == 400
    assert "seconds" in told["error"]


def test_a_long_answer_is_handed_on_whole(page):
    page.open()
    cookie = page.enter(PIN)
    frames = [Frame(0.5, "in", "0a" * 200, 200)] * 3000
    page.house.agent.raw = lambda _: Raw("boiler", 0.0, frames)
    assert len(page.ask("/api/raw?device=boiler", Cookie=cookie)[2]["frames"]) == len(frames)


def test_no_answer_lets_another_script_in(page):
    page.open()
    for path in ("/", "/static/app.js", "/texts/en", "/api/status"):
        _, headers, _ = page.ask(path)
        assert "script-src 'self'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_files_are_only_its_own(page):
    page.open()
    assert page.ask("/static/../command.py")[0] == 404
    assert page.ask("/static/%2e%2e%2fcommand.py")[0] == 404
    assert page.ask("/texts/../en")[0] == 404
    assert page.ask("/texts/xx")[0] == 404


def test_the_page_writes_units_as_the_terminal_does():
    code = site.static_files()["words.js"].decode()
    table = code.partition("const units = {")[2].partition("}")[0]
    assert dict(re.findall(r'(\w+): "([^"]+)"', table)) == SPOKEN


def test_every_word_of_the_page_is_in_its_files_and_the_other_way_round(page):
    page.open()
    said = page.ask("/texts/en")[2]["said"]
    code = b"".join(content for name, content in site.static_files().items() if not name.startswith("uPlot")).decode()
    used = {word for word in re.findall(r"page\.([a-z_]+)", code) if not word.endswith("_")}
    known = {key.partition(".")[2] for key in said if key.startswith("page.")}
    assert used <= known
    # those that are put together from parts
    made = {"by_desk", "by_household", "by_rule", "by_expired", "yes", "no", "well", "lamp", "case", "found", "leaves"}
    made |= {
        "values",
        "findings",
        "check",
        "finding",
        "parts",
        "queue",
        "raw",
        "log",
        "config",
        "events",
        "bytes",
        "in_flight",
        "withheld",
    }
    made |= {"dropped", "quarantined", "state", "severity", "channel", "kind", "age", "count", "sentence", "cause"}
    made |= {"part", "faults"}
    made |= {"surveys", "survey_ble", "address", "known_as", "signal", "weakest", "news"}
    made |= {"survey_serial", "serial_port", "speaks", "understood_share", "a_second", "rejected_share", "held_by"}
    made |= {f"serial_{each}" for each in ("unknown", "silent", "refused")}
    made |= {f"signal_{each}" for each in ("good", "fine", "weak", "lost")}
    made |= {f"address_{each}" for each in ("public", "static", "changes", "random")}
    made |= {"survey_gpio"} | {f"gpio_does_{each}" for each in ("help", "cancel", "page", "rule")}
    made |= {f"gpio_{each}" for each in Move} | {f"gpio_is_{each}" for each in Opinion}
    assert known - used <= made


def test_opening_by_command_says_where_and_shutting_that_it_is_shut(page, capsys):
    assert cli.main(["console", "open", "--socket", str(page.house.path)]) == 0
    out = capsys.readouterr().out
    assert f"page         http://127.0.0.1:{page.port}/" in out
    assert f"PIN          {PIN}" in out
    assert cli.main(["console", "open", "--look", "--json", "--socket", str(page.house.path)]) == 0
    assert PIN in capsys.readouterr().out
    assert cli.main(["console", "shut", "--socket", str(page.house.path)]) == 0
    assert "The page is shut.\n" in capsys.readouterr().out  # the page itself, in this process, says so too
    assert cli.main(["console", "open", "--look", "--socket", str(page.house.path)]) == 1


def test_opened_on_the_network_the_command_shows_fingerprint_and_a_code_for_a_phone(page, capsys):
    assert cli.main(["console", "open", "--lan", "--socket", str(page.house.path)]) == 0
    out = capsys.readouterr().out
    assert address.fingerprint(address.certificate(page.port)) in out
    assert "Its certificate is new" in out
    assert out.count("█") > 100


def test_where_nobody_serves_it_the_command_says_what_to_start(house, monkeypatch, capsys):
    monkeypatch.setattr(address, "PATIENCE_S", 0.2)
    house.agent.page = structs.replace(house.agent.page, port=1)
    assert cli.main(["console", "open", "--socket", str(house.path)]) == 1
    assert "systemctl start edge-agent-console" in capsys.readouterr().out


def test_another_server_at_its_port_is_not_taken_for_the_page(house, capsys, monkeypatch):
    monkeypatch.setattr(address, "PATIENCE_S", 0.5)
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        try:
            house.agent.page = structs.replace(house.agent.page, port=other.server_port)
            assert cli.main(["console", "open", "--socket", str(house.path)]) == 1
        finally:
            other.shutdown()
            thread.join()
    assert "Nobody serves the page" in capsys.readouterr().out
