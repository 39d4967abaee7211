"""`edge-agent desk` as its user meets it, and the small parts behind it."""

import asyncio
import json
import os
import signal
import stat
import sys
import tomllib
from pathlib import Path

import pytest
from desk_gateway import Gateway, connected, until
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from edge_agent.core.errors import ConfigError, StoreError
from edge_agent.core.wire import open_envelope, unpack
from simulators.broker import Broker
from simulators.desk.keys import DeskKey
from simulators.desk.policy import Policy
from simulators.desk.store import Store

ROOT = Path(__file__).parents[3]
START = "import sys; from edge_agent.console.cli import main; sys.exit(main(sys.argv[1:]))"


async def start(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", START, "desk", *arguments), stdin=pipe, stdout=pipe, stderr=pipe, env=environment
    )


async def test_help_shows_examples():
    process = await start("--help")
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert b"examples:" in out
    assert b"--policy lies" in out


async def test_without_a_broker_it_says_so_and_ends():
    process = await start("--port", "1")
    out, error = await process.communicate()
    assert process.returncode == 1
    assert b"nothing listens at 127.0.0.1:1" in error
    assert b"Check host and port" in error
    assert b"Here those are --host, --port" in error
    assert b"Traceback" not in out + error


async def test_a_policy_that_nobody_knows_is_explained():
    process = await start("--policy", "received=soon")
    _, error = await process.communicate()
    assert process.returncode == 2
    assert b"'received=soon' is not understood" in error


async def test_it_prints_its_key_and_each_case_obeys_what_is_typed_and_sums_up(tmp_path):
    key = DeskKey.from_file(tmp_path / "key")
    async with Broker.find("mosquitto") as broker:
        words = ("--port", str(broker.port), "--key", str(tmp_path / "key"), "--db", str(tmp_path / "db"))
        process = await start(*words, "--json", "--policy", "received=0,engaged=never")
        told = [json.loads(await process.stdout.readline()), json.loads(await process.stdout.readline())]
        assert tomllib.loads(told[0]["toml"]) == {"desk": {"keys": {key.kid: key.public}}}
        assert (told[1]["kind"], told[1]["up"]) == ("link", True)
        async with connected(Gateway(broker.port, public=key.public)) as gateway:
            await gateway.press()
            await until(lambda: gateway.types == ["received"])
            process.stdin.write(b"say K7MPX23Q Is it warm?\nresolve K7MPX23Q\nnonsense\n")
            await until(lambda: gateway.types == ["received", "message", "resolved"])
        process.send_signal(signal.SIGINT)
        out, error = await process.communicate()
    told += [json.loads(line) for line in out.splitlines()]
    kinds = [news["kind"] for news in told]
    assert {"event", "case", "answer", "typed", "sum"} <= set(kinds)
    assert (told[-1]["kind"], told[-1]["events"], told[-1]["cases"]) == ("sum", 1, 1)
    assert (process.returncode, error) == (0, b"")


