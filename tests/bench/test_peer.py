"""What the bench against the peer stands on: its feed, its count, and the agent that reads from a broker."""

import json
import time
from pathlib import Path

import pytest

from edge_agent.core.block import pack
from edge_agent.core.reading import Channel, Reading
from tests.bench.peer import cloud, rig, thingsboard
from tests.bench.peer.cloud import AGENT
from tests.bench.peer.feed import ALARM, TOO_HIGH, feed, number_of
from tests.bench.peer.packets import MAX_BYTES, Splitter, publish
from tests.bench.peer.rig import NotMeasuredError, Rig


def test_packets_come_whole_however_the_stream_is_cut() -> None:
    bodies = [bytes(size) for size in (0, 1, 120, 127, 128, 16_383, 16_384)]
    stream = b"".join(publish(b"\0\1a", number, body) for number, body in enumerate(bodies))
    splitter = Splitter()
    found = [packet for at in range(0, len(stream), 7) for packet in splitter.feed(stream[at : at + 7])]
    assert [body[5:] for _, body in found] == bodies


def test_a_length_that_no_message_of_the_bench_has_is_refused() -> None:
    with pytest.raises(ValueError, match=f"a packet of {MAX_BYTES + 127}"):
        Splitter().feed(b"\x30\xff\x80\x40")


def test_both_wires_tell_the_same_numbers() -> None:
    readings = [Reading(Channel("s07.v", "Cel"), 20.07, 0.0), Reading(Channel(f"{ALARM}.v"), 3.0, 0.0)]
    assert cloud._of_agent(b"edge/v1/g/up/telemetry", pack(readings, 0.0)) == [("s07", 2007)]
    told = {"s07": [{"ts": 1, "values": {"v": 20.07}}], ALARM: [{"ts": 1, "values": {"v": TOO_HIGH + 4.0}}]}
    assert cloud._of_thingsboard(json.dumps(told).encode()) == [("s07", 2007), (ALARM, 4)]
    assert number_of(ALARM, 3.0) == 3


def test_the_agent_loses_nothing_that_the_local_broker_accepted_when_it_is_killed(tmp_path: Path) -> None:
    many = 1200
    with Rig(tmp_path, (AGENT,)) as bench:
        folder = tmp_path / "agent"
        folder.mkdir()
        bench.add(rig.agent(folder, bench.local, bench.ports[AGENT]))
        bench.ready()
        bench.all_cables("cut")
        feed(bench.local, many, 1000.0)
        bench.gateways[AGENT].kill()
        bench.all_cables("mend")
        bench.gateways[AGENT].start()
        count = bench.wait(AGENT, many, quiet_s=15.0, limit_s=30.0)
        alarm = feed(bench.local, 2, 50.0, alarm=True)
        time.sleep(1.0)
        assert set(bench.count(AGENT).alarms) >= set(alarm.sent)
    assert count.distinct == many


def test_a_peer_that_cannot_be_installed_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEER_VENV", str(tmp_path / "file" / "venv"))
    (tmp_path / "file").write_text("")
    with pytest.raises(NotMeasuredError, match="cannot be installed"):
        thingsboard.environment()
