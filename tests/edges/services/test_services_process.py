"""The small rooms around the services: clock, folders, log."""

import asyncio
import io
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from edge_agent import logs, settings, systemclock
from edge_agent.config import model
from edge_agent.systemclock import SystemClock, process_age_s

# --- clock ---


def test_the_clock_is_the_kernels() -> None:
    now = SystemClock().now()
    assert now.monotonic == pytest.approx(time.monotonic(), abs=0.1)
    assert now.wall == pytest.approx(time.time(), abs=0.1)
    assert now.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert 0 < process_age_s() < 86400


def test_the_clock_is_trusted_when_timesyncd_says_so_and_asked_every_ten_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "synchronized"
    monkeypatch.setattr(systemclock, "_TIMESYNCD", mark)
    monkeypatch.setattr(SystemClock, "_synchronised", lambda _self: False)
    clock = SystemClock()
    assert not clock.now().trusted
    mark.touch()
    assert not clock.now().trusted
    clock._asked_at -= 11
    assert clock.now().trusted


def test_the_clock_that_is_set_by_hand_is_asked_for_at_once_and_then_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong_s, synchronised = [0.0], [True]
    monkeypatch.setattr(systemclock, "_TIMESYNCD", tmp_path / "none")
    monkeypatch.setattr(SystemClock, "_synchronised", lambda _self: synchronised[0])
    clock = SystemClock(lambda: time.time() + wrong_s[0])
    assert clock.now().trusted
    wrong_s[0], synchronised[0] = 3.2e8, False
    now = clock.now()
    assert now.trusted
    assert now.wall == pytest.approx(time.time(), abs=0.1)


def test_a_clock_that_the_kernel_steps_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong_s = [3600.0]
    monkeypatch.setattr(systemclock, "_TIMESYNCD", tmp_path / "none")
    monkeypatch.setattr(SystemClock, "_synchronised", lambda _self: True)
    clock = SystemClock(lambda: time.time() + wrong_s[0])
    clock.now()
    wrong_s[0] = 0.0
    assert clock.now().wall == pytest.approx(time.time(), abs=0.1)


def test_what_came_due_in_a_suspend_is_done_when_the_machine_wakes(monkeypatch: pytest.MonkeyPatch) -> None:
    slept_s, done = 0.0, []
    awake = systemclock.monotonic
    monkeypatch.setattr(systemclock, "monotonic", lambda: awake() + slept_s)

    async def night() -> None:
        nonlocal slept_s
        loop = asyncio.get_running_loop()
        loop.call_later(600.0, done.append, "due")
        loop.call_later(7200.0, done.append, "not due")
        before = SystemClock().now()
        slept_s = 3600.0
        await asyncio.sleep(0.01)
        assert SystemClock().now().monotonic - before.monotonic > 3600.0
        assert loop.time() == pytest.approx(SystemClock().now().monotonic, abs=0.1)

    with asyncio.Runner(loop_factory=systemclock.Loop) as runner:
        runner.run(night())
    assert done == ["due"]


def test_the_kernels_own_word_can_be_asked() -> None:
    assert SystemClock()._synchronised() in (True, False, None)


def test_in_a_sandbox_that_forbids_to_ask_the_kernel_timesyncd_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark, wrong_s = tmp_path / "synchronized", [5.0]
    mark.touch()
    monkeypatch.setattr(systemclock, "_TIMESYNCD", mark)
    monkeypatch.setattr(SystemClock, "_synchronised", lambda _self: None)
    clock = SystemClock(lambda: time.time() + wrong_s[0])
    clock.now()
    clock._asked_at -= 11
    wrong_s[0] = 0.0
    assert clock.now().trusted
    assert clock.now().wall == pytest.approx(time.time(), abs=0.1)


# --- settings ---


@pytest.mark.parametrize(
    ("configured", "environment", "uid", "folder"),
    [
        ("/data", {"STATE_DIRECTORY": "/var/lib/other"}, 0, "/data"),
        ("", {"STATE_DIRECTORY": "/var/lib/edge-agent:/second"}, 999, "/var/lib/edge-agent"),
        ("", {}, 0, "/var/lib/edge-agent"),
        ("", {"XDG_STATE_HOME": "/home/ana/.state"}, 1000, "/home/ana/.state/edge-agent"),
        ("", {"HOME": "/home/ana"}, 1000, "/home/ana/.local/state/edge-agent"),
    ],
)
def test_the_state_is_where_it_was_configured_or_in_the_usual_place(
    monkeypatch: pytest.MonkeyPatch, configured: str, environment: dict[str, str], uid: int, folder: str
) -> None:
    for name in ("STATE_DIRECTORY", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    assert settings.state_folder(configured) == Path(folder)


def test_a_block_may_stay_open_for_longer_than_what_a_power_cut_may_cost() -> None:
    config = model.Config(outbox=model.Outbox(durability_window_s=2.0, block_age_s=60.0))
    assert settings.block_limits(config) == (60.0, 2000, 2.0)


# --- log ---


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, str]]]]:
    stream, root = io.StringIO(), logging.getLogger()
    before = (root.level, root.handlers[:])
    monkeypatch.setattr(sys, "stderr", stream)
    device = model.BleDevice(
        name="hall", address="A4:C1:38:8D:18:B2", language="bthome", options={"key": "00112233445566778899aabbccddeeff"}
    )
    logs.configure("info", "json", settings.secrets(model.Config(ble=model.Ble(device=(device,)))))
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.reset_defaults()
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def test_a_line_is_json_with_level_and_time(lines: Callable[[], list[dict[str, str]]]) -> None:
    structlog.get_logger().info("ready", gateway="gw")
    structlog.get_logger().debug("nobody wants to know")
    (line,) = lines()
    assert (line["event"], line["level"], line["gateway"]) == ("ready", "info", "gw")
    assert line["timestamp"].endswith("Z")


def test_warnings_of_libraries_go_into_the_same_log_once_a_minute(lines: Callable[[], list[dict[str, str]]]) -> None:
    for _ in range(5):
        logging.getLogger("bleak.backends").warning("adapter %s is gone", "hci0")
    logging.getLogger("dbus_fast").info("nobody wants to know")
    try:
        raise ValueError("no such path")  # noqa: TRY301
    except ValueError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved")
    logs.Libraries().emit(logging.LogRecord("bad", logging.ERROR, __file__, 1, "%d of %d", ("one",), None))
    first, second, third = lines()
    assert (first["event"], first["library"], first["level"]) == ("adapter hci0 is gone", "bleak.backends", "warning")
    assert "ValueError: no such path" in second["exception"]
    assert third["event"] == "%d of %d"


def test_no_secret_stands_in_the_log(lines: Callable[[], list[dict[str, str]]]) -> None:
    structlog.get_logger().warning(
        "refused", password="hunter2", bind_key="abc", key="abc", why="key 00112233445566778899aabbccddeeff is wrong"
    )
    (line,) = lines()
    assert line["password"] == line["bind_key"] == line["key"] == logs.HIDDEN
    assert line["why"] == f"key {logs.HIDDEN} is wrong"


def test_a_log_that_cannot_be_written_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    logs.configure("info", "console")
    structlog.get_logger().error("the disk is full")
    structlog.reset_defaults()
    root.setLevel(before[0])
    root.handlers[:] = before[1]
