"""What is wrong outside gives one clear message, is counted, and stops nothing else."""

import asyncio
import os
import socket
from contextlib import suppress

from stage import Stage, edge_agent, staged, until

from edge_agent.control.client import Client
from edge_agent.core.wire import ROOT, down_topic, pack
from simulators.desk.keys import DeskKey

RUBBISH = (
    b"",
    b"\x00",
    os.urandom(300),
    b"\xc1" * 90_000,
    pack([1, 2, 3]),
    pack({"kid": "desk", "body": b"\x80", "sig": b"0" * 64}),
    DeskKey.make().sign({"type": "edge.help.received.v1", "aud": "*"}),
)
HALF_A_QUESTION = b"POST /v1/press HTTP/1.1\r\nHost: edge-agent\r\nContent-Length: 100\r\n\r\n{"


async def test_an_unknown_key_is_told_by_check_config_and_run_with_line_and_nearest_key(tmp_path):
    file = tmp_path / "agent.toml"
    file.write_text('[gateway]\nsite = "here"\nproducct = "x"\n[broker]\nprot = 1883\n')
    checked, ran = await asyncio.gather(edge_agent("check-config", str(file)), edge_agent("run", "--config", str(file)))
    assert (checked[0], ran[0]) == (1, 2)
    for said in (checked[1], ran[2]):
        for word in ("agent.toml:3", "producct", "product", "agent.toml:5", "prot", "port"):
            assert word in said
        assert "Traceback" not in said


async def test_a_missing_port_garbage_and_lying_adverts_are_counted_and_stop_nothing_else():
    def with_a_missing_port(text):
        return text + '[[serial]]\nname = "absent"\nport = "/dev/serial/by-id/nothing"\nlanguage = "dsmr"\n'

    async with staged(edit=with_a_missing_port) as stage:
        for device in stage.world._devices:
            if device.spec.transport != "gpio":
                device.fail("garbage", on=True)
        await asyncio.sleep(2.0)
        for device in stage.world._devices:
            device.fail("garbage", on=False)
        await asyncio.sleep(0.6)
        devices = {device.name: device for device in (await stage.status()).devices}
        assert not devices["absent"].ready
        assert devices["boiler"].faults
        assert devices["kitchen"].faults
        missing = [line for line in stage.log("lost") if line["what"] == "absent"]
        assert len(missing) == 1
        assert missing[0]["fix"]
        for name in ("boiler", "kitchen"):
            told = [line for line in stage.log("fault") if line["what"] == name]
            assert 1 <= len(told) == len({line["reason"] for line in told})
        counted = await stage.stop_and_count()
    assert (counted.lost, counted.duplicates) == (0, 0), counted.losses()
    assert {"boiler.pressure", "kitchen.temperature", "door.open"} <= counted.channels.keys()


async def test_a_wrong_password_is_said_once_and_the_right_one_is_found_without_a_restart():
    async with staged(
        passwords={"desk": "one", "agent": "two"}, edit=_with_password, transports=("serial",), start=False
    ) as stage:
        secret = stage.folder / "agent.password"
        secret.write_text("wrong\n")
        secret.chmod(0o600)
        await stage.agent.start()
        await until(lambda: bool(_refusals(stage)))
        await asyncio.sleep(1.0)
        service = await stage.part("service")
        # mosquitto's answer to a wrong password is "not authorized"
        assert "does not allow this gateway" in service.sentence
        assert "password_file" in service.fix
        assert len(_refusals(stage)) == 1
        assert "wrong" not in stage.agent.log.read_text()
        secret.write_text("two\n")
        await stage.press_by_command()
        await stage.until_state("RECEIVED", "ENGAGED")
        counted = await stage.stop_and_count()
    assert (counted.lost, counted.duplicates) == (0, 0), counted.losses()


def _with_password(text):
    folder = text.partition('runtime = "')[2].partition('"')[0]
    return text.replace("[broker]\n", f'[broker]\nusername = "agent"\npassword_file = "{folder}/agent.password"\n')


