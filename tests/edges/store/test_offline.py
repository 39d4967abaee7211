"""`edge-agent queue offline` and `queue dump` read an outbox that nobody runs, and never write."""

import json
from pathlib import Path

import pytest

from edge_agent.config.model import Outbox as Settings
from edge_agent.console.cli import main
from edge_agent.core import block
from edge_agent.core.event import Event, EventKind, Lane
from edge_agent.core.ids import uuid7
from edge_agent.core.reading import Channel, Reading
from edge_agent.core.wire import pack
from edge_agent.store.outbox import Outbox


def event(kind: EventKind, payload: bytes, number: int) -> Event:
    return Event(uuid7(1.8e9 + number, b"\1" * 10), kind, f"edge.{kind.value}.x.v1", "boiler", 5.0, "boot", payload)


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    outbox = Outbox(tmp_path, Settings())
    readings = [Reading(Channel("boiler.pressure", "bar"), 1.5, 5.0 + i) for i in range(3)]
    outbox.append(event(EventKind.TELEMETRY, block.pack(readings, 5.0), 1))
    outbox.append(event(EventKind.FINDING, pack({"sentence": "Boiler pressure is low."}), 2))
    outbox.append(event(EventKind.FINDING, b"\xc1", 3))
    for lane in Lane:
        await outbox.commit(lane)
    outbox.close()
    return tmp_path


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*")}


def test_the_lanes_are_shown_and_nothing_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = stamps(folder)
    assert main(["queue", "offline", "--state", str(folder), "--json"]) == 0
    lanes = {row["lane"]: row["events"] for row in json.loads(capsys.readouterr().out)}
    assert lanes == {"help": 0, "finding": 2, "state": 0, "telemetry": 1}
    assert main(["queue", "offline", "--state", str(folder)]) == 0
    assert "telemetry        1" in capsys.readouterr().out
    assert stamps(folder) == before


def test_a_lane_is_dumped_with_its_data_and_what_is_unreadable_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["queue", "dump", "--state", str(folder)]) == 0
    assert "3 readings" in capsys.readouterr().out
    assert main(["queue", "dump", "finding", "--state", str(folder), "--json"]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["data"] == {"sentence": "Boiler pressure is low."}
    assert second["data"].startswith("unreadable")
    assert main(["queue", "dump", "finding", "--state", str(folder), "--most", "1"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_folder_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queue", "dump", "--state", str(tmp_path / "no")]) == 1
    assert "name its folder with --state" in capsys.readouterr().err
