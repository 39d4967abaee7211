"""Work beside the agent, in a process of its own: what hangs, crashes or eats memory there touches nothing here."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path


async def output(words: tuple[str, ...], limit_s: float, most_bytes: int) -> bytes:
    """What Python says on its standard output, run as `python -m WORDS`; at most so many bytes.

    It is killed where it is not done in time (TimeoutError) or the caller is cancelled; where memory is short, it goes
    before the agent does.
    """
    quiet = asyncio.subprocess.DEVNULL
    # -P: what lies in the folder that the agent happens to be in is no package
    command = (sys.executable, "-P", "-m", *words)
    process = await asyncio.create_subprocess_exec(*command, stdin=quiet, stdout=asyncio.subprocess.PIPE, stderr=quiet)
    assert process.stdout is not None
    _first_to_go(process.pid)
    said = bytearray()
    try:
        async with asyncio.timeout(limit_s):
            while len(said) < most_bytes and (piece := await process.stdout.read(most_bytes - len(said))):
                said += piece
            await process.wait()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return bytes(said)


def _first_to_go(pid: int) -> None:
    with suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("1000", encoding="ascii")