async def test_a_page_for_people_is_served_where_it_is_asked_for_and_people_answer_then(tmp_path):
    async with Broker.find("mosquitto") as broker:
        words = ("--port", str(broker.port), "--web", "127.0.0.1:0", "--web-token", str(tmp_path / "token"), "--json")
        process = await start(*words)
        told = {}
        while told.get("kind") != "web":
            told = json.loads(await process.stdout.readline())
        assert told["token"] == (tmp_path / "token").read_text().strip()
        reader, writer = await asyncio.open_connection("127.0.0.1", int(told["address"].rpartition(":")[2]))
        writer.write(b"GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"<h1>Service desk</h1>" in await reader.read()
        writer.close()
        async with connected(Gateway(broker.port)) as gateway:
            await gateway.press()
            while told["kind"] != "case":
                told = json.loads(await process.stdout.readline())
            await asyncio.sleep(1.2)
            assert gateway.arrivals == []
        process.send_signal(signal.SIGINT)
        _, error = await process.communicate()
    assert (process.returncode, error) == (0, b"")


async def test_a_page_at_an_address_that_is_taken_is_said_in_words():
    async with Broker.find("mosquitto") as broker:
        process = await start("--port", str(broker.port), "--web", f"127.0.0.1:{broker.port}")
        _, error = await process.communicate()
    assert process.returncode == 1
    assert b"the page cannot be served at 127.0.0.1" in error
    assert b"Name another address with --web" in error


async def test_a_person_reads_plain_lines():
    async with Broker.find("mosquitto") as broker:
        process = await start("--port", str(broker.port), "--policy", "received=0,engaged=never")
        await process.stdout.readuntil(b"connected to the broker\n")
        async with connected(Gateway(broker.port)) as gateway:
            await gateway.press()
            await process.stdout.readuntil(b"gw-1  help #1: raised K7MPX23Q\n")
            await process.stdout.readuntil(b"gw-1  HELP case K7MPX23Q raised (manual) home\n")
            await process.stdout.readuntil(b"received (service desk, SD-00001)\n")
        process.terminate()
        out, _ = await process.communicate()
    assert b"events 1, readings 0, redelivered 0, refused 0, missing 0, cases 1" in out
    assert process.returncode == 0


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    first, second = (DeskKey.from_file(tmp_path / "key") for _ in range(2))
    assert first.public == second.public
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_what_a_desk_keeps_of_households_only_its_owner_may_read(tmp_path):
    Store(str(tmp_path / "desk.sqlite")).close()
    assert stat.S_IMODE((tmp_path / "desk.sqlite").stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "no hex", "00", "00" * 33])
def test_a_key_file_with_something_else_is_refused(tmp_path, text):
    (tmp_path / "key").write_text(text)
    with pytest.raises(StoreError, match=r"[Rr]emove"):
        DeskKey.from_file(tmp_path / "key")


def test_a_key_file_in_no_folder_is_told_in_words(tmp_path):
    with pytest.raises(StoreError) as told:
        DeskKey.from_file(tmp_path / "none" / "key")
    assert str(told.value).endswith("/none/key cannot be used: no such file or directory. Name another file")


async def test_what_is_typed_is_answered():
    async with Broker.find("mosquitto") as broker:
        process = await start("--port", str(broker.port))
        await process.stdout.readuntil(b"connected to the broker\n")
        process.stdin.write(b"cases\nengage\nengage XXXX\npolicy received=1\npolicy\n")
        for answer in (
            b"no cases\n",
            b"engage needs the code of a case; `cases` lists them\n",
            b"there is no case 'XXXX'\n",
            b"the policy is now: received=1\n",
            b"the policy is now: the usual one\n",
        ):
            assert (await process.stdout.readline()).endswith(answer)
        process.terminate()
        await process.communicate()
    assert process.returncode == 0


def test_a_signed_body_can_be_verified_and_a_forged_one_cannot():
    key = DeskKey.make()
    envelope = open_envelope(key.sign({"aud": "gw"}))
    assert unpack(envelope.body) == {"aud": "gw"}
    assert envelope.kid == key.kid
    public = VerifyKey(bytes.fromhex(key.public))
    public.verify(envelope.body, envelope.signature)
    forged = open_envelope(key.forge({"aud": "gw"}))
    with pytest.raises(BadSignatureError):
        public.verify(forged.body, forged.signature)


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("", Policy()),
        ("received=2, engaged=never", Policy(received_after_s=2.0, engaged_after_s=None)),
        ("silent,lies,wrong_case,repeats=3", Policy(silent=True, lies=True, wrong_case=True, repeats=3)),
        ("resolved=0,next_word=60", Policy(resolved_after_s=0.0, next_word_s=60.0)),
    ],
)
def test_a_policy_is_read_from_words(text, policy):
    assert Policy.parse(text) == policy


@pytest.mark.parametrize(
    "word", ["loud", "received", "received=-1", "received=nan", "repeats=0", "silent=1", "lies=no"]
)
def test_a_word_that_makes_no_policy_is_named(word):
    with pytest.raises(ConfigError, match=word):
        Policy.parse(word)
