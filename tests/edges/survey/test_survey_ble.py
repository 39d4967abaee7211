"""`edge-agent survey ble` as a person calls it: beside an agent and alone, on the simulated BlueZ."""

import asyncio
import json
import shutil
import signal
import sys
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import pytest
from dbus_fast import Variant

from edge_agent.config.load import load
from edge_agent.console import cli
from edge_agent.control.client import Client, ControlError
from edge_agent.control.paths import read_socket
from edge_agent.control.types import BleSurvey
from edge_agent.drivers.registry import LANGUAGES
from simulators.bluez import BlueZ
from tests.edges.control.conftest import house

__all__ = ["house"]
pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs Debian's package dbus-daemon")

THERMOMETER, LOCKED, PHONE, SOLAR = "A4:C1:38:00:00:01", "54:48:E6:8F:80:A5", "4A:00:00:00:00:04", "C8:00:00:00:00:01"
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"
PLAIN = bytes.fromhex("4002ca0903bf13")
# the example of the specification: bthome.io/encryption
SEALED, KEY = bytes.fromhex("41e445f3c9962b332211006c7c4519"), "231d39c1d7cc1ab1aee224cd096db932"
VICTRON = bytes.fromhex("100242a00107002300000000000000000000")

COMMENTED = """# Lake house. Nothing is to be lost here.
[gateway]
site = "lake"  # as on the door

[[ble.device]]
name = "cellar"  # behind the boiler
address = "{address}"
language = "bthome"
"""


