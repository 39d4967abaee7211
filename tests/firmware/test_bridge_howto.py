"""What docs/bridge-howto.md shows is a package that keeps the contract, installs, and is used by the agent."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firmware.support import ROOT

PAGE = ROOT / "docs" / "bridge-howto.md"
FILE = re.compile(r"^\*\*([\w./]+)\*\*\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINE = b"Acc  0.01 mm, EventAcc  2.07 mm, TotalAcc 13.49 mm, RInt  0.41 mmph\r\n"
STARTED_S = 30.0


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the page, and beside them `site`, where the package is installed."""
    folder = tmp_path_factory.mktemp("howto")
    files = dict(FILE.findall(PAGE.read_text(encoding="utf-8")))
    assert {"pyproject.toml", "rain_gauge/bridge.py", "tests/test_rain_gauge.py", "agent.toml"} <= files.keys()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "rain_gauge" / "__init__.py").write_text('"""Rain."""\n', encoding="utf-8")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--target", str(folder / "site"))
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(folder)], check=True)
    return folder


def run(package: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], env=environment(package), cwd=package, capture_output=True, text=True, check=False
    )


def environment(package: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(package / "site"), str(ROOT)))}


def test_its_own_test_passes(package: Path) -> None:
    done = run(package, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(package / "tests"))
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_the_advert_of_the_second_example_is_read_and_recognised(package: Path) -> None:
    code = (
        "from edge_agent.core.reading import Advert, Reading\n"
        "from firmware_bridges.registry import language, recognise\n"
        "advert = Advert('C8:00:00:00:00:01', '', -70, {}, {0xFFFF: bytes.fromhex('5e660891133c')})\n"
        "items = language('shed').make('shed', {}).feed(advert, 0.0)\n"
        "print(recognise(advert), *(f'{item.channel.name}={item.value}' for item in items))"
    )
    done = run(package, "-c", code)
    told = "shed.temperature=21.5 shed.humidity=50.09 shed.battery=60 shed.rssi=-70"
    assert done.stdout.strip() == f"{{'shed': 'Shed'}} {told}", done.stderr


def test_the_agent_checks_a_configuration_that_names_it(package: Path) -> None:
    done = run(package, "-m", "edge_agent", "check-config", str(package / "agent.toml"))
    assert "rain (rain_gauge)" in done.stdout
    assert done.returncode == 0
    alone = subprocess.run(
        [sys.executable, "-m", "edge_agent", "check-config", str(package / "agent.toml")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert alone.returncode != 0
    assert '"rain_gauge": unknown language' in alone.stdout


def channels(package: Path, socket: Path) -> Iterator[dict[str, object]]:
    done = run(package, "-m", "edge_agent", "channels", "--json", "--socket", str(socket))
    if done.returncode == 0:
        yield from json.loads(done.stdout)["channels"]


def test_the_agent_reads_a_rain_gauge_through_it(package: Path) -> None:
    master, slave = os.openpty()
    state, socket = package / "state", package / "agent.socket"
    (package / "run.toml").write_text(
        f'[paths]\nstate = "{state}"\nruntime = "{package}"\n[control]\nsocket = "{socket}"\n'
        f'[[serial]]\nname = "rain"\nport = "{os.ttyname(slave)}"\nlanguage = "rain_gauge"\n',
        encoding="utf-8",
    )
    words = [sys.executable, "-m", "edge_agent", "run", "--config", str(package / "run.toml")]
    agent = subprocess.Popen(words, env=environment(package), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + STARTED_S
        found: dict[str, object] = {}
        while not found and time.monotonic() < until and agent.poll() is None:
            os.write(master, LINE)
            time.sleep(0.5)
            found = {str(row["name"]): row["value"] for row in channels(package, socket)}
        assert found == {"rain.total": 13.49, "rain.intensity": 0.41}
    finally:
        agent.terminate()
        agent.communicate(timeout=20)
        os.close(master)
        os.close(slave)
