"""The page's server without a browser: who comes in, and what a rude client may cost."""

import asyncio
import json
import stat
import time
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest

from edge_agent.console.web.talks import MAX_CONNECTIONS
from edge_agent.control.bounds import Refused
from edge_agent.core.errors import ConfigError, StoreError
from simulators.desk.desk import Desk
from simulators.desk.policy import Policy
from simulators.desk.web import door as door_room
from simulators.desk.web.door import Door, token_of
from simulators.desk.web.server import Page
from simulators.desk.web.start import door_of, place_of

TOKEN = "a-token-of-sixteen"
ROOT = Path(__file__).parents[3]


@pytest.fixture
async def served():
    desk = Desk("127.0.0.1", 1, policy=Policy(by_hand=True))
    async with Page(desk, Door(TOKEN), "127.0.0.1", 0) as page:
        yield page
    desk.close()


async def talk(page, text):
    reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
    writer.write(text.encode())
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.decode(), body


async def ask(page, path, method="GET", body="", **headers):
    """Status, headers as text, and the body."""
    told = {"Host": f"127.0.0.1:{page.port}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if method == "POST":
        told = {"Origin": f"http://127.0.0.1:{page.port}", "Content-Length": str(len(body)), **told}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value is not None)
    head, answer = await talk(page, f"{method} {path} HTTP/1.1\r\n{lines}\r\n{body}")
    return int(head.split()[1]), head, answer


async def log_in(page):
    status, head, _ = await ask(page, "/login", "POST", json.dumps({"token": TOKEN, "name": "first line"}))
    assert status == 200
    cookie = next(line for line in head.splitlines() if line.startswith("Set-Cookie"))
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", f"desk-{page.port}="))
    return cookie.split(": ")[1].split(";")[0]


async def test_nothing_of_a_case_is_told_without_a_login(served):
    for path in ("/api/queue", "/api/case/1", "/api/changes"):
        assert (await ask(served, path))[0] == 401
    assert (await ask(served, "/api/case/1/resolve", "POST", "{}"))[0] == 401
    status, head, _ = await ask(served, "/")
    assert (status, "Location: /login" in head) == (303, True)
    cookie = await log_in(served)
    assert (await ask(served, "/api/queue", Cookie=cookie))[0] == 200
    assert (await ask(served, "/api/queue", Cookie=cookie[:-1]))[0] == 401
    assert (await ask(served, "/logout", "POST", "{}", Cookie=cookie))[0] == 200
    assert (await ask(served, "/api/queue", Cookie=cookie))[0] == 401


async def test_the_wrong_token_opens_nothing(served):
    for token in ("", TOKEN[:-1], TOKEN + "x", "é"):
        status, head, _ = await ask(served, "/login", "POST", json.dumps({"token": token, "name": "first line"}))
        assert (status, "Set-Cookie" in head) == (401, False)
    status, _, body = await ask(served, "/login", "POST", json.dumps({"token": TOKEN, "name": "\x00"}))
    assert (status, json.loads(body)["error"]) == (400, "Please write your name or role.")


async def test_a_session_ends_with_its_time(served, monkeypatch):
    monkeypatch.setattr(door_room, "SESSION_S", 0.05)
    cookie = await log_in(served)
    await asyncio.sleep(0.1)
    assert (await ask(served, "/api/queue", Cookie=cookie))[0] == 401


async def test_other_pages_cannot_use_a_helpers_browser(served):
    cookie = await log_in(served)
    for headers in (
        {"Host": "evil.example"},
        {"Host": f"evil.example:{served.port}", "Origin": f"http://evil.example:{served.port}"},
        {"Origin": "http://evil.example"},
        {"Origin": f"http://127.0.0.1:{served.port + 1}"},
        {"Origin": "null"},
        {"Origin": None},
        {"Host": None},
    ):
        assert (await ask(served, "/api/case/1/resolve", "POST", "{}", Cookie=cookie, **headers))[0] == 403
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        assert (await ask(served, "/api/queue", Cookie=cookie, **headers))[0] == 403
    assert (await ask(served, "/api/case/1/resolve", "POST", "{}", Cookie=cookie))[0] == 409


