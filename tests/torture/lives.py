"""Starts lives of the writer, with a tracer on them where wanted."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.torture.board import Board
from tests.torture.writer import GO, LIVED, WELL

# What changes a disk. A question mark: not every machine has it.
WRITES = (
    *("write", "pwrite64", "writev", "?pwritev", "?pwritev2", "fsync", "fdatasync", "ftruncate", "fallocate"),
    *("?rename", "?renameat", "?renameat2", "?unlink", "unlinkat", "?mkdir", "mkdirat"),
)
KILLED = -signal.SIGKILL
# So many that segments are filled, recycled and made anew, and that cases begin and end: some 700 calls.
ROUNDS = 12


def no_tracer() -> str:
    """Why system calls cannot be counted here; empty when they can."""
    if shutil.which("strace") is None:
        return "needs strace"
    done = subprocess.run(["strace", "-qq", "-e", "trace=none", "true"], check=False, capture_output=True, text=True)
    return f"strace may not trace here: {done.stderr.strip()}" if done.returncode != 0 else ""


def calls(trace: Path) -> list[str]:
    """The names of the system calls of a life, in order."""
    return [found[1] for line in trace.read_text().splitlines() if (found := re.match(r"(\w+)\(", line))]


def at_call(made: Sequence[str], place: int, what: str, *, on: bool = False) -> list[str]:
    """Injections of `what` at the call `made[place]`; `on`: also at all that follow.

    strace counts every kind of call by itself.
    """
    names = sorted(set(made)) if on else [made[place]]
    plus = "+" if on else ""
    before = {name: sum(each == name for each in made[:place]) for name in names}
    return [f"{name}:{what}:when={before[name] + 1}{plus}" for name in names]


class Lives:
    """The forking process."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.torture.writer"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)

    def begin(self, folder: Path, board: Path, seed: int, rounds: int, *options: str) -> int:
        """Fork a life; returns its pid."""
        self._say(f"{folder} {board} {seed} {rounds} {' '.join(options)}")
        return int(self._hear())

    def end(self) -> int:
        """Wait until it is over; its exit code, negative for a signal."""
        return int(self._hear())

    def traced(self, folder: Path, board: Board, seed: int, inject: Iterable[str] = ()) -> int:
        """One life under these injections (strace's words), which end when it is lived; its exit code.

        `folder/board` is the board's file, `folder/trace` what strace wrote.
        """
        pid = self.begin(folder, folder / "board", seed, ROUNDS, "inline", "wait")
        words = ["strace", "-e", f"trace={','.join(WRITES)}", "-o", str(folder / "trace"), "-p", str(pid)]
        for each in inject:
            words += ["-e", f"inject={each}"]
        tracer = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        assert tracer.stderr is not None
        first = tracer.stderr.readline()
        if "attached" not in first:
            os.kill(pid, signal.SIGKILL)
            self.end()
            raise OSError(first)
        board.phase = GO
        while board.phase < LIVED and tracer.poll() is None and not board.crash:
            with suppress(TimeoutError):
                board.wait_for(LIVED, 0.02)
        tracer.terminate()  # it lets go, and the disk is well
        tracer.wait(10)
        tracer.stderr.close()
        board.phase = max(board.phase, WELL)
        return self.end()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()
