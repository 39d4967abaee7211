"""HTTPS against a server with a certificate of its own that answers by script, and against servers that are none."""

import asyncio
import time
from contextlib import asynccontextmanager
from email.utils import formatdate

import pytest
from channels_scene import raised, told
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.errors import LinkBusyError, LinkError
from edge_agent.uplink.channels.http import Url
from edge_agent.uplink.channels.https import HttpsChannel, HttpsSettings
from edge_agent.uplink.connection import TlsFiles
from simulators.desk.certificate import make_certificate


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    return folder, make_certificate(folder)


@asynccontextmanager
async def server(context, answer, *, size=None):
    """Answers each request with these bytes, in pieces of `size`; gives the port and what was asked."""
    asked = []

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        asked.append(head + await reader.readexactly(length))
        for start in range(0, len(answer), size or len(answer) or 1):
            writer.write(answer[start : start + (size or len(answer))])
            await writer.drain()
            await asyncio.sleep(0)
        if answer:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield listening.sockets[0].getsockname()[1], asked
    finally:
        listening.close()


def channel(port, folder=None, *, path="/help", token="", timeout_s=5.0, host="127.0.0.1"):
    tls = TlsFiles(str(folder / "cert.pem")) if folder else TlsFiles()
    return HttpsChannel(HttpsSettings("web", f"https://{host}:{port}{path}", token, tls, timeout_s), told)


async def test_the_event_goes_in_binary_mode_and_the_signed_word_comes_back(certificate, tmp_path):
    folder, context = certificate
    (tmp_path / "token").write_text("secret\n")
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nword"
    async with server(context, answer) as (port, asked):
        web = channel(port, folder, path="/help?site=1", token=str(tmp_path / "token"))
        assert await web.send(raised(), b"") == b"word"
    head, _, body = asked[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /help?site=1 HTTP/1.1"
    for line in (
        "ce-id: 01a0c450-6c00-773e-8d8f-ab5f5bdb99ec",
        "ce-type: edge.help.raised.v1",
        "ce-source: edge:gw-example",
        "ce-subject: XC5WNMX9",
        "ce-sequence: 7",
        "ce-historical: true",
        "Content-Type: application/msgpack",
        "Authorization: Bearer secret",
        f"Host: 127.0.0.1:{port}",
    ):
        assert line in lines
    assert body == raised().payload
    assert web.health.ready


@pytest.mark.parametrize("size", [1, 7, None])
@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", None),
        (b"HTTP/1.1 204 No Content\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200\nContent-Length: 2\n\nok", b"ok"),
    ],
)
async def test_answers_of_every_shape_are_read(certificate, answer, word, size):
    folder, context = certificate
    async with server(context, answer, size=size) as (port, _):
        assert await channel(port, folder).send(raised(), b"") == word


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"220 mail.example ESMTP\r\n\r\n", "is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "cut short"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "more than"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n", "more than 65536"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "is not HTTP"),
        (b"HTTP/1.0 200 OK\r\n\r\n" + bytes(70_000), "more than 65536"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n", "more than 65536"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n", "is not HTTP"),
        (b"HTTP/1.1 200 " + b"x" * 20_000 + b"\r\n\r\n", "is not HTTP"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "answered 500"),
        (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "does not let this gateway in"),
        (b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/x\r\n\r\n", "it is elsewhere now"),
        (b"HTTP/1.1 307 Moved\r\nLocation: https://127.0.0.1/x\r\n\r\n", "it is elsewhere now"),
    ],
)
async def test_every_other_answer_is_a_failure_in_words(certificate, answer, said):
    folder, context = certificate
    async with server(context, answer) as (port, asked):
        web = channel(port, folder)
        with pytest.raises(LinkError, match=said):
            await web.send(raised(), b"")
    assert not web.health.ready
    assert len(asked) == 1, "nothing is followed"


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        ("100000", 300, 300),
        ("-5", 30, 30),
        ("soon", 30, 30),
        ("", 30, 30),
        (formatdate(time.time() + 60, usegmt=True), 0, 61),
        (formatdate(0, usegmt=True), 0, 0),
        ("9" * 50, 30, 30),
    ],
)
async def test_a_busy_server_says_when_to_come_again(certificate, header, low, high):
    folder, context = certificate
    async with server(context, f"HTTP/1.1 503 Busy\r\nRetry-After: {header}\r\n\r\n".encode()) as (port, _):
        with pytest.raises(LinkBusyError) as busy:
            await channel(port, folder).send(raised(), b"")
    assert low <= busy.value.after_s <= high


async def test_a_certificate_of_nobody_is_not_trusted(certificate):
    _, context = certificate
    async with server(context, b"") as (port, asked):
        with pytest.raises(LinkError, match="not to be trusted") as error:
            await channel(port).send(raised(), b"")
    assert "ca_file" in error.value.fix
    assert not asked


async def test_a_certificate_for_another_name_is_not_trusted(certificate):
    folder, context = certificate
    async with server(context, b"") as (port, asked):
        with pytest.raises(LinkError, match="not to be trusted"):
            await channel(port, folder, host="localhost").send(raised(), b"")
    assert not asked


async def test_a_server_without_tls_a_silent_one_and_none_at_all_are_told_apart(certificate):
    folder, context = certificate
    async with server(None, b"") as (port, _):
        with pytest.raises(LinkError, match=r"no common encryption|connection broke|no answer"):
            await channel(port, folder, timeout_s=1.0).send(raised(), b"")
    async with server(context, b"") as (port, _):
        with pytest.raises(LinkError, match=r"no answer from 127\.0\.0\.1 in 0 s"):
            await channel(port, folder, timeout_s=0.3).send(raised(), b"")
    with pytest.raises(LinkError, match="nobody listens"):
        await channel(port, folder).send(raised(), b"")
    with pytest.raises(LinkError, match="cannot be looked up"):
        await channel(port, folder, host="desk.invalid").send(raised(), b"")


async def test_a_file_that_is_gone_is_told_before_anything_is_sent(tmp_path):
    web = channel(1, token=str(tmp_path / "none"))
    with pytest.raises(LinkError, match="none"):
        await web.send(raised(), b"")
    running = asyncio.create_task(web.run())
    await asyncio.sleep(0.3)
    running.cancel()
    assert not web.health.ready


@given(st.text(max_size=60) | st.text("htps:/[]@.a1?#", max_size=40).map("https://".__add__))
def test_an_address_is_taken_apart_or_refused(text):
    try:
        url = Url.of(text)
    except ValueError:
        return
    assert text.startswith("https://")
    assert url.host
    assert 0 < url.port < 65536
    assert "\r" not in url.path
    assert url.path.isprintable()


def test_addresses():
    assert Url.of("https://desk.example") == ("desk.example", 443, "/")
    assert Url.of("https://[2001:db8::1]:8443/a/b?c") == ("2001:db8::1", 8443, "/a/b?c")
    for wrong in ("http://desk.example/", "https://", "https://u:p@desk.example/", "https://desk.example:99999/"):
        with pytest.raises(ValueError, match="https"):
            Url.of(wrong)
