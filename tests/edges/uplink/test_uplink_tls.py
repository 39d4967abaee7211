"""TLS with certificates made for the test; each way in which it fails has its own word."""

import socket
import ssl

import pytest
from helpers_uplink import Peer, running, until

from edge_agent.uplink import reasons
from edge_agent.uplink.connection import TlsFiles, tls_context
from tests.certificates import make_certificates


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


def tls_lines(folder, name: str = "good", extra: str = "") -> str:
    pair = f"certfile {folder}/{name}.pem\nkeyfile {folder}/{name}.key"
    return f"allow_anonymous true\ncafile {folder}/ca.pem\n{pair}\n{extra}"


async def test_a_broker_with_a_certificate_of_the_given_authority_is_believed(new_broker, certificates):
    broker = new_broker(tls_lines(certificates))
    desk = Peer(broker.port, "desk", tls=TlsFiles(f"{certificates}/ca.pem"), subscribe=("t",))
    agent = Peer(broker.port, tls=TlsFiles(f"{certificates}/ca.pem"))
    async with running(agent.uplink.run(), desk.uplink.run()):
        await desk.up()
        link = await agent.up()
        await link.publish("t", b"x" * 100_000, {})
        await until(lambda: desk.arrivals)
    assert len(desk.arrivals[0].payload) == 100_000


async def test_a_client_certificate_is_shown_to_a_broker_that_asks(new_broker, certificates):
    broker = new_broker(tls_lines(certificates, extra="require_certificate true\n"))
    bare = Peer(broker.port, tls=TlsFiles(f"{certificates}/ca.pem"))
    known = TlsFiles(f"{certificates}/ca.pem", f"{certificates}/gw.pem", f"{certificates}/gw.key")
    agent = Peer(broker.port, tls=known)
    async with running(agent.uplink.run(), bare.uplink.run()):
        await agent.up()
        await until(lambda: bare.uplink.health.fix)
    assert "TLS" in str(bare.uplink.health) or "tls" in str(bare.uplink.health)


@pytest.mark.parametrize(
    ("certificate", "ca", "word"),
    [
        ("good", False, "tls_untrusted"),
        ("named", True, "tls_name"),
        ("early", True, "tls_not_yet_valid"),
        ("late", True, "tls_expired"),
    ],
)
async def test_a_certificate_that_is_not_right_is_said_and_tried_again(
    new_broker, certificates, capfd, certificate, ca, word
):
    broker = new_broker(tls_lines(certificates, certificate))
    agent = Peer(broker.port, tls=TlsFiles(f"{certificates}/ca.pem" if ca else ""))
    async with running(agent.uplink.run()):
        await until(lambda: agent.uplink.counts[word] == 1)
        assert agent.uplink.health.fix
        agent.uplink.wake()
        await until(lambda: agent.uplink.counts[word] == 2)
    assert capfd.readouterr().err == ""


async def test_a_certificate_that_only_looks_too_young_is_kept_and_believed_when_the_clock_is_right(
    new_broker, certificates, monkeypatch
):
    """What a gateway in 1970 sees: every certificate begins later. Nothing is removed, and it is tried again."""
    files = {path.name: path.read_bytes() for path in certificates.iterdir()}
    broker = new_broker(tls_lines(certificates, "early"))
    agent = Peer(broker.port, tls=TlsFiles(f"{certificates}/ca.pem"))
    async with running(agent.uplink.run()):
        await until(lambda: agent.uplink.counts["tls_not_yet_valid"] == 1)
        health = agent.uplink.health
        assert "not valid yet: most likely this gateway's clock is behind" in health.sentence
        assert health.fix == "Let the clock be set (timedatectl shows it); it is tried again."
        broker.stop()
        broker.config.write_text(broker.config.read_text().replace("early", "good"))
        broker.start()
        agent.uplink.wake()
        await agent.up()
    assert {path.name: path.read_bytes() for path in certificates.iterdir()} == files


@pytest.mark.parametrize("error", [OSError(113, "No route to host"), TimeoutError(), ssl.SSLError(1, "wrong version")])
def test_every_error_of_a_socket_has_a_fix(error):
    found = reasons.of_socket(error, "broker.example", 8883)
    assert found.word
    assert found.fix
    assert found.retry


def test_a_name_that_cannot_be_found_is_shown_short():
    found = reasons.of_socket(socket.gaierror(-2, "Name or service not known"), "x" * 1000, 1)
    assert len(found.sentence) < 200


@pytest.mark.parametrize("code", range(256))
def test_every_reason_code_gives_a_word_and_a_fix(code):
    found = reasons.of_code(code, "Name")
    assert found.word
    assert found.fix
    assert f"0x{code:02X}" in found.sentence


def test_no_version_of_tls_before_1_2_is_spoken_whatever_the_system_allows():
    assert tls_context(TlsFiles()).minimum_version == ssl.TLSVersion.TLSv1_2
