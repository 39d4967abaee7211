"""What the kernel says of a computer and its disk, as files in a folder that stands for its sysfs."""

import os
from pathlib import Path

import pytest

from edge_agent.core.selftest import Verdict
from edge_agent.services.selftest import computer, disk


@pytest.mark.parametrize(
    ("word", "verdict", "said"),
    [
        ("0\n", Verdict.OK, "right since the start"),
        ("50005\n", Verdict.FAIL, "too low now"),  # vcgencmd get_throttled: throttled=0x50005
        ("50000\n", Verdict.WARN, "has been too low"),
        ("80000\n", Verdict.OK, "right since the start"),  # only its soft temperature limit was reached
        ("rubbish", Verdict.UNKNOWN, "does not measure"),
        ("", Verdict.UNKNOWN, "does not measure"),
    ],
)
def test_a_raspberry_pi_says_whether_its_voltage_is_or_was_too_low(tmp_path, word, verdict, said):
    (tmp_path / "get_throttled").write_text(word)
    found = computer.power({"power": "unknown"}, tmp_path / "get_throttled")
    assert found.verdict is verdict
    assert said in found.evidence


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        ({"power": "mains"}, Verdict.OK),
        ({"power": "unknown"}, Verdict.UNKNOWN),
        ({"power": "battery", "battery_pct": 80}, Verdict.OK),
        ({"power": "battery", "battery_pct": 20}, Verdict.WARN),
        ({"power": "mains", "undervoltage": True}, Verdict.FAIL),
    ],
)
def test_power_is_judged_by_what_the_kernel_measures(tmp_path, measured, verdict):
    assert computer.power(measured, tmp_path / "none").verdict is verdict


@pytest.mark.parametrize(
    ("left_kb", "verdict"), [(900_000, Verdict.OK), (90_000, Verdict.WARN), (20_000, Verdict.FAIL)]
)
def test_memory_is_what_can_still_be_had(tmp_path, left_kb, verdict):
    (tmp_path / "meminfo").write_text(f"MemTotal: 1000000 kB\nMemFree: 5 kB\nMemAvailable: {left_kb} kB\n")
    assert computer.memory(tmp_path / "meminfo").verdict is verdict


def test_memory_of_a_strange_kernel_is_not_known_and_this_ones_is(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: much\n")
    assert computer.memory(tmp_path / "meminfo").verdict is Verdict.UNKNOWN
    assert computer.memory().verdict in (Verdict.OK, Verdict.WARN, Verdict.FAIL)


@pytest.mark.parametrize(
    ("milli", "verdict"),
    [([], Verdict.UNKNOWN), (["41000", "x"], Verdict.OK), (["1", "80000"], Verdict.WARN), (["85000"], Verdict.FAIL)],
)
def test_the_warmest_sensor_counts(tmp_path, milli, verdict):
    for number, word in enumerate(milli):
        (tmp_path / f"thermal_zone{number}").mkdir()
        (tmp_path / f"thermal_zone{number}" / "temp").write_text(f"{word}\n")
    assert computer.temperature(tmp_path).verdict is verdict


def test_room_on_the_disk_is_judged_against_the_floor_that_the_outbox_keeps(tmp_path):
    assert disk.space(tmp_path, 0.0, 0).verdict in (Verdict.OK, Verdict.WARN)
    short = disk.space(tmp_path, 1e12, 0)
    assert short.verdict is Verdict.FAIL
    assert "MB free" in short.evidence
    assert disk.space(Path("/proc"), 0.0, 0).verdict is Verdict.WARN, "a filesystem without blocks has no room"


def test_a_write_is_really_made_safe_and_leaves_nothing_behind(tmp_path):
    found = disk.latency(tmp_path)
    assert found.verdict in (Verdict.OK, Verdict.WARN, Verdict.FAIL)
    assert "a write is safe after" in found.evidence
    assert not list(tmp_path.iterdir())


def test_a_disk_that_takes_no_write_has_failed():
    found = disk.latency(Path("/proc"))
    assert (found.verdict, "cannot be written" in found.evidence) == (Verdict.FAIL, True)
    assert "replace the disk" in found.fix


def test_a_disk_that_this_user_may_not_write_to_is_not_to_be_replaced():
    found = disk.latency(Path("/sys"))  # which takes no file, not even from root
    assert found.verdict is Verdict.FAIL
    assert "sudo -u edge-agent edge-agent check" in found.fix


@pytest.mark.parametrize(
    ("life", "end", "verdict"),
    [
        ("0x01 0x02\n", "0x01\n", Verdict.OK),
        ("0x09 0x01\n", "0x01\n", Verdict.WARN),
        ("0x01 0x01\n", "0x02\n", Verdict.WARN),
        ("0x0b 0x01\n", "0x01\n", Verdict.FAIL),
        ("0x02 0x02\n", "0x03\n", Verdict.FAIL),
        ("0x02 0x02\n", None, Verdict.OK),
        (None, None, Verdict.UNKNOWN),
        ("worn\n", "very\n", Verdict.UNKNOWN),
    ],
)
def test_an_emmc_says_how_worn_it_is_also_for_its_partitions(tmp_path, life, end, verdict):
    state, card = tmp_path / "state", tmp_path / "devices/mmcblk0"
    state.mkdir()
    (card / "mmcblk0p2").mkdir(parents=True)
    (card / "device").mkdir()
    for name, word in (("life_time", life), ("pre_eol_info", end)):
        if word is not None:
            (card / "device" / name).write_text(word)
    number = state.stat().st_dev
    (tmp_path / "block").mkdir()
    (tmp_path / "block" / f"{os.major(number)}:{os.minor(number)}").symlink_to(card / "mmcblk0p2")
    assert disk.wear(state, tmp_path / "block").verdict is verdict


def test_a_disk_without_a_device_of_its_own_does_not_say(tmp_path):
    assert disk.wear(tmp_path, tmp_path / "none").verdict is Verdict.UNKNOWN
