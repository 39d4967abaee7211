"""`edge-agent check` with the cable pulled at each place: the real agent, in a network inside this machine's kernel."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from edge_agent.control.client import Client, ControlError
from tests.certificates import make_certificates
from tests.namespaces import FAR, PORT, Network, NoNetworkError, _ip

WAY = ("link", "address", "dns", "tcp", "tls", "portal", "service", "test")
CONFIG = """
[paths]
state = "{folder}/state"
runtime = "{folder}/run"
[consent]
help_ready = true
[broker]
host = "{host}"
port = {port}
{login}
[broker.tls]
enabled = {tls}
ca_file = "{ca}"
[desk]
keys = {{ main = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" }}
[help]
test_wait_s = 5
{others}
"""
SECOND = """
[[help.channels]]
name = "second"
kind = "broker"
host = "{host}"
port = {port}
[help.channels.tls]
ca_file = "{ca}"
"""
WEB = """
[[help.channels]]
name = "web"
kind = "https"
url = "https://{host}:{port}/help"
"""


class Place:
    """A gateway at the near end of a network, and what can be put at the far end."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.network = network
        self.folder = folder
        self.certificates = folder / "certificates"

    def checked(
        self,
        *,
        host: str = FAR,
        port: int = PORT,
        tls: bool = False,
        login: str = "",
        others: str = "",
        before: Callable[[], None] = lambda: None,
    ) -> tuple[int, dict[str, dict]]:
        """What the command says there, by probe; `before` is what happens to the network once the agent runs."""
        file = self.folder / "agent.toml"
        words = {
            "tls": str(tls).lower(),
            "ca": self.certificates / "ca.pem" if tls else "",
            "login": login,
            "others": others,
        }
        file.write_text(CONFIG.format(folder=self.folder, host=host, port=port, **words))
        with self.network.inside(self.network.near), (self.folder / "log").open("wb") as log:
            run = [sys.executable, "-m", "edge_agent"]
            agent = subprocess.Popen([*run, "run", "--config", str(file)], stdout=log, stderr=log)
            try:
                path = self.folder / "run/control.sock"
                until(lambda: Client(path).status())
                before()
                done = subprocess.run(
                    [*run, "check", "--json", "--socket", str(path)], capture_output=True, text=True, check=False
                )
            finally:
                agent.send_signal(signal.SIGTERM)
                agent.wait(20)
        assert not done.stderr, done.stderr
        told = json.loads(done.stdout)
        assert told["seconds"] < 60
        return done.returncode, {row["name"]: row for row in told["results"]}

    @contextmanager
    def talker(self, answer: bytes) -> Iterator[None]:
        """Somebody at the far end who says this to whatever is asked."""
        with self.network.inside(self.network.far):
            server = socket.create_server((FAR, PORT))
        ended = threading.Event()

        def serve() -> None:
            server.settimeout(0.1)
            while not ended.is_set():
                with suppress(OSError):
                    talk, _ = server.accept()
                    with talk:
                        talk.settimeout(2.0)
                        talk.recv(4096)
                        talk.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            server.close()


def until(true: Callable[[], object], within_s: float = 15.0) -> None:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        with suppress(ControlError):
            if true():
                return
        time.sleep(0.05)
    pytest.fail("it did not come true in time")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder, FAR)
    other = folder / "other"
    other.mkdir()
    make_certificates(other, FAR)
    return folder


@pytest.fixture
def place(tmp_path: Path, made: Path) -> Iterator[Place]:
    try:
        with Network() as network:
            found = Place(network, tmp_path)
            found.certificates = made
            yield found
    except NoNetworkError as error:
        pytest.skip(str(error))


def tls_lines(folder: Path, name: str = "good") -> str:
    return f"allow_anonymous true\ncertfile {folder}/{name}.pem\nkeyfile {folder}/{name}.key"


def blamed(rows: dict[str, dict], name: str, *, behind: tuple[str, ...]) -> dict:
    """Of the way only this one has failed, what is behind it was not run for its sake, and before it all was well."""
    way = [each for each in WAY if each in rows]
    assert {each for each in way if rows[each]["verdict"] == "fail"} == {name}
    assert rows[name]["fix"]
    for each in behind:
        assert (rows[each]["verdict"], rows[each]["because"]) == ("not_run", name), rows[each]
    return rows[name]


def test_with_everything_in_place_only_the_desk_is_missing(place):
    with place.network.broker(place.folder, tls_lines(place.certificates)):
        code, rows = place.checked(tls=True)
    assert {name: rows[name]["verdict"] for name in WAY[:-1]} == dict.fromkeys(WAY[:-1], "ok")
    assert "good until 2049-01-01" in rows["tls"]["evidence"]
    assert rows["test"]["verdict"] == "fail", "there is a broker, and nobody behind it"
    assert code == 1


def test_with_the_cable_out_it_is_the_cable(place):
    def pull() -> None:
        for name in ("out", "door"):
            _ip("-n", place.network.near, "link", "set", name, "down")

    code, rows = place.checked(before=pull)
    told = blamed(rows, "link", behind=("address", "dns", "tcp", "portal", "service", "test"))
    assert "door, out" in told["evidence"] or "out, door" in told["evidence"]
    assert code == 1


def test_without_an_address_it_is_the_router(place):
    def lose() -> None:
        for name in ("out", "door"):
            _ip("-n", place.network.near, "addr", "flush", "dev", name)

    _, rows = place.checked(before=lose)
    blamed(rows, "address", behind=("dns", "tcp", "portal", "service", "test"))


def test_without_a_name_server_it_is_the_name(place):
    _ip("-n", place.network.near, "route", "add", "default", "via", "10.77.1.254")
    _, rows = place.checked(host="broker.home.arpa")
    blamed(rows, "dns", behind=("tcp", "service", "test"))
    assert rows["address"]["verdict"] == "ok"


def test_where_nobody_listens_it_is_the_connection(place):
    _, rows = place.checked()
    told = blamed(rows, "tcp", behind=("service", "test"))
    assert f"nothing listens at {FAR}:{PORT}" in told["evidence"]


def test_where_packets_vanish_it_is_the_connection_and_it_takes_no_minute(place):
    _, rows = place.checked(before=place.network.hole)
    assert "does not answer" in blamed(rows, "tcp", behind=("service", "test"))["evidence"]


def test_with_a_certificate_of_another_authority_it_is_the_proof(place):
    with place.network.broker(place.folder, tls_lines(place.certificates / "other")):
        _, rows = place.checked(tls=True)
    told = blamed(rows, "tls", behind=("service", "test"))
    assert "not of an authority that this gateway knows" in told["evidence"]
    assert rows["portal"]["verdict"] == "ok"


def test_with_an_expired_certificate_it_says_so(place):
    with place.network.broker(place.folder, tls_lines(place.certificates, "late")):
        _, rows = place.checked(tls=True)
    assert "has expired" in blamed(rows, "tls", behind=("service", "test"))["evidence"]


def test_with_a_wrong_password_the_way_is_good_and_the_broker_says_no(place):
    passwords = place.folder / "passwords"
    program = next(p for p in ("/usr/bin/mosquitto_passwd", "/usr/sbin/mosquitto_passwd") if Path(p).exists())
    subprocess.run([program, "-b", "-c", str(passwords), "gw", "right"], check=True, capture_output=True)
    (place.folder / "secret").write_text("wrong\n")
    login = f'username = "gw"\npassword_file = "{place.folder}/secret"'
    with place.network.broker(place.folder, f"allow_anonymous false\npassword_file {passwords}"):
        _, rows = place.checked(login=login)
    told = blamed(rows, "service", behind=("test",))
    assert rows["tcp"]["verdict"] == "ok"
    assert "refused the user name or password" in told["evidence"] or "does not allow" in told["evidence"]


@pytest.mark.parametrize("tls", [True, False])
def test_a_page_that_answers_in_the_brokers_place_is_told(place, tls):
    page = b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\nContent-Length: 0\r\n\r\n"
    with place.talker(page):
        _, rows = place.checked(tls=tls)
    assert rows["portal"]["verdict"] == "fail"
    assert "answers like a web site (HTTP/1.1 302 Found)" in rows["portal"]["evidence"]
    assert rows["tcp"]["verdict"] == "ok"


def test_another_broker_with_a_certificate_of_another_authority_is_to_blame_for_itself_alone(place):
    second = SECOND.format(host=FAR, port=PORT, ca=place.certificates / "other/ca.pem")
    with place.network.broker(place.folder, tls_lines(place.certificates)):
        code, rows = place.checked(tls=True, others=second)
    assert {name: rows[name]["verdict"] for name in WAY[:-1]} == dict.fromkeys(WAY[:-1], "ok")
    assert [rows[f"{step} second"]["verdict"] for step in ("dns", "tcp", "tls")] == ["ok", "ok", "fail"]
    assert rows["tls second"]["severity"] == "warning"
    assert "[[help.channels]] second" in rows["tls second"]["fix"]
    assert (rows["channel second"]["verdict"], rows["channel second"]["because"]) == ("not_run", "tls second")
    assert code == 1


def test_a_server_for_calls_where_nobody_listens_is_told_with_its_own_setting(place):
    with place.network.broker(place.folder):
        _, rows = place.checked(others=WEB.format(host=FAR, port=9))
    assert rows["service"]["verdict"] == "ok"
    assert rows["tcp web"]["evidence"] == f"nobody listens at {FAR}"
    assert "url of this channel" in rows["tcp web"]["fix"]
    assert {rows[name]["because"] for name in ("tls web", "channel web")} == {"tcp web"}


def test_with_the_cable_out_no_way_is_to_blame(place):
    def pull() -> None:
        for name in ("out", "door"):
            _ip("-n", place.network.near, "link", "set", name, "down")

    _, rows = place.checked(before=pull, others=WEB.format(host=FAR, port=9))
    blamed(rows, "link", behind=("dns web", "tcp web", "tls web", "channel web"))


def test_where_the_first_broker_is_away_and_a_further_one_answers_the_gateway_is_connected(place):
    with place.network.broker(place.folder):
        _, rows = place.checked(port=9, login=f'fallback = ["{FAR}:{PORT}"]')
    assert (rows["tcp"]["verdict"], rows[f"tcp {FAR}:{PORT}"]["verdict"]) == ("fail", "ok")
    assert rows["service"]["verdict"] == "ok"
