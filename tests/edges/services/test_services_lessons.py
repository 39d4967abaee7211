"""What was learned outlives a restart, and a file that is no good only begins anew."""

import asyncio
import subprocess
import sys
from types import SimpleNamespace

import pytest

from edge_agent.core.checks.learned import Learned
from edge_agent.core.clock import Instant
from edge_agent.core.errors import StoreError
from edge_agent.core.reading import Channel, Reading
from edge_agent.services import lessons as room
from edge_agent.services.lessons import Lessons
from edge_agent.store.lessons import NAME, LessonsFile

PUMP = Channel("pump.power", "W")
KEY = "pump.power:learned"


def clock(*, trusted=True):
    return SimpleNamespace(now=lambda: Instant(monotonic=100.0, wall=1_700_000_000.0, boot_id="b", trusted=trusted))


def learn(check, n=300, start=0.0):
    for number in range(n):
        check.see(Reading(PUMP, float(number % 7), start + number * 300.0))


def restarted(folder, problems):
    file = LessonsFile(folder)
    lessons = Lessons(clock(), file.load(problems), file.save)
    check = Learned(PUMP.name)
    lessons.begin(KEY, check)
    return lessons, check


def test_a_check_goes_on_after_a_restart_where_it_was(tmp_path):
    problems = []
    lessons, check = restarted(tmp_path, problems)
    learn(check)
    lessons.finish()
    _, again = restarted(tmp_path, problems)
    assert again.learner.alarm.n == 300
    learn(again, 10)
    assert again.learner.alarm.n == 310
    assert problems == []


def test_a_damaged_file_is_put_aside_and_told_and_learning_begins_anew(tmp_path):
    lessons, check = restarted(tmp_path, [])
    learn(check)
    lessons.finish()
    (tmp_path / NAME).write_bytes(b"no")
    problems = []
    _, again = restarted(tmp_path, problems)
    assert again.learner.alarm.n == 0
    assert "begins anew" in problems[0]


def test_a_state_of_another_version_begins_anew_without_a_word_to_people(tmp_path):
    file = LessonsFile(tmp_path)
    file.save({KEY: "/////w=="})
    problems = []
    _, check = restarted(tmp_path, problems)
    assert check.learner.alarm.n == 0
    assert problems == []


def test_channels_that_are_not_heard_any_more_are_kept(tmp_path):
    file = LessonsFile(tmp_path)
    file.save({"old.one:learned": "AAAA"})
    lessons, check = restarted(tmp_path, [])
    learn(check)
    lessons.finish()
    assert set(file.load([])) == {"old.one:learned", KEY}


def test_nothing_new_is_not_written_and_a_disk_that_fails_is_no_end(tmp_path):
    written = []
    lessons = Lessons(clock(), {}, written.append)
    lessons.begin(KEY, Learned(PUMP.name))
    lessons.finish()
    lessons.finish()
    assert len(written) == 1

    def fails(_table):
        raise StoreError("full", fix="Make room.")

    failing = Lessons(clock(), {}, fails)
    failing.begin(KEY, Learned(PUMP.name))
    failing.finish()


async def test_it_is_written_by_itself_while_the_agent_runs(monkeypatch):
    monkeypatch.setattr(room, "EVERY_S", 0.01)
    written = asyncio.Event()
    loop = asyncio.get_running_loop()
    lessons = Lessons(clock(), {}, lambda _: loop.call_soon_threadsafe(written.set))
    lessons.begin(KEY, Learned(PUMP.name))
    task = asyncio.create_task(lessons.run())
    await asyncio.wait_for(written.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_local_time_is_known_only_while_the_clock_is():
    at = Lessons(clock(), {}, print).local_s(100.0)
    assert at is not None
    assert abs(at - 1_700_000_000.0) <= 14 * 3600
    assert Lessons(clock(trusted=False), {}, print).local_s(100.0) is None


def test_where_nothing_learns_nothing_of_it_is_loaded():
    asked = "import sys, edge_agent.app; print('edge_agent.core.learning.channel' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"
