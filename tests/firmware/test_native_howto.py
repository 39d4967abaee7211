"""What docs/bridge-howto.md shows for own firmware is built and run as it stands there, and read by the agent."""

import re
import subprocess
from pathlib import Path

import pytest

from edge_agent.config.load import load
from edge_agent.core.request import State
from edge_agent.drivers.registry import LANGUAGES
from tests.firmware.native_agent import latest, running, until
from tests.firmware.native_c import FLAGS, SOURCES, compiler
from tests.firmware.native_process import ProcessDevice, micropython

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FILE = re.compile(r"^\*\*firmware/([\w.]+)\*\*\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    found = dict(FILE.findall((ROOT / "docs" / "bridge-howto.md").read_text(encoding="utf-8")))
    assert found.keys() == {"agent.toml", "panel.c", "measure.py"}
    return found


def test_its_configuration_is_right(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text(files["agent.toml"], encoding="utf-8")
    config = load(tmp_path / "agent.toml", LANGUAGES)
    assert (config.serial[0].language, config.help.button_channel) == ("native", "panel.help")


@pytest.fixture
def board(files: dict[str, str], tmp_path: Path) -> Path:
    """The C of the page as a program."""
    (tmp_path / "panel.c").write_text(files["panel.c"], encoding="utf-8")
    sources = [tmp_path / "panel.c", HERE / "native_howto.c", *SOURCES]
    command = [compiler(), *FLAGS, "-D_DEFAULT_SOURCE", *map(str, sources), "-o", str(tmp_path / "board")]
    subprocess.run(command, check=True)
    return tmp_path / "board"


async def test_its_c_is_a_device_with_a_help_button(board: Path, tmp_path: Path) -> None:
    async with ProcessDevice((str(board),), tmp_path).on() as device, running(tmp_path) as agent:
        await until(lambda: latest(agent, "temperature") == 21.5)
        await until(lambda: latest(agent, "firmware") == "Acme panel 1.0")
        await until(lambda: latest(agent, "help") is False)
        device.do("press")
        await until(lambda: agent.help.state is State.CANCEL_WINDOW)
        device.let_go()
        await until(lambda: latest(agent, "help") is False)
        assert agent.help.case is not None
        assert agent.help.case.nudges == 0


async def test_its_micropython_is_a_thermometer(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "measure.py").write_text(files["measure.py"], encoding="utf-8")
    command = (*micropython("micropython_board.py"), str(tmp_path / "measure.py"), str(tmp_path))
    async with ProcessDevice(command, tmp_path).on(), running(tmp_path) as agent:
        await until(lambda: latest(agent, "temperature") == pytest.approx(27.0, abs=0.1))
        await until(lambda: latest(agent, "firmware") == "Acme thermometer 1.0")