class Said(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


async def started(*words):
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "edge_agent",
        "survey",
        "ble",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def said(*words):
    process = await started(*words)
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return Said(process.returncode, out.decode(), err.decode())


@pytest.fixture
async def bluez():
    """A street: a thermometer, a device with a key, a phone and a charger, all of which move and speak all the time."""
    async with BlueZ() as bluez:
        talking = asyncio.create_task(talk(bluez))
        yield bluez
        talking.cancel()
        with suppress(asyncio.CancelledError):
            await talking


async def talk(bluez):
    for moved in cycle((0, 10, 20, 10)):
        with suppress(KeyError):  # the adapter is pulled out
            bath = bluez.peripheral(THERMOMETER, "Bath\x1b[2Jroom")
            bath.properties["AddressType"] = Variant("s", "public")
            bath.advertise({BTHOME: PLAIN}, rssi_dbm=-48 - moved)
            bluez.peripheral(LOCKED, "").advertise({BTHOME: SEALED}, rssi_dbm=-65 - moved)
            bluez.peripheral(PHONE, "").advertise(None, {0x4C: b"\x10\x05"}, rssi_dbm=-40 - moved)
            bluez.peripheral(SOLAR, "Roof").advertise(None, {0x02E1: VICTRON}, rssi_dbm=-90 - moved)
        await asyncio.sleep(0.05)


@pytest.fixture
def alone(tmp_path):
    """Arguments of a command that no agent answers, with a configuration that knows the device with a key."""
    file = tmp_path / "agent.toml"
    file.write_text(COMMENTED.format(address="A4:C1:38:00:00:77"))
    return file, ("--socket", str(tmp_path / "none.sock"), "--config", str(file))


async def test_without_an_agent_it_listens_by_itself_and_says_who_is_known_and_how_strong(bluez, alone):
    _, usual = alone
    code, out, err = await said("--for", "3s", *usual)
    assert code == 0, err
    assert "this command listens by itself" in err
    rows = [line for line in out.splitlines() if line[2:3] == ":"]
    assert [row[:17] for row in rows] == [THERMOMETER, LOCKED, SOLAR, PHONE]
    assert "bthome BTHome" in rows[0]
    assert "public" in rows[0]
    assert "-58 good   -68 fine" in rows[0]
    assert "(needs key)" in rows[1]
    assert "victron" in rows[2]
    assert "static" in rows[2]
    assert "-100 lost" in rows[2]
    assert "changes" in rows[3]
    assert "\x1b" not in out
    assert "Configured and not heard: cellar (A4:C1:38:00:00:77)." in out
    assert "--add ADDRESS --name NAME" in out


async def test_json_has_all_of_it_and_nothing_else(bluez, alone):
    _, usual = alone
    code, out, _ = await said("--for", "2s", "--json", *usual)
    told = json.loads(out)
    assert code == 0
    first, locked, *_ = told["heard"]
    assert first["known"] == [{"language": "bthome", "model": "BTHome v2", "needs_key": False}]
    assert first["service_data"] == {BTHOME: PLAIN.hex()}
    assert (first["lasting"], first["median_is"], first["p10_is"]) == ("public", "good", "fine")
    assert first["news_per_min"] > 0
    assert locked["known"][0]["needs_key"]
    assert told["unheard"] == {"A4:C1:38:00:00:77": "cellar"}


async def test_ctrl_c_ends_it_and_shows_who_was_heard(bluez, alone):
    _, usual = alone
    process = await started("--for", "10m", *usual)
    await process.stderr.readline()
    await asyncio.sleep(2.5)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert THERMOMETER.encode() in out


async def test_ctrl_c_before_the_one_to_be_added_is_heard_adds_nothing(bluez, alone):
    file, usual = alone
    before = file.read_bytes()
    process = await started("--add", "00:11:22:33:44:55", "--name", "ghost", "--language", "ruuvi", *usual)
    await process.stderr.readline()
    await asyncio.sleep(1.5)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        out, _ = await process.communicate()
    assert (process.returncode, out) == (130, b"")
    assert file.read_bytes() == before


async def test_without_an_adapter_it_says_what_to_do_and_does_not_wait_for_the_end(bluez, alone):
    _, usual = alone
    bluez.remove_adapter()
    code, out, _ = await said("--for", "10m", *usual)
    assert code == 1
    assert "Nobody was heard" in out
    assert "There is no Bluetooth adapter. Plug one in" in out


async def test_one_is_added_to_a_commented_file_and_a_second_time_refused_at_once(bluez, alone):
    file, usual = alone
    before = file.read_text()
    words = ("--add", THERMOMETER.lower(), "--name", "bathroom", *usual)
    code, out, err = await said(*words)
    assert code == 0, err
    assert "systemctl restart edge-agent" in out
    assert file.read_text().startswith(before)
    added = load(file, LANGUAGES).ble.device[1]
    assert (added.name, added.address, added.language) == ("bathroom", THERMOMETER, "bthome")
    once = file.read_bytes()
    code, _, err = await said(*words)
    assert code == 1
    assert f"{THERMOMETER} is in {file} already, as bathroom" in err
    assert "listens" not in err
    assert file.read_bytes() == once


async def test_a_device_that_needs_a_key_is_added_with_the_right_one_only(bluez, alone, tmp_path):
    pytest.importorskip("cryptography", reason="adverts that are encrypted need it")
    file, usual = alone
    before = file.read_bytes()
    key = tmp_path / "key.txt"
    words = ("--add", LOCKED, "--name", "locked", *usual)
    refused = await said(*words)
    assert (refused.code, "encrypted" in refused.err, "--key-file" in refused.err) == (1, True, True)
    for wrong, why in (("00" * 16, "does not open"), ("12", "32 hexadecimal digits"), ("", "is empty")):
        key.write_text(wrong)
        refused = await said(*words, "--key-file", str(key))
        assert (refused.code, why in refused.err) == (1, True), refused
    assert file.read_bytes() == before
    key.write_text(f"{KEY}\n")
    added = await said(*words, "--key-file", str(key))
    assert added.code == 0, added
    assert KEY not in added.out + added.err
    assert "changes every few minutes" in added.err
    assert load(file, LANGUAGES).ble.device[1].options == {"key": KEY}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--add", PHONE, "--name", "phone", "--for", "3s"), "no language here knows it"),
        (("--add", SOLAR, "--name", "solar"), "no key is given"),
        (("--add", "00:11:22:33:44:55", "--name", "ghost", "--for", "2s"), "was not heard in 2 s"),
        (("--add", PHONE, "--name", "phone", "--language", "klingon"), "there is no language"),
        (("--add", PHONE, "--name", "phone", "--language", "dsmr"), "this language is for serial"),
        (("--add", THERMOMETER, "--name", "cellar"), "cellar is another device"),
        (("--add", THERMOMETER, "--name", "Bath Room"), "a lower-case letter"),
        (("--add", THERMOMETER, "--name", "bath", "--key-file", "/none"), "/none cannot be read"),
        (("--add", THERMOMETER, "--name", "bath", "--key-file", "{key}"), "leave --key-file out"),
        (("--add", PHONE, "--name", "phone", "--language", "ruuvi", "--key-file", "{key}"), "takes no key"),
    ],
)
async def test_what_cannot_be_added_is_refused_with_the_reason_and_nothing_changes(bluez, alone, words, why):
    file, usual = alone
    before = file.read_bytes()
    (key := file.with_name("key.txt")).write_text(KEY)
    refused = await said(*(word.format(key=key) for word in words), *usual)
    assert refused.code == 1, refused
    assert why in refused.err
    assert file.read_bytes() == before


async def test_with_a_language_one_is_added_that_is_silent_now(bluez, alone):
    file, usual = alone
    added = await said("--add", "00:11:22:33:44:55", "--name", "ghost", "--language", "ruuvi", "--for", "1s", *usual)
    assert added.code == 0, added
    assert "not heard" in file.read_text()
    assert load(file, LANGUAGES).ble.device[1].name == "ghost"


