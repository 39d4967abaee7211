"""What a survey adds to a configuration, on real files."""

import json
import os
import stat
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.config.load import load
from edge_agent.config.mistakes import ConfigProblems
from edge_agent.core.errors import StoreError
from edge_agent.drivers.registry import LANGUAGES
from edge_agent.survey import adding
from edge_agent.survey.adding import Addition, add, add_and_tell

COMMENTED = """# The house at the lake; the key is next door.

[gateway]
site = "lake"   # as on the door

[[ble.device]]
name = "kitchen"        # beside the fridge
address = "A4:C1:38:00:00:01"
language = "bthome"

# Nothing below this line, please.
"""
ATTIC = Addition(
    "ble.device",
    {"name": "attic", "address": "A4:C1:38:00:00:02", "language": "atc", "options": {"key": "ab" * 16}},
    comment="H5075\x1b[2J, heard on 2026-11-29",
    secret="ab" * 16,
)
METER = Addition("serial", {"name": "meter", "port": '/dev/serial/by-id/usb-"odd"', "language": "dsmr", "baud": 9600})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "agent.toml"
    made.write_text(COMMENTED)
    return made


@contextmanager
def as_nobody():
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def test_a_device_is_put_at_the_end_and_all_that_stood_there_stays(file: Path) -> None:
    add(str(file), ATTIC)
    add(str(file), METER)
    assert file.read_text().startswith(COMMENTED)
    config = load(file, LANGUAGES)
    assert [each.name for each in config.devices] == ["meter", "kitchen", "attic"]
    assert config.ble.device[1].options == {"key": "ab" * 16}
    assert config.serial[0].port == '/dev/serial/by-id/usb-"odd"'
    assert "\x1b" not in file.read_text()


def test_owner_and_mode_stay_and_nothing_else_is_left_in_the_folder(file: Path) -> None:
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 65534, 65533)
    before = file.stat()
    add(str(file), ATTIC)
    after = file.stat()
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert [each.name for each in file.parent.iterdir()] == ["agent.toml"]


def test_a_link_stays_a_link_and_the_file_behind_it_is_changed(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(file)
    add(str(link), ATTIC)
    assert link.is_symlink()
    assert "attic" in file.read_text()


@pytest.mark.parametrize(
    ("start", "end"),
    [(b'\xef\xbb\xbf[gateway]\r\nsite = "x"\r\n', b"\r\n"), (b'[gateway]\nsite = "x"', b"\n"), (b"", b"\n")],
)
def test_a_file_of_windows_without_a_last_line_end_or_without_anything_is_added_to(
    file: Path, start: bytes, end: bytes
) -> None:
    file.write_bytes(start)
    add(str(file), ATTIC)
    raw = file.read_bytes()
    assert raw.startswith(start)
    assert raw.endswith(end)
    assert raw.count(b"\r\n") in (0, raw.count(b"\n"))
    assert load(file, LANGUAGES).ble.device[0].name == "attic"


def test_the_same_twice_is_refused_with_the_line_of_the_first(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add_and_tell(str(file), ATTIC, as_json=False) == 0
    once = file.read_bytes()
    assert "systemctl restart" in capsys.readouterr().out
    assert add_and_tell(str(file), ATTIC, as_json=False) == 1
    told = capsys.readouterr().err
    assert "nothing was changed" in told
    assert told.count("the same as in line") == 2
    assert "[[ble.device]]" in told
    assert "abab" not in told
    assert file.read_bytes() == once


def test_all_mistakes_are_told_at_once_and_nothing_is_changed(file: Path) -> None:
    wrong = Addition("ble.device", {"name": "The Attic", "address": "somewhere", "language": "atc"})
    with pytest.raises(ConfigProblems) as problems:
        add(str(file), wrong)
    assert len(problems.value.mistakes) == 2
    assert file.read_text() == COMMENTED


def test_a_file_that_is_wrong_already_is_not_added_to(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("[gateway]\nsit = 1\n")
    assert add_and_tell(str(file), ATTIC, as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["ok"]
    assert "gateway.sit" in told["error"]
    assert file.read_text() == "[gateway]\nsit = 1\n"


def test_devices_that_stand_in_a_list_are_not_added_to_by_a_table(file: Path) -> None:
    file.write_text("[ble]\ndevice = []\n")
    with pytest.raises(ConfigProblems):
        add(str(file), ATTIC)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigProblems, match="cannot be read"):
        add(str(tmp_path / "none.toml"), ATTIC)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_in_a_folder_that_may_not_be_changed_it_says_how_and_nothing_is_changed(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (file.parent, *file.parent.parents[:3]):
        folder.chmod(0o755)
    file.chmod(0o644)
    with as_nobody():
        assert add_and_tell(str(file), ATTIC, as_json=False) == 1
    told = capsys.readouterr().err
    assert "Run it again with sudo" in told
    assert 'name = "attic"' in told
    assert file.read_text() == COMMENTED


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_file_of_somebody_else_does_not_change_its_owner(file: Path) -> None:
    for folder in (file.parent, *file.parent.parents[:3]):
        folder.chmod(0o755)
    file.parent.chmod(0o777)
    file.chmod(0o644)
    with as_nobody(), pytest.raises(StoreError, match="not permitted"):
        add(str(file), ATTIC)
    assert file.read_text() == COMMENTED
    assert len(list(file.parent.iterdir())) == 1


def test_what_somebody_wrote_meanwhile_is_not_lost(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = adding.read_source

    def slowly(name: str) -> str:
        source = read(name)
        file.write_text(COMMENTED + "# one more\n")
        return source

    monkeypatch.setattr(adding, "read_source", slowly)
    with pytest.raises(StoreError, match="somebody else"):
        add(str(file), ATTIC)
    assert file.read_text() == COMMENTED + "# one more\n"


def test_a_name_that_is_no_text_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strange = Addition("serial", {"name": "meter", "port": "/dev/tty\udcff", "language": "dsmr"})
    assert add_and_tell(str(file), strange, as_json=True) == 1
    assert file.read_text() == COMMENTED
    assert not json.loads(capsys.readouterr().out)["ok"]
