"""The service's units: what systemd itself says of them, and the keys that promises rest on."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "systemd"
UNIT = (FOLDER / "edge-agent.service").read_text(encoding="utf-8")
SETTINGS = [line.partition("=")[::2] for line in UNIT.split("\n") if re.match(r"[A-Z]\w*=", line)]

needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
needs_sysusers = pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not here")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@needs_analyze
def test_systemd_finds_nothing_wrong_in_the_unit(tmp_path):
    unit = tmp_path / "edge-agent.service"
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", UNIT))
    result = run("systemd-analyze", "verify", "--recursive-errors=no", str(unit))
    if "Failed to" in result.stderr and "manager" in result.stderr:
        pytest.skip(f"systemd-analyze cannot work here: {result.stderr.strip()}")
    assert (result.returncode, result.stderr) == (0, "")


@needs_analyze
def test_the_unit_is_as_little_exposed_as_its_comment_says():
    result = run("systemd-analyze", "security", "--offline=yes", str(FOLDER / "edge-agent.service"))
    if result.returncode:
        pytest.skip(f"systemd-analyze cannot work here: {result.stderr.strip()}")
    measured = re.search(r"exposure level for edge-agent\.service: ([\d.]+)", result.stdout)
    said = re.search(r"gives ([\d.]+) \(systemd", UNIT)
    assert measured
    assert said
    assert float(measured[1]) <= float(said[1]) + 0.3, "other versions weigh a little differently"


@needs_sysusers
def test_systemd_accepts_the_user_and_its_groups():
    result = run("systemd-sysusers", "--dry-run", str(FOLDER / "edge-agent.sysusers"))
    if "unrecognized option" in result.stderr:
        pytest.skip("this systemd-sysusers has no dry run")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Type", "notify"),
        ("WatchdogSec", "30"),
        ("Restart", "always"),
        ("RestartSec", "5"),
        ("StartLimitIntervalSec", "0"),
        ("StateDirectory", "edge-agent"),
        ("RuntimeDirectory", "edge-agent"),
        ("User", "edge-agent"),
        ("WorkingDirectory", "%t/edge-agent"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("DevicePolicy", "closed"),
        ("DeviceAllow", "char-gpiochip rw"),
        ("DeviceAllow", "char-ttyUSB rw"),
        ("DeviceAllow", "char-ttyACM rw"),
    ],
)
def test_the_unit_keeps_its_promises(key, value):
    assert (key, value) in SETTINGS


def test_the_unit_never_stops_restarting():
    keys = [key for key, _ in SETTINGS]
    assert "StartLimitBurst" not in keys
    assert "RestartSteps" not in keys, "Debian 12 has systemd 252, which does not know it"


def test_what_the_agent_talks_to_is_not_locked_away():
    settings = dict(SETTINGS)
    assert {"AF_UNIX", "AF_INET", "AF_INET6"} <= set(settings["RestrictAddressFamilies"].split())
    assert "ProcSubset" not in settings, "the boot id is in /proc/sys"
    assert "PrivateNetwork" not in settings
    assert "PrivateDevices" not in settings


def test_the_users_groups_are_those_that_open_its_devices():
    members = re.findall(r"^m\s+edge-agent\s+(\w+)$", (FOLDER / "edge-agent.sysusers").read_text(), re.MULTILINE)
    assert members == ["dialout", "gpio", "bluetooth"]


def test_nobody_but_root_and_the_service_reads_the_configuration():
    rows = [line.split() for line in (FOLDER / "edge-agent.tmpfiles").read_text().split("\n") if line[:1] in "dz"]
    assert {(row[1], row[2], row[4]) for row in rows if row} == {
        ("/etc/edge-agent", "0750", "edge-agent"),
        ("/etc/edge-agent/agent.toml", "0640", "edge-agent"),
        ("/etc/edge-agent/broker.password", "0640", "edge-agent"),
    }
