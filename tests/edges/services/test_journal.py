"""The log in a real journal of systemd, in a namespace of its own."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.journal import MAX_VALUE, field_name, is_journal, packed

JOURNALD = "/lib/systemd/systemd-journald"
needs_journald = pytest.mark.skipif(
    os.geteuid() != 0 or not Path(JOURNALD).exists() or shutil.which("journalctl") is None,
    reason="only root starts a systemd-journald, and only where it is installed",
)
SAY = """
import sys
from edge_agent import journal, logs
journal.Journal.__init__.__defaults__ = (sys.argv[1],)
logs.configure("info", "auto", ("swordfish",))
import structlog
log = structlog.get_logger("driver")
log.warning("fault", what="boiler", reason="checksum", text="two\\nlines and swordfish")
log.info("ready", api_token="abc", seconds=0.5)
try:
    1 / 0
except ZeroDivisionError:
    log.error("broken", exc_info=True)
log.debug("never seen")
print(logs.recent.count)
"""


@pytest.fixture
def journal() -> Iterator[str]:
    """The name of a journal that a systemd-journald keeps."""
    name = f"edge{os.getpid()}"
    process = subprocess.Popen([JOURNALD, name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    place = Path(f"/run/systemd/journal.{name}")
    try:
        end = time.monotonic() + 10.0
        while not (place / "socket").exists():
            assert time.monotonic() < end, "systemd-journald does not start"
            time.sleep(0.02)
        yield name
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(place, ignore_errors=True)
        for folder in ("/var/log/journal", "/run/log/journal"):
            for left in Path(folder).glob(f"*.{name}"):
                shutil.rmtree(left)


def said(name: str, *matches: str) -> list[dict]:
    words = ["journalctl", f"--namespace={name}", "-o", "json", "SYSLOG_IDENTIFIER=edge-agent", *matches]
    return [json.loads(line) for line in subprocess.run(words, capture_output=True, check=True).stdout.splitlines()]


def speak(socket: str, journal_stream: bool = True) -> subprocess.CompletedProcess[str]:
    """A process that logs, whose standard error is the journal's as far as systemd's own sign says."""
    ours, theirs = os.pipe()
    found = os.fstat(theirs)
    environment = os.environ | ({"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"} if journal_stream else {})
    words = [sys.executable, "-c", SAY, socket]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=theirs, env=environment, text=True, check=True)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        done.stderr = pipe.read()
    return done


@needs_journald
def test_each_line_is_found_by_its_fields_with_its_priority_and_without_secrets(journal):
    done = speak(f"/run/systemd/journal.{journal}/socket")
    assert (done.stdout, done.stderr) == ("3\n", "")
    end = time.monotonic() + 10.0
    while len(said(journal)) < 3 and time.monotonic() < end:
        time.sleep(0.05)
    (fault,) = said(journal, "EDGE_EVENT=fault", "EDGE_WHAT=boiler")
    assert (fault["PRIORITY"], fault["EDGE_REASON"], fault["_TRANSPORT"]) == ("4", "checksum", "journal")
    assert fault["EDGE_TEXT"] == "two\nlines and ***"
    assert "swordfish" not in fault["MESSAGE"]
    (ready,) = said(journal, "EDGE_EVENT=ready")
    assert (ready["MESSAGE"], ready["EDGE_API_TOKEN"]) == ("ready  api_token=*** seconds=0.5", "***")
    (broken,) = said(journal, "PRIORITY=3")
    assert "ZeroDivisionError" in broken["EDGE_EXCEPTION"]


def test_where_the_journal_does_not_answer_lines_go_to_standard_error(tmp_path):
    done = speak(str(tmp_path / "nobody"))
    assert "fault  what=boiler reason=checksum" in done.stderr
    assert "swordfish" not in done.stderr


def test_without_a_journal_lines_are_json(tmp_path):
    lines = [json.loads(line) for line in speak(str(tmp_path / "none"), journal_stream=False).stderr.splitlines()]
    assert [line["event"] for line in lines] == ["fault", "ready", "broken"]


def test_another_stream_than_the_journals_is_none(tmp_path, monkeypatch):
    with (tmp_path / "log").open("w") as file:
        for sign in ("", "1:2", "rubbish", "::", f"{os.fstat(file.fileno()).st_dev}:"):
            monkeypatch.setenv("JOURNAL_STREAM", sign)
            assert not is_journal(file)


@given(st.dictionaries(st.text(max_size=80), st.text(max_size=50) | st.integers() | st.none(), max_size=60))
def test_whatever_is_logged_is_a_datagram_that_the_journal_reads(event):
    raw = packed(event)
    assert len(raw) < 64 * 1024
    fields = []
    while raw:
        name, mark, rest = raw.partition(b"\n")
        if b"=" in name:
            fields.append(name.partition(b"=")[0])
            raw = rest
            continue
        size = int.from_bytes(rest[:8], "little")
        fields.append(name)
        assert (mark, rest[8 + size : 9 + size]) == (b"\n", b"\n")
        raw = rest[9 + size :]
    assert fields[:3] == [b"MESSAGE", b"PRIORITY", b"SYSLOG_IDENTIFIER"]
    for name in fields:
        assert name.decode().replace("_", "").isalnum()
        assert len(name) <= 64


def test_a_name_is_upper_case_and_a_value_has_an_end():
    assert field_name("what-é") == "EDGE_WHAT__"
    assert len(packed({"event": "x" * 100_000})) < 3 * MAX_VALUE