async def test_a_configuration_that_is_wrong_is_told_before_anybody_waits(bluez, alone):
    file, usual = alone
    file.write_text("[ble]\nadaptor = 1\n")
    refused = await said("--add", THERMOMETER, "--name", "bath", "--json", *usual)
    assert refused.code == 1
    assert "ble.adaptor" in json.loads(refused.out)["error"]
    assert (await said("--for", "2s", *usual)).err.count("which cannot be used") == 1


@asynccontextmanager
async def agent(file: Path, socket: Path):
    log = (file.parent / "agent.log").open("wb")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "edge_agent", "run", "--config", str(file), stdout=log, stderr=log
    )
    try:
        for _ in range(600):
            with suppress(ControlError):
                if (await asyncio.to_thread(Client(socket).survey_ble)).ready:
                    break
            await asyncio.sleep(0.05)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        log.close()


@pytest.fixture
async def beside(bluez, tmp_path):
    """A running agent that knows the thermometer, and the arguments of a command beside it."""
    file, socket = tmp_path / "agent.toml", tmp_path / "run" / "control.sock"
    folders = f'[paths]\nstate = "{tmp_path}/state"\nruntime = "{tmp_path}/run"\n'
    file.write_text(COMMENTED.format(address=THERMOMETER) + folders)
    async with agent(file, socket) as process:
        yield process, socket, ("--socket", str(socket), "--config", str(file))


async def test_beside_an_agent_the_agent_listens_marks_its_own_and_keeps_nothing_afterwards(bluez, beside):
    _, socket, usual = beside
    before = Client(socket).survey_ble()
    assert (before.configured, before.ready, before.heard) == (True, True, [])
    code, out, err = await said("--for", "4s", *usual)
    assert code == 0, out + err
    assert "The agent listens." in err
    rows = [line for line in out.splitlines() if line[2:3] == ":"]
    assert rows[0].startswith(THERMOMETER)
    assert rows[0].endswith("cellar")
    assert len(bluez.clients) == 1
    left_s = Client(socket).survey_ble().left_s
    assert 0 < left_s <= 10


async def test_who_may_only_look_cannot_have_the_agent_survey(bluez, beside):
    _, socket, _ = beside
    code, out, err = await said("--socket", str(read_socket(socket)))
    assert (code, out) == (1, "")
    assert "edge-agent: " in err


async def test_an_agent_whose_adapter_is_gone_says_so(bluez, beside):
    _, socket, usual = beside
    bluez.remove_adapter()
    for _ in range(200):
        if not Client(socket).survey_ble().ready:
            break
        await asyncio.sleep(0.05)
    code, out, _ = await said("--for", "10m", *usual)
    assert code == 1
    assert "There is no Bluetooth adapter. Plug one in" in out


async def test_an_agent_that_ends_in_the_middle_costs_only_what_comes_after(bluez, beside):
    process, _, usual = beside
    command = await started("--for", "10m", *usual)
    await command.stderr.readline()
    await asyncio.sleep(4)
    process.terminate()
    async with asyncio.timeout(30):
        out, err = await command.communicate()
    assert THERMOMETER.encode() in out
    assert b"edge-agent: " in err


async def test_an_agent_without_bluetooth_devices_does_not_listen_and_the_command_does(bluez, house, tmp_path):
    house.agent.surveyed = BleSurvey(configured=False, ready=False, sentence="no", fix="")
    code, out, err = await said("--for", "3s", "--socket", str(house.path), "--config", str(tmp_path / "none.toml"))
    assert code == 0
    assert "The agent has no Bluetooth device configured" in err
    assert THERMOMETER in out


@pytest.mark.parametrize(
    "words", [("--add", THERMOMETER), ("--name", "bath"), ("--language", "ruuvi"), ("--key-file", "key")]
)
def test_halves_of_an_addition_are_wrong_usage(words, capsys):
    assert cli.main(["survey", "ble", *words]) == 2
    assert "--add and --name go together" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--add", "A4:C1", "--name", "x"), ("--for", "0s"), ("--for", "1d"), ("what",)])
def test_what_makes_no_sense_is_wrong_usage(words, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["survey", "ble", *words])
    assert end.value.code == 2
    assert "usage: edge-agent survey ble" in capsys.readouterr().err


def test_survey_alone_names_the_surveys(capsys):
    assert cli.main(["survey"]) == 0
    assert "edge-agent survey ble" in capsys.readouterr().out
    assert cli.main(["survey", "wifi"]) == 2
    assert "there is no command survey wifi" in capsys.readouterr().err
