"""A life of tests/torture/writer.py in the guest, its promises as lines of output: `writer.py FOLDER SEED ROUNDS`.

What is said is on the host some milliseconds later: a promise stands from then on.
"""

import asyncio
import sys
from pathlib import Path

from tests.torture.board import Said
from tests.torture.writer import live


class Telling:
    """As a Board, for a reader that is far."""

    phase = 0

    def say(self, said: Said, lane: int = 0, number: int = 0, extra: int = 0) -> None:
        sys.stdout.write(f"{int(said)} {lane} {number} {extra}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    folder, seed, rounds = sys.argv[1:]
    asyncio.run(live(Path(folder), Telling(), int(seed), int(rounds), []))