def _refusals(stage: Stage):
    return [line for line in stage.log() if line.get("state") in ("authorisation", "password")]


async def test_without_broker_bus_and_pins_the_rest_works_and_each_says_what_to_do():
    nothing = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent", "GPIOZERO_PIN_FACTORY": "nonsense"}
    async with staged(environment=nothing, start=False) as stage:
        await stage.cable.cut()
        await stage.agent.start()

        async def all_are_told():
            parts = [await stage.part(name) for name in ("gpio", "ble", "service", "button")]
            return all(not part.ready and part.fix for part in parts)

        await until(all_are_told)
        await stage.press_by_command()
        await stage.until_state("QUEUED")
        warned = [line for line in stage.log() if line["level"] in ("warning", "error")]
        assert len(warned) == len({str(line) for line in warned})
        assert all("Traceback" not in str(line) and "exception" not in line for line in warned)
        await stage.cable.mend()
        await stage.until_state("RECEIVED")
        assert (await stage.device("boiler")).readings > 0
        counted = await stage.stop_and_count([e for e in stage.world.emitted if e.channel.startswith("boiler")])
    assert (counted.lost, counted.duplicates) == (0, 0), counted.losses()


async def test_rubbish_from_broker_and_control_socket_is_refused_and_a_press_still_answered():
    async with staged(transports=("serial",)) as stage:
        gateway = (await stage.status()).gateway
        for kind in ("help", "command", "session", "nonsense/a"):
            for payload in RUBBISH:
                topic = f"{down_topic(ROOT, gateway, 'help')[:-4]}{kind}"
                await stage.desk._out.link.publish(topic, payload, {"id": "x"})
        held = [_connected(stage, words) for words in (b"", HALF_A_QUESTION, b"GET /v1/status HTTP/1.1\r\n")]
        for words in (os.urandom(5000), b"\n" * 5000, b"GET " + b"/" * 70_000 + b" HTTP/1.1\r\n\r\n", b"{}\r\n\r\n"):
            _connected(stage, words).close()
        await stage.press()
        await stage.until_state("RECEIVED", "ENGAGED")
        assert (await stage.agent.ask(Client.queue)).sent_events > 0
        told = stage.log("a message from the desk was not obeyed")
        assert 1 <= len(told) == len({line["code"] for line in told})
        assert not [line for line in stage.log() if "Traceback" in str(line) or line["level"] == "error"]
        for connection in held:
            connection.close()
        counted = await stage.stop_and_count()
    assert (counted.lost, counted.duplicates) == (0, 0), counted.losses()


def _connected(stage, words):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(2.0)
    connection.connect(str(stage.agent.socket))
    with suppress(BrokenPipeError, ConnectionResetError, TimeoutError):  # refused before it was all said
        connection.sendall(words)
    return connection


async def test_a_second_agent_on_the_same_folder_says_so_and_leaves_the_first_alone():
    async with staged(transports=("serial",)) as stage:
        code, _, error = await edge_agent("run", "--config", str(stage.agent.config), seconds=10.0)
        assert code == 2
        assert "Traceback" not in error
        assert str(stage.folder / "state") in error
        assert (await stage.status()).uptime_s > 0
        assert await stage.agent.stop() == 0


async def test_systemd_is_told_when_it_is_ready_that_it_lives_and_that_it_stops(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0edge-system-test")
        systemd.setblocking(False)
        told = {"NOTIFY_SOCKET": "@edge-system-test", "WATCHDOG_USEC": "600000"}
        async with staged(transports=("serial",), environment=told) as stage:
            await asyncio.sleep(1.0)
            assert await stage.agent.stop() == 0
        said = []
        with suppress(BlockingIOError):
            while True:
                said.append(systemd.recv(4096).decode())
    assert set(said) == {"READY=1", "WATCHDOG=1", "STOPPING=1"}
    assert said.count("READY=1") == 1
    assert said.count("WATCHDOG=1") >= 3
    assert said[-1] == "STOPPING=1"
