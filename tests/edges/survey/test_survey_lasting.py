"""How long a survey listens, as a program of its own is asked: for its time, or until Ctrl-C."""

import signal
import subprocess
import sys

PROGRAM = """
import sys
from edge_agent.survey.lasting import looks
gone = []
for seconds in looks(float(sys.argv[1]), 0.05, lambda: "3 heard"):
    if not gone:
        print("listening", flush=True)
    gone.append(seconds)
print(len(gone), round(gone[-1], 2))
"""


def started(for_s):
    command = [sys.executable, "-c", PROGRAM, str(for_s)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_it_looks_again_and_again_until_the_time_is_over_and_shows_nothing_where_there_is_no_terminal():
    out, err = started(0.4).communicate(timeout=30)
    _, count, last_s = out.split()
    assert 2 <= int(count) <= 10
    assert float(last_s) == 0.4
    assert err == ""


def test_ctrl_c_ends_it_early_and_what_was_heard_is_kept():
    program = started(60)
    assert program.stdout.readline() == "listening\n"
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=30)
    assert (program.returncode, err) == (0, "")
    assert float(out.split()[1]) < 30