def test_a_desk_behind_tls_is_called_by_the_name_that_it_was_told():
    door = door_of(None, ["Desk.example"])
    door.check_origin({"Host": "desk.example", "Origin": "https://desk.example"}, "POST")
    door.check_origin({"Host": "[::1]:8080", "Origin": "http://[::1]:8080"}, "POST")
    with pytest.raises(Refused):
        door.check_origin({"Host": "desk.example.evil", "Origin": "https://desk.example.evil"}, "POST")


async def test_every_answer_forbids_scripts_of_others_frames_and_keeping(served):
    cookie = await log_in(served)
    for path in ("/login", "/", "/static/desk.js", "/static/none.js", "/static/../server.py", "/api/queue", "/nothing"):
        _, head, _ = await ask(served, path, Cookie=cookie)
        assert "default-src 'none'; script-src 'self'" in head
        assert "frame-ancestors 'none'" in head
        assert "Cache-Control: no-store" in head
        assert "X-Content-Type-Options: nosniff" in head
    assert (await ask(served, "/static/../server.py", Cookie=cookie))[0] == 404


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost\r\n\r\n", 400),
        ("GET /" + "x" * 3000 + " HTTP/1.1\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\n" + "A: b\r\n" * 100 + "\r\n", 431),
        ("POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST /login HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Length: 999999\r\n\r\n", 413),
        ("POST /login HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Length: 2\r\n\r\n[]", 400),
        ("POST /login HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Length: 3\r\n\r\n{{{", 400),
        ("DELETE /login HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        ("GET /api/case/x HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    ],
)
async def test_what_is_no_request_of_the_page_is_answered_in_words(served, text, status):
    head, body = await talk(served, text)
    assert int(head.split()[1]) == status
    assert json.loads(body)["error"]


@pytest.mark.parametrize(
    ("name", "told", "status"),
    [
        ("say", {"text": 7}, 409),
        ("say", {"text": "x" * 2000}, 409),
        ("ask", {"text": "Well?", "options": "a", "expires_s": 60}, 409),
        ("ask", {"text": "Well?", "expires_s": True}, 409),
        ("progress", {"text": "Soon."}, 409),
        ("progress", {"text": "Soon.", "promise_s": "600"}, 409),
        ("erase", {}, 409),
    ],
)
async def test_a_button_that_is_pressed_wrongly_is_refused_in_words(served, name, told, status):
    cookie = await log_in(served)
    answer = await ask(served, f"/api/case/1/{name}", "POST", json.dumps(told), Cookie=cookie)
    assert answer[0] == status
    assert json.loads(answer[2])["error"].endswith(".")


async def test_a_page_that_listens_hears_of_a_change_at_once_and_many_of_it_once(served):
    cookie = await log_in(served)
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(f"GET /api/changes HTTP/1.1\r\nHost: localhost:{served.port}\r\nCookie: {cookie}\r\n\r\n".encode())
    await reader.readuntil(b"data: 0\n\n")
    began = time.monotonic()
    for _ in range(50):
        served._desk.on_change()
    assert await reader.readuntil(b"\n\n") == b"data: 1\n\n"
    assert time.monotonic() - began < 1.0
    writer.close()


async def test_more_clients_than_it_takes_are_turned_away_and_the_others_served(served):
    idle = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(MAX_CONNECTIONS)]
    one_more = await asyncio.open_connection("127.0.0.1", served.port)
    with suppress(ConnectionResetError):
        assert await asyncio.wait_for(one_more[0].read(), 5) == b""
    for _, writer in (*idle, one_more):
        writer.close()
    await asyncio.sleep(0.2)
    assert (await ask(served, "/login"))[0] == 200


def test_a_token_file_is_made_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "token"
    assert token_of(path) == token_of(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token_of(None) != token_of(None)
    path.write_text("short")
    with pytest.raises(StoreError, match="too short"):
        token_of(path)


@pytest.mark.parametrize("text", ["8080", ":8080", "localhost:", "localhost:99999", "localhost:http"])
def test_what_is_no_address_is_explained(text):
    with pytest.raises(ConfigError, match="is no address"):
        place_of(text)
    assert place_of("[::1]:8080") == ("::1", 8080)


def test_the_package_brings_all_of_the_page():
    shipped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    for path in (ROOT / "simulators/desk/web/static").iterdir():
        assert any(path.match(pattern) for pattern in shipped), path.name
